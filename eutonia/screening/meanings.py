"""Distinct codes → what they mean to the rules: the small tables that the facts are joined to.

Each is read by the very code that reads a single case (`Chart`, the code index, `latest`), so that a code means
the same in a million rows as in one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from eutonia.dates import span
from eutonia.features.chart import Chart
from eutonia.features.taken import Taken
from eutonia.knowledge.codes import Match, code_index
from eutonia.patient import Case, Lab, Medication
from eutonia.screening import staging
from eutonia.screening.allergies import Statement
from eutonia.screening.groups import packed
from eutonia.screening.signs import Denial
from eutonia.screening.slots import Slot, in_its_unit, measured, slots, spoken
from eutonia.screening.vocabulary import (
    Codes,
    Vocabulary,
    condition_codes,
    drug_candidates,
    reading_codes,
)
from eutonia.units import is_counted

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine

RELAXANT = "muscle-relaxant"
"""The class whose courses are screened (contract, section 1)."""


class DrugMeaning(NamedTuple):
    """One distinct way of naming a drug."""

    number: int
    codes: Codes
    name: str
    route: str | None
    parts: tuple[Taken, ...]
    how: str
    """code, ingredient or name: by what it was recognised; none; or not-a-drug."""
    whole: bool
    """Every ingredient of it is known."""
    rows: int


class ConditionMeaning(NamedTuple):
    """One distinct code of a condition, procedure or observation."""

    number: int
    codes: Codes
    value_sets: frozenset[str]
    history: bool
    rows: int


class ReadingMeaning(NamedTuple):
    """One distinct kind of result, with its value where that had to be read."""

    number: int
    codes: Codes
    unit: str | None
    value: float | str | None
    """None: the number that stands in the row, in the unit that the slots want."""


class Unmapped(NamedTuple):
    """A code that means nothing here, and how many rows have it."""

    table: str
    name: str
    rows: int


@dataclass
class Meanings:
    """All meanings, by number."""

    drugs: list[DrugMeaning] = field(default_factory=list)
    conditions: list[ConditionMeaning] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    readings: list[ReadingMeaning] = field(default_factory=list)
    allergies: list[Statement] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """The slots for which there is a result."""
    unmapped: list[Unmapped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add_condition(self, codes: Codes, match: Match, rows: int) -> int:
        """Returns its number."""
        number = len(self.conditions)
        self.conditions.append(ConditionMeaning(number, codes, match.value_sets, match.history, rows))
        return number

    @property
    def value_sets(self) -> frozenset[str]:
        return frozenset().union(*(each.value_sets for each in self.conditions))

    @property
    def treatments(self) -> tuple[str, ...]:
        return tuple(sorted({part.treatment for drug in self.drugs for part in drug.parts}))

    @property
    def relaxants(self) -> frozenset[str]:
        parts = (part for drug in self.drugs for part in drug.parts)
        return frozenset(t.treatment for t in parts if t.belongs((RELAXANT,)))


# --- drugs ------------------------------------------------------------------------------------------

SOME_DAY = date(2000, 1, 1)


def read_drugs(engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge, meanings: Meanings) -> None:
    """Recognise every distinct drug; leaves the tables `known_concept`, `drug` and `part`."""
    import polars as pl

    engine.put(
        "known_concept",
        pl.DataFrame({"concept_id": list(vocabulary.concepts)}, schema={"concept_id": pl.Int64}),
    )
    rows = engine.get(staging.distinct_drugs(engine))
    for number, (concept, source, value, route, route_value, n) in enumerate(rows.iter_rows()):
        place = vocabulary.get(route)
        how_given = (place.name if place else route_value) or None
        meanings.drugs.append(_drug(number, (concept, source, value), how_given, n, vocabulary, knowledge))
    _tell_drugs(meanings)
    keys = rows.drop("n").to_dicts()
    lengths = usual_lengths(knowledge)
    engine.put("drug", _drug_table(keys, meanings.drugs, lengths))
    engine.put("part", _part_table(meanings.drugs, knowledge))


def _drug(
    number: int,
    key: tuple[int, int, str],
    route: str | None,
    rows: int,
    vocabulary: Vocabulary,
    knowledge: Knowledge,
) -> DrugMeaning:
    candidates, name, no_drug = drug_candidates(*key, vocabulary)
    if no_drug:
        return DrugMeaning(number, Codes(name), name, route, (), "not-a-drug", True, rows)
    name = name or f"concept {key[0]}"
    read = [(codes, how, chart_of(codes, route, knowledge)) for codes, how in candidates]
    read = [each for each in read if each[2].listed[0][1]]
    # A way in which every ingredient is known comes before one that leaves some open.
    for codes, how, chart in sorted(read, key=lambda each: bool(each[2].unrecognised))[:1]:
        parts, whole = chart.listed[0][1], not chart.unrecognised
        return DrugMeaning(number, codes, name, route, parts, how, whole, rows)
    codes = candidates[0].codes if candidates else Codes(name)
    return DrugMeaning(number, codes._replace(text=codes.text or name), name, route, (), "none", False, rows)


def chart_of(codes: Codes, route: str | None, knowledge: Knowledge, **dosed: Any) -> Chart:
    """A case of which nothing is known but that the drug is taken."""
    return Chart(Case(as_of=SOME_DAY, medications=(medication(codes, route, **dosed),)), knowledge)


def medication(codes: Codes, route: str | None, **more: Any) -> Medication:
    return Medication(text=codes.text, rxcui=codes.rxcui, atc=codes.atc, route=route, **more)


def _tell_drugs(meanings: Meanings) -> None:
    tables = {"none": "DRUG_EXPOSURE", "not-a-drug": "DRUG_EXPOSURE (not a drug)"}
    unknown: Counter[tuple[str, str]] = Counter()
    for drug in meanings.drugs:
        if drug.how in tables:
            unknown[tables[drug.how], drug.name] += drug.rows
    meanings.unmapped += [Unmapped(table, name, n) for (table, name), n in unknown.most_common()]
    by_name = sorted({drug.name for drug in meanings.drugs if drug.how == "name"})
    if by_name:
        shown = "; ".join(by_name[:5]) + (f"; and {len(by_name) - 5} more" if len(by_name) > 5 else "")
        meanings.warnings.append(f"Recognised by name only, not by a code: {shown}.")


def usual_lengths(knowledge: Knowledge) -> Mapping[str, int]:
    """Drug or class → days of supply that are taken where a record tells none; the empty name for all others."""
    return {length.of: length.days for length in knowledge.section("exposure_lengths").values()}


def _drug_table(
    keys: list[dict[str, Any]], drugs: list[DrugMeaning], lengths: Mapping[str, int]
) -> pl.DataFrame:
    import polars as pl

    rows = [
        {
            **key,
            "drug": drug.number,
            "name": drug.codes.text or f"RxNorm {drug.codes.rxcui}",
            "is_drug": drug.how != "not-a-drug",
            "recognised": drug.whole,
            "relaxant": any(t.belongs((RELAXANT,)) for t in drug.parts),
            "usual_days": _usual_days(drug, lengths),
            "strength": drug.parts[0].strength_mg if drug.parts else None,
            "countable": bool(drug.parts)
            and drug.parts[0].strength_mg is not None
            and drug.parts[0].route == "systemic",
        }
        for key, drug in zip(keys, drugs, strict=True)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "concept": pl.Int64, "source": pl.Int64, "source_value": pl.String, "route": pl.Int64,
            "route_value": pl.String, "drug": pl.Int32, "name": pl.String, "is_drug": pl.Boolean,
            "recognised": pl.Boolean, "relaxant": pl.Boolean, "usual_days": pl.Int32, "strength": pl.Float64,
            "countable": pl.Boolean,
        },
    )  # fmt: skip


def _usual_days(drug: DrugMeaning, lengths: Mapping[str, int]) -> int:
    fitting = [days for name, days in lengths.items() if name and any(t.belongs((name,)) for t in drug.parts)]
    return min(fitting, default=lengths.get("", 1))


def _part_table(drugs: list[DrugMeaning], knowledge: Knowledge) -> pl.DataFrame:
    """One row per drug and ingredient."""
    import polars as pl

    number = {
        treatment: n for n, treatment in enumerate(sorted({t.treatment for d in drugs for t in d.parts}))
    }
    merged: dict[tuple[str, str, str], int] = {}
    rows: list[dict[str, object]] = []
    for drug in drugs:
        in_mg = chart_of(drug.codes, drug.route, knowledge, dose=1.0, unit="mg")
        shares = in_mg.listed[0][1] if drug.parts else ()
        for part, share in zip(drug.parts, shares, strict=True):
            alike = merged.setdefault((part.treatment, part.product, part.route), len(merged))
            rows.append(
                {
                    "drug": drug.number,
                    "part": len(rows),
                    "treatment": number[part.treatment],
                    "alike": alike,
                    "name": part.treatment,
                    "strength": part.strength_mg,
                    "share": share.mg_per_dose,
                    "route": part.route,
                    "product": part.product,
                    "relaxant": part.belongs((RELAXANT,)) is True,
                    "watched": bool(part.classes or part.possible) or part.treatment in knowledge.drugs,
                    **said_of(part, drug, knowledge),
                }
            )
    schema = {
        "drug": pl.Int32, "part": pl.Int32, "treatment": pl.Int32, "alike": pl.Int32, "name": pl.String,
        "strength": pl.Float64, "share": pl.Float64, "route": pl.String, "product": pl.String,
        "relaxant": pl.Boolean, "watched": pl.Boolean, **{name: getattr(pl, kind) for name, kind in SAID.items()},
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


SAID = {
    "unapproved": "Boolean", "extended": "Boolean", "spared": "Boolean", "with_opioid": "Boolean", "alone": "Boolean",
    "strength_ok": "Boolean", "rate": "Float64", "mme": "Float64", "mme_by_rate": "Float64", "steroid": "Float64",
    "fracture_regions": "Int32", "skin_regions": "Int32",
}  # fmt: skip
"""What the text, make-up and drug file of an ingredient say: columns of `part`."""


def said_of(part: Taken, drug: DrugMeaning, knowledge: Knowledge) -> dict[str, bool | float | None]:
    """The answers that features find in a product's text and drug file, each as its feature finds it."""
    features, text = knowledge.features, part.text.casefold()
    entry = knowledge.drugs.get(part.treatment)

    def words(feature: str, group: str = "words") -> tuple[str, ...]:
        return features[feature].codes.get(group, ()) if feature in features else ()  # type: ignore[union-attr]

    opioid = features["nonopioid_tried"].about if "nonopioid_tried" in features else ()  # type: ignore[union-attr]
    combined = {p.ingredients.get(part.treatment) for p in knowledge.products.values()} - {None}
    return {
        "unapproved": part.unapproved or any(w in text for w in words("carisoprodol_product_unapproved")),
        "extended": bool(set(words("cyclobenzaprine_extended_release")) & set(text.split())),
        "spared": any(w in text for w in words("short_term_relaxant_days", "spared")),
        "with_opioid": any(t.belongs(opioid) for t in drug.parts),
        "alone": len(drug.parts) == 1,
        "strength_ok": part.strength_mg in {*(entry.strengths_mg if entry else ()), *combined},
        "rate": part.mg_per_hour,
        "mme": entry.mme_per_mg if entry else None,
        "mme_by_rate": entry.mme_per_mcg_h if entry else None,
        "steroid": entry.prednisone_mg_per_mg if entry else None,
        **{column: regions(feature, "", part.text, knowledge) for feature, column in REGIONAL.items()},
    }


