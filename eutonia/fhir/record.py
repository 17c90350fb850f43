"""The record without its medicines and observations: patient, conditions, allergies, procedures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any, TypeVar

from eutonia.dates import Span, span
from eutonia.fhir.bundle import Resource
from eutonia.fhir.elements import (
    Concept,
    Note,
    concept,
    concepts,
    parts,
    period,
    quantity,
    status_code,
    truth,
    when,
    word,
    written,
)
from eutonia.patient import Allergy, Condition, Patient, Record

NO_KNOWN_ALLERGY = {
    "716186003",
    "409137002",
    "no-known-allergies",
    "no-known-drug-allergies",
    "no-known-medication-allergies",
}
NO_MEDICATION = {"no-known-medications", "787481004", "182849000"}
NO_PROBLEM = {"no-known-problems", "160245001", "no-known-conditions"}
"""Codes (SNOMED CT; IPS absent-unknown) that state an empty list."""
NO_INFORMATION = {
    "no-allergy-info": "allergies", "no-medication-info": "medications", "no-problem-info": "conditions",
}  # fmt: skip
"""Codes (IPS absent-unknown) that state that nothing is known → the part of the record."""

NIL_SECTIONS = {
    "10160-0": "medications", "29549-3": "medications", "48765-2": "allergies", "11450-4": "conditions",
}  # fmt: skip
"""Sections of a document (LOINC) whose emptyReason `nilknown` states an empty list."""


def patient(resource: Resource, note: Note) -> tuple[Patient, str | None]:
    """Who it is, and the country of the home address."""
    sex = word(resource, "gender", note).casefold() or None
    if sex not in ("male", "female", "other", "unknown", None):
        note(f"gender “{sex}” is not one of male, female, other, unknown")
        sex = None
    if truth(resource, "deceasedBoolean", note) or when(resource, "deceasedDateTime", note):
        note("the patient is recorded as deceased")
    names = parts(resource, "name", note)
    if names and not any(word(n, "family", note) or n.get("given") or word(n, "text", note) for n in names):
        note("the name is empty")
    homes = [a for a in parts(resource, "address", note) if a.get("use") != "old"]
    country = next((c for a in homes if (c := word(a, "country", note))), None)
    return Patient(birth_date=when(resource, "birthDate", note), sex=sex), country


R = TypeVar("R", bound=Record)


def made(model: type[R], **fields: Any) -> R:
    """An entry without validation, which is half the time of a large record: each value was checked when read.

    As `model_construct`, which asks of each field by how many names it goes: here by one.
    """
    entry = model.__new__(model)
    object.__setattr__(entry, "__dict__", _defaults(model) | fields)
    object.__setattr__(entry, "__pydantic_fields_set__", set(fields))
    object.__setattr__(entry, "__pydantic_extra__", None)
    object.__setattr__(entry, "__pydantic_private__", None)
    return entry


@cache
def _defaults(model: type[Record]) -> dict[str, Any]:
    return {name: field.get_default() for name, field in model.model_fields.items()}


# --- conditions -------------------------------------------------------------------------------------


def conditions(resource: Resource, code: Concept, birth: Span | None, note: Note) -> list[Condition]:
    """A Condition of this `code`; one entry for each further code of the same system, so that none is lost."""
    if not code:
        note("states no condition")
        return []
    sites = concepts(resource, "bodySite", note)
    stages = [concept(stage, "summary", note).text for stage in parts(resource, "stage", note)]
    shared: dict[str, Any] = {
        "text": ", ".join(dict.fromkeys(filter(None, (code.text, *stages)))),
        "clinical_status": status_code(resource, "clinicalStatus", note),
        "verification_status": status_code(resource, "verificationStatus", note),
        "onset": _moment(resource, "onset", birth, note),
        "abatement": _moment(resource, "abatement", birth, note),
        "recorded": when(resource, "recordedDate", note) or _asserted(resource, note),
        "body_site": "; ".join(s.text for s in sites if s.text) or None,
    }
    return [made(Condition, **shared, **codes) for codes in _rows(code)]


def _asserted(resource: Resource, note: Note) -> Span | None:
    """The day on which it was first asserted, which US Core has as an extension."""
    said = (
        e
        for e in parts(resource, "extension", note)
        if word(e, "url", note).endswith("/condition-assertedDate")
    )
    return next((when(each, "valueDateTime", note) for each in said), None)


def _rows(code: Concept) -> Iterator[dict[str, str | None]]:
    icd, snomed = code.all("icd10"), code.all("snomed")
    for n in range(max(len(icd), len(snomed), 1)):
        yield {
            "icd10cm": icd[n] if n < len(icd) else None,
            "snomed": snomed[n] if n < len(snomed) else None,
        }


def _moment(resource: Resource, name: str, birth: Span | None, note: Note) -> Span | None:
    """onset[x] or abatement[x]: a date, the start of a period, an age, or a text that holds a date."""
    found = when(resource, f"{name}DateTime", note) or period(resource, f"{name}Period", note)[0]
    if found:
        return found
    age = quantity(resource, f"{name}Age", note)
    if age and birth and (age.unit or "a") in ("a", "y", "yr", "years", "year") and 0 <= age.value < 130:
        year = birth.first.year + int(age.value)
        return Span(date(year, 1, 1), date(year + 1, 12, 31))
    written = word(resource, f"{name}String", note)
    dated = re.search(r"\b(?:19|20)\d\d(?:-\d\d){0,2}\b", written)
    if dated:
        try:
            return span(dated[0])
        except ValueError:
            pass
    if written:
        note(f"{name} “{written[:40]}” is no date")
    return None


def procedure(resource: Resource, note: Note) -> Condition | None:
    """A Procedure, as something that happened then; None where it was not done."""
    status = word(resource, "status", note)
    if status in ("not-done", "entered-in-error", "preparation", "stopped"):
        return None
    code = concept(resource, "code", note)
    if not code:
        return None
    done = when(resource, "performedDateTime", note) or period(resource, "performedPeriod", note)[0]
    goes_on = status == "in-progress"
    codes = next(_rows(code))
    return made(
        Condition, text=code.text, **codes, onset=done, clinical_status="active" if goes_on else "resolved"
    )


# --- allergies --------------------------------------------------------------------------------------


def allergy(resource: Resource, code: Concept, note: Note) -> Allergy | None:
    """An AllergyIntolerance to what `code` says; None where that is that none is known."""
    reactions = parts(resource, "reaction", note)
    if not code and "substance" in resource:
        note("the substance is written as in FHIR DSTU2; it is read")
        code = concept(resource, "substance", note)
    if states_none(code):
        return None
    if not code:
        note("names no substance")
    elif not code.text and not code.code("rxnorm"):
        note(f"has no words and no code of RxNorm ({written(code)}): not understood")
    told = [m for r in reactions for m in concepts(r, "manifestation", note)]
    said = [words for m in told if (words := m.text or m.code("snomed"))]
    said += [d for r in reactions if (d := word(r, "description", note))]
    return Allergy(
        substance=code.text,
        rxcui=code.code("rxnorm"),
        type=word(resource, "type", note) or None,
        criticality=word(resource, "criticality", note) or None,
        reaction="; ".join(dict.fromkeys(said)) or None,
        verification_status=status_code(resource, "verificationStatus", note),
        clinical_status=status_code(resource, "clinicalStatus", note),
    )


def states_none(code: Concept) -> bool:
    return any(c in NO_KNOWN_ALLERGY for _, c in code.codes) or code.text.casefold() in (
        "no known allergies",
        "no known allergy",
        "no known drug allergies",
        "nka",
        "nkda",
    )
