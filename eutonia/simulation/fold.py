"""Every step of a course → what it comes to for each patient.

The compiled engine does the same while it runs, without keeping the steps (`lanes`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eutonia.simulation import readouts
from eutonia.simulation.columns import Trace
from eutonia.simulation.effects import States, Therapies, effects, natural_pain
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

UPPER, LOWER = 0.40, 0.08
"""The half-life is read from the fall between these fractions of the last peak."""


def states(kept: Trace) -> States:
    return States(kept.time, kept.level, kept.energy, kept.relaxing, kept.other, kept.fast, kept.slow,
                  kept.dulled, kept.withdrawal)  # fmt: skip


def fold(
    kept: Trace, system: System, windows: dict[str, Window], mornings: Column, last_dose: float,
    therapies: Therapies | None, dosing: float,
) -> dict[str, Any]:  # fmt: skip
    """Per patient: exposure to each substance, and the extremes of each effect from time zero on."""
    found: dict[str, Any] = {}
    for n, name in enumerate(system.substances):
        for key, value in _exposure(kept, n, windows[name]).items():
            found[f"{name}/{key}"] = value
    seen = effects(system, states(kept), therapies)
    begun = kept.time >= -1e-9
    found |= _effects(kept, seen, system, begun, mornings, dosing)
    found |= _withdrawal(kept, seen["withdrawal"], system, last_dose, begun)
    return found


def _exposure(kept: Trace, n: int, window: Window) -> dict[str, Column]:
    time, level, middle = kept.time, kept.level[:, n], kept.middle[:, n]
    step = np.diff(time, axis=0)
    area = step / 6.0 * (level[:-1] + 4.0 * middle[1:] + level[1:])
    peak = np.maximum(level, middle)
    top = peak.argmax(0)
    at_middle = np.take_along_axis(middle > level, top[None], 0)[0]
    when = np.take_along_axis(time, top[None], 0)[0]
    before = np.take_along_axis(time, np.maximum(top - 1, 0)[None], 0)[0]
    when = np.where(at_middle, 0.5 * (when + before), when)
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


def _falls_below(time: Column, level: Column, threshold: Column, falling: Column) -> Column:
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
    kept: Trace, seen: dict[str, Column], system: System, begun: Column, mornings: Column, dosing: float
) -> dict[str, Column]:
    p = system.figures
    found = {
        f"peak_{name}": np.where(begun, seen[name], -np.inf).max(0)
        for name in ("drive", "sedating", "sedation", "impairment", "relief")
    }
    found["min_ventilation"] = np.where(begun, seen["ventilation"], np.inf).min(0)
    found["hours_impaired"] = above(kept.time, seen["impairment"], p["impaired"], begun)
    on_days = begun & (kept.time < max(dosing, 24.0))
    found["hours_impaired_a_day"] = above(kept.time, seen["impairment"], p["impaired"], on_days) / max(
        dosing / 24.0, 1.0
    )
    morning = [at(kept.time, seen["impairment"], float(hour)) for hour in mornings]
    found["morning_impairment"] = np.max(morning, axis=0) if morning else np.full(system.number, np.nan)
    felt = begun & (seen["relief"] >= p["noticeable"])
    first = np.take_along_axis(kept.time, felt.argmax(0)[None], 0)[0]
    found["onset_h"] = np.where(felt.any(0), first, np.nan)
    found["probability_drowsy"] = readouts.probability(
        p["drowsy_intercept"], p["drowsy_slope"], found["peak_sedating"]
    )
    found["probability_dizzy"] = readouts.probability(
        p["dizzy_intercept"], p["dizzy_slope"], found["peak_sedating"]
    )
    found["pain_baseline"] = natural_pain(system, np.zeros((1, 1)))[0]
    return found


def above(time: Column, values: Column, threshold: Column, begun: Column) -> Column:
    """Hours above a threshold, taking each step for a straight line."""
    a, b = values[:-1] - threshold, values[1:] - threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.where(a > 0.0, a, b) / np.abs(b - a)
    share = np.where((a > 0.0) & (b > 0.0), 1.0, np.where((a > 0.0) | (b > 0.0), crossing, 0.0))
    return np.asarray((np.diff(time, axis=0) * share * begun[:-1]).sum(0))


def _withdrawal(
    kept: Trace, severity: Column, system: System, last_dose: float, begun: Column
) -> dict[str, Column]:
    p = system.figures
    over = np.where(begun, severity, 0.0)
    peak, top = over.max(0), over.argmax(0)
    when = np.take_along_axis(kept.time, top[None], 0)[0]
    after = (kept.time >= last_dose - 1e-9) & (severity >= p["felt"])
    first = np.take_along_axis(kept.time, after.argmax(0)[None], 0)[0]
    start = kept.hazard[np.argmax(begun, axis=0), np.arange(system.number)]
    hazard = kept.hazard[-1] - start
    return {
        "withdrawal_peak": peak,
        "withdrawal_peak_day": np.where(peak > 0.01, (when - last_dose) / 24.0, np.nan),
        "withdrawal_onset_h": np.where(after.any(0), first - last_dose, np.nan),
        "withdrawal_score": p["score_most"] * peak**2 / (peak**2 + p["score_half"] ** 2),
        "hazard": hazard,
        "probability_any": readouts.any_withdrawal(peak, p["any_half"], float(p["any_slope"][0])),
        "probability_seizure": -np.expm1(-p["seizure_rate"] * hazard),
        "probability_hallucinosis": -np.expm1(-p["hallucinosis_rate"] * hazard),
    }
