"""Non-compartmental quantities, as the field defines them, from the course alone.

Areas by the linear trapezoid while the level rises and the logarithmic one while it falls; the terminal slope from
the last points, at least three, with the best adjusted fit; after a single dose the area goes on to infinity by it,
after several it is that of one dosing interval at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.errors import InputError
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window, window

if TYPE_CHECKING:
    import xarray


MOST_POINTS = 40
"""Points that a terminal slope is fitted to, at most."""


def exposure(course: xarray.Dataset) -> xarray.Dataset:
    """Cmax, Tmax, area, half-life, trough and mean of each patient and substance.

    `course` is what `simulate` returns. Half-lives carry the number of points they were fitted to; where fewer than
    three fall, or the course ends before the level has fallen, they are missing.
    """
    import xarray

    from eutonia.simulation.course import EXPOSURE

    if "concentration" not in course:
        raise InputError(
            "exposure() needs a course with concentrations: the result of simulate() without summary."
        )
    time = np.asarray(course["time"].values, float)
    names = [str(name) for name in course["substance"].values]
    level = course["concentration"].transpose("patient", "substance", "time").values
    rows = {key: np.full(level.shape[:2], np.nan) for key in (*EXPOSURE, "auc_extrapolated", "fitted_points")}
    for s, name in enumerate(names):
        whole = _window(course, name, float(time[-1]))
        for key, values in of_each(time, level[:, s], whole).items():
            rows[key][:, s] = values
    described = {
        **EXPOSURE,
        "auc_extrapolated": ("1", "share of the area beyond the last time"),
        "fitted_points": ("1", "points that the half-life was fitted to"),
    }
    data: dict[str, Any] = {
        key: (("patient", "substance"), rows[key], {"units": unit, "long_name": words})
        for key, (unit, words) in described.items()
    }
    return xarray.Dataset(data, coords={name: course[name] for name in ("patient", "substance")})


def _window(course: xarray.Dataset, name: str, until: float) -> Window:
    from eutonia.knowledge import load
    from eutonia.simulation.moments import forming

    sources = forming(name, load())
    substances = list(course.attrs.get("dose_substance", []))
    times = np.atleast_1d(course.attrs.get("dose_time", []))
    return window([float(t) for s, t in zip(substances, times, strict=True) if s in sources], until)


def of_each(time: Column, level: Column, whole: Window) -> dict[str, Column]:
    """Non-compartmental quantities of each row of `level` [patients, times]."""
    top = level.argmax(1)
    doses = np.array(whole.doses or (0.0,))
    before = doses[np.maximum(np.searchsorted(doses, time[top] + 1e-9, side="right") - 1, 0)]
    after = time >= doses[-1] - 1e-9
    rate, points = terminal(time[after], level[:, after])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "cmax_mg_l": level.max(1),
            "tmax_h": time[top] - before,
            "half_life_h": np.log(2.0) / rate,
            "fitted_points": points.astype(float),
        }
        if whole.single:
            inside, tail = area(time, level), level[:, -1] / rate
            found["auc_mg_h_l"] = inside + tail
            found["auc_extrapolated"] = np.where(inside + tail > 0.0, tail / (inside + tail), np.nan)
            found["trough_mg_l"] = level[:, -1]
            found["mean_mg_l"] = inside / (time[-1] - time[0])
        else:
            within = (time >= whole.start - 1e-9) & (time <= whole.end + 1e-9)
            inside = area(time[within], level[:, within])
            found["auc_mg_h_l"] = inside / whole.per_interval
            found["auc_extrapolated"] = np.zeros(len(level))
            found["trough_mg_l"] = level[:, within].min(1)
            found["mean_mg_l"] = inside / (time[within][-1] - time[within][0])
    return found


def area(time: Column, level: Column) -> Column:
    """Linear trapezoid upward, logarithmic downward, of each row."""
    c0, c1, h = level[:, :-1], level[:, 1:], np.diff(time)
    falls = (c1 > 0.0) & (c0 > c1 * (1 + 1e-9))
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithmic = (c0 - c1) / np.log(c0 / c1)
    return np.asarray((h * np.where(falls, logarithmic, 0.5 * (c0 + c1))).sum(1))


def terminal(time: Column, level: Column) -> tuple[Column, NDArray[np.int64]]:
    """Terminal rate of each row, by the last points, at least three after the peak, whose adjusted fit is best.

    NaN where fewer than three points are left or none of the lines falls; then the number of points is that left,
    or none.
    """
    top, count = level.argmax(1)[:, None], len(time)
    high = np.take_along_axis(level, top, 1)
    usable = (np.arange(count) > top) & (level > 1e-3 * high) & (level > 0.0)
    left = usable.sum(1)
    last = np.argsort(~usable, axis=1, kind="stable")  # the usable ones first, in the order of time
    most = min(count, MOST_POINTS)
    place = np.take_along_axis(
        last, np.maximum(left[:, None] - 1 - np.arange(most), 0), 1
    )  # from the last on
    t = time[place] - time[place[:, :1]]
    y = np.log(np.maximum(np.take_along_axis(level, place, 1), 1e-300))
    y = y - y[:, :1]
    best, rate, points = (
        np.full(len(level), -np.inf),
        np.full(len(level), np.nan),
        np.where(left < 3, left, 0),
    )
    for n in range(3, most + 1):
        dt = t[:, :n] - t[:, :n].mean(1, keepdims=True)
        dy = y[:, :n] - y[:, :n].mean(1, keepdims=True)
        total = (dy * dy).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (dt * dy).sum(1) / (dt * dt).sum(1)
            residual = ((dy - slope[:, None] * dt) ** 2).sum(1)
            fit = np.where(total > 0.0, 1.0 - residual / total, 0.0)
        adjusted = 1.0 - (1.0 - fit) * (n - 1) / (n - 2)
        # with equal fit the longer stretch, as is the custom
        better = (n <= left) & (adjusted > best - 1e-4) & (slope < 0.0)
        best = np.where(better, np.maximum(best, adjusted), best)
        rate, points = np.where(better, -slope, rate), np.where(better, n, points)
    return rate, points
