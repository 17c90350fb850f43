"""Allergies: the CDM has no table of them, and keeps them as observations and diagnoses.

A statement is a concept by itself (“Allergy to X”), a question with the substance as its value (“Allergy to drug”:
X, as a concept or as text), or says that none is known. Each distinct statement is read once, by its names; what
it says to each feature is asked of the code that reads a single case.

    allergy_fact   person_id, statement, day
    allergy_flag   statement, listed, none, unnamed, and for each feature <feature>_yes, <feature>_maybe

An allergy counts from the day on which it was written, and goes on; beside one, “none known” counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from eutonia.patient import Allergy, Case
from eutonia.screening import staging
from eutonia.screening.cdm import view
from eutonia.screening.vocabulary import Concept, Vocabulary

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine


class Statement(NamedTuple):
    """What one distinct statement says."""

    allergies: tuple[Allergy, ...] = ()
    none: bool = False
    """No allergy to drugs is known."""
    unnamed: bool = False
    """There is an allergy to a drug, and the statement does not tell to which."""


TABLES = (("observation", "observation", "o"), ("condition_occurrence", "condition", "c"))

NONE = re.compile(
    r"\bno (?:known )?(?:history of )?(?:drug |medication |medicine )?allerg(?:y|ies)\b(?! to\b)|^nkd?a$",
    re.I,
)
ITSELF = re.compile(
    r"\b(?P<kind>allergy(?: status)?|allergic reaction|hypersensitivity(?: reaction)?|intolerance|"
    r"anaphyla\w+(?: reaction)?|adverse reactions?) (?:to|caused by|due to) (?P<what>.+)",
    re.I,
)
BEFORE = re.compile(r"(?P<what>.+?) (?P<kind>allergy|hypersensitivity|intolerance)", re.I)
NOT_THE_PERSONS = re.compile(
    r"^(?:no|not|denies|without)\b|\bfamily history\b|^fh\b|\brisk of\b|\btest", re.I
)
BRACKETS = re.compile(r"\s*\((?:substance|product|disorder|finding|situation|observable entity|event)\)")
QUESTION = re.compile(
    r"(?:\W|\b(?:adverse|agents?|allerg(?:en|ic|ies|y)|an|and|any|biological|by|caused|document|drugs?|due|history|"
    r"hypersensitivity|intolerances?|known|medicaments?|medications?|medicines?|of|or|other|personal|pharmaceutical|"
    r"products?|propensity|reactions?|specific|status|substances?|to|type|unspecified)\b)*",
    re.I,
)
"""A name of these words alone names no substance: it asks for one."""

ABOUT = re.compile("allerg|hypersensitiv|intoleran|adverse", re.I)
ABOUT_DRUGS = re.compile("drug|medic|pharmaceutical|substance", re.I)
DENIED = {"no", "none", "absent", "known absent", "negative", "not present", "denied", "nil", "false", "n"}
AFFIRMED = {"yes", "present", "known present", "positive", "true", "y", "confirmed"}
UNKNOWN = {"unknown", "not known", "not asked", "unable to assess", "no information", "undetermined"}


class Said(NamedTuple):
    """What stands in the value of a row: the concept, and the text."""

    concept: Concept | None
    text: str


def is_about_allergy(names: Iterable[str]) -> bool:
    return any(ABOUT.search(name) or NONE.search(name) for name in names)


def read_statement(
    names: Iterable[str], codes: Iterable[str], said: Said, knowledge: Knowledge
) -> Statement | None:
    """What a row of these names and this value says; None where it is no statement about allergies of the person."""
    from eutonia.fhir.record import NO_KNOWN_ALLERGY

    value = BRACKETS.sub("", said.concept.name if said.concept else said.text).strip()
    word = value.casefold()
    if word in UNKNOWN:
        return None
    if NO_KNOWN_ALLERGY.intersection(codes) or (said.concept and said.concept.code in NO_KNOWN_ALLERGY):
        return None if word in DENIED else Statement(none=True)
    for name in (BRACKETS.sub("", each).strip() for each in names):
        if NONE.search(name):
            return None if word in DENIED else Statement(none=True)
        if not ABOUT.search(name) or NOT_THE_PERSONS.search(name):
            continue
        if _names_nothing(name):
            return _answered(name, word, said, knowledge)
        found = _by_itself(name, "" if word in AFFIRMED else value, knowledge)
        if found:
            return None if word in DENIED else Statement((found,))
    return None


def _names_nothing(text: str) -> bool:
    return QUESTION.fullmatch(text) is not None


def _by_itself(text: str, reaction: str, knowledge: Knowledge) -> Allergy | None:
    """“Allergy to X”; “X allergy” only where X is a known drug, as fields and stomachs have such names too."""
    from eutonia.formulary import recognise

    found = ITSELF.search(text)
    if found is None:
        found = BEFORE.fullmatch(text)
        if found is None or not recognise(found["what"].casefold(), None, knowledge):
            return None
    kind = found["kind"].casefold()
    shock = kind if kind.startswith("anaphyla") else ""
    return Allergy(
        substance=found["what"],
        type="intolerance" if kind.startswith(("intolerance", "adverse")) else "allergy",
        reaction="; ".join(filter(None, (shock, reaction))) or None,
    )


def _answered(question: str, word: str, said: Said, knowledge: Knowledge) -> Statement | None:
    """The answer to a question after allergies: the substance, none, or that there is one."""
    unnamed = Statement(unnamed=True) if ABOUT_DRUGS.search(question) else None
    if NONE.search(word) or word in DENIED:
        return Statement(none=True)
    intolerant = not re.search("allerg|hypersensitiv", question, re.I)
    kind = "intolerance" if intolerant else "allergy"
    if said.concept and word not in AFFIRMED and not _names_nothing(word):
        drug = said.concept.vocabulary.startswith("RxNorm")
        found = _by_itself(BRACKETS.sub("", said.concept.name), "", knowledge) or Allergy(
            substance=BRACKETS.sub("", said.concept.name),
            rxcui=said.concept.code if drug else None,
            type=kind,
        )
        return Statement((found,))
    texts = [part.strip() for part in re.split(r"[;,\n]", said.text) if part.strip()]
    listed = []
    for text in texts:
        if text.casefold() in AFFIRMED | UNKNOWN | DENIED or _names_nothing(text):
            continue
        if NONE.search(text):
            return Statement(none=True)
        substance, *reaction = re.split(r"\s*[:(–—]\s*|\s+-\s+", text.rstrip(" )"), maxsplit=1)
        listed.append(
            _by_itself(substance, "; ".join(reaction), knowledge)
            or Allergy(substance=substance, type=kind, reaction=reaction[0] if reaction else None)
        )
    return Statement(tuple(listed)) if listed else unnamed


# --- the tables -------------------------------------------------------------------------------------


def stage_allergies(
    engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge, as_of: int | None
) -> tuple[list[Statement], dict[str, int]]:
    """Leaves `allergy_fact` and `allergy_flag`; the statements by number, and names that tell no drug with rows."""
    import polars as pl

    keys = _keys(engine, vocabulary)
    schema = {
        "letter": pl.String, "concept": pl.Int64, "source": pl.Int64, "source_value": pl.String, "key": pl.Int32,
    }  # fmt: skip
    engine.put("allergy_key", pl.DataFrame([row for row, _ in keys], schema=schema, orient="row"))
    parts = [_raw(engine, *table, as_of) for table in TABLES if table[0] in engine.columns]
    none = (
        "SELECT CAST(0 AS BIGINT) AS person_id, CAST(0 AS INTEGER) AS key, CAST(0 AS BIGINT) AS value_concept, "
        "'' AS text, 0 AS day WHERE FALSE"
    )
    engine.make("raw_allergy", " UNION ALL ".join(parts) or none)
    statements: list[Statement] = []
    unnamed: dict[str, int] = {}
    rows = []
    distinct = engine.get(
        "SELECT key, value_concept, text, COUNT(*) AS n FROM raw_allergy GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    for key, value, text, n in distinct.iter_rows():
        names, codes = keys[key][1]
        found = read_statement(names, codes, Said(vocabulary.get(value), text), knowledge)
        if found is None:
            continue
        if found.unnamed:
            unnamed[names[0]] = unnamed.get(names[0], 0) + n
        rows.append((key, value, text, len(statements)))
        statements.append(found)
    named = {"key": pl.Int32, "value_concept": pl.Int64, "text": pl.String, "statement": pl.Int32}
    engine.put("allergy_meaning", pl.DataFrame(rows, schema=named, orient="row"))
    engine.make(
        "allergy_fact",
        "SELECT r.person_id, m.statement, MIN(r.day) AS day FROM raw_allergy AS r JOIN allergy_meaning AS m "
        "ON m.key = r.key AND m.value_concept = r.value_concept AND m.text = r.text GROUP BY 1, 2",
    )
    engine.put("allergy_flag", _flags(statements, knowledge))
    return statements, unnamed


Key = tuple[tuple[object, ...], tuple[list[str], list[str]]]


def _keys(engine: Engine, vocabulary: Vocabulary) -> list[Key]:
    """Distinct codes whose names speak of allergies, with their names and codes."""
    keys: list[Key] = []
    for table, prefix, letter in TABLES:
        if table not in engine.columns:
            continue
        query = staging.distinct_facts(engine, table, prefix)
        for concept, source, value, _n in engine.get(query).iter_rows():
            pair = [c for c in (vocabulary.get(concept), vocabulary.get(source)) if c]
            names = [name for name in (*(c.name for c in pair), value) if name]
            if is_about_allergy(names):
                row = (letter, concept, source, value, len(keys))
                keys.append((row, (names, [c.code for c in pair if c.vocabulary == "SNOMED"])))
    return keys


def _raw(engine: Engine, table: str, prefix: str, letter: str, as_of: int | None) -> str:
    start = f"x.{prefix}_date" if table == "observation" else f"x.{prefix}_start_date"
    value, text, bare = "0", "''", ""
    if table == "observation":
        value = "COALESCE(x.value_as_concept_id, 0)"
        text = "COALESCE(x.value_as_string, x.value_source_value, '')"
        bare = "AND x.value_as_number IS NULL"
    seen = f"AND {staging.day(start)} <= {as_of}" if as_of is not None else ""
    return (
        f"SELECT x.person_id, q.key, CAST({value} AS BIGINT) AS value_concept, {text} AS text, "
        f"{staging.day(start)} AS day FROM {view(table, engine)} AS x JOIN exposed AS e ON e.person_id = x.person_id "
        f"{staging.joined_to_concepts(prefix)} JOIN allergy_key AS q ON q.letter = '{letter}' AND "
        f"{staging.same(staging.fact_key(prefix), 'q')} WHERE {start} IS NOT NULL {bare} {seen}"
    )


def _flags(statements: list[Statement], knowledge: Knowledge) -> pl.DataFrame:
    """What each statement says to each feature, asked of a case that holds it alone."""
    import polars as pl

    from eutonia.features.chart import Chart
    from eutonia.features.kinds import allergy
    from eutonia.screening.slots import DAY

    features = [f for f in knowledge.features.values() if f.kind == "allergy"]
    rows = []
    for number, each in enumerate(statements):
        chart = Chart(Case(as_of=DAY, allergies=each.allergies), knowledge)
        values = {f.id: allergy(f, chart).known for f in features}
        rows.append(
            {
                "statement": number, "listed": bool(each.allergies), "none": each.none, "unnamed": each.unnamed,
                **{f"{name}_yes": known is True for name, known in values.items()},
                **{f"{name}_maybe": known is None for name, known in values.items()},
            }
        )  # fmt: skip
    schema: Mapping[str, pl.DataType | type[pl.DataType]] = {
        "statement": pl.Int32,
        **dict.fromkeys(("listed", "none", "unnamed"), pl.Boolean),
        **dict.fromkeys((f"{f.id}_yes" for f in features), pl.Boolean),
        **dict.fromkeys((f"{f.id}_maybe" for f in features), pl.Boolean),
    }
    return pl.DataFrame(rows, schema=schema)


def make_allergy_lines(engine: Engine) -> None:
    """What is stated by each index date of a chunk."""
    engine.make(
        "allergy_line",
        "SELECT i.index_id, a.statement FROM idx AS i "
        "JOIN allergy_fact AS a ON a.person_id = i.person_id AND a.day <= i.day",
    )


def of_case(known: Iterable[Statement]) -> tuple[bool | None, tuple[Allergy, ...] | None]:
    """`no_known_allergies` and `allergies` of a case in which these statements are known."""
    every = list(known)
    listed = tuple(dict.fromkeys(a for each in every for a in each.allergies))
    if listed:
        return None, listed
    none = any(each.none for each in every) and not any(each.unnamed for each in every)
    return (True, ()) if none else (None, None)
