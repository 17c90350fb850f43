"""One person of the database as a case: what an index date means, written down for a single patient.

The judge of the SQL (the tests compare them row for row), and what `eutonia screen --explain PERSON` shows. The
case is the record known on the index date:

- medications: every exposure begun by then, its end by the rules of `staging.py`; the exposures that begin the
  course on that very day are the plan instead;
- the plan: those exposures as started, or the latest of the drug in use as continued, for the rest of the course;
- conditions: diagnoses, coded procedures, and coded observations that affirm; one whose end is its start has no known
  end; what an observation denies is an observation;
- labs: the measurements and statements that a feature reads;
- allergies: the statements of `allergies.py`; without any they are not known;
- outside an observation period, lists are not complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eutonia.patient import Case, Condition, Lab, Medication, Observation, Patient, PlanItem
from eutonia.screening.allergies import of_case
from eutonia.screening.drug_meanings import medication
from eutonia.screening.meanings import Meanings

if TYPE_CHECKING:
    from eutonia.screening.engine import Engine

EPOCH = date(1970, 1, 1)


def as_date(day: int) -> date:
    return EPOCH + timedelta(days=day)


def cases_of(
    engine: Engine, meanings: Meanings, person_id: int, region: str | None = None
) -> list[tuple[dict[str, Any], Case]]:
    """Every index date of a person, as the row of `index_date` and the case that it means."""

    def rows(query: str) -> list[dict[str, Any]]:
        return engine.get(query).to_dicts()

    (person,) = rows(f"SELECT * FROM known_person WHERE person_id = {person_id}") or (None,)
    if person is None:
        return []
    record = {
        "person": person,
        "exposures": rows(f"SELECT * FROM exposure WHERE person_id = {person_id} ORDER BY nth"),
        "conditions": rows(
            f"SELECT * FROM condition_fact WHERE person_id = {person_id} ORDER BY since, condition, until"
        ),
        "readings": rows(f"SELECT * FROM reading_fact WHERE person_id = {person_id} ORDER BY day, nth"),
        "allergies": rows(
            f"SELECT * FROM allergy_fact WHERE person_id = {person_id} ORDER BY day, statement"
        ),
        "denials": rows(f"SELECT * FROM denial_fact WHERE person_id = {person_id} ORDER BY day, denial"),
        "conditions_known": "condition_occurrence" in engine.columns,
    }
    index = rows(f"SELECT * FROM index_date WHERE person_id = {person_id} ORDER BY day, therapy")
    return [(row, case) for row in index if (case := _case(row, record, meanings, region))]


def _case(
    index: Mapping[str, Any], record: Mapping[str, Any], meanings: Meanings, region: str | None
) -> Case | None:
    day, therapy = index["day"], index["therapy"]
    known = [x for x in record["exposures"] if x["start_day"] <= day]
    ours = {d.number for d in meanings.drugs if any(part.treatment == therapy for part in d.parts)}
    starting = [
        x for x in known if index["action"] == "start" and x["start_day"] == day and x["drug"] in ours
    ]
    listed = [x for x in known if x not in starting]
    plan = (
        _started(starting, index, meanings)
        if index["action"] == "start"
        else _continued(listed, ours, index, meanings)
    )
    if not plan:
        return None
    complete = index["observed"]
    none_known, allergies = of_case(
        meanings.allergies[a["statement"]] for a in record["allergies"] if a["day"] <= day
    )
    return Case(
        as_of=as_date(day),
        region=region,
        patient=_patient(record["person"]),
        conditions=tuple(_condition(c, meanings) for c in record["conditions"] if c["since"] <= day),
        no_known_allergies=none_known,
        allergies=allergies,
        medications=tuple(_medication(x, meanings) for x in listed),
        labs=tuple(_lab(r, meanings) for r in record["readings"] if r["day"] <= day),
        observations=tuple(_denied(d, meanings) for d in record["denials"] if d["day"] <= day) or None,
        plan=plan,
        not_seen=(
            *(() if complete else ("medications", "conditions")),
            *(() if record["conditions_known"] else ("conditions",)),
        ),
    )


def _patient(person: Mapping[str, Any]) -> Patient:
    return Patient(birth_date=birth_date(person), sex=person["sex"])


def birth_date(person: Mapping[str, Any]) -> Any:
    """To the day where that is known, else the year."""
    if person["birth_year"] is None:
        return None
    if person["birth_exact"]:
        return date(person["birth_year"], person["birth_month"], person["birth_day"])
    return f"{person['birth_year']:04d}"


def _medication(x: Mapping[str, Any], meanings: Meanings) -> Medication:
    drug = meanings.drugs[x["drug"]]
    return medication(
        drug.codes,
        drug.route,
        **_dose(x),
        start=as_date(x["start_day"]),
        end=as_date(x["end_day"]),
        status="stopped" if x["stopped"] else None,
        prescriber=None if x["provider"] is None else str(x["provider"]),
    )


def _dose(x: Mapping[str, Any]) -> dict[str, Any]:
    if x["unit"] is None:
        return {"times_per_day": x["times"]}
    return {"dose": x["dose"], "unit": x["unit"], "times_per_day": x["times"]}


def _started(
    starting: list[dict[str, Any]], index: Mapping[str, Any], meanings: Meanings
) -> tuple[PlanItem, ...]:
    """One item per product, as last written."""
    last = {x["drug"]: x for x in starting}
    return tuple(
        _item("start", x, index, meanings, _dose(x)) for x in sorted(last.values(), key=lambda x: x["nth"])
    )


def _continued(
    listed: list[dict[str, Any]], ours: set[int], index: Mapping[str, Any], meanings: Meanings
) -> tuple[PlanItem, ...]:
    """The latest of the drug in use goes on, at the dose that is on the list."""
    from eutonia.features.chart import GRACE_DAYS

    in_use = [
        x
        for x in listed
        if x["drug"] in ours
        and (x["end_day"] > index["day"] if x["stopped"] else x["end_day"] + GRACE_DAYS >= index["day"])
    ]
    return tuple(_item("continue", x, index, meanings, {}) for x in in_use[-1:])


def _item(
    action: Any, x: Mapping[str, Any], index: Mapping[str, Any], meanings: Meanings, dose: dict[str, Any]
) -> PlanItem:
    drug = meanings.drugs[x["drug"]]
    codes = drug.codes
    return PlanItem(
        action=action, text=codes.text, rxcui=codes.rxcui, atc=codes.atc, route=drug.route,
        duration_days=index["days"], **dose,
    )  # fmt: skip


def _condition(c: Mapping[str, Any], meanings: Meanings) -> Condition:
    codes = meanings.conditions[c["condition"]].codes
    return Condition(
        text=codes.text,
        icd10cm=codes.icd10cm,
        snomed=codes.snomed,
        onset=as_date(c["since"]),
        abatement=None if c["until"] is None else as_date(c["until"]),
    )


def _denied(d: Mapping[str, Any], meanings: Meanings) -> Observation:
    return Observation(code=meanings.denials[d["denial"]].snomed, value="no", date=as_date(d["day"]))


def _lab(r: Mapping[str, Any], meanings: Meanings) -> Lab:
    meaning = meanings.readings[r["reading"]]
    codes = meaning.codes
    return Lab(
        loinc=codes.loinc,
        name=codes.text,
        value=r["raw"] if meaning.value is None else meaning.value,
        unit=meaning.unit,
        date=as_date(r["day"]),
        reference_high=r["high"],
    )


def explain_person(
    database: str, person_id: int, *, as_of: str | None = None, region: str | None = None
) -> list[dict[str, Any]]:
    """A person's index dates as cases that `eutonia assess` reads. Raises InputError where there is none."""
    from eutonia.errors import InputError
    from eutonia.knowledge import load
    from eutonia.screening import prepared_database

    with prepared_database(database, load(), as_of=as_of, region=region) as (engine, prepared):
        cases = cases_of(engine, prepared.meanings, person_id, region)
    if not cases:
        raise InputError(f"Person {person_id} has no course of a muscle relaxant in {database}.")
    return [case.model_dump(mode="json", exclude_defaults=True) for _, case in cases]
