"""How much work one request may ask for: what is simulated costs time with its length."""

from __future__ import annotations

from collections.abc import Iterable

from eutonia.dosing.text import read_plan
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, PlanItem

LONGEST_DAYS = 400
MOST_ITEMS = 12


def bounded(case: Case) -> Case:
    """`case`, if its plan is one that is simulated in seconds. Raises InputError."""
    check_items(case.plan)
    return case


def read_bounded(texts: Iterable[str], knowledge: Knowledge) -> list[PlanItem]:
    """Plans in words, if they are simulated in seconds. Raises InputError."""
    items = [read_plan(text, knowledge) for text in texts]
    check_items(items)
    return items


def check_items(items: Iterable[PlanItem]) -> None:
    listed = list(items)
    if len(listed) > MOST_ITEMS:
        raise InputError(f"The plan has more than {MOST_ITEMS} items. Ask about fewer at once.")
    for item in listed:
        for part in (item, *item.steps):
            end = (part.start_day or 0.0) + (part.duration_days or 0.0)
            if end > LONGEST_DAYS or (part.days_supply or 0.0) > LONGEST_DAYS:
                raise InputError(
                    f"“{item.written or item.text}” is longer than the {LONGEST_DAYS} days that are simulated here. "
                    "Use the command line for it."
                )
