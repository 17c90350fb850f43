"""Draft orders that repeat what is in use already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from eutonia.features.chart import GRACE_DAYS
from eutonia.features.taken import supply_end
from eutonia.formulary import recognise
from eutonia.knowledge import load
from eutonia.patient import Dosage, Medication, PlanItem


def renewals(
    plan: Iterable[PlanItem], medications: Sequence[Medication], day: date
) -> tuple[tuple[PlanItem, ...], list[str]]:
    """The plan, in which a draft for the very product and dose that is in use goes on with it and does not double it.

    Few systems fill in `priorPrescription`, which says so; another dose of the same product is no renewal.
    """
    items, notes = [], []
    for item in plan:
        renews = any(_same_order(item, entry) and _lasts(entry, day) for entry in medications)
        if item.action == "start" and renews:
            items.append(item.model_copy(update={"action": "continue"}))
            notes.append(f"The draft for {item.text} repeats an order in use: read as its renewal.")
        else:
            items.append(item)
    return tuple(items), notes


def _same_order(one: Dosage, other: Dosage) -> bool:
    dosed = one.dose is not None and all(
        getattr(one, name) == getattr(other, name) for name in ("dose", "dose_high", "unit", "times_per_day")
    )
    return dosed and _same_product(one, other)


def _same_product(one: Dosage, other: Dosage) -> bool:
    """By code where both have one, else by name: `carisoprodol 350 mg tid` is `Carisoprodol 350 MG Oral Tablet`."""
    if one.rxcui and other.rxcui:
        return one.rxcui == other.rxcui
    a, b = (recognise(each.text, each.rxcui, load(), atc=each.atc) for each in (one, other))
    if a is None or b is None:
        return one.text.casefold().split() == other.text.casefold().split()
    return (a.ingredients, a.brand) == (b.ingredients, b.brand)


def _lasts(entry: Medication, day: date) -> bool:
    """Whether an active order has not run out; a week late counts as in time, as everywhere."""
    end = supply_end(entry.start, entry.end, entry.days_supply)
    return entry.status in (None, "active") and (end is None or end.last + timedelta(GRACE_DAYS) >= day)
