"""Medicines: requests, statements, dispenses and administrations → the list and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from eutonia.dates import Span
from eutonia.dosing_text import Sig, read_dosage
from eutonia.fhir.bundle import Index, Resource
from eutonia.fhir.elements import (
    DAYS_PER,
    Concept,
    Note,
    amount,
    concept,
    days,
    part,
    parts,
    period,
    quantity,
    truth,
    when,
    word,
)
from eutonia.patient import Medication, PlanItem
from eutonia.units import is_counted

NO_NAME = "a medicine that is not named"
BARE = {"", "1", "{each}", "[arb'u]"}
"""Units of a Quantity that say no more than that something is counted."""
MOST_COUNTED = 10
"""A dose without a unit is a number of tablets up to here; a larger number may be milligrams, and is left open."""


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
    return {
        "text": said.text or (NO_NAME if not said.codes else ""),
        "rxcui": said.code("rxnorm"),
        "atc": said.code("atc"),
    }


# --- dosage -----------------------------------------------------------------------------------------


def dosage(resource: Resource, name: str, note: Note) -> dict[str, Any]:
    """Dose, frequency and bounds of all instructions together, as fields.

    Structured parts win over the text; where they disagree the note says so. Several instructions that run side
    by side add up; those in sequence give the largest.
    """
    instructions = parts(resource, name, note)
    if not instructions:
        return {}
    read = [_instruction(each, note) for each in instructions]
    if len(read) == 1:
        return read[0]
    orders = [each.get("sequence") for each in instructions]
    in_sequence = None not in orders and len(set(map(str, orders))) == len(orders)
    note(
        f"{len(read)} dosage instructions, "
        + ("in sequence: the largest is used" if in_sequence else "added up")
    )
    return _together(read, in_sequence)


def _together(read: list[dict[str, Any]], in_sequence: bool) -> dict[str, Any]:
    """One dose and frequency whose product is the day's total; None where a part is not known."""
    whole = {k: v for each in reversed(read) for k, v in each.items()}
    whole["as_needed"] = all(each.get("as_needed") for each in read)
    for name in ("times_per_day_low", "every_hours", "dose_high"):
        whole.pop(name, None)
    doses = [each.get("dose_high") or each.get("dose") for each in read]
    totals = [
        d * t if d and (t := each.get("times_per_day")) else None for d, each in zip(doses, read, strict=True)
    ]
    known = [t for t in totals if t is not None]
    units = {each.get("unit") for each in read}
    if len(known) < len(totals) or len(units) > 1:
        return whole | {"dose": None, "times_per_day": None}
    largest = max(d for d in doses if d)
    daily = max(known) if in_sequence else sum(known)
    return whole | {"dose": largest, "times_per_day": daily / largest}


def _instruction(each: Mapping[str, Any], note: Note) -> dict[str, Any]:
    fields = _amount(each, note) | _timing(part(each, "timing", note), note)
    needed = truth(each, "asNeededBoolean", note)
    if needed or part(each, "asNeededCodeableConcept", note):
        fields["as_needed"] = True
    route = concept(each, "route", note).text
    if route:
        fields["route"] = {"po": "oral"}.get(route.casefold(), route)
    text = word(each, "text", note) or word(each, "patientInstruction", note)
    if text:
        _add_text(fields, _sig(text), text, needed, note)
    _cap(fields, part(each, "maxDosePerPeriod", note), note)
    return fields


def _amount(each: Mapping[str, Any], note: Note) -> dict[str, Any]:
    rates = parts(each, "doseAndRate", note)
    holder = rates[0] if rates else each  # DSTU2 and STU3 carry doseQuantity one level up; harmless to accept
    if len(rates) > 1:
        note("more than one doseAndRate; the first is used")
    if part(holder, "doseRange", note):
        limits = part(holder, "doseRange", note)
        low, high = quantity(limits, "low", note), quantity(limits, "high", note)
        known = low or high
        if known is None:
            return {}
        fields = {"dose": (low or known).value, "unit": _unit(known.value, (high or known).unit, note)}
        return fields | ({"dose_high": high.value} if high and high.value != fields["dose"] else {})
    dose = quantity(holder, "doseQuantity", note)
    return {"dose": dose.value, "unit": _unit(dose.value, dose.unit, note)} if dose else {}


def _unit(value: float, unit: str | None, note: Note) -> str | None:
    if (unit or "").casefold() in BARE:
        if value <= MOST_COUNTED:
            return "each"
        note(f"the dose {value:g} has no unit")
        return None
    return unit


