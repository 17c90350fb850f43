"""What the page draws of a forecast: the first days hour by hour, the whole course by its days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eutonia.report.drawing import Panel, Series
from eutonia.simulation.plot import BREATHES, nights, of_a_size, withdrawal_score

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.simulation.results import Outcome

FIRST_DAYS = 3
"""Days that are drawn hour by hour; of a longer course only the extremes of each day are drawn."""
MOST_POINTS = 160
DAY = 24.0
NO_WITHDRAWAL = 0.001
"""kT below which no withdrawal is drawn: the model knows of none, which does not say that there is none."""


class _Time(NamedTuple):
    """A stretch of the course: the places of its times, and those times in hours or days."""

    places: Any
    shown: Sequence[float]


def charts(outcome: Outcome, knowledge: Knowledge) -> Iterator[Panel]:
    """Pain, relief, withdrawal, impairment, breathing and levels, in the order in which they are asked for."""
    marks = _marks(knowledge)
    whole = _thinned(outcome, float(outcome.times[-1]), DAY)
    yield _pain(outcome, whole)
    yield from _effect(
        "Relief, of 100", "highest", outcome.courses["relief"], outcome, knowledge, marks["relief"]
    )
    if outcome.courses["withdrawal"].max() > NO_WITHDRAWAL:
        scores = withdrawal_score(outcome.courses["withdrawal"], knowledge)
        says = "Withdrawal over the course and after its last dose, as a score of 50."
        withdrawal = _bands("withdrawal", scores, whole)
        yield Panel("Withdrawal, score of 50", says, "days", [withdrawal], mark=marks["withdrawal"])
    impairment = outcome.courses["impairment"]
    yield from _effect("Impairment, of 100", "highest", impairment, outcome, knowledge, marks["impairment"])
    breathing = 100.0 * outcome.courses["ventilation"]
    if breathing.min() < 100.0 * BREATHES:
        yield from _effect("Breathing, % of resting", "lowest", breathing, outcome, knowledge, top=100.0)
    for names in of_a_size(outcome):
        title = "Level, mg/L" if len(names) > 1 else f"{names[0].capitalize()}, mg/L"
        levels = {name: outcome.level[:, outcome.substances.index(name)] for name in names}
        yield from _over_time(title, "highest", levels, outcome, knowledge)


def _effect(
    title: str, extreme: str, values: Any, outcome: Outcome, knowledge: Knowledge,
    mark: tuple[float, str] | None = None, top: float | None = None,
) -> Iterator[Panel]:  # fmt: skip
    yield from _over_time(title, extreme, {title: values}, outcome, knowledge, mark, top)


def _over_time(
    title: str, extreme: str, courses: Mapping[str, Any], outcome: Outcome, knowledge: Knowledge,
    mark: tuple[float, str] | None = None, top: float | None = None,
) -> Iterator[Panel]:  # fmt: skip
    """The first days hour by hour; and of a longer course the highest or lowest of each day."""
    early = _thinned(outcome, FIRST_DAYS * DAY, 1.0)
    alone = len(courses) == 1
    yield Panel(
        f"{title}: first {FIRST_DAYS} days", f"{title}, hour by hour over the first {FIRST_DAYS} days.", "hours",
        [_bands(name, values, early, wide=alone) for name, values in courses.items()],
        top=top, mark=mark, step=12.0,
        nights=[(DAY * n["start"], DAY * n["end"]) for n in nights(outcome, knowledge, FIRST_DAYS)],
        doses=sorted({t for r in outcome.schedule.regimens for t in r.times if t >= 0.0}),
    )  # fmt: skip
    if outcome.times[-1] > (FIRST_DAYS + 1) * DAY:
        starts = np.flatnonzero(np.diff(outcome.times // DAY, prepend=-1.0))
        reduce = (np.minimum if extreme == "lowest" else np.maximum).reduceat
        days = [float(day) for day in range(1, len(starts))]  # the last one is but a moment
        by_day = [
            _series(name, reduce(values, starts, axis=1)[:, :-1], days, wide=alone)
            for name, values in courses.items()
        ]
        title = f"{title}: {extreme} by day"
        yield Panel(title, f"{title}, over the whole course.", "day", by_day, top=top, mark=mark)


def _pain(outcome: Outcome, time: _Time) -> Panel:
    """Pain with the plan beside the same patients without it: what the plan adds to the natural course."""
    with_plan = outcome.courses["pain"]
    without = with_plan + outcome.courses["relief"]
    return Panel(
        "Pain, 0–100", "Pain over the course with the plan and without it: median and middle 50 % of draws.", "days",
        [_bands("without the plan", without, time, wide=False, dashed=True),
         _bands("with the plan", with_plan, time, wide=False)],
        top=100.0,
    )  # fmt: skip


def _marks(knowledge: Knowledge) -> dict[str, tuple[float, str]]:
    readouts = knowledge.model["readouts"].parameters
    felt = withdrawal_score(np.array([knowledge.model["withdrawal"].parameters["felt"].value]), knowledge)
    return {
        "impairment": (readouts["impaired"].value, "impaired"),
        "relief": (readouts["noticeable"].value, "noticed"),
        "withdrawal": (float(felt[0]), "felt"),
    }


def _thinned(outcome: Outcome, until: float, unit: float) -> _Time:
    places = np.flatnonzero(outcome.times <= until + 1e-9)
    places = places[:: max(1, len(places) // MOST_POINTS)]
    return _Time(places, (outcome.times[places] / unit).tolist())


def _bands(name: str, values: Any, time: _Time, *, wide: bool = True, dashed: bool = False) -> Series:
    """The middle of `values` [patients, times] with the middle 50 and, if `wide`, 90 % about it."""
    return _series(name, values[:, time.places], time.shown, wide=wide, dashed=dashed)


def _series(name: str, values: Any, x: Sequence[float], *, wide: bool = True, dashed: bool = False) -> Series:
    p5, p25, p50, p75, p95 = np.percentile(values, (5, 25, 50, 75, 95), axis=0).tolist()
    return Series(name, x, p50, [(p5, p95), (p25, p75)] if wide else [(p25, p75)], dashed)
