"""Observations: laboratory results and scores, signs, and what else was observed."""

from __future__ import annotations

import re

from eutonia.dates import Span
from eutonia.fhir.bundle import Resource
from eutonia.fhir.elements import (
    Concept,
    Note,
    concept,
    concepts,
    part,
    parts,
    period,
    quantity,
    truth,
    when,
    word,
)
from eutonia.fhir.record import made
from eutonia.patient import Lab, Observation

ASKS_FOR_A_FINDING = {
    "75325-1",
    "29308-4",
    "8661-1",
    "10154-3",
    "404684003",
    "418799008",
    "64572001",
    "282291009",
}
"""Observations (symptom, diagnosis, chief complaint, finding) whose value, not code, is the finding."""


def observations(resource: Resource, note: Note) -> list[Lab | Observation]:
    """An Observation and each of its components: numbers with a code are labs, everything else observations."""
    status = word(resource, "status", note) or None
    dated = (
        when(resource, "effectiveDateTime", note)
        or when(resource, "effectiveInstant", note)
        or _last(period(resource, "effectivePeriod", note))
        or when(resource, "issued", note)
    )
    if "focus" in resource and parts(resource, "focus", note):
        note("is about something else than the patient (focus), and is left out")
        return []
    holders = [resource]
    if "component" in resource:
        holders += parts(resource, "component", note)
    read = [_one(holder, status, dated, note) for holder in holders]
    return [each for each in read if each is not None]


def _last(bounds: tuple[Span | None, Span | None]) -> Span | None:
    return bounds[1] or bounds[0]


def _one(holder: Resource, status: str | None, dated: Span | None, note: Note) -> Lab | Observation | None:
    code = concept(holder, "code", note)
    if not code:
        note("an observation without a code")
        return None
    if "valueQuantity" in holder:
        return _measured(holder, code, status, dated, note)
    named = code.code("loinc") or code.code("snomed") or (code.codes[0][1] if code.codes else None)
    answer = concept(holder, "valueCodeableConcept", note)
    if answer and named in ASKS_FOR_A_FINDING:
        found = answer.code("snomed")
        return made(Observation, code=found, text=answer.text, value=True, date=dated, status=status)
    coded = answer.codes[0][1] if answer.codes else None
    value = (answer.text or coded) if answer else _plain_value(holder, note)
    if value is None:
        return None
    told = {"value_code": coded} if answer else {}
    return made(Observation, code=named, text=code.text, value=value, date=dated, status=status, **told)


def _measured(
    holder: Resource, code: Concept, status: str | None, dated: Span | None, note: Note
) -> Lab | None:
    measured = quantity(holder, "valueQuantity", note)
    if measured is None:
        return None
    ranges = parts(holder, "referenceRange", note) if "referenceRange" in holder else []
    high = quantity(ranges[0], "high", note) if ranges else None
    return made(
        Lab,
        name=code.text,
        loinc=_loinc(code),
        value=measured.written,
        unit=measured.unit,
        date=dated,
        reference_high=high.value if high and high.unit in (None, measured.unit) else None,
        status=status,
    )


def _loinc(code: Concept) -> str | None:
    """The LOINC code of a measurement; any other code stands only where it has no name to go by."""
    found = code.code("loinc") or next((c for _, c in code.codes if LOINC.fullmatch(c)), None)
    return found or (code.codes[0][1] if code.codes and not code.text else None)


LOINC = re.compile(r"\d{1,5}-\d")
POLARITY = {"POS": "positive", "NEG": "negative", "DET": "positive", "ND": "negative", "IND": None}


def _plain_value(holder: Resource, note: Note) -> bool | float | str | None:
    """Any other value[x]; the interpretation where there is none."""
    flag = truth(holder, "valueBoolean", note)
    if flag is not None:
        return flag
    number = holder.get("valueInteger")
    if isinstance(number, int) and not isinstance(number, bool):
        return float(number)
    written = (
        word(holder, "valueString", note)
        or word(holder, "valueDateTime", note)
        or word(holder, "valueTime", note)
    )
    if written:
        return written
    limits = part(holder, "valueRange", note)
    if limits:
        low, high = quantity(limits, "low", note), quantity(limits, "high", note)
        return f"{low.value if low else ''}–{high.value if high else ''}"
    for read in concepts(holder, "interpretation", note):
        for _, code in read.codes:
            if POLARITY.get(code):
                return POLARITY[code]
    return None