def _timing(timing: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """Frequency and bounds of Timing.repeat; of Timing.code (`BID`) where that is all there is."""
    if not timing:
        return {}
    repeat = part(timing, "repeat", note)
    fields: dict[str, Any] = _bounds(repeat, note)
    frequency = _frequency(repeat, note)
    if not frequency:
        said = concept(timing, "code", note)
        code = said.codes[0][1] if said.codes else said.text
        item = _sig(code).item if code else None
        if item and item.times_per_day:
            frequency = {"times_per_day": item.times_per_day}
            if item.every_hours:
                frequency["every_hours"] = item.every_hours
        elif code:
            note(f"timing code “{code}” is not understood")
    return fields | frequency


def _frequency(repeat: Mapping[str, Any], note: Note) -> dict[str, Any]:
    times = (
        [t[:5] for t in repeat.get("timeOfDay") or () if isinstance(t, str)]
        if _is_list(repeat, "timeOfDay")
        else []
    )
    slots = [w for w in repeat.get("when") or () if isinstance(w, str)] if _is_list(repeat, "when") else []
    weekdays = (
        [d for d in repeat.get("dayOfWeek") or () if isinstance(d, str)]
        if _is_list(repeat, "dayOfWeek")
        else []
    )
    share = len(set(weekdays)) / 7 if weekdays else 1.0
    length, longest = amount(repeat, "period", note), amount(repeat, "periodMax", note)
    often, most = amount(repeat, "frequency", note), amount(repeat, "frequencyMax", note)
    if times:
        return {"clock_times": tuple(sorted(set(times))), "times_per_day": len(set(times)) * share}
    if length is not None:
        per = DAYS_PER.get(word(repeat, "periodUnit", note).casefold().rstrip("s"))
        if not per or length <= 0 or "periodUnit" not in repeat:
            note("timing has a period without a unit that can be read")
            return {}
        often = 1.0 if often is None else often
        shortest = length * per
        high = (most or often) / shortest * share
        low = often / ((longest or length) * per) * share
        fields: dict[str, Any] = {"times_per_day": high}
        if low != high:
            fields["times_per_day_low"] = low
        if often == 1 and not most and not weekdays and shortest != 1:
            fields["every_hours"] = shortest * 24
        if slots and often == 1 and shortest == 1 and len(set(slots)) > 1:
            fields = {"times_per_day": float(len(set(slots)))}
        return fields
    if slots:
        return {"times_per_day": len(set(slots)) * share}
    if often is not None:
        return {}  # a count of times in no stated period says nothing
    return {"times_per_day": share} if weekdays else {}


def _is_list(repeat: Mapping[str, Any], name: str) -> bool:
    return isinstance(repeat.get(name), list)


def _bounds(repeat: Mapping[str, Any], note: Note) -> dict[str, Any]:
    start, end = period(repeat, "boundsPeriod", note)
    length = days(repeat, "boundsDuration", note)
    if length is None and part(repeat, "boundsRange", note):
        length = days(part(repeat, "boundsRange", note), "high", note)
    found = {"start": start, "end": end, "duration_days": length}
    return {name: value for name, value in found.items() if value is not None}


@lru_cache(maxsize=5000)
def _sig(text: str) -> Sig:
    return read_dosage(text.replace("_", " "))


FROM_TEXT = ("dose", "dose_high", "unit", "times_per_day", "times_per_day_low", "every_hours", "clock_times",
             "duration_days", "quantity", "days_supply")  # fmt: skip


def _add_text(fields: dict[str, Any], sig: Sig, text: str, needed: bool | None, note: Note) -> None:
    """Fill what the structure leaves open from the text; name disagreement and what could not be read."""
    said = sig.item
    stated = fields.get("times_per_day")
    low = said.times_per_day_low or said.times_per_day
    if (
        stated is not None
        and said.times_per_day
        and low
        and not low - 1e-6 <= stated <= said.times_per_day + 1e-6
    ):
        note(f"timing says {stated:g} times a day, its text “{text}” says otherwise; the timing is used")
    if fields.get("dose") is not None and said.dose is not None:
        same_unit = said.unit == fields.get("unit") or (
            is_counted(said.unit) and is_counted(fields.get("unit"))
        )
        if said.dose != fields["dose"] and same_unit:
            note(f"the dose is {fields['dose']:g}, its text “{text}” says otherwise; the dose is used")
    if "times_per_day" in fields:
        skip: tuple[str, ...] = ("times_per_day", "times_per_day_low", "every_hours", "clock_times")
    else:
        skip = ()
    if fields.get("dose") is not None:
        skip += ("dose", "dose_high", "unit")
    for name in FROM_TEXT:
        value = getattr(said, name)
        if name not in skip and value not in (None, ()):
            fields.setdefault(name, value)
    if said.as_needed and needed is None:
        fields["as_needed"] = True
    if said.route:
        fields.setdefault("route", said.route)
    if sig.unread and (fields.get("dose") is None or fields.get("times_per_day") is None):
        note(f"cannot read {', '.join(f'“{w}”' for w in sig.unread[:6])} in its text “{text[:120]}”")


def _cap(fields: dict[str, Any], limit: Mapping[str, Any], note: Note) -> None:
    """maxDosePerPeriod lowers how often, where its unit is that of the dose and its period a day."""
    most, length = quantity(limit, "numerator", note), days(limit, "denominator", note)
    dose = fields.get("dose_high") or fields.get("dose")
    if most is None or not length or not dose:
        return
    unit = _unit(most.value, most.unit, lambda _: None)
    if unit == fields.get("unit"):
        cap = most.value / length / dose
        if fields.get("times_per_day") is None or fields["times_per_day"] > cap:
            fields["times_per_day"] = cap
            fields.pop("times_per_day_low", None)


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


def order(resource: Resource, index: Index, note: Note) -> Medication:
    """A MedicationRequest that is no draft."""
    fields = naming(medicine(resource, index, note)) | dosage(resource, "dosageInstruction", note)
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
    return Medication(
        **fields,
        status=word(resource, "status", note) or None,
        start=start,
        end=end,
        prescriber=_prescriber(resource, note),
    )


def _prescriber(resource: Resource, note: Note) -> str | None:
    who = part(resource, "requester", note)
    return word(who, "reference", note) or word(who, "display", note) or None


def proposal(resource: Resource, index: Index, note: Note) -> PlanItem | None:
    """A draft MedicationRequest; None where the drug is not chosen yet."""
    said = medicine(resource, index, note)
    if not said:
        return None
    fields = naming(said) | dosage(resource, "dosageInstruction", note)
    given = supply(resource, note)
    given.pop("valid_from", None)
    given.pop("valid_until", None)
    if resource.get("doNotPerform") is True:  # R4: “to either stop taking or to not start taking”
        return PlanItem(**naming(said), action="stop")
    renewal = bool(part(resource, "priorPrescription", note))
    return PlanItem(**(given | fields), action="continue" if renewal else "start")


def statement(resource: Resource, index: Index, note: Note) -> Medication:
    """A MedicationStatement: what the patient says, or someone noted, is taken."""
    fields = naming(medicine(resource, index, note)) | dosage(resource, "dosage", note)
    fields.pop("duration_days", None)
    bounds = fields.pop("start", None), fields.pop("end", None)
    start, end = period(resource, "effectivePeriod", note)
    start = start or when(resource, "effectiveDateTime", note) or bounds[0]
    return Medication(
        **fields, status=word(resource, "status", note) or None, start=start, end=end or bounds[1]
    )


def dispense(resource: Resource, index: Index, note: Note) -> Medication:
    """A MedicationDispense: handed over is taken, from then for the days it lasts. `completed` is no end of use."""
    fields = naming(medicine(resource, index, note)) | dosage(resource, "dosageInstruction", note)
    bounds = fields.pop("start", None), fields.pop("end", None)
    length = days(resource, "daysSupply", note) or fields.pop("duration_days", None)
    counted = quantity(resource, "quantity", note)
    fields.pop("duration_days", None)
    if counted is not None:
        fields["quantity"] = counted.value
        per_day = (fields.get("dose_high") or fields.get("dose") or 0) * (fields.get("times_per_day") or 0)
        if length is None and per_day and fields.get("unit") not in ("mg", "g", "ug"):
            length = counted.value / per_day
    status = word(resource, "status", note)
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
        fields |= {"dose": dose.value, "unit": _unit(dose.value, dose.unit, note)}
    route = concept(given, "route", note).text
    start, end = period(resource, "effectivePeriod", note)
    start = start or when(resource, "effectiveDateTime", note)
    status = {"in-progress": "active", "not-done": "not-taken", "unknown": None}.get(
        (code := word(resource, "status", note)), code or None
    )
    over: Span | None = end or (start if status == "completed" else None)
    return Medication(**fields, route=route or None, status=status, start=start, end=over)
