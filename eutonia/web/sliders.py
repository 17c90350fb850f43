"""The parts of a plan that a reader may move: dose, doses a day, length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eutonia.features.taken import Taken
from eutonia.knowledge import Knowledge
from eutonia.patient import PlanItem


class Try(NamedTuple):
    """One slider: a part of a plan that can be changed."""

    name: str
    text: str
    values: Sequence[float]
    now: float
    unit: str


def tries_of(item: PlanItem, parts: Sequence[Taken], knowledge: Knowledge) -> list[Try]:
    """The sliders of a plan item of one drug; none where its dose is written in parts or not known in mg."""
    if item.steps or item.times_per_day is None or len(parts) != 1 or not parts[0].mg_per_dose:
        return []
    dose, drug = parts[0].mg_per_dose, knowledge.drugs.get(parts[0].treatment)
    doses = {*(drug.strengths_mg if drug else ()), dose / 2, dose, dose * 1.5, dose * 2}
    times = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, item.times_per_day}
    days = parts[0].duration_days or item.duration_days or item.days_supply or 7.0
    lengths = {1.0, 3.0, 5.0, 7.0, 10.0, 14.0, 21.0, 28.0, 42.0, days}
    return [
        _slider("dose", "Dose", doses, dose, "mg"),
        _slider("times", "Doses a day", times, item.times_per_day, "a day"),
        _slider("days", "Length", lengths, days, "days"),
    ]


def name_of(treatment: str, knowledge: Knowledge) -> str:
    """What a plan in words calls a drug."""
    drug = knowledge.drugs.get(treatment)
    return drug.title.casefold() if drug else treatment


def _slider(name: str, text: str, values: set[float], now: float, unit: str) -> Try:
    def short(value: float) -> float:
        return int(value) if value == int(value) else round(value, 2)

    return Try(name, text, [short(v) for v in sorted(values)], short(now), unit)
