"""The ways on for someone who takes a drug already, and which drug of a chart that is."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia.errors import InputError, NotAvailable
from eutonia.features.chart import Chart
from eutonia.summaries import Spread, in_people
from eutonia.tapering import taper_for
from eutonia.tapering.models import CurrentUse, Predicted, Taper, Way
from eutonia.tapering.settling import QUICK
from eutonia.tapering.suitability import Judge, is_needed
from eutonia.tapering.use import policy_of


def taper_of_assessment(chart: Chart) -> Taper | None:
    """The taper that belongs to an assessment: of a drug whose stop is planned, or that was taken for long.

    None where no drug is of that kind, or too little is known of its doses.
    """
    drug = next(_candidates(chart), None)
    if drug is None:
        return None
    try:
        return taper_for(chart, drug=drug, budget=QUICK)
    except (InputError, NotAvailable):
        return None


def _candidates(chart: Chart) -> Iterator[str]:
    leaving = [t.treatment for t in chart.planned if t.action in ("stop", "taper")]
    in_use = {t.treatment for t in chart.current}
    for drug in dict.fromkeys([*leaving, *sorted(in_use)]):
        policy = policy_of(drug, chart.knowledge)
        if policy is None or policy.none or drug not in in_use:
            continue
        if drug in leaving or is_needed(policy, Judge(chart)):
            yield drug


def ways_on(taper: Taper) -> CurrentUse | None:
    """Going on, stopping now and the taper, side by side; None where they were not simulated."""
    on, stop = taper.continuing, taper.alternatives.get("abrupt")
    if on is None or stop is None or taper.predicted is None:
        return None
    going_on = Way(
        way="continue", days=on.days, predicted=on.then_stopped,
        says=[
            f"By itself it impairs for {_span(on.hours_impaired_a_day)} h of each day.",
            f"It only puts off the stop. After {on.days} more days: {_withdrawal(on.then_stopped)}.",
        ],
    )  # fmt: skip
    stopping = Way(way="stop now", days=0, predicted=stop, says=[f"{_withdrawal(stop).capitalize()}."])
    tapering = Way(
        way="taper", days=len(taper.days), predicted=taper.predicted,
        says=[f"Over {len(taper.days)} days in {len(taper.steps)} steps: {_withdrawal(taper.predicted)}."],
    )  # fmt: skip
    return CurrentUse(
        drug=taper.drug, title=taper.title, use_days=taper.use_days, ways=[going_on, stopping, tapering]
    )


def _withdrawal(p: Predicted) -> str:
    return f"withdrawal in {in_people(p.probability_any)}, a seizure in {in_people(p.probability_seizure)}"


def _span(s: Spread) -> str:
    return "an unknown number of" if s.median is None else f"{s.median:.1f} ({s.p5:.1f} to {s.p95:.1f})"
