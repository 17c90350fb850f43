"""Steps of a plan: parts with doses of their own, one after the other (a taper) or side by side.

Each step is a plan item with its first day; the whole states the largest doses and the full length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from eutonia.patient import PlanItem
from eutonia.units import MASS_IN_MG


def whole_of(first: PlanItem, steps: Sequence[PlanItem]) -> PlanItem:
    """`first` with these steps: largest dose, largest daily total, and when the last step ends."""
    starts = [s.start_day or 0.0 for s in steps]
    ends = [
        None if s.duration_days is None else start + s.duration_days
        for s, start in zip(steps, starts, strict=True)
    ]
    known = [end for end in ends if end is not None]
    totals = [_total_on(start, steps) for start in starts]
    doses = [d for d in (s.dose_high or s.dose for s in steps) if d is not None]
    largest = max(doses) if len(doses) == len(steps) else None
    daily = None if None in totals or largest is None else max(t for t in totals if t is not None)
    return first.model_copy(
        update={
            "dose": largest,
            "dose_high": None,
            "times_per_day": daily / largest if daily is not None and largest else None,
            "times_per_day_low": None,
            "every_hours": None,
            "clock_times": (),
            "duration_days": max(known) if len(known) == len(ends) else None,
            "steps": tuple(steps),
            "as_needed": all(s.as_needed for s in steps),
        }
    )


def _total_on(day: float, steps: Iterable[PlanItem]) -> float | None:
    """The amount taken on a day by all steps then under way; None where one is not known."""
    total = 0.0
    for step in steps:
        start = step.start_day or 0.0
        if start <= day and (step.duration_days is None or day < start + step.duration_days):
            dose = step.dose_high or step.dose
            if dose is None or step.times_per_day is None:
                return None
            total += dose * step.times_per_day
    return total


def laid_out(items: Sequence[PlanItem], beside: Sequence[bool]) -> list[PlanItem]:
    """Each item with its first day; what it leaves unsaid is as in the one before.

    beside: for each item, whether it is taken together with the one before, not after it.
    """
    steps: list[PlanItem] = []
    for item, with_before in zip(items, beside, strict=True):
        if not steps:
            steps.append(
                item.model_copy(update={"start_day": item.start_day or 0.0, "start": None, "end": None})
            )
            continue
        before = steps[-1]
        step = _filled(item, before, steps[0], with_before)
        if with_before and before.duration_days is None:  # the length said last is that of all beside it
            steps = [
                s.model_copy(update={"duration_days": step.duration_days})
                if s.duration_days is None and s.start_day == step.start_day
                else s
                for s in steps
            ]
        elif before.duration_days is None and item.start_day is not None:  # `…, increase to … after 3 days`
            steps[-1] = before.model_copy(
                update={"duration_days": item.start_day - (before.start_day or 0.0)}
            )
        steps.append(step)
    return steps


def _filled(item: PlanItem, before: PlanItem, first: PlanItem, beside: bool) -> PlanItem:
    """What a step leaves unsaid is as in the one before; it begins where that one ends, or beside it."""
    changes: dict[str, Any] = {"text": first.text}
    if item.dose is None:
        changes |= {"dose": before.dose, "dose_high": before.dose_high, "unit": before.unit}
    elif item.unit == "each" and before.unit not in MASS_IN_MG:
        changes["unit"] = before.unit or "each"
    if item.times_per_day is None:
        changes |= {
            name: getattr(before, name)
            for name in ("times_per_day", "times_per_day_low", "every_hours", "clock_times")
        }
    if beside:
        changes["start_day"] = before.start_day
        if item.duration_days is None:
            changes["duration_days"] = before.duration_days
    elif item.start_day is None:
        changes["start_day"] = (before.start_day or 0.0) + (before.duration_days or 0.0)
    return item.model_copy(update=changes)


PIECES = ("tablet", "capsule", "each")
FEW = 4
"""A number up to this one may be of tablets, a larger one is an amount."""
TINY = 16
"""So many times smaller than the dose before, a number is no amount in its unit."""


def in_one_unit(steps: Sequence[PlanItem], strengths: Sequence[float], counted: bool) -> list[PlanItem]:
    """The steps in mg where one is a mass: `350 mg tid + 1 nocte` is a tablet more, `2 tabs hs` two of them.

    What cannot be told (`4 mg tid, then 2 hs`) keeps its own unit, for `unsaid` to name. `strengths`: the tablets of
    the drug, where it is known; a dose that is none of them does not tell what is in a tablet. `counted`: whether bare
    numbers are known to be tablets.
    """
    masses = [step for step in steps if step.unit in MASS_IN_MG and step.dose]
    if not masses or len({step.unit for step in steps}) == 1:
        return list(steps)
    first = masses[0]
    stated = re.search(r"(\d+(?:\.\d+)?) mg", steps[0].text)
    usual = (first.dose or 0.0) * MASS_IN_MG[first.unit or "mg"]
    strength = float(stated[1]) if stated else usual if not strengths or usual in strengths else None
    if counted:
        steps = [s.model_copy(update={"unit": "tablet"}) if s.unit == "each" else s for s in steps]
    return [_in_mg(step, first, strength) for step in steps]


def _in_mg(step: PlanItem, first: PlanItem, strength: float | None) -> PlanItem:
    """A step in mg, or as it is. `first`: the first with a mass, whose unit bare numbers have."""
    if step.dose is None or step.unit is None:
        return step
    few, tiny = step.dose <= FEW, TINY * step.dose <= (first.dose or 0.0)
    factor = MASS_IN_MG.get(step.unit)
    if step.unit == "each" and not few and not tiny:
        factor = MASS_IN_MG[first.unit or "mg"]
    elif step.unit in PIECES and (step.unit != "each" or (few and tiny)):
        factor = strength
    if factor is None:
        return step
    high = None if step.dose_high is None else step.dose_high * factor
    return step.model_copy(update={"dose": step.dose * factor, "dose_high": high, "unit": "mg"})


def unsaid(
    items: Sequence[PlanItem], steps: Sequence[PlanItem], beside: Sequence[bool]
) -> Iterator[tuple[int, str]]:
    """Words that keep items from being steps of one plan, with the item: another name, or a “then” after a step
    whose length is not said, or an amount in another unit than that of the rest."""
    for n in range(1, len(items)):
        if steps[n].unit != steps[0].unit and steps[n].unit is not None and steps[0].unit is not None:
            yield n, f"{items[n].dose:g}"
        if items[n].text and items[n].text != items[0].text:
            yield n, items[n].text
        if not beside[n] and steps[n - 1].duration_days is None and items[n].start_day is None:
            yield n, "then"
