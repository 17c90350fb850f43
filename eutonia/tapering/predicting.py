"""What ways to stop are predicted to bring to virtual patients that stand for one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.simulation.summary import spread
from eutonia.tapering import tablets
from eutonia.tapering.models import Continuing, Predicted
from eutonia.tapering.response import Column, Response, State, outcomes
from eutonia.tapering.search import Loss


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
    burden = _burdens(ways, loss, strengths)
    chances = outcomes(ended, response.system.figures)
    felt = (course >= response.system.figures["felt"]).sum(0) * response.step / 24.0
    when = course.argmax(0) * response.step / 24.0
    results = []
    for n in range(len(ways)):
        peak, area, impaired = ended.peak[n], ended.area[n], ended.impaired[n]
        value = None
        if loss is not None:
            w, q = loss.weights, loss.search.percentile
            value = float(
                w.peak * np.percentile(peak, q) + w.area * np.percentile(area, q)
                + w.impaired * impaired.mean() + burden[n]
            )  # fmt: skip
        results.append(Predicted(
            peak=spread(peak), peak_score=spread(chances["score"][n]),
            peak_day=spread(np.where(peak > 0.01, when[n], np.nan)), area=spread(area),
            days_felt=spread(felt[n]), hours_impaired=spread(impaired),
            probability_any=float(chances["any"][n].mean()),
            probability_seizure=float(chances["seizure"][n].mean()),
            probability_hallucinosis=float(chances["hallucinosis"][n].mean()), loss=value,
        ))  # fmt: skip
    daily = course.reshape(longest, -1, *course.shape[1:]).max(1)
    lines = np.percentile(daily, 90, axis=-1)
    courses = {
        name: [round(float(x), 4) for x in lines[: len(doses) + tail, n]]
        for n, (name, doses) in enumerate(ways)
        if not name.startswith("rival")
    }
    place = {doses.tobytes(): n for n, (_, doses) in enumerate(ways)}
    return [results[place[doses.tobytes()]] for _, doses in every], courses


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
