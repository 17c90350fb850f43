"""A chart → the taper: refused, not needed, from print, or made to measure; with what each way would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from eutonia.features.chart import Chart
from eutonia.tapering import published, tablets
from eutonia.tapering.laying_out import days_and_steps, visits
from eutonia.tapering.measuring import Day, made_to_measure
from eutonia.tapering.models import Taper
from eutonia.tapering.settling import Budget, Plan, Progress, references, settle, silent


def make(
    chart: Chart,
    drug: str,
    *,
    facts: Mapping[str, Any],
    strengths: Sequence[float] | None = None,
    max_days: int | None = None,
    start: date | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    progress: Progress = silent,
) -> Taper:
    """The taper of `drug` for the patient of `chart`.

    Raises NotAvailable where eutonia holds no schedule for the drug, InputError for tablets or lengths that cannot be.
    """
    base, plan = settle(
        chart, drug, max_days=max_days, start=start, seed=seed, budget=budget or Budget(), progress=progress
    )
    if plan is None:
        return base
    if base.needed is False:
        return _not_needed(plan, base, facts)
    return _schedule(plan, base, facts, strengths, max_days)


def _not_needed(plan: Plan, base: Taper, facts: Mapping[str, Any]) -> Taper:
    """The stop, and what to expect of it."""
    update: dict[str, Any] = {"says": plan.policy.not_needed_says, "plain": []}
    if plan.policy.limits is not None:
        response, state = plan.simulated(facts, plan.budget.draws, plan.budget.step)
        nothing, entry = np.zeros((0, len(response.hours))), plan.knowledge.tapers["abrupt"]
        (predicted,), courses = plan.predict(response, state, [("abrupt", nothing)], None)
        update |= {
            "predicted": predicted, "assumptions": plan.assumptions(response), "courses": courses,
            "chosen": "abrupt", "alternatives": {"abrupt": plan.alternative(entry, nothing, predicted)},
        }  # fmt: skip
    return base.model_copy(update=update)


def _schedule(
    plan: Plan, base: Taper, facts: Mapping[str, Any], strengths: Sequence[float] | None, max_days: int | None
) -> Taper:
    made_of = plan.tablets(strengths)
    hours, now = plan.hours()
    limits = plan.policy.limits
    wide = tablets.menu(made_of, hours, now, None)
    if limits is None:
        return _from_print(plan, base, Day(hours, now, wide, wide), made_of)
    within = tablets.menu(made_of, hours, np.minimum(now, limits.single_mg), limits)
    return made_to_measure(plan, base, facts, Day(hours, now, within, wide), made_of, max_days)


def _from_print(plan: Plan, base: Taper, day: Day, made_of: Sequence[float]) -> Taper:
    """The published pace, for a drug whose withdrawal is not simulated."""
    own = [s for s in plan.knowledge.tapers.values() if plan.use.drug in s.drugs]
    schedule = min(own, key=lambda s: s.order)
    doses = published.days_of(schedule, day.now, day.hours, day.menu, day.wide, None)
    days, steps = days_and_steps(doses, day.hours, made_of, plan.begin)
    return base.model_copy(update={
        "says": f"{plan.policy.needed_says} {schedule.says}", "chosen": schedule.id, "published": schedule.id,
        "days": days, "steps": steps, "monitoring": visits(plan.policy.monitoring, steps, plan.begin),
        "sources": [*base.sources, *references(schedule.sources), *plan.cited()],
        "assumptions": [
            "The withdrawal of this drug is not simulated: this is the published pace, in tablets that exist.",
            *plan.unknown_length(),
        ],
    })  # fmt: skip
