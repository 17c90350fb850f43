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
    top, rows = now, np.zeros((0, len(now)))
    if schedule.above_label_share is not None and limits is not None:
        rows = _down_to_label(schedule, now, wide, limits)
        top = _within(rows[-1] if len(rows) else now, limits, menu)
    if schedule.steps:
        more = _as_printed(schedule, now, hours)
    elif schedule.cut_one_every_days is not None:
        more = _one_less(schedule.cut_one_every_days, top, now, len(rows) > 0, hours, menu, limits)
    elif schedule.cut_mg is not None:
        more = _by_mg(schedule.cut_mg, schedule.cut_every_days or 1, now, wide)
    else:
        more = _along_a_line(linear_days or schedule.linear_days or 0, now, menu)
    return np.concatenate([rows, np.array(more).reshape(len(more), len(now))])


def _down_to_label(schedule: Schedule, now: Column, wide: Menu, limits: Limits) -> Column:
    """Steps above the label, each less by a share of the daily total."""
    rows, top, target = [], now, float(now.sum())
    while target > limits.daily_mg + 1e-9:
        target = max(target * (1.0 - (schedule.above_label_share or 0.0)), limits.daily_mg)
        top = _nearest(wide, target, top)
        rows += [top] * (schedule.above_label_days or 1)
    return np.array(rows).reshape(len(rows), len(now))


def _as_printed(schedule: Schedule, now: Column, hours: Sequence[float]) -> list[Column]:
    """The steps of the print that are below what is taken now."""
    rows = []
    for step in schedule.steps:
        given = _most_at(step.times, min(step.mg, float(now.max())), now, hours)
        rows += [given] * (step.days if given.sum() < now.sum() - 1e-9 else 0)
    return rows


def _one_less(
    days: int, top: Column, now: Column, begun: bool, hours: Sequence[float], menu: Menu, limits: Limits | None
) -> list[Column]:  # fmt: skip
    """One dose of the day less, so many days at a time; the bedtime dose goes last."""
    top = top if limits is None else _within(top, limits, menu)
    rows = [top] * days if not begun and top.sum() < now.sum() - 1e-9 else []
    for place in last_to_go(hours):
        if top[place] > 0.0:
            top = np.where(np.arange(len(top)) == place, 0.0, top)
            rows += [top] * (days if top.sum() > 0.0 else 0)
    return rows


def _by_mg(cut: float, days: int, now: Column, wide: Menu) -> list[Column]:
    """So many mg less, so many days at a time."""
    rows: list[Column] = []
    top, target = now, float(now.sum()) - cut
    while target > 1e-9:
        top = _nearest(wide, target, top)
        if top.sum() <= 0.0:
            break
        rows += [top] * days
        target = float(top.sum()) - cut
    return rows


def _along_a_line(days: int, now: Column, menu: Menu) -> list[Column]:
    """The nearest pattern to a straight line, each day; none at all for no days."""
    rows, top = [], now
    for day in range(1, days + 1):
        top = _nearest(menu, float(now.sum()) * (1.0 - day / (days + 1.0)), top)
        rows.append(top)
    while rows and rows[-1].sum() <= 0.0:
        rows.pop()
    return rows


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
    return np.asarray(menu.mg[best[np.argmin((menu.mg[best] ** 2).sum(1))]])
