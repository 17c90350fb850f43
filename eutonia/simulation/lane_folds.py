"""What a step adds to the summaries of a block of patients, as compiled code. `fold` does the same on kept steps."""

# ruff: noqa: PLW3301
# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

import numpy as np

from eutonia.simulation import adaptation
from eutonia.simulation.lane_states import decay
from eutonia.simulation.layout import (
    AREA,
    AREA_WINDOW,
    BEGAN,
    BRAIN,
    CMAX,
    DRIVE,
    DRIVE_HALF,
    DRIVE_MOST,
    DULLED,
    ENERGY,
    FAST,
    FELT,
    HOURS,
    HOURS_DAY,
    HOURS_RELIEVED,
    IMPAIRED,
    LAST_DOSE,
    LAST_LEVEL,
    LAST_PEAK,
    LOWER,
    LOWEST,
    MIN_VENTILATION,
    NOTICEABLE,
    NOW,
    ONSET,
    OPIOID_GAIN,
    OPIOID_MOST,
    OTHER,
    PEAK_DRIVE,
    PEAK_RELIEF,
    PEAK_SEDATING,
    READ_BEFORE,
    READ_END,
    READ_MIDDLE,
    RELAX_HALF,
    RELAX_MOST,
    RELAX_SHARE,
    RELAXING,
    RELIEF,
    RELIEF_AREA,
    SEDATING,
    SLOW,
    STEP,
    SYNERGY,
    TMAX,
    UPPER,
    VENTILATION,
    W_ONSET,
    W_PEAK,
    W_TIME,
    WITHDRAWAL,
    WITHDRAWAL_BEFORE,
    WITHDRAWAL_MID,
    W,
)
from eutonia.simulation.rows import (
    INFINITE,
    LITTLE,
    alike,
    both,
    choose,
    either,
    equation,
    get,
    get_of,
    lane,
    put,
    some,
    whole,
)

equation(adaptation.positive)
positive = adaptation.positive


@lane
def turn(before, middle, after):
    """Where the parabola through a step is highest, from -1 to 1, and how high."""
    bend, tilt = middle - 0.5 * (before + after), 0.5 * (after - before)
    least = max(bend, LITTLE)
    where = min(max(0.5 * tilt / least, -1.0), 1.0)
    return where, max(max(before, after), middle + where * (tilt - least * where))


@lane
def above(before, after):
    """Share of a span above zero, taking it for a straight line."""
    high, low = max(before, after), min(before, after)
    return min(max(high / max(high - low, LITTLE), 0.0), 1.0)


@lane
def _added(m, k, more):
    put(m, k, get(m, k) + more)


@whole
def fold_levels(m, d, fold, times, mid, end, counts, inside):
    """Exposure to one substance in a step at or after time zero, and `inside` the window or not."""
    h, before, middle, after = (
        get(m, STEP),
        get(m, fold + LAST_LEVEL),
        get(m, mid),
        get(m, end),
    )
    area = h / 6.0 * (before + 4.0 * middle + after)
    if inside:
        _added(m, fold + AREA_WINDOW, area)
        put(m, fold + LOWEST, min(get(m, fold + LOWEST), min(before, after)))
    if counts:
        _added(m, fold + AREA, area)
        most = get(m, fold + CMAX)
        where, peak = turn(before, middle, after)
        when = get(d, BEGAN) + 0.5 * h * (1.0 + where)
        put(d, times + TMAX, choose(peak > most, when, get(d, times + TMAX)))
        put(m, fold + CMAX, max(peak, most))
    put(m, fold + LAST_LEVEL, after)


@whole
def fold_fall(m, d, fold, times, end, last):
    """The fall of a level after the dose at `last`; to be called before `fold_levels`."""
    level, peak, upper, lower = (
        get(m, end), get(m, fold + LAST_PEAK), get(d, times + UPPER), get(d, times + LOWER),
    )  # fmt: skip
    below = either(
        both(upper == INFINITE, level <= 0.40 * peak), both(lower == INFINITE, level <= 0.08 * peak)
    )
    if some(both(get(d, NOW) >= last - 1e-9, either(level > peak, below))):
        for j in range(W):
            _fall(m, d, fold * W + j, times * W + j, end * W + j, j, last)


@lane
def _fall(m, d, fold, times, end, j, last):
    """Of one patient, in lane `j`: seldom, since a level passes through a threshold once."""
    if d[NOW * W + j] < last - 1e-9:
        return
    level, peak = m[end], m[fold + LAST_PEAK * W]
    if level > peak:
        m[fold + LAST_PEAK * W] = level
        d[times + UPPER * W] = INFINITE
        d[times + LOWER * W] = INFINITE
    elif d[times + LOWER * W] == INFINITE and m[STEP * W + j] > 0.0 and level > 0.0:
        before = m[fold + LAST_LEVEL * W]
        if d[times + UPPER * W] == INFINITE and level <= 0.40 * peak:
            d[times + UPPER * W] = d[BEGAN * W + j] + m[STEP * W + j] * _share(before, level, 0.40 * peak)
        if level <= 0.08 * peak:
            d[times + LOWER * W] = d[BEGAN * W + j] + m[STEP * W + j] * _share(before, level, 0.08 * peak)


@lane
def _share(c0, c1, threshold):
    """How far through a step a level falls through a threshold, on a logarithmic line."""
    if c0 <= threshold or c0 <= c1:
        return 0.0
    return min(np.log(c0 / threshold) / np.log(c0 / c1), 1.0)


