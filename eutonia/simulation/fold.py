"""Every step of a course → what it comes to for each patient.

The compiled engine does the same while it runs, without keeping the steps (`lanes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import readouts, steps
from eutonia.simulation.adaptation import positive
from eutonia.simulation.effects import States, Therapies, effects, natural_pain, opioids, ventilation
from eutonia.simulation.layout import FALL_FROM, FALL_TO
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from eutonia.simulation.columns import Trace
    from eutonia.simulation.marching import Result

Flags = NDArray[np.bool_]


def states(kept: Trace) -> States:
    return States(kept.time, kept.level, kept.energy, kept.relaxing, kept.other, kept.fast, kept.slow,
                  kept.dulled, kept.withdrawal)  # fmt: skip


def fold(
    kept: Trace, system: System, windows: dict[str, Window], last_dose: float | Column, therapies: Therapies | None,
    dosing: float,
) -> dict[str, Any]:  # fmt: skip
    """Per patient: exposure to each substance, and the extremes of each effect from time zero on."""
    found: dict[str, Any] = {}
    for n, (name, window) in enumerate(windows.items()):
        for key, value in _exposure(kept, n, window).items():
            found[f"{name}/{key}"] = value
    seen, halfway = effects(system, states(kept), therapies), effects(system, kept.halfway, therapies)
    begun = kept.time[:-1] >= -1e-9  # steps, not moments
    found |= _effects(
        kept, seen, {name: values[1:] for name, values in halfway.items()}, system, begun, dosing
    )
    found |= _withdrawal(kept, last_dose, begun, system)
    return found | chances(found, system)


def _exposure(kept: Trace, n: int, window: Window) -> dict[str, Column]:
    time, level, middle = kept.time, kept.level[:, n], kept.halfway.level[1:, n]
    step = np.diff(time, axis=0)
    counts = time[:-1] >= -1e-9  # what was taken before the plan is not counted
    area = counts * step / 6.0 * (level[:-1] + 4.0 * middle + level[1:])
    rose, rising = kept.rising[:, 1:, n]
    where, peak = steps.summit(middle, *steps.bends(level[:-1], middle, level[1:], rose, rising, step))
    peak = np.where(counts, np.maximum(np.maximum(level[:-1], level[1:]), peak), -1.0)
    top = peak.argmax(0)[None]
    when = np.take_along_axis(time[1:] - 0.5 * step * (1.0 - where), top, 0)[0]
    doses = np.array(window.doses or (0.0,))
    since = when - doses[np.maximum(np.searchsorted(doses, when + 1e-9, side="right") - 1, 0)]
    found = {
        "cmax_mg_l": peak.max(0),
        "tmax_h": since,
        "half_life_h": half_life(*_halves(time, level, middle), window.doses),
    }
    if window.single:
        whole = area.sum(0)
        tail = level[-1] * found["half_life_h"] / np.log(2.0)
        found["auc_mg_h_l"] = whole + np.where(np.isfinite(tail), tail, 0.0)
        found["trough_mg_l"] = level[-1]
        found["mean_mg_l"] = whole / (time[-1] - window.start)
    else:
        cumulative = np.concatenate([np.zeros((1, area.shape[1])), np.cumsum(area, axis=0)])
        whole = at(time, cumulative, window.end) - at(time, cumulative, window.start)
        covered = max(min(window.end, float(time[-1].min())) - window.start, 1e-9)
        found["auc_mg_h_l"] = whole / window.per_interval
        found["mean_mg_l"] = whole / covered
        within = (time >= window.start - 1e-9) & (time <= window.end + 1e-9)
        found["trough_mg_l"] = np.where(within, level, np.inf).min(0)
    return found


def _halves(time: Column, level: Column, middle: Column) -> tuple[Column, Column]:
    """Times and levels at the ends and in the middle of each step."""
    times, levels = np.empty((2, 2 * len(time) - 1, time.shape[1]))
    times[::2], times[1::2] = time, 0.5 * (time[:-1] + time[1:])
    levels[::2], levels[1::2] = level, middle
    return times, levels


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
    upper = _falls_below(time, after, FALL_FROM * peak, falling)
    lower = _falls_below(time, after, FALL_TO * peak, falling)
    end = np.where(np.isfinite(lower), lower, time[-1])
    ratio = np.where(
        np.isfinite(lower), FALL_FROM / FALL_TO, FALL_FROM * peak / np.maximum(after[-1], 1e-300)
    )
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
    kept: Trace, seen: dict[str, Column], halfway: dict[str, Column], system: System, begun: Flags, dosing: float
) -> dict[str, Column]:  # fmt: skip
    step = np.diff(kept.time, axis=0)

    def highest(name: str, c: Column, d: Column) -> Column:
        """Of the parabola through each step, and of what a quartic has beyond it."""
        before, middle, after = seen[name][:-1], halfway[name], seen[name][1:]
        a, b = 0.5 * (after - before) - c, 0.5 * (before + after) - middle - d
        _, peak = steps.summit(middle, a, b, c, d)
        return np.asarray(np.where(begun, np.maximum(np.maximum(before, after), peak), -np.inf).max(0))

    def ripple(values: Column, middles: Column, place: int) -> Column:
        """The two highest coefficients of the quartic of an energy."""
        first, last = kept.slopes[:, 1:, place]
        bends = steps.bends(values[:-1], middles[1:], values[1:], first, last, step)
        return np.asarray(system.brain[0] * np.stack(bends[2:]))

    of_gaba = ripple(kept.energy, kept.halfway.energy, 0)
    drive, sedating = halfway["drive"], halfway["sedating"]
    both = (drive > 0.0) * of_gaba
    both = both + (sedating > positive(drive)) * ripple(kept.other, kept.halfway.other, 2)
    found = {
        "peak_drive": highest("drive", *of_gaba),
        "peak_sedating": highest("sedating", *both),
    }
    found["min_ventilation"] = ventilation(system, np.zeros(system.number), found["peak_drive"])
    if len(system.ventilation.signals):
        least = _least_ventilation(kept, seen, halfway, system, of_gaba)
        found["min_ventilation"] = np.where(begun, least, np.inf).min(0)
    half, days = 0.5 * step, max(dosing, 24.0)
    dosed = begun & (kept.time[:-1] < days - 1e-9)

    def over(name: str, threshold: Column) -> tuple[Column, ...]:
        """Above the threshold: ends of steps, middles, and shares of the first and second half of each step."""
        ends, middle = seen[name] - threshold, halfway[name] - threshold
        return ends, middle, steps.above(ends[:-1], middle), steps.above(middle, ends[1:])

    *_, first, second = over("sedating", impaired_from(system))
    hours = half * (first + second)
    found["hours_impaired"] = (begun * hours).sum(0)
    found["hours_impaired_a_day"] = (dosed * hours).sum(0) / (days / 24.0)
    relief, eased = seen["relief"], halfway["relief"]
    _, peak = steps.turn(relief[:-1], eased, relief[1:])
    peak = np.maximum(np.maximum(relief[:-1], relief[1:]), peak)
    found["peak_relief"] = np.where(begun, peak, -np.inf).max(0)
    found["mean_relief"] = (dosed * half / 3.0 * (relief[:-1] + 4.0 * eased + relief[1:])).sum(0) / days
    ends, middle, first, second = over("relief", system.figures["noticeable"])
    found["hours_relieved"] = (begun * half * (first + second)).sum(0)
    now = kept.time[1:]
    later = np.where(ends[1:] >= 0.0, now - half * second, np.inf)
    sooner = np.where(middle >= 0.0, now - half - half * first, later)
    onset = np.where(begun, np.where(ends[:-1] >= 0.0, now - 2.0 * half, sooner), np.inf).min(0)
    found["onset_h"] = np.where(np.isfinite(onset), onset, np.nan)
    return found


def _least_ventilation(
    kept: Trace, seen: dict[str, Column], halfway: dict[str, Column], system: System, of_gaba: Column
) -> Column:
    """Of each step: where its parabola is lowest, from the quartics of drive and opioids there."""
    step = np.diff(kept.time, axis=0)
    before, middle, after = seen["ventilation"][:-1], halfway["ventilation"], seen["ventilation"][1:]
    where, _ = steps.turn(-before, -middle, -after)
    first, last = (opioids(system, change[1:]) for change in kept.rising)
    of_opioid = steps.bends(seen["opioid"][:-1], halfway["opioid"], seen["opioid"][1:], first, last, step)
    opioid = steps.along(where, halfway["opioid"], *of_opioid)
    start, drive, end = seen["drive"][:-1], halfway["drive"], seen["drive"][1:]
    c, d = of_gaba
    drive = steps.along(where, drive, 0.5 * (end - start) - c, 0.5 * (start + end) - drive - d, c, d)
    lowest = ventilation(system, np.maximum(opioid, 0.0), drive)
    return np.minimum(np.minimum(before, middle), np.minimum(after, lowest))


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
        "probability_dizzy": readouts.probability(
            p["dizzy_intercept"], p["dizzy_slope"], readouts.bounded(drive, p["dizzy_most"])
        ),
        "pain_baseline": natural_pain(system, np.zeros((1, 1)))[0],
        "withdrawal_score": p["score_most"] * peak**2 / (peak**2 + p["score_half"] ** 2),
        "probability_any": readouts.any_withdrawal(peak, p["any_half"], p["any_slope"]),
        "probability_seizure": -np.expm1(-p["seizure_rate"] * found["hazard"]),
        "probability_hallucinosis": -np.expm1(-p["hallucinosis_rate"] * found["hazard"]),
    }


def _withdrawal(kept: Trace, last_dose: float | Column, begun: Flags, system: System) -> dict[str, Column]:
    severity, middle, step = kept.withdrawal, kept.halfway.withdrawal[1:], np.diff(kept.time, axis=0)
    where, most = steps.turn(severity[:-1], middle, severity[1:])
    most = np.where(begun, np.maximum(np.maximum(severity[:-1], severity[1:]), most), 0.0)
    peak, top = np.maximum(most.max(0), 0.0), most.argmax(0)[None]
    when = np.take_along_axis(kept.time[1:] - 0.5 * step * (1.0 - where), top, 0)[0]
    w0, w1 = severity[:-1] - system.figures["felt"], severity[1:] - system.figures["felt"]
    felt = begun & (np.maximum(w0, w1) >= 0.0) & (kept.time[:-1] >= last_dose - 1e-9)
    moment = np.where(w0 >= 0.0, kept.time[:-1], kept.time[1:] - step * steps.above(w0, w1))
    onset = np.where(felt, moment, np.inf).min(0)
    first = np.argmax(kept.time >= -1e-9, axis=0)
    start = kept.hazard[first, np.arange(severity.shape[1])]
    return {
        "withdrawal_peak": peak,
        "withdrawal_peak_day": np.where(peak > 0.01, (when - last_dose) / 24.0, np.nan),
        "withdrawal_onset_h": np.where(np.isfinite(onset), onset, np.nan) - last_dose,
        "hazard": kept.hazard[-1] - start,
    }


def fold_compiled(
    result: Result, system: System, windows: dict[str, Window], last_dose: float | Column, until: float
) -> dict[str, Column]:
    """The same from what the compiled engine has folded."""
    from eutonia.simulation import layout

    found: dict[str, Column] = {}
    for (name, window), rows in zip(windows.items(), result.levels, strict=True):
        for key, value in _exposure_compiled(rows.astype(float), window, until).items():
            found[f"{name}/{key}"] = value
    row = dict(enumerate(result.folded.astype(float), layout.FOLDED))

    def time(place: int) -> Column:
        return np.where(np.isfinite(row[place]), row[place], np.nan)

    found |= {
        "peak_drive": row[layout.PEAK_DRIVE],
        "peak_sedating": row[layout.PEAK_SEDATING],
        "peak_relief": row[layout.PEAK_RELIEF],
        "hours_impaired": row[layout.HOURS],
        "hours_impaired_a_day": row[layout.HOURS_DAY] / (result.dosing / 24.0),
        "hours_relieved": row[layout.HOURS_RELIEVED],
        "mean_relief": row[layout.RELIEF_AREA] / result.dosing,
        "onset_h": time(layout.ONSET),
        "withdrawal_peak": row[layout.W_PEAK],
        "withdrawal_peak_day": np.where(
            row[layout.W_PEAK] > 0.01, (time(layout.W_TIME) - last_dose) / 24.0, np.nan
        ),
        "withdrawal_onset_h": time(layout.W_ONSET) - last_dose,
        "hazard": result.states[-1, -1].astype(float) - row[layout.HAZARD_ZERO],
    }
    found["min_ventilation"] = row[layout.MIN_VENTILATION]
    if not len(system.ventilation.signals):
        found["min_ventilation"] = ventilation(system, np.zeros(system.number), found["peak_drive"])
    return found | chances(found, system)


def _exposure_compiled(rows: Column, window: Window, until: float) -> dict[str, Column]:
    from eutonia.simulation import layout

    doses = np.array(window.doses or (0.0,))
    when, peak, last = rows[layout.TMAX], rows[layout.LAST_PEAK], rows[layout.LAST_LEVEL]
    upper, lower = rows[layout.UPPER], rows[layout.LOWER]
    with np.errstate(divide="ignore", invalid="ignore"):
        end = np.where(np.isfinite(lower), lower, until)
        ratio = np.where(np.isfinite(lower), FALL_FROM / FALL_TO, FALL_FROM * peak / np.maximum(last, 1e-300))
        fell = (end - upper) * np.log(2.0) / np.log(ratio)
    half = np.where((ratio > 1.3) & (peak > 0.0) & np.isfinite(upper), fell, np.nan)
    found = {
        "cmax_mg_l": rows[layout.CMAX],
        "tmax_h": when - doses[np.maximum(np.searchsorted(doses, when + 1e-9, side="right") - 1, 0)],
        "half_life_h": half,
    }
    if window.single:
        tail = last * half / np.log(2.0)
        found["auc_mg_h_l"] = rows[layout.AREA] + np.where(np.isfinite(tail), tail, 0.0)
        found["trough_mg_l"], found["mean_mg_l"] = last, rows[layout.AREA] / (until - window.start)
    else:
        covered = max(min(window.end, until) - window.start, 1e-9)
        found["auc_mg_h_l"] = rows[layout.AREA_WINDOW] / window.per_interval
        found["trough_mg_l"], found["mean_mg_l"] = rows[layout.LOWEST], rows[layout.AREA_WINDOW] / covered
    return found
