"""The rest of a schedule, from where the patient is today and how bad withdrawal is: go on, hold, slow, never back up.

The virtual patients are brought to today by the doses that were really taken, and the rest is looked for anew from
there. What a score means stands with its bands in the policy of the drug (knowledge/taper_policies).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from eutonia.errors import InputError, NotAvailable
from eutonia.features.chart import Chart
from eutonia.knowledge.tapers import Band, Scale
from eutonia.tapering import tablets
from eutonia.tapering.laying_out import days_and_steps, visits
from eutonia.tapering.measuring import MADE, hold_of
from eutonia.tapering.models import Adapted, Refer, Step, Taper
from eutonia.tapering.response import Column
from eutonia.tapering.search import Loss, Start, as_doses, find
from eutonia.tapering.settling import Budget, Plan, Progress, settle, silent

NO_OTHERS: dict[str, Any] = {"alternatives": {}, "made": None, "continuing": None}
"""What was said beside the whole schedule does not hold for the rest of it."""


def adapt(
    chart: Chart,
    schedule: Taper,
    *,
    today: int,
    score: float,
    taken: Mapping[int, float] | None = None,
    facts: Mapping[str, Any],
    seed: int = 0,
    progress: Progress = silent,
) -> Taper:
    """`schedule` from day `today` on, after withdrawal scored `score`; `taken` are the mg of days that went otherwise.

    Raises InputError for a day or score that cannot be, NotAvailable for a drug without a scale.
    """
    _, plan = settle(
        chart,
        schedule.drug,
        max_days=None,
        start=schedule.start,
        seed=seed,
        budget=Budget(),
        progress=progress,
    )
    if plan is None or not schedule.days:
        return schedule
    policy = plan.policy
    if policy.scale is None or policy.search is None or policy.weights is None:
        raise NotAvailable(f"{schedule.title}: no scale is known by which its schedule could be changed.")
    taken = dict(taken or {})
    _check(schedule, today, score, taken, policy.scale)
    band = band_of(score, policy.scale)
    in_force = _step_on(schedule, today - 1)
    held = today - in_force.first_day if in_force else 0
    action, says = _decision(band, in_force, held, policy.scale)
    adapted = Adapted(today=today, score=score, band=band.name, action=action, says=says, taken=taken)
    if action == "refer":
        refer = Refer(
            why=[f"{policy.scale.name} {score:g} on day {today}: {band.name} withdrawal"],
            rules=[],
            do=band.says,
        )
        emptied: dict[str, Any] = {
            "days": [],
            "steps": [],
            "monitoring": [],
            "predicted": None,
            "courses": {},
            "chosen": None,
        }
        return schedule.model_copy(
            update=NO_OTHERS | emptied | {"adapted": adapted, "refer": refer, "says": says}
        )
    deviates = any(mg != _total(schedule, day) for day, mg in taken.items())
    if action == "continue" and not deviates:
        return _rest_as_it_was(plan, schedule, adapted, facts)
    return _rest_anew(plan, schedule, adapted, held, facts)


def band_of(score: float, scale: Scale) -> Band:
    """The band that a score falls into."""
    return next(band for band in scale.bands if band.up_to is None or score <= band.up_to)


def _check(schedule: Taper, today: int, score: float, taken: Mapping[int, float], scale: Scale) -> None:
    last = schedule.days[-1].day
    if not 1 <= today <= last + 1:
        raise InputError(f"Day {today} is not within the schedule, which runs from day 1 to day {last}.")
    if not math.isfinite(score) or not 0 <= score <= scale.most:
        raise InputError(f"A {scale.name} score of {score:g} cannot be: it runs from 0 to {scale.most:g}.")
    for day, mg in taken.items():
        if not 1 <= day < today:
            raise InputError(
                f"What was taken on day {day} cannot be told on day {today}. Name days before today."
            )
        if not math.isfinite(mg) or mg < 0:
            raise InputError(f"{mg:g} mg taken on day {day} is not an amount.")


def _step_on(schedule: Taper, day: int) -> Step | None:
    return next((s for s in schedule.steps if s.first_day <= day <= s.last_day), None)


def _total(schedule: Taper, day: int) -> float:
    return schedule.days[day - 1].total_mg


def _decision(band: Band, in_force: Step | None, held: int, scale: Scale) -> tuple[Any, str]:
    """What to do: a hold that has not helped becomes a slower schedule."""
    if band.action != "hold":
        return band.action, band.says
    planned = in_force.last_day - in_force.first_day + 1 if in_force else 0
    if in_force is not None and held >= max(planned, scale.hold_days):
        return "slow", f"{band.says} The step has been held and it is no better: later steps are held longer."
    return "hold", band.says


def _rest_as_it_was(plan: Plan, schedule: Taper, adapted: Adapted, facts: Mapping[str, Any]) -> Taper:
    """The days that are left, unchanged, with withdrawal as it stands now."""
    hours = sorted({_hour(dose.time) for day in schedule.days for dose in day.doses})
    response, state = plan.simulated(facts, plan.budget.draws, plan.budget.step, hours)
    doses = _rows(schedule, response.hours)
    done = adapted.today - 1
    state = response.days(state, doses[:done, None]).fresh() if done else state
    results, courses = plan.predict(response, state, [(MADE, doses[done:])], None)
    days = schedule.days[done:]
    steps = [
        s.model_copy(update={"first_day": max(s.first_day, adapted.today)})
        for s in schedule.steps
        if s.last_day >= adapted.today
    ]
    return schedule.model_copy(
        update=NO_OTHERS
        | {"adapted": adapted, "says": adapted.says, "days": days, "steps": steps, "predicted": results[0]}
        | {"monitoring": [v for v in schedule.monitoring if v.day >= adapted.today], "courses": courses}
    )


def _rest_anew(plan: Plan, schedule: Taper, adapted: Adapted, held: int, facts: Mapping[str, Any]) -> Taper:
    """The days that are left, looked for from the state that the doses really taken have led to."""
    policy = plan.policy
    assert policy.search is not None
    assert policy.weights is not None
    assert policy.scale is not None
    assert policy.limits is not None
    search, done = policy.search, adapted.today - 1
    hold = hold_of(search, search.most_days)
    if adapted.action == "slow":
        hold = round(hold * policy.scale.slower)
    hours, _ = plan.hours()
    made_of = plan.tablets(_strengths(schedule))
    quick, state = plan.simulated(facts, plan.budget.search_draws, plan.budget.search_step, hours)
    response, own = plan.simulated(facts, plan.budget.draws, plan.budget.step, hours)
    so_far = _taken(schedule, response.hours, adapted)
    dose = _rows(schedule, response.hours)[done - 1] if done else plan.daily(response)
    ceiling = np.minimum(dose, policy.limits.single_mg)
    stay = policy.scale.hold_days if adapted.action != "continue" else max(0, hold - held) if done else 0
    menu = tablets.menu(made_of, response.hours, ceiling, policy.limits)
    at_most = _at_label(dose, ceiling, menu.mg, policy.limits.daily_mg)
    path = np.concatenate([so_far, np.broadcast_to(at_most, (stay, len(dose)))])
    state, own = quick.days(state, path[:, None]).fresh(), response.days(own, so_far[:, None]).fresh()
    loss = Loss(policy.weights, search)
    found = find(
        quick, state, Start(at_most, search.largest_cut_mg), menu, loss, hold=hold,
        most_days=search.most_days, progress=plan.progress,
    )  # fmt: skip
    rest = np.concatenate([np.broadcast_to(at_most, (stay, len(dose))), as_doses(found.best, menu)])
    results, courses = plan.predict(response, own, [(MADE, rest)], None)
    days, steps = days_and_steps(rest, response.hours, made_of, schedule.start, first=adapted.today)
    return schedule.model_copy(
        update=NO_OTHERS
        | {"adapted": adapted, "says": adapted.says, "days": days, "steps": steps, "predicted": results[0]}
        | {"chosen": MADE, "monitoring": visits(policy.monitoring, steps, schedule.start), "courses": courses}
    )


def _at_label(dose: Column, ceiling: Column, patterns: Column, daily_mg: float) -> Column:
    """The dose in force, or the most that the label allows where it is above."""
    if ceiling.sum() <= daily_mg + 1e-9 and np.array_equal(dose, ceiling):
        return dose
    return np.asarray(patterns[0])


def _taken(schedule: Taper, hours: tuple[float, ...], adapted: Adapted) -> Column:
    """[days so far, hours] mg: as scheduled, but for the days on which another amount was taken."""
    rows = _rows(schedule, hours)[: adapted.today - 1].copy()
    for day, mg in adapted.taken.items():
        row = rows[day - 1]
        rows[day - 1] = row * (mg / row.sum()) if row.sum() > 0 else np.eye(len(hours))[-1] * mg
    return rows


def _rows(schedule: Taper, hours: tuple[float, ...]) -> Column:
    rows = np.zeros((len(schedule.days), len(hours)))
    for number, day in enumerate(schedule.days):
        for dose in day.doses:
            rows[number, hours.index(_hour(dose.time))] = dose.mg
    return rows


def _hour(time: str) -> float:
    return int(time[:2]) + int(time[3:]) / 60


def _strengths(schedule: Taper) -> list[float]:
    """The tablets that the schedule is made of."""
    written = {dose.tablets for day in schedule.days for dose in day.doses if dose.tablets}
    return sorted({float(text.split(" x ")[1].removesuffix(" mg")) for text in written})