REGIONAL = {"fracture_in_treated_region": "fracture_regions", "skin_infection_or_wound": "skin_regions"}
"""Feature that compares places of the body → the column that says where a condition or plan is."""


def regions(name: str, code: str, text: str, knowledge: Knowledge) -> int:
    """The parts of the body that a code or text names to a feature, one bit each."""
    from eutonia.features.pain import _regions

    feature = knowledge.features.get(name)
    if feature is None:
        return 0
    named = _regions(feature, code, text)  # type: ignore[arg-type]
    return sum(1 << bit for bit, region in enumerate(feature.codes) if region in named)  # type: ignore[union-attr,misc]


def read_sigs(engine: Engine) -> None:
    """Read every distinct dosing text; leaves `sig`."""
    import polars as pl

    from eutonia.dosing_text import read_dosage

    rows = []
    for (text,) in engine.get(staging.distinct_sigs(engine)).iter_rows():
        item = read_dosage(text).item
        known = "mg" if item.unit == "mg" else "tablet" if is_counted(item.unit) else None
        if item.times_per_day and not item.steps:
            dose = item.dose_high if item.dose_high is not None else item.dose
            rows.append((text, dose if known else None, known, item.times_per_day))
    schema = {"sig": pl.String, "dose": pl.Float64, "unit": pl.String, "times": pl.Float64}
    engine.put("sig", pl.DataFrame(rows, schema=schema, orient="row"))


