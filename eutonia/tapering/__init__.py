"""A way off a drug that the body has got used to: found by simulating, beside the schedules in print.

`taper()` is the public name. It answers from a case, a chart that was judged already, or a plan in words with a few
facts; the rules that refuse a schedule are the same for all three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from eutonia.tapering.models import Taper

if TYPE_CHECKING:
    from eutonia.features.chart import Chart
    from eutonia.knowledge import Knowledge
    from eutonia.patient import Case, PlanItem
    from eutonia.tapering.settling import Budget

__all__ = ["Taper", "adapt", "taper", "taper_for"]


def taper(
    plan: str | PlanItem | Case,
    *,
    patients: Mapping[str, Any] | None = None,
    drug: str | None = None,
    tablets: Sequence[float] | None = None,
    max_days: int | None = None,
    start: date | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    knowledge: Knowledge | None = None,
    **facts: Any,
) -> Taper:
    """A way off the drug of `plan`: what is taken now, how often, and for how long it has been.

    `plan` is a text such as “carisoprodol 350 mg four times a day for 90 days”, a plan item, or a case, in which
    `drug` says which one (by default the one that the plan stops or that is in use). Facts about the patient are given
    by name as in `simulate` (age, sex, weight, cyp2c19, liver, egfr, pregnant, ancestry). `tablets` are strengths in
    mg, `start` is the first day.

    Raises InputError for what cannot be read, NotAvailable for a drug that eutonia holds no schedule for.
    """
    from eutonia.knowledge import load
    from eutonia.patient import Case
    from eutonia.tapering.making import make
    from eutonia.tapering.settling import silent
    from eutonia.tapering.use import chart_of

    knowledge = knowledge or load()
    told = {**(patients or {}), **facts}
    if isinstance(plan, Case):
        from eutonia.features.chart import Chart

        return taper_for(
            Chart(plan, knowledge), drug=drug, tablets=tablets, max_days=max_days, start=start, seed=seed,
            progress=progress, facts=told,
        )  # fmt: skip
    begin = start or date.today()
    chart, named = chart_of(plan, told, begin, knowledge)
    return make(
        chart, drug or named, facts=told, strengths=tablets, max_days=max_days, start=begin, seed=seed,
        progress=progress or silent,
    )  # fmt: skip


def adapt(
    plan: str | PlanItem,
    *,
    today: int,
    score: float,
    taken: Mapping[int, float] | None = None,
    patients: Mapping[str, Any] | None = None,
    tablets: Sequence[float] | None = None,
    max_days: int | None = None,
    start: date,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    knowledge: Knowledge | None = None,
    **facts: Any,
) -> Taper:
    """The taper of `plan`, begun on `start`, from day `today` on, after withdrawal scored `score` on its scale.

    The schedule is that of `taper` with the same arguments. `taken` are the mg of days on which another amount was
    taken than it has. The rest holds, goes on or slows, and never goes back up.
    """
    from eutonia.knowledge import load
    from eutonia.tapering.adapting import adapt as changed
    from eutonia.tapering.making import make
    from eutonia.tapering.settling import silent
    from eutonia.tapering.use import chart_of

    knowledge = knowledge or load()
    told = {**(patients or {}), **facts}
    chart, drug = chart_of(plan, told, start, knowledge)
    made = make(
        chart, drug, facts=told, strengths=tablets, max_days=max_days, start=start, seed=seed,
        progress=progress or silent,
    )  # fmt: skip
    return changed(
        chart, made, today=today, score=score, taken=taken, facts=told, seed=seed, progress=progress or silent
    )


def taper_for(
    chart: Chart,
    *,
    drug: str | None = None,
    tablets: Sequence[float] | None = None,
    max_days: int | None = None,
    start: date | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    progress: Callable[[float], None] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Taper:
    """As `taper`, for a chart that was read already. Raises InputError where nothing in it can be tapered."""
    from eutonia.errors import InputError
    from eutonia.simulated_case import facts_of
    from eutonia.tapering.making import make
    from eutonia.tapering.settling import silent
    from eutonia.tapering.use import policy_of

    if drug is None:
        stopped = [t.treatment for t in chart.planned if t.action in ("stop", "taper")]
        candidates = [*stopped, *(t.treatment for t in chart.current)]
        drug = next((d for d in candidates if policy_of(d, chart.knowledge) is not None), None)
    if drug is None:
        raise InputError("Nothing in the record is known to need a taper. Name the drug.")
    return make(
        chart, drug, facts={**facts_of(chart), **(facts or {})}, strengths=tablets, max_days=max_days, start=start,
        seed=seed, budget=budget, progress=progress or silent,
    )  # fmt: skip
