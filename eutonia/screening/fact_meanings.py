"""Distinct codes of conditions and results → the value sets they are in, and what they say to a look-up.

condition_meaning   letter, the codes, condition;   condition_flag   condition, its groups of value sets as bits
reading_key, reading_meaning, slot_value            a result by its code, by its value, and what a slot makes of it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from eutonia.dates import span
from eutonia.features.person import gestation_told
from eutonia.knowledge.codes import code_index
from eutonia.patient import Lab
from eutonia.screening import staging
from eutonia.screening.groups import packed
from eutonia.screening.meanings import REGIONAL, SOME_DAY, Meanings, ReadingMeaning, Unmapped, regions
from eutonia.screening.slots import Slot, in_its_unit, measured, slots, spoken
from eutonia.screening.vocabulary import Codes, Vocabulary, condition_codes, reading_codes

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine

CONDITIONS = (
    ("condition_occurrence", "condition", "c"),
    ("procedure_occurrence", "procedure", "p"),
    ("observation", "observation", "o"),
)


def read_conditions(engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge, meanings: Meanings) -> None:
    """Sort every distinct diagnosis code into value sets; leaves `condition_meaning`.

    Observations and procedures count by their codes only: their names are questions as often as answers.
    """
    import polars as pl

    index = code_index(knowledge)
    rows = []
    for table, prefix, letter in CONDITIONS:
        if table not in engine.columns:
            continue
        for concept, source, value, n in engine.get(
            staging.distinct_facts(engine, table, prefix)
        ).iter_rows():
            codes = condition_codes(concept, source, value, vocabulary)
            match = index.look_up(codes.icd10cm, codes.snomed, codes.text if letter == "c" else "")
            if letter == "c" and not codes.icd10cm and not codes.snomed and not match.value_sets:
                meanings.unmapped.append(
                    Unmapped("CONDITION_OCCURRENCE", codes.text or f"concept {concept}", n)
                )
            if match.excluded or (not match.value_sets and letter != "c"):
                continue
            if letter != "c":
                codes = codes._replace(text="")
            number = meanings.add_condition(codes, match, n)
            rows.append((letter, concept, source, value, number))
    schema = {
        "letter": pl.String, "concept": pl.Int64, "source": pl.Int64, "source_value": pl.String, "condition": pl.Int32,
    }  # fmt: skip
    engine.put("condition_meaning", pl.DataFrame(rows, schema=schema, orient="row"))


def condition_flags(
    meanings: Meanings, groups: Mapping[tuple[str, ...], int], knowledge: Knowledge
) -> pl.DataFrame:
    """One row per condition: its groups of value sets as bits, where it is, the days of gestation it states."""
    import polars as pl

    words = [f"v{word}" for word in range(len(packed((), len(groups))))]
    rows = [
        {
            "condition": each.number,
            "history": each.history,
            **{
                column: regions(feature, each.codes.icd10cm or "", each.codes.text, knowledge)
                for feature, column in REGIONAL.items()
            },
            "gestation": gestation_told(each.codes.icd10cm, each.codes.text),
            **dict(zip(words, packed(_groups_of(each.value_sets, groups), len(groups)), strict=True)),
        }
        for each in meanings.conditions
    ]
    schema = {
        "condition": pl.Int32, "history": pl.Boolean, **dict.fromkeys(REGIONAL.values(), pl.Int32),
        "gestation": pl.Int32, **dict.fromkeys(words, pl.Int64),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _groups_of(value_sets: frozenset[str], groups: Mapping[tuple[str, ...], int]) -> list[int]:
    return [number for names, number in groups.items() if value_sets.intersection(names)]


# --- readings ---------------------------------------------------------------------------------------

OPERATORS = {4171756: "<", 4171754: "<=", 4171755: ">=", 4172704: ">"}
"""OMOP's concepts of the sign before a result."""


