"""A database made ready: its codes understood, the facts of exposed persons staged, index dates found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eutonia.screening import courses, drug_meanings, fact_meanings, meanings, signs, staging
from eutonia.screening.allergies import stage_allergies
from eutonia.screening.cdm import EXPECTED, view
from eutonia.screening.features_table import FeatureTable
from eutonia.screening.person import EPOCH
from eutonia.screening.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine


@dataclass
class Prepared:
    """What a run needs beside the staged tables."""

    as_of: date
    meanings: meanings.Meanings
    table: FeatureTable
    warnings: list[str]


def prepare(
    engine: Engine,
    knowledge: Knowledge,
    *,
    as_of: date | None,
    since: date | None,
    region: str | None,
    tell: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Stage everything that the chunks read. `tell` hears what is being done."""
    warnings = [_absent(table) for table in EXPECTED if table not in engine.columns]
    tell("reading the vocabulary")
    vocabulary = read_vocabulary(engine)
    found = meanings.Meanings()
    tell("recognising drugs")
    drug_meanings.read_drugs(engine, vocabulary, knowledge, found)
    last = (as_of - EPOCH).days if as_of else _last_day(engine)
    tell("finding exposed persons")
    staging.stage_exposed(engine, last)
    staging.stage_persons(engine)
    drug_meanings.read_sigs(engine)
    tell("measuring exposures")
    staging.stage_exposures(engine, last)
    tell("sorting diagnoses")
    fact_meanings.read_conditions(engine, vocabulary, knowledge, found)
    signs.read_signs(engine, vocabulary, knowledge, found, last)
    staging.stage_conditions(engine, last, signs.AFFIRMED_SIGNS)
    staging.stage_observed(engine)
    tell("reading results")
    keys = fact_meanings.read_reading_keys(engine, vocabulary, knowledge, found)
    staging.stage_raw_readings(engine, last)
    fact_meanings.read_readings(engine, keys, vocabulary, knowledge, found)
    staging.stage_readings(engine)
    names = [slot.id for slot in found.slots]
    staging.stage_slots(engine, names.index("gestation:due") if "gestation:due" in names else -1)
    tell("reading allergies")
    found.allergies, unnamed = stage_allergies(engine, vocabulary, knowledge, last)
    found.unmapped += [
        meanings.Unmapped("allergy without a substance", name, n) for name, n in unnamed.items()
    ]
    tell("finding courses")
    table = FeatureTable(knowledge, found, region)
    table.put_groups(engine)
    engine.put("condition_flag", fact_meanings.condition_flags(found, table.columns.set_groups, knowledge))
    engine.put("denial_flag", signs.denial_flags(found, table.columns.denied_groups))
    courses.stage_courses(engine)
    courses.stage_index(engine, last, (since - EPOCH).days if since else None)
    day = EPOCH.fromordinal(EPOCH.toordinal() + last)
    return Prepared(day, found, table, [*warnings, *vocabulary.warnings, *found.warnings])


def _absent(table: str) -> str:
    says = {
        "observation_period": "periods are taken from each person's first to last exposure or diagnosis",
        "condition_occurrence": "conditions are not known",
        "measurement": "results are not known",
        "concept": "concept ids cannot be resolved",
    }
    return f"There is no table {table.upper()}: {says[table]}."


def _last_day(engine: Engine) -> int:
    """The last day on which a drug was begun: the end of the data."""
    columns = ("person_id", "drug_exposure_start_date")
    start = staging.day("x.drug_exposure_start_date")
    exposures = view("drug_exposure", engine, columns=columns)
    last = engine.get(f"SELECT MAX({start}) AS last FROM {exposures} AS x")["last"][0]
    return 0 if last is None else int(last)
