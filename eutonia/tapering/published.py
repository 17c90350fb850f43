"""Published schedules → doses at this patient's hours, never above what is taken now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.knowledge.tapers import Limits, Schedule
from eutonia.tapering.response import Column
from eutonia.tapering.search import Menu
from eutonia.tapering.tablets import last_to_go


def days_of(
    schedule: Schedule, now: Column, hours: Sequence[float], menu: Menu, wide: Menu, limits: Limits | None,
    linear_days: int | None = None,
) -> Column:  # fmt: skip
    """[days, hours] mg of a schedule, from the doses taken `now` at `hours`.

    `menu` holds the patterns within the label's limits, `wide` those of doses above them too.
    """
    rows: list[Column] = []
    top = now
    if schedule.above_label_share is not None and limits is not None:
        target = float(now.sum())
        while target > limits.daily_mg + 1e-9:
            target = max(target * (1.0 - schedule.above_label_share), limits.daily_mg)
            top = _nearest(wide, target, top)
            rows += [top] * (schedule.above_label_days or 1)
        top = _within(top, limits, menu)
    if schedule.steps:
        for step in schedule.steps:
            given = _most_at(step.times, min(step.mg, float(now.max())), now, hours)
            if given.sum() < now.sum() - 1e-9:
                rows += [given] * step.days
    elif schedule.cut_one_every_days is not None:
        top = top if limits is None else _within(top, limits, menu)
        started = bool(rows) or top.sum() < now.sum() - 1e-9
        if started and not rows:
            rows += [top] * schedule.cut_one_every_days
        for place in last_to_go(hours):
            if top[place] > 0.0:
                top = np.where(np.arange(len(top)) == place, 0.0, top)
                if top.sum() > 0.0:
                    rows += [top] * schedule.cut_one_every_days
    elif schedule.cut_mg is not None:
        target = float(now.sum()) - schedule.cut_mg
        while target > 1e-9:
            top = _nearest(wide, target, top)
            if top.sum() <= 0.0:
                break
            rows += [top] * (schedule.cut_every_days or 1)
            target = float(top.sum()) - schedule.cut_mg
    elif schedule.linear_days is not None or linear_days is not None:
        number = linear_days or schedule.linear_days or 0
        for day in range(1, number + 1):
            top = _nearest(menu, float(now.sum()) * (1.0 - day / (number + 1.0)), top)
            rows.append(top)
        while rows and rows[-1].sum() <= 0.0:
            rows.pop()
    return np.array(rows).reshape(len(rows), len(now))


def _most_at(times: int, mg: float, now: Column, hours: Sequence[float]) -> Column:
    """One dose at each of the hours that are given up last."""
    given = np.zeros(len(now))
    for place in [p for p in reversed(last_to_go(hours)) if now[p] > 0.0][:times]:
        given[place] = min(mg, now[place])
    return given


def _within(top: Column, limits: Limits, menu: Menu) -> Column:
    """The most that the label allows at or below `top`."""
    return top if _legal(top, limits) else _nearest(menu, limits.daily_mg, top)


def _legal(doses: Column, limits: Limits) -> bool:
    return bool(
        doses.max() <= limits.single_mg + 1e-9
        and doses.sum() <= limits.daily_mg + 1e-9
        and (doses > 0).sum() <= limits.times
    )


def is_above_label(doses: Column, limits: Limits | None) -> bool:
    """Whether any day of [days, hours] gives more than the label allows."""
    return limits is not None and any(not _legal(day, limits) for day in doses)


def _nearest(menu: Menu, target: float, top: Column) -> Column:
    """The pattern nowhere above `top` whose total is nearest to `target`, the most even of them."""
    fits = np.flatnonzero((menu.mg <= top + 1e-9).all(1))
    if not len(fits):
        return np.zeros_like(top)
    off = np.abs(menu.total[fits] - target)
    best = fits[off <= off.min() + 1e-9]
    return np.asarray(menu.mg[best[np.argmin(menu.mg[best].max(1))]])