@whole
def read_out(
    m, d, to, node, natural, share, level, p, axis_signal, axis_ends, top, half, therapy_times, therapy
):
    """As `effects.effects`, `share` of the step before its end, onto the four rows from `to`."""
    eased, left, opioid, pain = alike(m, 0.0), alike(m, 1.0), alike(m, 0.0), get(m, natural)
    for k in range(axis_ends[0]):
        of = get(m, level + axis_signal[k])
        eased += get_of(top, k, p) * of / (of + get_of(half, k, p))
    for k in range(axis_ends[0], axis_ends[1]):
        of = get(m, level + axis_signal[k])
        left *= 1.0 - get_of(top, k, p) * of / (of + get_of(half, k, p))
    for k in range(axis_ends[1], len(axis_signal)):
        opioid += get(m, level + axis_signal[k]) / get_of(half, k, p)
    for k in range(len(therapy_times)):
        start, stop, now = (
            therapy_times[k, 0],
            therapy_times[k, 1],
            get(d, NOW) - share * get(m, STEP),
        )
        during, after = alike(m, min(max(now - start, 0.0), stop - start)), alike(m, max(now - stop, 0.0))
        held = 1.0 - decay(during / get_of(therapy[1], k, p))
        points = get_of(therapy[0], k, p) * held * decay(after / get_of(therapy[2], k, p))
        left *= 1.0 - min(max(points / max(pain, 1.0), -1.0), 1.0)
    _effects(m, to, node, eased, left, opioid * get(m, OPIOID_GAIN), pain)


@lane
def _effects(m, to, node, eased, left, opioid, pain):
    """Drive, sedation, relief and ventilation. Fractions of fractions are brought to one division."""
    energy, adapted = get(m, node + ENERGY), get(m, node + FAST) + get(m, node + SLOW)
    sensitivity = get(m, BRAIN)
    drive = sensitivity * energy - adapted
    up = positive(drive)
    least = max(energy, 1e-12)
    eases = positive(sensitivity * energy - get(m, RELAX_SHARE) * adapted)
    eased = eased * least + get(m, node + RELAXING) * eases
    half = get(m, RELAX_HALF) * least
    left = left * (half + (1.0 - get(m, RELAX_MOST)) * eased) / (eased + half)
    square = up * up
    all_of, half = (1.0 + opioid) * (1.0 + up), get(m, DRIVE_HALF) * get(m, DRIVE_HALF)
    air = (1.0 + opioid - get(m, OPIOID_MOST) * opioid) * (half + square - get(m, DRIVE_MOST) * square)
    air *= (all_of - get(m, SYNERGY) * opioid * up) / ((1.0 + opioid) * all_of * (half + square))
    put(m, to + DRIVE, drive)
    put(m, to + SEDATING, up + positive(sensitivity * get(m, node + OTHER) - get(m, node + DULLED)))
    put(m, to + RELIEF, pain * (1.0 - left))
    put(m, to + VENTILATION, max(air, 0.0))


@lane
def _read(m, place):
    """What was read out at the start, in the middle and at the end of the step."""
    return get(m, READ_BEFORE + place), get(m, READ_MIDDLE + place), get(m, READ_END + place)


@lane
def _fold_peak(m, place, peak):
    before, middle, after = _read(m, place)
    _, most = turn(before, middle, after)
    put(m, peak, max(get(m, peak), most))


@whole
def fold_effects(m, d, dosing):
    """Extremes and hours of what is read out in a step at or after time zero, and within the days of dosing or not."""
    part = 1.0 if dosing else 0.0
    _fold_peak(m, DRIVE, PEAK_DRIVE)
    _fold_peak(m, SEDATING, PEAK_SEDATING)
    _fold_peak(m, RELIEF, PEAK_RELIEF)
    before, middle, after = _read(m, VENTILATION)
    _, most = turn(-before, -middle, -after)
    put(m, MIN_VENTILATION, min(get(m, MIN_VENTILATION), -most))
    half, least = 0.5 * get(m, STEP), get(m, IMPAIRED)
    before, middle, after = _read(m, SEDATING)
    hours = half * (above(before - least, middle - least) + above(middle - least, after - least))
    _added(m, HOURS, hours)
    _added(m, HOURS_DAY, part * hours)
    least = get(m, NOTICEABLE)
    before, middle, after = _read(m, RELIEF)
    _added(m, RELIEF_AREA, part * half / 3.0 * (before + 4.0 * middle + after))
    before, middle, after = before - least, middle - least, after - least
    first, second = above(before, middle), above(middle, after)
    _added(m, HOURS_RELIEVED, half * (first + second))
    since = choose(after >= 0.0, half * (2.0 - second), INFINITE)
    since = choose(middle >= 0.0, half * (1.0 - first), since)
    since = choose(before >= 0.0, 0.0, since)
    put(d, ONSET, min(get(d, ONSET), get(d, BEGAN) + since))


@whole
def fold_withdrawal(m, d, stopped):
    """The highest withdrawal, and when it is felt once dosing has `stopped` in anybody."""
    h, peak, began = get(m, STEP), get(m, W_PEAK), get(d, BEGAN)
    before, after = get(m, WITHDRAWAL_BEFORE), get(m, WITHDRAWAL)
    where, most = turn(before, get(m, WITHDRAWAL_MID), after)
    put(d, W_TIME, choose(most > peak, began + 0.5 * h * (1.0 + where), get(d, W_TIME)))
    put(m, W_PEAK, max(most, peak))
    if stopped:
        w0, w1, when = before - get(m, FELT), after - get(m, FELT), get(d, W_ONSET)
        since = choose(w0 >= 0.0, 0.0, h * (1.0 - above(w0, w1)))
        since = choose(max(w0, w1) >= 0.0, since, INFINITE)
        later = min(when, began + since)
        put(d, W_ONSET, choose(began >= get(d, LAST_DOSE) - 1e-9, later, when))
