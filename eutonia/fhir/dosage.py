"""Dosage instructions of FHIR → dose, frequency, length, and the steps of a taper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Any

from eutonia.dosing.steps import whole_of
from eutonia.dosing.text import Sig, read_dosage
from eutonia.fhir.bundle import Resource
from eutonia.fhir.elements import (
    DAYS_PER,
    Note,
    amount,
    concept,
    day_of,
    days,
    part,
    parts,
    period,
    quantity,
    truth,
    word,
)
from eutonia.patient import PlanItem
from eutonia.units import is_counted

Fields = dict[str, Any]
"""Fields of a plan item or medication, as far as they are told."""
IN_STEPS = (
    "dose", "dose_high", "unit", "times_per_day", "times_per_day_low", "every_hours", "clock_times", "as_needed",
)  # fmt: skip
"""Fields that each step has of its own."""
OF_EACH = {
    "dose_high", "times_per_day_low", "every_hours", "clock_times", "start", "end", "duration_days", "steps",
}  # fmt: skip
"""Fields that say nothing of several instructions together."""
BARE = {"", "1", "{each}", "[arb'u]"}
"""Units of a Quantity that say no more than that something is counted."""
MOST_COUNTED = 10
"""A dose without a unit is a number of tablets up to here; a larger number may be milligrams, and is left open."""


def dosage(resource: Resource, name: str, note: Note) -> tuple[Fields, tuple[PlanItem, ...]]:
    """Dose, frequency and bounds of all instructions together, and the steps of a taper (none where it is none).

    Structured parts win over the text; where they disagree the note says so. Instructions that run side by side add
    up; of those that follow one another the fields state the largest day.
    """
    instructions = parts(resource, name, note)
    read = [_instruction(each, note) for each in instructions]
    if len(read) < 2:
        fields = read[0] if read else {}
        steps = fields.pop("steps", ())
        return fields, steps
    groups = _in_order(instructions, read)
    told = "added up" if len(groups) == 1 else "one after the other"
    note(f"{len(read)} dosage instructions, {told}")
    together = _shared(read)
    if len({"each" if is_counted(each.get("unit")) else each.get("unit") for each in read}) > 1:
        return together | {"dose": None, "times_per_day": None}, ()
    steps = _steps(groups)
    if steps is None:  # when each begins is not known: the largest day there may be
        return together | max((_sum(group) for group in groups), key=_daily), ()
    whole = whole_of(PlanItem(), steps)
    told_of_all = {n: getattr(whole, n) for n in ("dose", "times_per_day", "duration_days")}
    return together | told_of_all, tuple(steps) if len(groups) > 1 else ()


def _in_order(instructions: Sequence[Mapping[str, Any]], read: Sequence[Fields]) -> list[list[Fields]]:
    """Groups of instructions that run side by side, one group after the other.

    By their `sequence` numbers, of which equal ones are concurrent (R4, Dosage.sequence); else by dates that do not
    overlap.
    """
    numbers = [each.get("sequence") for each in instructions]
    if all(type(n) is int for n in numbers):
        return _grouped(read, numbers)
    bounds = [(f["start"].first, f["end"].last) if "start" in f and "end" in f else None for f in read]
    if None in bounds:
        return [list(read)]
    spans = sorted({b for b in bounds if b})
    apart = all(before[1] < behind[0] for before, behind in pairwise(spans))
    return _grouped(read, bounds) if apart else [list(read)]


def _grouped(read: Sequence[Fields], keys: Sequence[Any]) -> list[list[Fields]]:
    return [[each for each, own in zip(read, keys, strict=True) if own == key] for key in sorted(set(keys))]


def _steps(groups: Sequence[Sequence[Fields]]) -> list[PlanItem] | None:
    """Each instruction with its first day; None where the length of a group that others follow is not known."""
    steps, begins = [], 0.0
    first = min((f["start"].first for f in groups[0] if "start" in f), default=None)
    for group in groups:
        ends = []
        for fields in group:
            start = float((fields["start"].first - first).days) if first and "start" in fields else begins
            length = _length(fields)
            own = {name: fields[name] for name in IN_STEPS if name in fields}
            steps.append(PlanItem(**own, start_day=max(start, 0.0), duration_days=length))
            ends.append(None if length is None else start + length)
        if None in ends and group is not groups[-1]:
            return None
        begins = max((end for end in ends if end is not None), default=begins)
    return steps


def _length(fields: Fields) -> float | None:
    """Days that an instruction runs: as stated, or by its dates, both included."""
    if "start" in fields and "end" in fields:
        return float((fields["end"].last - fields["start"].first).days + 1)
    length: float | None = fields.get("duration_days")
    return length


def _sum(group: Sequence[Fields]) -> Fields:
    """Dose and frequency whose product is the day's total of what runs side by side."""
    whole = whole_of(PlanItem(), [PlanItem(**{n: f[n] for n in IN_STEPS if n in f}) for f in group])
    return {"dose": whole.dose, "times_per_day": whole.times_per_day}


def _daily(total: Fields) -> float:
    """For the greatest of totals; one that is not known is taken for it."""
    dose, times = total["dose"], total["times_per_day"]
    return inf if dose is None or times is None else dose * times


