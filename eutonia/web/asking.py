"""A short form → a case. Every answer goes where a record would hold it, so that the same rules read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from eutonia.dates import span
from eutonia.dosing.ended import in_use
from eutonia.errors import InputError, UnreadableText
from eutonia.patient import Allergy, Case, Condition, Dosage, Lab, Medication, Observation, Patient, PlanItem
from eutonia.reading import read

MOST_LINES = 200

RESULTS = (
    ("answer.egfr", "eGFR", "mL/min/{1.73_m2}"),
    ("answer.alt", "ALT", "U/L"),
    ("answer.ast", "AST", "U/L"),
    ("answer.bilirubin", "bilirubin", "mg/dL"),
)
"""Field of the form, name and unit of the result that it tells."""

DAY = re.compile(
    r"^(?P<what>.*?)[\s,;(]+(?:since|from)\s+(?P<when>\d{4}(?:-\d{2}){0,2})\)?\s*$", re.IGNORECASE
)

Fields = Mapping[str, str]


class Control(NamedTuple):
    """How one question is answered in the form."""

    kind: Literal["number", "choice", "words", "results"]
    choices: Sequence[tuple[str, str]] = ()
    unit: str = ""
    field: str = ""
    """The field of the form that answers it; empty: one of its own, `answer.<question>`."""


YES_NO = (("yes", "yes"), ("no", "no"))
PHENOTYPES = tuple((name, name) for name in ("poor", "intermediate", "normal", "rapid", "ultrarapid"))

CONTROLS: Mapping[str, Control] = {
    "age": Control("number", unit="years", field="age"),
    "weight_kg": Control("number", unit="kg", field="weight"),
    "medications": Control("words", field="medications"),
    "conditions": Control("words", field="conditions"),
    "allergies": Control("words", field="allergies"),
    "index_pain_chronic": Control("words", field="pain"),
    "chronic_low_back_pain": Control("words", field="pain"),
    "pregnant": Control("choice", YES_NO),
    "breastfeeding": Control("choice", YES_NO),
    "gestation": Control("number", unit="weeks; 0: not pregnant"),
    "egfr": Control("number", unit="mL/min/1.73 m²"),
    "cyp2c19": Control("choice", PHENOTYPES),
    "cyp2d6": Control("choice", PHENOTYPES),
    "hazardous_alcohol": Control("number", unit="drinks a week"),
    "safety_critical_work": Control("choice", YES_NO),
    "red_flags": Control("choice", (("no", "none"),)),
    "region": Control("words"),
    "liver_tests": Control(
        "results", (("alt", "ALT, U/L"), ("ast", "AST, U/L"), ("bilirubin", "bilirubin, mg/dL"))
    ),
}
"""Question → how it is answered. Questions about a dose are answered in the plan or beside the medicine."""


@dataclass(frozen=True)
class Asked:
    """The form as a case; `unread` are lines that were kept although their words say nothing to us."""

    case: Case
    unread: Sequence[str]


def case_from_form(fields: Fields, plan_field: str = "plan") -> Asked:
    """The case that a form (and the record opened in it) describes. Raises InputError in words for the form."""
    today = datetime.now(UTC).astimezone().date()
    unread: list[str] = []
    plans = list(_lines(fields.get(plan_field, "")))
    record = fields.get("record", "").strip()
    if record:
        as_of = fields.get("as_of") or None
        case = read(record.encode(), patient=fields.get("patient_id") or None, plans=plans, as_of=as_of)
    else:
        case = Case(as_of=today, plan=tuple(_plan(text) for text in plans))
    try:
        return Asked(_with_answers(case, fields, unread), tuple(unread))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = " ".join(str(p) for p in first["loc"]).replace("_", " ")
        raise InputError(f"{place}: {first['msg'].casefold()}.") from None


def _plan(text: str) -> PlanItem:
    from eutonia.dosing.text import read_plan

    item = read_plan(text)
    if not item.text and not item.therapy:
        raise UnreadableText(text, (text,), "Write it like “ibuprofen 400 mg three times a day for 5 days”.")
    return item


def _lines(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.replace(";", "\n").splitlines()]
    found = [line for line in lines if line]
    if len(found) > MOST_LINES:
        raise InputError(f"More than {MOST_LINES} lines. Leave out what does not matter here.")
    yield from found


def _with_answers(case: Case, fields: Fields, unread: list[str]) -> Case:
    """The case with what the form adds; what the form leaves empty stays as it was."""
    conditions = [_condition(line) for line in _lines(fields.get("conditions", ""))]
    conditions += [_condition(line) for line in _lines(_pain(fields))]
    written = [Medication(text=line) for line in _lines(fields.get("medications", ""))]
    listed = in_use(written, case.as_of)
    medications = [e if e.status else _medication(e.text, case.as_of, unread) for e in listed]
    allergies = [Allergy(substance=line) for line in _lines(fields.get("allergies", ""))]
    observed = list(_observations(fields, case.as_of))
    labs = list(_labs(fields, case.as_of))
    only_pain = bool(conditions) and case.conditions is None and not _listed(fields, "conditions")
    none_known = "no_allergies" in fields and not allergies and not case.allergies
    return Case.model_validate(
        {
            **{name: getattr(case, name) for name in Case.model_fields},
            "patient": _patient(case.patient, fields),
            "region": fields.get("answer.region") or case.region,
            "conditions": _joined(case.conditions, conditions, "no_conditions" in fields),
            "medications": _joined(case.medications, medications, _listed(fields, "medications")),
            "allergies": _joined(case.allergies, allergies, none_known),
            "no_known_allergies": True if none_known else case.no_known_allergies,
            "labs": _joined(case.labs, labs, False),
            "observations": _joined(case.observations, observed, False),
            "not_seen": (*case.not_seen, *(("conditions",) if only_pain else ())),
        }
    )


def _listed(fields: Fields, name: str) -> bool:
    """Whether the form says of a list that it is whole: something stands in it, or that there is nothing."""
    return bool(fields.get(name, "").strip()) or f"no_{name}" in fields


def _joined(known: tuple[Any, ...] | None, added: list[Any], none_else: bool) -> tuple[Any, ...] | None:
    """What is known with what was added; None where neither says anything."""
    if known is None and not added:
        return () if none_else else None
    return (*(known or ()), *added)


def _patient(patient: Patient, fields: Fields) -> Patient:
    change: dict[str, Any] = {}
    for name, field in (("age_years", "age"), ("weight_kg", "weight")):
        if fields.get(field, "").strip():
            change[name] = _number(fields[field], name)
    if fields.get("sex") in ("male", "female"):
        change["sex"] = fields["sex"]
    work = fields.get("answer.safety_critical_work")
    if work:
        change["occupation"] = work
    return Patient.model_validate({**patient.model_dump(), **change})


def _pain(fields: Fields) -> str:
    pain, since = fields.get("pain", "").strip(), fields.get("since", "").strip()
    return f"{pain} since {since}" if pain and since else pain


def _condition(line: str) -> Condition:
    """“low back pain since 2026-02”."""
    what, onset = _dated(line)
    return Condition.model_validate({"text": what, "onset": onset, "clinical_status": "active"})


def _medication(line: str, day: date, unread: list[str]) -> Medication:
    """“oxycodone 5 mg every 6 hours since 2026-03”, or “for 90 days” until now. What cannot be read stays on the list
    as it is written."""
    from eutonia.dosing.text import read_plan

    what, start = _dated(line)
    try:
        item = read_plan(what)
    except InputError:
        unread.append(line)
        return Medication.model_validate({"text": what, "status": "active", "start": start})
    if start is None and item.duration_days is not None:
        start = (day - timedelta(days=min(item.duration_days, 36_500))).isoformat()
    dosage = {name: getattr(item, name) for name in Dosage.model_fields}
    named = {"text": item.text or item.therapy or what, "status": "active", "start": start}
    return Medication.model_validate(dosage | named)


def _dated(line: str) -> tuple[str, str | None]:
    """A line without the “since …” at its end, and that date."""
    found = DAY.match(line)
    if found is None or not found["what"]:
        return line, None
    try:
        span(found["when"])
    except ValueError:
        raise InputError(f"“{found['when']}” is no date. Write it like 2026-03 or 2026-03-15.") from None
    return found["what"], found["when"]


def _observations(fields: Fields, day: date) -> Iterator[Observation]:
    """Answers that a record holds as observations, by the names that the features read."""
    said: list[tuple[str, str]] = [
        (
            "pregnancy status",
            {"yes": "pregnant", "no": "not pregnant"}.get(fields.get("answer.pregnant", ""), ""),
        ),
        ("breastfeeding status", fields.get("answer.breastfeeding", "")),
        ("cyp2c19 phenotype", _phenotype(fields.get("answer.cyp2c19", ""))),
        ("cyp2d6 phenotype", _phenotype(fields.get("answer.cyp2d6", ""))),
        ("drinks per week", fields.get("answer.hazardous_alcohol", "")),
    ]
    for name, value in said:
        if value:
            yield Observation(text=name, value=value, date=day)
    weeks = fields.get("answer.gestation", "").strip()
    if weeks:
        number = _number(weeks, "weeks")
        yield Observation(text="pregnancy status", value="pregnant" if number else "not pregnant", date=day)
    if fields.get("answer.red_flags") == "no":
        yield Observation(text="red flags", value=False, date=day)


def _phenotype(name: str) -> str:
    return f"{name} metabolizer" if name in dict(PHENOTYPES) else ""


def _labs(fields: Fields, day: date) -> Iterator[Lab]:
    for field, name, unit in RESULTS:
        if fields.get(field, "").strip():
            yield Lab(name=name, value=_number(fields[field], name), unit=unit, date=day)


def _number(text: str, what: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise InputError(f"{what.replace('_', ' ')}: “{text.strip()[:40]}” is not a number.") from None