def read_reading_keys(
    engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge, meanings: Meanings
) -> list[tuple[Codes, str | None, list[Slot]]]:
    """Find the distinct codes that a feature reads; leaves `reading_key`."""
    import polars as pl

    meanings.slots = slots(knowledge)
    keys: list[tuple[Codes, str | None, list[Slot]]] = []
    rows = []
    for table, prefix, _, letter in staging.READINGS:
        if table not in engine.columns:
            continue
        query = staging.distinct_facts(engine, table, prefix, staging.reading_unit(table))
        for concept, source, value, unit_concept, unit_value, _n in engine.get(query).iter_rows():
            codes, wanted = _slots_of(reading_codes(concept, source, value, vocabulary), meanings.slots)
            if not wanted:
                continue
            ucum = vocabulary.get(unit_concept)
            unit = (ucum.code if ucum else unit_value) or None
            same = all(
                slot.reads_row and (slot.unit is None or in_its_unit(slot, unit, knowledge))
                for slot in wanted
            )
            rows.append((letter, concept, source, value, unit_concept, unit_value, len(keys), same))
            keys.append((codes, unit, wanted))
    schema = {
        "letter": pl.String, "concept": pl.Int64, "source": pl.Int64, "source_value": pl.String,
        "unit_concept": pl.Int64, "unit_value": pl.String, "key": pl.Int32, "same": pl.Boolean,
    }  # fmt: skip
    engine.put("reading_key", pl.DataFrame(rows, schema=schema, orient="row"))
    return keys


def _slots_of(ways: Iterable[Codes], every: list[Slot]) -> tuple[Codes, list[Slot]]:
    for codes in ways:
        wanted = [slot for slot in every if slot.takes(codes.loinc, codes.text)]
        if wanted:
            return codes, wanted
    return Codes(), []


def read_readings(
    engine: Engine,
    keys: list[tuple[Codes, str | None, list[Slot]]],
    vocabulary: Vocabulary,
    knowledge: Knowledge,
    meanings: Meanings,
) -> None:
    """Read every distinct result; leaves `reading_meaning` and `slot_value`."""
    import polars as pl

    named, values = [], []
    place = {slot.id: n for n, slot in enumerate(meanings.slots)}
    for key, operator, text, value_concept, apart, numeric in engine.get(
        staging.distinct_readings()
    ).iter_rows():
        codes, unit, wanted = keys[key]
        answer = vocabulary.get(value_concept)
        texts = [t for t in (text, answer.code if answer else "", answer.name if answer else "") if t]
        number = len(meanings.readings)
        sign = OPERATORS.get(operator, "")
        value = (f"{sign}{apart!r}" if sign and apart is not None else apart) if numeric else texts[0]
        lab = Lab(loinc=codes.loinc, name=codes.text, value=value, unit=unit, date=span(SOME_DAY))
        for slot in wanted:
            if slot.word is not None and not numeric:
                value, _ = spoken(slot, lab, texts, knowledge)
                lab = lab.model_copy(update={"value": value})
        for slot in wanted:
            said = _slot_value(slot, lab, knowledge)
            if said is not None:
                values.append((number, place[slot.id], *said))
        meanings.readings.append(ReadingMeaning(number, codes, unit, value))
        meanings.read.update(slot.id for slot in wanted)
        named.append((key, operator, text, value_concept, apart, numeric, number))
    schema = {
        "key": pl.Int32, "operator": pl.Int64, "text": pl.String, "value_concept": pl.Int64, "apart": pl.Float64,
        "numeric": pl.Boolean, "reading": pl.Int32,
    }  # fmt: skip
    engine.put("reading_meaning", pl.DataFrame(named, schema=schema, orient="row"))
    found = {
        "reading": pl.Int32, "slot": pl.Int32, "in_row": pl.Boolean, "value": pl.Float64, "word": pl.String,
        "lowest": pl.Float64, "highest": pl.Float64,
    }  # fmt: skip
    engine.put("slot_value", pl.DataFrame(values, schema=found, orient="row"))


def _slot_value(slot: Slot, lab: Lab, knowledge: Knowledge) -> tuple[object, ...] | None:
    """What one result says to one slot: its value, or that it has to be set aside (null); None for nothing."""
    if lab.value is None:
        return True, None, None, *slot.plausible
    if slot.word is None:
        # Whether it is plausible has been decided: “> 400” counts as a hair above its bound.
        return False, measured(slot, lab, knowledge), None, float("-inf"), float("inf")
    answer = slot.word(lab, knowledge)
    if answer is None:
        return None
    word = isinstance(answer, str)
    return False, None if word else answer, answer if word else None, *slot.plausible