def _shared(read: Sequence[Fields]) -> Fields:
    """What the instructions say together beside the dose: the first route, the whole time."""
    whole = {k: v for each in reversed(read) for k, v in each.items() if k not in OF_EACH}
    whole["as_needed"] = all(each.get("as_needed") for each in read)
    starts = [each["start"] for each in read if "start" in each]
    ends = [each["end"] for each in read if "end" in each]
    if starts:
        whole["start"] = min(starts)
    if len(ends) == len(read):
        whole["end"] = max(ends)
    return whole


def _instruction(each: Mapping[str, Any], note: Note) -> Fields:
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
    if "maxDosePerPeriod" in each:
        _cap(fields, part(each, "maxDosePerPeriod", note), note)
    return fields


def _amount(each: Mapping[str, Any], note: Note) -> Fields:
    rates = parts(each, "doseAndRate", note)
    holder = rates[0] if rates else each  # DSTU2 and STU3 carry doseQuantity one level up; harmless to accept
    if len(rates) > 1:
        note("more than one doseAndRate; the first is used")
    limits = part(holder, "doseRange", note)
    if limits:
        low, high = quantity(limits, "low", note), quantity(limits, "high", note)
        known = low or high
        if known is None:
            return {}
        fields = {"dose": (low or known).value, "unit": unit_of(known.value, (high or known).unit, note)}
        return fields | ({"dose_high": high.value} if high and high.value != fields["dose"] else {})
    dose = quantity(holder, "doseQuantity", note)
    return {"dose": dose.value, "unit": unit_of(dose.value, dose.unit, note)} if dose else {}


def unit_of(value: float, unit: str | None, note: Note) -> str | None:
    """The unit of a dose; `each` where a small number has none, None where a large one has none."""
    if (unit or "").casefold() in BARE:
        if value <= MOST_COUNTED:
            return "each"
        note(f"the dose {value:g} has no unit")
        return None
    return unit


def _timing(timing: Mapping[str, Any], note: Note) -> Fields:
    """Frequency and bounds of Timing.repeat; of Timing.code (`BID`) where that is all there is."""
    if not timing:
        return {}
    repeat = part(timing, "repeat", note)
    fields: Fields = _bounds(repeat, note)
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
    fields |= frequency or _events(timing)
    count, times = amount(repeat, "count", note), fields.get("times_per_day")
    if count and times and not {"duration_days", "end"} & fields.keys():
        fields["duration_days"] = max(count / times, 1.0)
    return fields


def _events(timing: Mapping[str, Any]) -> Fields:
    """Dates on which a dose is to be taken, one by one: the most of a day, and the days from first to last."""
    written = timing.get("event") if isinstance(timing.get("event"), list) else []
    given = Counter(d for e in written or () if isinstance(e, str) and (d := day_of(e)))
    if not given:
        return {}
    first, last = min(given), max(given)
    return {
        "times_per_day": float(max(given.values())),
        "duration_days": float((last.first - first.first).days + 1),
    }


def _frequency(repeat: Mapping[str, Any], note: Note) -> Fields:
    times = [time[:5] for time in _words(repeat, "timeOfDay")]
    slots, weekdays = _words(repeat, "when"), _words(repeat, "dayOfWeek")
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
        fields: Fields = {"times_per_day": high}
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


def _words(repeat: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list."""
    value = repeat.get(name)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _bounds(repeat: Mapping[str, Any], note: Note) -> Fields:
    start, end = period(repeat, "boundsPeriod", note)
    length = days(repeat, "boundsDuration", note)
    if length is None and "boundsRange" in repeat:
        length = days(part(repeat, "boundsRange", note), "high", note)
    found = {"start": start, "end": end, "duration_days": length}
    return {name: value for name, value in found.items() if value is not None}


@lru_cache(maxsize=5000)
def _sig(text: str) -> Sig:
    return read_dosage(text.replace("_", " "))


FROM_TEXT = ("dose", "dose_high", "unit", "times_per_day", "times_per_day_low", "every_hours", "clock_times",
             "duration_days", "quantity", "days_supply")  # fmt: skip


def _add_text(fields: Fields, sig: Sig, text: str, needed: bool | None, note: Note) -> None:
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
    if said.steps and "dose" not in skip and "times_per_day" not in skip:
        fields["steps"] = said.steps
    if sig.unread and (fields.get("dose") is None or fields.get("times_per_day") is None):
        note(f"cannot read {', '.join(f'“{w}”' for w in sig.unread[:6])} in its text “{text[:120]}”")


def _cap(fields: Fields, limit: Mapping[str, Any], note: Note) -> None:
    """maxDosePerPeriod lowers how often, where its unit is that of the dose and its period a day."""
    most, length = quantity(limit, "numerator", note), days(limit, "denominator", note)
    dose = fields.get("dose_high") or fields.get("dose")
    if most is None or not length or not dose:
        return
    unit = unit_of(most.value, most.unit, lambda _: None)
    if unit == fields.get("unit") or (is_counted(unit) and is_counted(fields.get("unit"))):
        cap = most.value / length / dose
        if fields.get("times_per_day") is None or fields["times_per_day"] > cap:
            fields["times_per_day"] = cap
            fields.pop("times_per_day_low", None)
