"""Rows of doses → days, steps and visits with their dates, tablets and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from eutonia.knowledge.tapers import Monitoring
from eutonia.tapering import tablets
from eutonia.tapering.models import Day, Dose, Step, Visit, clock
from eutonia.tapering.response import Column


def days_and_steps(
    doses: Column, hours: Sequence[float], made_of: Sequence[float], begin: date, first: int = 1
) -> tuple[list[Day], list[Step]]:
    """Rows of doses as days and steps, numbered from `first` on; `begin` is the date of day 1."""
    sizes = tablets.doses(made_of, float("inf"))
    days: list[Day] = []
    for number, row in enumerate(doses, first):
        given = [
            Dose(
                time=clock(hour),
                mg=float(mg),
                tablets=tablets.written(sizes.get(round(float(mg), 6), ())),
            )
            for hour, mg in zip(hours, row, strict=True)
            if mg > 0
        ]
        on = begin + timedelta(days=number - 1)
        days.append(Day(day=number, date=on, doses=given, total_mg=float(row.sum())))
    steps: list[Step] = []
    for day in days:
        if steps and steps[-1].doses == day.doses:
            steps[-1] = steps[-1].model_copy(update={"last_day": day.day})
        else:
            steps.append(Step(first_day=day.day, last_day=day.day, doses=day.doses, total_mg=day.total_mg))
    return days, steps


def visits(plan: Monitoring | None, steps: Sequence[Step], begin: date) -> list[Visit]:
    """When to look at the patient: after the first cuts, then regularly, and after the last dose."""
    if plan is None or not steps:
        return []
    cuts = [step.first_day for step in steps][: plan.first_cuts]
    visits = {day + plan.after_cut_days: f"after cut {n + 1}" for n, day in enumerate(cuts)}
    end = steps[-1].last_day
    last = max(visits)
    visits |= dict.fromkeys(range(last + plan.then_every_days, end + 1, plan.then_every_days), "weekly")
    visits[end + 1 + plan.after_cut_days] = "after the last dose"
    ask = ", ".join(plan.ask)
    return [
        Visit(day=day, date=begin + timedelta(days=day - 1), what=f"{why}: {ask}")
        for day, why in sorted(visits.items())
    ]


def phrases(doses: Column) -> Iterator[str]:
    """`days 1 to 3: 1050 mg`"""
    begun = 0
    for day in range(1, len(doses) + 1):
        if day == len(doses) or not np.array_equal(doses[day], doses[begun]):
            span = f"day {day}" if begun == day - 1 else f"days {begun + 1} to {day}"
            given = sorted((float(mg) for mg in doses[begun] if mg > 0), reverse=True)
            parts = [f"{given.count(mg)} x {mg:g} mg" for mg in dict.fromkeys(given)]
            yield f"{span}: {', '.join(parts)}"
            begun = day
