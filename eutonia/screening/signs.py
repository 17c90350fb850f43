"""Observations that answer a question: a sign that is there or denied, and a history of something.

A row of OBSERVATION names a sign by its concept and answers with its value or its qualifier (“Fever”: no), or names a
history and says of what (“History of event”: cancer). Each distinct answer is read once. What is affirmed joins the
conditions; a history is one that is over. What is denied is false, not unknown, unless it is affirmed elsewhere.

    denial_fact   person_id, denial, day;   denial_flag   denial, and the value sets denied as bits
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from eutonia.features.diagnosis import truth_of
from eutonia.knowledge.codes import code_index
from eutonia.screening import staging
from eutonia.screening.allergies import AFFIRMED, BRACKETS, DENIED
from eutonia.screening.cdm import view
from eutonia.screening.groups import packed
from eutonia.screening.vocabulary import Codes, Vocabulary, condition_codes

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine
    from eutonia.screening.meanings import Meanings

HISTORY = re.compile(
    r"(?P<no>no )?(?:known )?(?:past |personal |previous )?(?:medical )?history(?: of (?:event|clinical finding"
    r"(?: in subject)?|disease|disorder|condition))?",
    re.I,
)
"""A name of these words alone asks of what there is a history."""


class Denial(NamedTuple):
    """A sign that is said not to be there, by its SNOMED CT code."""

    snomed: str
    value_sets: frozenset[str]


class Role(NamedTuple):
    """What one distinct code of an observation asks."""

    codes: Codes
    history: bool = False
    """It asks of what there is a history."""
    negative: bool = False
    """It asks of what there is none."""


def read_signs(
    engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge, meanings: Meanings, as_of: int | None
) -> None:
    """Read every distinct answer; leaves `raw_sign`, `sign_meaning` and `denial_fact`."""
    import polars as pl

    roles = _roles(engine, vocabulary, knowledge)
    keys = {
        "concept": pl.Int64, "source": pl.Int64, "source_value": pl.String, "key": pl.Int32,
    }  # fmt: skip
    rows = [(*key, number) for number, (key, _) in enumerate(roles)]
    engine.put("sign_key", pl.DataFrame(rows, schema=keys, orient="row"))
    engine.make("raw_sign", _raw(engine, as_of))
    read: list[tuple[object, ...]] = []
    key_of = "key, value_concept, text, qualifier"
    distinct = f"SELECT {key_of}, COUNT(*) AS n FROM raw_sign GROUP BY {key_of} ORDER BY {key_of}"
    for key, value, text, qualifier, n in engine.get(distinct).iter_rows():
        condition, denial = _meaning(
            roles[key][1],
            value,
            text,
            qualifier,
            n,
            vocabulary=vocabulary,
            knowledge=knowledge,
            meanings=meanings,
        )
        if condition is not None or denial is not None:
            read.append((key, value, text, qualifier, condition, denial))
    schema = {
        "key": pl.Int32, "value_concept": pl.Int64, "text": pl.String, "qualifier": pl.Int64, "condition": pl.Int32,
        "denial": pl.Int32,
    }  # fmt: skip
    engine.put("sign_meaning", pl.DataFrame(read, schema=schema, orient="row"))
    engine.make(
        "denial_fact",
        f"SELECT r.person_id, m.denial, MIN(r.day) AS day FROM raw_sign AS r JOIN sign_meaning AS m ON {MEANT} "
        "WHERE m.denial IS NOT NULL GROUP BY 1, 2",
    )


MEANT = (
    "m.key = r.key AND m.value_concept = r.value_concept AND m.text = r.text AND m.qualifier = r.qualifier"
)

AFFIRMED_SIGNS = (
    "SELECT r.person_id, m.condition, r.day AS since, CAST(NULL AS INTEGER) AS until "
    f"FROM raw_sign AS r JOIN sign_meaning AS m ON {MEANT} WHERE m.condition IS NOT NULL"
)
"""Rows of `condition_fact`."""


def _roles(
    engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge
) -> list[tuple[tuple[int, int, str], Role]]:
    if "observation" not in engine.columns:
        return []
    index = code_index(knowledge)
    found = []
    for concept, source, value, _n in engine.get(
        staging.distinct_facts(engine, "observation", "observation")
    ).iter_rows():
        codes = condition_codes(concept, source, value, vocabulary)
        asked = HISTORY.fullmatch(BRACKETS.sub("", codes.text).strip())
        match = index.look_up(codes.icd10cm, codes.snomed, "")
        if asked:
            found.append(((concept, source, value), Role(codes, history=True, negative=bool(asked["no"]))))
        elif match.value_sets and not match.excluded:
            found.append(((concept, source, value), Role(codes)))
    return found


def _meaning(
    role: Role, value: int, text: str, qualifier: int, rows: int,
    *, vocabulary: Vocabulary, knowledge: Knowledge, meanings: Meanings,
) -> tuple[int | None, int | None]:  # fmt: skip
    """The number of the condition that an answer states, or of its denial; neither where it says nothing."""
    answer, how = vocabulary.get(value), vocabulary.get(qualifier)
    qualified = truth(how.name) if how else None
    codes, said = role.codes._replace(text=""), truth(answer.name if answer else text)
    if role.history:
        if answer is None or said is not None:
            return None, None
        codes = condition_codes(value, 0, "", vocabulary)
        codes = codes._replace(text=f"History of {codes.text}")
        said = not role.negative
    elif said is None and not (value or text):
        said = qualified
    if qualified is False:
        said = False
    match = code_index(knowledge).look_up(codes.icd10cm, codes.snomed, codes.text)
    if said is None or not match.value_sets:
        return None, None
    if said:
        if match.excluded:
            return None, None
        return meanings.add_condition(codes, match, rows), None
    sets = code_index(knowledge).look_up(None, codes.snomed, "").value_sets
    if not codes.snomed or not sets:
        return None, None
    meanings.denials.append(Denial(codes.snomed, sets))
    return None, len(meanings.denials) - 1


def truth(word: str) -> bool | None:
    """Whether a value affirms, denies, or does neither."""
    plain = BRACKETS.sub("", word.removesuffix("(qualifier value)")).strip().casefold()
    if plain in AFFIRMED:
        return True
    return False if plain in DENIED else truth_of(plain)


def _raw(engine: Engine, as_of: int | None) -> str:
    if "observation" not in engine.columns:
        return (
            "SELECT CAST(0 AS BIGINT) AS person_id, CAST(0 AS INTEGER) AS key, 0 AS day, "
            "CAST(0 AS BIGINT) AS value_concept, '' AS text, CAST(0 AS BIGINT) AS qualifier WHERE FALSE"
        )
    when = staging.day("x.observation_date")
    seen = f"AND {when} <= {as_of}" if as_of is not None else ""
    return (
        f"SELECT x.person_id, q.key, {when} AS day, COALESCE(x.value_as_concept_id, 0) AS value_concept, "
        "COALESCE(x.value_as_string, '') AS text, COALESCE(x.qualifier_concept_id, 0) AS qualifier "
        f"FROM {view('observation', engine)} AS x JOIN exposed AS e ON e.person_id = x.person_id "
        f"{staging.joined_to_concepts('observation')} JOIN sign_key AS q ON "
        f"{staging.same(staging.fact_key('observation'), 'q')} "
        f"WHERE x.observation_date IS NOT NULL AND x.value_as_number IS NULL AND NOT ({staging.BARE}) {seen}"
    )


def denial_flags(meanings: Meanings, groups: Mapping[tuple[str, ...], int]) -> pl.DataFrame:
    """One row per denial: the groups of value sets of which one is denied, as bits."""
    import polars as pl

    words = [f"d{word}" for word in range(len(packed((), len(groups))))]
    rows = [
        (number, *packed((n for names, n in groups.items() if each.value_sets & set(names)), len(groups)))
        for number, each in enumerate(meanings.denials)
    ]
    return pl.DataFrame(rows, schema={"denial": pl.Int32, **dict.fromkeys(words, pl.Int64)}, orient="row")
