"""How long a planned course lasts: as stated, from its dates, or from what is dispensed."""

from __future__ import annotations

from eutonia.formulary import medicine_index, recognise
from eutonia.knowledge import Knowledge
from eutonia.patient import PlanItem
from eutonia.units import is_counted


def planned_days(item: PlanItem, knowledge: Knowledge) -> float | None:
    """The length of the planned course in days; None where nothing tells it."""
    if item.duration_days is not None:
        return item.duration_days
    if item.start and item.end:
        return float((item.end.last - item.start.first).days + 1)
    if item.days_supply is not None:
        return item.days_supply
    each = _units_of_a_dose(item, knowledge) if item.quantity and item.times_per_day else None
    if item.quantity and item.times_per_day and each:
        return item.quantity / (each * item.times_per_day)
    return None


def _units_of_a_dose(item: PlanItem, knowledge: Knowledge) -> float | None:
    """Tablets of one dose; `350 mg tid #42` of a drug that comes in 350 mg is one."""
    dose = item.dose_high or item.dose
    if not dose or is_counted(item.unit):
        return dose or None
    if item.unit != "mg":
        return None
    known = recognise(item.text, item.rxcui, knowledge)
    if known is None or len(known.ingredients) != 1:
        return None
    only = known.ingredients[0]
    if only.mg:
        return dose / only.mg
    return 1.0 if dose in medicine_index(knowledge).strengths.get(only.drug, ()) else None
