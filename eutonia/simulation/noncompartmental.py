"""Non-compartmental quantities, as the field defines them, from the course alone.

Areas by the linear trapezoid while the level rises and the logarithmic one while it falls; the terminal slope from
the last points, at least three, with the best adjusted fit; after a single dose the area goes on to infinity by it,
after several it is that of one dosing interval at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.errors import InputError
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window, window

if TYPE_CHECKING:
    import xarray


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
        for p in range(level.shape[0]):
            for key, value in of_one(time, level[p, s], whole).items():
                rows[key][p, s] = value
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
    from eutonia.simulation.engine import forming

    sources = forming(name, load())
    substances = list(course.attrs.get("dose_substance", []))
    times = np.atleast_1d(course.attrs.get("dose_time", []))
    return window([float(t) for s, t in zip(substances, times, strict=True) if s in sources], until)


def of_one(time: Column, level: Column, whole: Window) -> dict[str, float]:
    """Non-compartmental quantities of one level over time."""
    top = int(level.argmax())
    doses = np.array(whole.doses or (0.0,))
    before = doses[max(int(np.searchsorted(doses, time[top] + 1e-9, side="right")) - 1, 0)]
    found: dict[str, float] = {"cmax_mg_l": float(level[top]), "tmax_h": float(time[top] - before)}
    after = time >= doses[-1] - 1e-9
    rate, points = terminal(time[after], level[after])
    found["half_life_h"] = float(np.log(2.0) / rate) if rate > 0 else np.nan
    found["fitted_points"] = float(points)
    if whole.single:
        inside = area(time, level)
        tail = float(level[-1] / rate) if rate > 0 else np.nan
        found["auc_mg_h_l"] = inside + tail
        found["auc_extrapolated"] = tail / (inside + tail) if inside + tail > 0 else np.nan
        found["trough_mg_l"] = float(level[-1])
        found["mean_mg_l"] = inside / float(time[-1] - time[0])
    else:
        within = (time >= whole.start - 1e-9) & (time <= whole.end + 1e-9)
        inside = area(time[within], level[within])
        found["auc_mg_h_l"] = inside / whole.per_interval
        found["auc_extrapolated"] = 0.0
        found["trough_mg_l"] = float(level[within].min())
        found["mean_mg_l"] = inside / float(time[within][-1] - time[within][0])
    return found


def area(time: Column, level: Column) -> float:
    """Linear trapezoid upward, logarithmic downward."""
    c0, c1, h = level[:-1], level[1:], np.diff(time)
    falls = (c1 > 0.0) & (c0 > c1 * (1 + 1e-9))
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithmic = (c0 - c1) / np.log(c0 / c1)
    return float((h * np.where(falls, logarithmic, 0.5 * (c0 + c1))).sum())


def terminal(time: Column, level: Column) -> tuple[float, int]:
    """Terminal rate by the last points, at least three after the peak, whose adjusted fit is best."""
    top = int(level.argmax())
    use = np.flatnonzero((np.arange(len(level)) > top) & (level > 1e-3 * level[top]) & (level > 0.0))
    if len(use) < 3:
        return np.nan, len(use)
    t, y = time[use], np.log(level[use])
    best, rate, points = -np.inf, np.nan, 0
    for n in range(3, min(len(use), 40) + 1):
        slope, fit = _line(t[-n:], y[-n:])
        adjusted = 1.0 - (1.0 - fit) * (n - 1) / (n - 2)
        if adjusted > best - 1e-4 and slope < 0.0:  # with equal fit the longer stretch, as is the custom
            best, rate, points = max(best, adjusted), -slope, n
    return rate, points


def _line(t: Column, y: Column) -> tuple[float, float]:
    dt, dy = t - t.mean(), y - y.mean()
    slope = float((dt * dy).sum() / (dt * dt).sum())
    total = float((dy * dy).sum())
    return slope, 1.0 - float(((dy - slope * dt) ** 2).sum()) / total if total > 0 else 0.0
