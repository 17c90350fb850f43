"""Medicines: requests, statements, dispenses and administrations → the list and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eutonia.dates import Span
from eutonia.dosing.entries import Entry, from_words
from eutonia.fhir.bundle import Index, Resource
from eutonia.fhir.dosage import dosage, unit_of
from eutonia.fhir.elements import (
    Concept,
    Note,
    amount,
    concept,
    days,
    part,
    parts,
    period,
    quantity,
    status_word,
    when,
    word,
    written,
)
from eutonia.patient import Medication, PlanItem

NO_NAME = "a medicine without name"


def medicine(resource: Resource, index: Index, note: Note) -> Concept:
    """What is ordered: coded, as text, or by reference to a Medication (contained or in the bundle)."""
    later = part(resource, "medication", note)
    if later:
        note("the medicine is written as in FHIR R5; it is read")
    said = concept(resource, "medicationCodeableConcept", note) or concept(later, "concept", note)
    if said:
        return said
    reference = part(resource, "medicationReference", note) or part(later, "reference", note)
    address = word(reference, "reference", note)
    shown = word(reference, "display", note)
    found = index.get(address, resource) if address else None
    if found is None:
        if address:
            note(
                f"refers to {address}, which is not in the bundle"
                + ("; its display is used" if shown else "")
            )
        return Concept(shown, ())
    said = concept(found, "code", note)
    if said.text and said.codes:
        return said
    made_of = [_ingredient(each, found, resource, index, note) for each in parts(found, "ingredient", note)]
    return Concept(said.text or " / ".join(filter(None, made_of)) or shown, said.codes)


def _ingredient(
    each: Mapping[str, Any], medicine: Resource, order: Resource, index: Index, note: Note
) -> str:
    """Name and strength of an ingredient, which may be a Substance or Medication of its own."""
    name = concept(each, "itemCodeableConcept", note).text
    address = word(part(each, "itemReference", note), "reference", note)
    if not name and address:
        found = index.get(address, order) or index.get(address, medicine) or {}
        name = concept(found, "code", note).text
    strength = quantity(part(each, "strength", note), "numerator", note)
    return f"{name} {strength.value:g} {strength.unit}" if name and strength and strength.unit else name


def naming(said: Concept) -> dict[str, Any]:
    """Text and codes of a medicine, as fields."""
    rxcui, atc = said.code("rxnorm"), said.code("atc")
    text = said.text or ("" if rxcui or atc else written(said) or NO_NAME)
    return {"text": text, "rxcui": rxcui, "atc": atc}


# --- supply -----------------------------------------------------------------------------------------


def supply(resource: Resource, note: Note) -> dict[str, Any]:
    """What may be dispensed, refills included; the end of validity where no length of supply is given."""
    request = part(resource, "dispenseRequest", note)
    if not request:
        return {}
    times = 1 + (amount(request, "numberOfRepeatsAllowed", note) or 0)
    found: dict[str, Any] = {}
    length = days(request, "expectedSupplyDuration", note)
    if length is not None:
        found["days_supply"] = length * times
    counted = quantity(request, "quantity", note)
    if counted is not None:
        found["quantity"] = counted.value * times
    start, end = period(request, "validityPeriod", note)
    if start:
        found["valid_from"] = start
    if end and length is None:
        found["valid_until"] = end
    return found


# --- resources --------------------------------------------------------------------------------------


def order(resource: Resource, said: Concept, note: Note) -> Medication:
    """A MedicationRequest that is no draft, of the medicine `said`."""
    fields = naming(said) | dosage(resource, "dosageInstruction", note)[0]
    length = fields.pop("duration_days", None)
    given = supply(resource, note)
    start = fields.pop("start", None) or when(resource, "authoredOn", note) or given.pop("valid_from", None)
    end = fields.pop("end", None)
    if "days_supply" not in given and length is not None:
        given["days_supply"] = length
    end = end or (given.get("valid_until") if "days_supply" not in given else None)
    for name in ("days_supply", "quantity"):
        if name in given:
            fields[name] = given[name]
    return _whole(
        Medication(
            **fields,
            status=_known(status_word(resource, note), note),
            start=start,
            end=end,
            prescriber=_prescriber(resource, note),
        )
    )


def _prescriber(resource: Resource, note: Note) -> str | None:
    who = part(resource, "requester", note)
    return word(who, "reference", note) or word(who, "display", note) or None


def proposal(resource: Resource, said: Concept, note: Note) -> PlanItem | None:
    """A draft MedicationRequest of the medicine `said`; None where the drug is not chosen yet."""
    if not said:
        return None
    named = naming(said)
    fields, steps = dosage(resource, "dosageInstruction", note)
    fields = named | fields | {"steps": tuple(step.model_copy(update=named) for step in steps)}
    given = supply(resource, note)
    given.pop("valid_from", None)
    given.pop("valid_until", None)
    if resource.get("doNotPerform") is True:  # R4: “to either stop taking or to not start taking”
        return PlanItem(**naming(said), action="stop")
    renewal = bool(part(resource, "priorPrescription", note))
    return _whole(PlanItem(**(given | fields | ({"action": "continue"} if renewal else {}))))


def statement(resource: Resource, index: Index, note: Note) -> Medication:
    """A MedicationStatement: what the patient says, or someone noted, is taken."""
    fields = naming(medicine(resource, index, note)) | dosage(resource, "dosage", note)[0]
    fields.pop("duration_days", None)
    bounds = fields.pop("start", None), fields.pop("end", None)
    start, end = period(resource, "effectivePeriod", note)
    start = start or when(resource, "effectiveDateTime", note) or bounds[0]
    status = status_word(resource, note)
    if status == "intended":
        note(f"{fields['text'] or 'it'} is intended for some time in the future: not counted as taken")
    return _whole(Medication(**fields, status=_known(status, note), start=start, end=end or bounds[1]))


def _whole(entry: Entry) -> Entry:
    """Where no code names the medicine and no instruction its dose, a name that someone wrote may tell it."""
    return entry if entry.rxcui or entry.atc or entry.dose is not None else from_words(entry)


def _known(status: str, note: Note) -> str | None:
    """A status; None, which counts as in use, where its source does not know it."""
    if status == "unknown":
        note("its status is not known: counted as in use until it is asked")
        return None
    return status or None


def dispense(resource: Resource, index: Index, note: Note) -> Medication:
    """A MedicationDispense: handed over is taken, from then for the days it lasts. `completed` is no end of use."""
    fields = naming(medicine(resource, index, note)) | dosage(resource, "dosageInstruction", note)[0]
    bounds = fields.pop("start", None), fields.pop("end", None)
    length = days(resource, "daysSupply", note) or fields.pop("duration_days", None)
    counted = quantity(resource, "quantity", note)
    fields.pop("duration_days", None)
    if counted is not None:
        fields["quantity"] = counted.value
        per_day = (fields.get("dose_high") or fields.get("dose") or 0) * (fields.get("times_per_day") or 0)
        if length is None and per_day and fields.get("unit") not in ("mg", "g", "ug"):
            length = counted.value / per_day
    status = status_word(resource, note)
    handed = when(resource, "whenHandedOver", note) or when(resource, "whenPrepared", note) or bounds[0]
    if status == "completed":
        status = "active"
        if length is None and bounds[1] is None:
            note("how long the supply lasts is not stated: counted as in use")
    elif status in ("preparation", "in-progress"):
        status = "active"
    elif status in ("declined", "cancelled"):
        status = "not-taken"
    ordered = parts(resource, "authorizingPrescription", note)
    source = index.get(word(ordered[0], "reference", note), resource) if ordered else None
    if source and source.get("status") in ("stopped", "cancelled", "entered-in-error"):
        status = "stopped"
    if length is not None:
        fields["days_supply"] = length
    return Medication(**fields, status=status or None, start=handed, end=bounds[1])


def administration(resource: Resource, index: Index, note: Note) -> Medication:
    """A MedicationAdministration: taken on that day; going on only while it is in progress."""
    fields = naming(medicine(resource, index, note))
    given = part(resource, "dosage", note)
    dose = quantity(given, "dose", note)
    if dose:
        fields |= {"dose": dose.value, "unit": unit_of(dose.value, dose.unit, note)}
    route = concept(given, "route", note).text
    start, end = period(resource, "effectivePeriod", note)
    start = start or when(resource, "effectiveDateTime", note)
    status = {"in-progress": "active", "not-done": "not-taken", "unknown": None}.get(
        (code := status_word(resource, note)), code or None
    )
    over: Span | None = end or (start if status == "completed" else None)
    return Medication(**fields, route=route or None, status=status, start=start, end=over)
