"""Entries of a record whose dosing stands in their name alone: `Soma 350 mg tablet, 1 tab QID, dispense #88`."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TypeVar

from eutonia.dates import span
from eutonia.errors import InputError
from eutonia.patient import Medication, PlanItem

Entry = TypeVar("Entry", PlanItem, Medication)
DOSING = (
    "dose", "dose_high", "unit", "times_per_day", "times_per_day_low", "every_hours", "clock_times",
    "as_needed", "route", "duration_days", "steps", "start_day", "quantity", "days_supply",
)  # fmt: skip
"""What the words of an entry may tell beside its name."""


def from_words(entry: Entry, as_of: date | None = None) -> Entry:
    """An entry whose dosing stands in its text alone. What a field states is kept; unread words are left.

    A length (`for 2 years`) of what is in use on the day `as_of` lies before it.
    """
    if entry.times_per_day is not None or not entry.text:
        return entry
    read = _read(entry.text)
    if read is None:
        return entry
    if isinstance(entry, PlanItem) and "action" not in entry.model_fields_set:
        entry = entry.model_copy(update={"action": read.action, "taper": read.taper})
    if read.times_per_day is None or (entry.dose is not None and entry.dose != read.dose):
        return entry
    told = {name: getattr(read, name) for name in DOSING if name in type(entry).model_fields}
    if isinstance(entry, Medication) and as_of and read.duration_days and not entry.end:
        told["start"] = span(as_of - timedelta(days=min(read.duration_days, 36_500)))
    return entry.model_copy(update={name: value for name, value in told.items() if not getattr(entry, name)})


@lru_cache(maxsize=4096)
def _read(text: str) -> PlanItem | None:
    from eutonia.dosing.text import read_plan

    try:
        return read_plan(text)
    except InputError:
        return None
