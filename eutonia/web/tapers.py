"""A way off a drug, quick enough for a card: the published schedule that is meant for this patient, as a draft order.

The page and `eutonia taper` look for a schedule made to measure, which takes seconds.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eutonia.features.chart import Chart
    from eutonia.tapering.models import Taper


class Offer(NamedTuple):
    """A taper that can be ordered at a click."""

    title: str
    order: dict[str, Any]


def can_taper(chart: Chart) -> str | None:
    """The title of a drug in use that eutonia can taper; None where there is none."""
    from eutonia.tapering.use import policy_of

    for taken in chart.current:
        policy = policy_of(taken.treatment, chart.knowledge)
        if policy is not None and not policy.none:
            return chart.knowledge.drugs[taken.treatment].title
    return None


def published_offer(chart: Chart, place: int, patient_id: str) -> Offer | None:
    """The schedule for the drug of a plan item that is in use already; None where none is plainly meant for it."""
    from eutonia.tapering.orders import medication_request
    from eutonia.tapering.use import policy_of

    in_use = {taken.treatment for taken in chart.current}
    for part in chart.plan[place][1]:
        policy = policy_of(part.treatment, chart.knowledge) if part.treatment in in_use else None
        if policy is None or policy.none:
            continue
        made = _published(chart, part.treatment, policy)
        if made is not None:
            order = medication_request(made, patient_id, chart.knowledge)
            del order["id"]  # whoever creates it names it
            return Offer(made.title, order)
    return None


def _published(chart: Chart, drug: str, policy: Any) -> Taper | None:
    import numpy as np

    from eutonia.tapering import published
    from eutonia.tapering.suitability import Judge, is_needed, referral, suits
    from eutonia.tapering.tablets import menu
    from eutonia.tapering.use import use_of

    judge, use, limits = Judge(chart), use_of(drug, chart), policy.limits
    if use is None or limits is None or referral(policy, judge) or is_needed(policy, judge) is not True:
        return None
    if use.daily_mg > limits.daily_mg or len(use.doses) > limits.times:
        return None  # above the label: a schedule to be looked at, not one for a click
    own = sorted((s for s in chart.knowledge.tapers.values() if drug in s.drugs), key=lambda s: s.order)
    schedule = next((s for s in own if suits(s, judge, Judge(chart)) is True), None)
    if schedule is None:
        return None
    hours, now = tuple(use.doses), np.array(list(use.doses.values()))
    strengths = use.tablets or chart.knowledge.drugs[drug].strengths_mg
    wide = menu(strengths, hours, now, None)
    within = menu(strengths, hours, np.minimum(now, limits.single_mg), limits)
    rows = published.days_of(schedule, now, hours, within, wide, limits)
    return _as_taper(chart, drug, schedule, hours, rows.tolist()) if len(rows) else None


def _as_taper(
    chart: Chart, drug: str, schedule: Any, hours: Sequence[float], rows: Sequence[Sequence[float]]
) -> Taper:
    from eutonia.tapering.models import Day, Dose, Step, Taper, clock

    def doses(row: Sequence[float]) -> list[Dose]:
        return [Dose(time=clock(h), mg=mg, tablets="") for h, mg in zip(hours, row, strict=True) if mg > 0]

    steps, first = [], 1
    for row, alike in groupby(map(tuple, rows)):
        last = first + len(list(alike)) - 1
        steps.append(Step(first_day=first, last_day=last, doses=doses(row), total_mg=sum(row)))
        first = last + 1
    days = [
        Day(day=n, date=chart.as_of + timedelta(n - 1), doses=doses(row), total_mg=sum(row))
        for n, row in enumerate(rows, 1)
    ]
    return Taper(
        drug=drug, title=schedule.title, now_mg=None, use_days=None, start=chart.as_of, needed=True, says=schedule.says,
        published=schedule.id, chosen=schedule.id, steps=steps, days=days, knowledge_version=chart.knowledge.version,
    )  # fmt: skip
