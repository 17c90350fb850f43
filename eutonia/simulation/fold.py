"""Every step of a course → what it comes to for each patient.

The compiled engine does the same while it runs, without keeping the steps (`lanes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import readouts
from eutonia.simulation.columns import Trace
from eutonia.simulation.effects import States, Therapies, effects, natural_pain
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from eutonia.simulation.lanes import Result

Flags = NDArray[np.bool_]

UPPER, LOWER = 0.40, 0.08
"""The half-life is read from the fall between these fractions of the last peak."""


def states(kept: Trace) -> States:
    return States(kept.time, kept.level, kept.energy, kept.relaxing, kept.other, kept.fast, kept.slow,
                  kept.dulled, kept.withdrawal)  # fmt: skip


def fold(
    kept: Trace, system: System, windows: dict[str, Window], last_dose: float | Column, therapies: Therapies | None,
    dosing: float,
) -> dict[str, Any]:  # fmt: skip
    """Per patient: exposure to each substance, and the extremes of each effect from time zero on."""
    found: dict[str, Any] = {}
    for n, name in enumerate(system.substances):
        for key, value in _exposure(kept, n, windows[name]).items():
            found[f"{name}/{key}"] = value
    seen = effects(system, states(kept), therapies)
    begun = kept.time >= -1e-9
    found |= _effects(kept, seen, system, begun, dosing)
    found |= _withdrawal(kept, seen["withdrawal"], last_dose, begun, system)
    return found | chances(found, system)


def _exposure(kept: Trace, n: int, window: Window) -> dict[str, Column]:
    time, level, middle = kept.time, kept.level[:, n], kept.middle[:, n]
    step = np.diff(time, axis=0)
    counts = time[1:] > 1e-9  # what was taken before the plan is not counted
    area = counts * step / 6.0 * (level[:-1] + 4.0 * middle[1:] + level[1:])
    bend, tilt = 0.5 * (level[:-1] + level[1:]) - middle[1:], 0.5 * (level[1:] - level[:-1])
    inside = np.abs(tilt) < -2.0 * bend  # the parabola through a step turns within it
    turn = np.divide(-tilt, 2.0 * bend, out=np.ones_like(bend), where=inside)
    peak = np.where(inside, middle[1:] + 0.5 * tilt * turn, level[1:])
    peak = np.where(counts, peak, -1.0)
    top = peak.argmax(0)[None]
    when = np.take_along_axis(time[1:] - 0.5 * step * (1.0 - turn), top, 0)[0]
    doses = np.array(window.doses or (0.0,))
    since = when - doses[np.maximum(np.searchsorted(doses, when + 1e-9, side="right") - 1, 0)]
    found = {"cmax_mg_l": peak.max(0), "tmax_h": since, "half_life_h": half_life(time, level, window.doses)}
    if window.single:
        inside = area.sum(0)
        tail = level[-1] * found["half_life_h"] / np.log(2.0)
        found["auc_mg_h_l"] = inside + np.where(np.isfinite(tail), tail, 0.0)
        found["trough_mg_l"] = level[-1]
        found["mean_mg_l"] = inside / (time[-1] - window.start)
    else:
        cumulative = np.concatenate([np.zeros((1, area.shape[1])), np.cumsum(area, axis=0)])
        whole = at(time, cumulative, window.end) - at(time, cumulative, window.start)
        covered = max(min(window.end, float(time[-1].min())) - window.start, 1e-9)
        found["auc_mg_h_l"] = whole / window.per_interval
        found["mean_mg_l"] = whole / covered
        within = (time >= window.start - 1e-9) & (time <= window.end + 1e-9)
        found["trough_mg_l"] = np.where(within, level, np.inf).min(0)
    return found


def at(time: Column, values: Column, moment: float) -> Column:
    """Values at one moment, between steps along a line."""
    upper = np.clip((time < moment - 1e-9).sum(0), 1, len(time) - 1)[None]
    t0, t1 = np.take_along_axis(time, upper - 1, 0)[0], np.take_along_axis(time, upper, 0)[0]
    v0, v1 = np.take_along_axis(values, upper - 1, 0)[0], np.take_along_axis(values, upper, 0)[0]
    share = np.clip(np.divide(moment - t0, t1 - t0, out=np.ones_like(t0), where=t1 > t0), 0.0, 1.0)
    return np.asarray(v0 + share * (v1 - v0))


def half_life(time: Column, level: Column, doses: tuple[float, ...]) -> Column:
    """From the fall between 40 and 8 % of the last peak; NaN where the course ends too soon to tell."""
    last = doses[-1] if doses else 0.0
    after = np.where(time >= last - 1e-9, level, 0.0)
    top = after.argmax(0)
    peak = after.max(0)
    falling = np.arange(len(time))[:, None] >= top
    upper = _falls_below(time, after, UPPER * peak, falling)
    lower = _falls_below(time, after, LOWER * peak, falling)
    end = np.where(np.isfinite(lower), lower, time[-1])
    ratio = np.where(np.isfinite(lower), UPPER / LOWER, UPPER * peak / np.maximum(after[-1], 1e-300))
    with np.errstate(divide="ignore", invalid="ignore"):
        fell = np.where(ratio > 1.3, (end - upper) * np.log(2.0) / np.log(ratio), np.nan)
    return np.where(peak > 0.0, fell, np.nan)


def _falls_below(time: Column, level: Column, threshold: Column, falling: Flags) -> Column:
    """When the level last comes down through a threshold after its peak, between steps on a logarithmic line."""
    under = falling & (level <= threshold) & (threshold > 0.0)
    hit = under.any(0)
    k = np.maximum(under.argmax(0), 1)[None]
    t0, t1 = np.take_along_axis(time, k - 1, 0)[0], np.take_along_axis(time, k, 0)[0]
    c0, c1 = np.take_along_axis(level, k - 1, 0)[0], np.take_along_axis(level, k, 0)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log(c0 / threshold) / np.log(c0 / c1)
    return np.where(hit, t0 + np.clip(np.nan_to_num(share, nan=1.0), 0.0, 1.0) * (t1 - t0), np.nan)


def _effects(
    kept: Trace, seen: dict[str, Column], system: System, begun: Flags, dosing: float
) -> dict[str, Column]:
    found = {
        f"peak_{name}": np.where(begun, seen[name], -np.inf).max(0)
        for name in ("drive", "sedating", "relief")
    }
    found["min_ventilation"] = np.where(begun, seen["ventilation"], np.inf).min(0)
    threshold = impaired_from(system)
    days = max(dosing, 24.0)
    found["hours_impaired"] = above(kept.time, seen["sedating"], threshold, begun)
    on_days = above(kept.time, seen["sedating"], threshold, begun & (kept.time < days))
    found["hours_impaired_a_day"] = on_days / (days / 24.0)
    noticeable = system.figures["noticeable"]
    found["hours_relieved"] = above(kept.time, seen["relief"], noticeable, begun)
    counted = (begun & (kept.time < days))[:-1] * np.diff(kept.time, axis=0)
    found["mean_relief"] = (counted * 0.5 * (seen["relief"][1:] + seen["relief"][:-1])).sum(0) / days
    felt = begun & (seen["relief"] >= noticeable)
    first = np.take_along_axis(kept.time, felt.argmax(0)[None], 0)[0]
    found["onset_h"] = np.where(felt.any(0), np.maximum(first, 0.0), np.nan)
    return found


def impaired_from(system: System) -> Column:
    """The drive from which impairment counts."""
    p = system.figures
    return np.asarray(
        p["impairment_half"] * (p["impaired"] / (100.0 - p["impaired"])) ** (1.0 / p["impairment_hill"])
    )


def chances(found: dict[str, Column], system: System) -> dict[str, Column]:
    """What follows from the extremes: scores and probabilities."""
    p, peak, drive = system.figures, found["withdrawal_peak"], found["peak_sedating"]
    return {
        "peak_sedation": readouts.score(drive, p["sedation_half"], float(p["sedation_hill"][0])),
        "peak_impairment": readouts.score(drive, p["impairment_half"], float(p["impairment_hill"][0])),
        "probability_drowsy": readouts.probability(p["drowsy_intercept"], p["drowsy_slope"], drive),
        "probability_dizzy": readouts.probability(p["dizzy_intercept"], p["dizzy_slope"], drive),
        "pain_baseline": natural_pain(system, np.zeros((1, 1)))[0],
        "withdrawal_score": p["score_most"] * peak**2 / (peak**2 + p["score_half"] ** 2),
        "probability_any": readouts.any_withdrawal(peak, p["any_half"], p["any_slope"]),
        "probability_seizure": -np.expm1(-p["seizure_rate"] * found["hazard"]),
        "probability_hallucinosis": -np.expm1(-p["hallucinosis_rate"] * found["hazard"]),
    }


def above(time: Column, values: Column, threshold: Column, begun: Flags) -> Column:
    """Hours above a threshold, taking each step for a straight line."""
    a, b = values[:-1] - threshold, values[1:] - threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.where(a > 0.0, a, b) / np.abs(b - a)
    share = np.where((a > 0.0) & (b > 0.0), 1.0, np.where((a > 0.0) | (b > 0.0), crossing, 0.0))
    return np.asarray((np.diff(time, axis=0) * share * begun[:-1]).sum(0))


def _withdrawal(
    kept: Trace, severity: Column, last_dose: float | Column, begun: Flags, system: System
) -> dict[str, Column]:
    over = np.where(begun, severity, 0.0)
    peak, top = over.max(0), over.argmax(0)
    when = np.take_along_axis(kept.time, top[None], 0)[0]
    after = (kept.time >= last_dose - 1e-9) & (severity >= system.figures["felt"])
    first = np.take_along_axis(kept.time, after.argmax(0)[None], 0)[0]
    start = kept.hazard[np.argmax(begun, axis=0), np.arange(severity.shape[1])]
    return {
        "withdrawal_peak": peak,
        "withdrawal_peak_day": np.where(peak > 0.01, (when - last_dose) / 24.0, np.nan),
        "withdrawal_onset_h": np.where(after.any(0), first - last_dose, np.nan),
        "hazard": kept.hazard[-1] - start,
    }


def fold_compiled(
    result: Result, system: System, windows: dict[str, Window], last_dose: float | Column, until: float
) -> dict[str, Column]:
    """The same from what the compiled engine has folded."""
    from eutonia.simulation import lanes

    found: dict[str, Column] = {}
    for name, rows in zip(system.substances, result.levels, strict=True):
        for key, value in _exposure_compiled(rows, windows[name], until).items():
            found[f"{name}/{key}"] = value
    row = {place: result.folded[place - lanes.FOLDED] for place in range(lanes.FOLDED, lanes.DESK)}

    def time(place: int) -> Column:
        return np.where(np.isfinite(row[place]), row[place], np.nan)

    found |= {
        "peak_drive": row[lanes.PEAK_DRIVE],
        "peak_sedating": row[lanes.PEAK_SEDATING],
        "peak_relief": row[lanes.PEAK_RELIEF],
        "min_ventilation": row[lanes.MIN_VENTILATION],
        "hours_impaired": row[lanes.HOURS],
        "hours_impaired_a_day": row[lanes.HOURS_DAY] / (result.dosing / 24.0),
        "hours_relieved": row[lanes.HOURS_RELIEVED],
        "mean_relief": row[lanes.RELIEF_AREA] / result.dosing,
        "onset_h": time(lanes.ONSET),
        "withdrawal_peak": row[lanes.W_PEAK],
        "withdrawal_peak_day": np.where(
            row[lanes.W_PEAK] > 0.01, (row[lanes.W_TIME] - last_dose) / 24.0, np.nan
        ),
        "withdrawal_onset_h": time(lanes.W_ONSET) - last_dose,
        "hazard": result.states[-1, -1] - row[lanes.HAZARD_ZERO],
    }
    return found | chances(found, system)


def _exposure_compiled(rows: Column, window: Window, until: float) -> dict[str, Column]:
    from eutonia.simulation import lanes

    doses = np.array(window.doses or (0.0,))
    when, peak, last = rows[lanes.TMAX], rows[lanes.LAST_PEAK], rows[lanes.LAST_LEVEL]
    upper, lower = rows[lanes.UPPER], rows[lanes.LOWER]
    with np.errstate(divide="ignore", invalid="ignore"):
        end = np.where(np.isfinite(lower), lower, until)
        ratio = np.where(np.isfinite(lower), UPPER / LOWER, UPPER * peak / np.maximum(last, 1e-300))
        fell = (end - upper) * np.log(2.0) / np.log(ratio)
    half = np.where((ratio > 1.3) & (peak > 0.0) & np.isfinite(upper), fell, np.nan)
    found = {
        "cmax_mg_l": rows[lanes.CMAX],
        "tmax_h": when - doses[np.maximum(np.searchsorted(doses, when + 1e-9, side="right") - 1, 0)],
        "half_life_h": half,
    }
    if window.single:
        tail = last * half / np.log(2.0)
        found["auc_mg_h_l"] = rows[lanes.AREA] + np.where(np.isfinite(tail), tail, 0.0)
        found["trough_mg_l"], found["mean_mg_l"] = last, rows[lanes.AREA] / (until - window.start)
    else:
        covered = max(min(window.end, until) - window.start, 1e-9)
        found["auc_mg_h_l"] = rows[lanes.AREA_WINDOW] / window.per_interval
        found["trough_mg_l"], found["mean_mg_l"] = rows[lanes.LOWEST], rows[lanes.AREA_WINDOW] / covered
    return found