# --- conditions -------------------------------------------------------------------------------------

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
    """One row per condition: the groups of value sets that it is in as bits, where it is, weeks that it states."""
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
            "weeks": _weeks(each.codes.icd10cm),
            **dict(zip(words, packed(_groups_of(each.value_sets, groups), len(groups)), strict=True)),
        }
        for each in meanings.conditions
    ]
    schema = {
        "condition": pl.Int32, "history": pl.Boolean, **dict.fromkeys(REGIONAL.values(), pl.Int32), "weeks": pl.Int32,
        **dict.fromkeys(words, pl.Int64),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _groups_of(value_sets: frozenset[str], groups: Mapping[tuple[str, ...], int]) -> list[int]:
    return [number for names, number in groups.items() if value_sets.intersection(names)]


def _weeks(icd10cm: str | None) -> int | None:
    """Completed weeks in a code of gestation, as `person.gestation` reads it."""
    coded = re.fullmatch(r"Z3A\.?([1-4]\d|0[89])", (icd10cm or "").upper())
    return int(coded[1]) if coded else None


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
        return False, measured(slot, lab, knowledge), None, *slot.plausible
    answer = slot.word(lab, knowledge)
    if answer is None:
        return None
    word = isinstance(answer, str)
    return False, None if word else answer, answer if word else None, *slot.plausible
