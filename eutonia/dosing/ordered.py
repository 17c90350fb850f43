"""An order or a medicine on the list in words, as a reader checks it: drug, dose, how often, how long."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia.patient import Dosage, PlanItem
from eutonia.units import is_counted


def as_ordered(entry: Dosage) -> str:
    """`carisoprodol 350 MG Oral Tablet, 1 tablet 4 times a day, for 30 days`; the words themselves where it was
    written in words. What is not stated is not said."""
    if isinstance(entry, PlanItem) and entry.written:
        return entry.written
    named = entry.text or (entry.therapy if isinstance(entry, PlanItem) else "") or entry.coded
    return ", ".join([_action(entry) + named, *_parts(entry)]) if named else ""


def _action(entry: Dosage) -> str:
    """What is to be done with it, where that is not to begin it."""
    action = entry.action.removesuffix("-therapy") if isinstance(entry, PlanItem) else ""
    return f"{action} " if action in ("continue", "stop", "taper") else ""


def _parts(entry: Dosage) -> Iterator[str]:
    if not (isinstance(entry, PlanItem) and entry.steps):
        how = " ".join([*_amount(entry), *_often(entry)])
        if how:
            yield how
        if entry.as_needed:
            yield "as needed"
    days = entry.duration_days if isinstance(entry, PlanItem) and entry.duration_days else entry.days_supply
    if days:
        yield f"for {days:g} {'day' if days == 1 else 'days'}"


def _amount(entry: Dosage) -> Iterator[str]:
    if entry.dose is None:
        return
    most = entry.dose_high if entry.dose_high is not None else entry.dose
    amount = f"{entry.dose:g}" if most == entry.dose else f"{entry.dose:g} to {most:g}"
    unit = entry.unit or ""
    if is_counted(unit):
        words = unit.casefold().strip("{}. ").removesuffix("(s)").rstrip("s")
        unit = {"tbl": "tablet", "tab": "tablet", "cap": "capsule", "each": "", "unit": ""}.get(words, words)
        unit += "s" if unit and most != 1 else ""
    yield f"{amount} {unit}".strip()


def _often(entry: Dosage) -> Iterator[str]:
    times, least = entry.times_per_day, entry.times_per_day_low
    if entry.every_hours is not None:
        yield f"every {entry.every_hours:g} hours"
    elif times is not None and 0 < times < 1:
        yield f"every {1 / times:.3g} days"
    elif times == 1 and least in (None, 1):
        yield "once a day"
    elif times:
        yield f"{times:g} times a day" if least in (None, times) else f"{least:g} to {times:g} times a day"
