"""What ways to stop are predicted to bring to virtual patients that stand for one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.simulation.summary import spread
from eutonia.tapering import tablets
from eutonia.tapering.models import Continuing, Predicted
from eutonia.tapering.response import Column, Response, State, outcomes
from eutonia.tapering.search import Loss

NOTHING = 0.01
"""kT of withdrawal below which a peak has no day."""


def predict(
    response: Response,
    state: State,
    ways: Sequence[tuple[str, Column]],
    loss: Loss | None,
    *,
    tail: int,
    strengths: Sequence[float],
) -> tuple[list[Predicted], dict[str, list[float]]]:
    """What each way ([days, hours] mg by name) is predicted to bring, and the 90th percentile of withdrawal by day."""
    every, ways = ways, _distinct(ways)
    longest = max(len(doses) for _, doses in ways) + tail
    together = np.zeros((longest, len(ways), len(response.hours)))
    for number, (_, doses) in enumerate(ways):
        together[: len(doses), number] = doses
    begun = state.at(np.zeros(len(ways), np.int64))
    kept: list[Column] = []
    ended = begun
    for day in together:
        ended = response.day(ended, day, kept)
    course = np.concatenate(kept)  # [times, ways, patients]
    results = []
    for n, ((_, doses), burden) in enumerate(zip(ways, _burdens(ways, loss, strengths), strict=True)):
        # Each is judged up to the same time after its own last dose, whatever it is simulated beside.
        own = course[: (len(doses) + tail) * response.steps, n]
        results.append(_predicted(own, ended.impaired[n], response, loss, burden))
    daily = course.reshape(longest, -1, *course.shape[1:]).max(1)
    lines = np.percentile(daily, 90, axis=-1)
    courses = {
        name: [round(float(x), 4) for x in lines[: len(doses) + tail, n]]
        for n, (name, doses) in enumerate(ways)
        if not name.startswith("rival")
    }
    place = {doses.tobytes(): n for n, (_, doses) in enumerate(ways)}
    return [results[place[doses.tobytes()]] for _, doses in every], courses


def _predicted(
    course: Column, impaired: Column, response: Response, loss: Loss | None, burden: float
) -> Predicted:
    """What one course of withdrawal [times, patients] comes to."""
    figures, step = response.system.figures, response.step
    peak, area = course.max(0), course.sum(0) * step / 24.0
    chances = outcomes(peak, (course**3).sum(0) * step, figures)
    value = None
    if loss is not None:
        value = float(loss.felt(peak, area) + loss.weights.impaired * impaired.mean() + burden)
    return Predicted(
        peak=spread(peak),
        peak_score=spread(chances["score"]),
        peak_day=spread(np.where(peak > NOTHING, course.argmax(0) * step / 24.0, np.nan)),
        area=spread(area),
        days_felt=spread((course >= figures["felt"]).sum(0) * step / 24.0),
        hours_impaired=spread(impaired),
        probability_any=float(chances["any"].mean()),
        probability_seizure=float(chances["seizure"].mean()),
        probability_hallucinosis=float(chances["hallucinosis"].mean()),
        loss=value,
    )


def continuing(
    response: Response, state: State, daily: Column, days: int, *, tail: int, strengths: Sequence[float]
) -> Continuing:
    """Going on for some days as now (`daily`, mg at each hour), then a stop at once."""
    on = response.days(state, np.broadcast_to(daily, (days, 1, len(daily))))
    nothing = [("abrupt", np.zeros((0, len(daily))))]
    stopped, _ = predict(response, on.fresh(), nothing, None, tail=tail, strengths=strengths)
    return Continuing(
        days=days,
        hours_impaired_a_day=spread(on.impaired[0] / days),
        then_stopped=stopped[0],
    )


def _burdens(
    ways: Sequence[tuple[str, Column]], loss: Loss | None, strengths: Sequence[float]
) -> list[float]:
    """Days, changes and tablets of each way, as they weigh in the loss."""
    if loss is None:
        return [0.0] * len(ways)
    sizes = tablets.doses(strengths, float("inf"))
    found = []
    for _, doses in ways:
        w = loss.weights
        changes = int((np.abs(np.diff(doses, axis=0)).sum(1) > 0).sum()) + 1 if len(doses) else 0
        pieces = [n for mg in doses.ravel() for n, _ in sizes.get(round(float(mg), 6), ())]
        found.append(
            w.day * len(doses) + w.change * changes + w.tablet * sum(pieces)
            + w.half * sum(n % 1 > 0 for n in pieces)
        )  # fmt: skip
    return found


def _distinct(ways: Sequence[tuple[str, Column]]) -> list[tuple[str, Column]]:
    """Each course of doses once."""
    found: dict[bytes, tuple[str, Column]] = {}
    for name, doses in ways:
        found.setdefault(doses.tobytes(), (name, doses))
    return list(found.values())
