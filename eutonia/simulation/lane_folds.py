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
    DESK,
    DRIVE,
    DRIVE_HALF,
    DRIVE_MOST,
    DULLED,
    EASED,
    ENERGY,
    FAST,
    FELT,
    FOLD_ROWS,
    HOURS,
    HOURS_DAY,
    HOURS_RELIEVED,
    IMPAIRED,
    LAST_DOSE,
    LAST_LEVEL,
    LAST_PEAK,
    LEFT,
    LEVEL_TIMES,
    LOWER,
    LOWEST,
    MIN_VENTILATION,
    NOTICEABLE,
    NOW,
    ONSET,
    OPIOID,
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
    add_ratio,
    add_saturating,
    copied,
    equation,
    filled,
    lane,
    leave,
    row,
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


SINCE, NEVER = DESK, -1.0
"""Hours from the beginning of the step to what is to be remembered, or that there is nothing."""


@lane
def _clock(when, began, since):
    """Remember a time. A loop of its own, as clocks are of double precision."""
    for i in range(W):
        when[i] = began[i] + since[i] if since[i] >= 0.0 else when[i]


@lane
def _first_time(when, began, since):
    for i in range(W):
        when[i] = min(when[i], began[i] + since[i])


@whole
def fold_levels(m, d, fold, times, mid, end, counts, inside):
    """Exposure to one substance in a step at or after time zero, and `inside` the window or not."""
    q, middle, level = m[fold * W : (fold + FOLD_ROWS) * W], row(m, mid), row(m, end)
    if inside:
        for i in range(W):
            before, c1 = q[LAST_LEVEL * W + i], level[i]
            q[AREA_WINDOW * W + i] += m[STEP * W + i] / 6.0 * (before + 4.0 * middle[i] + c1)
            q[LOWEST * W + i] = min(q[LOWEST * W + i], min(before, c1))
    if counts:
        for i in range(W):
            h, before, cm, c1 = m[STEP * W + i], q[LAST_LEVEL * W + i], middle[i], level[i]
            q[AREA * W + i] += h / 6.0 * (before + 4.0 * cm + c1)
            where, peak = turn(before, cm, c1)
            m[SINCE * W + i] = 0.5 * h * (1.0 + where) if peak > q[CMAX * W + i] else NEVER
            q[CMAX * W + i] = max(q[CMAX * W + i], peak)
        _clock(row(d, times + TMAX), row(d, BEGAN), row(m, SINCE))
    copied(q[LAST_LEVEL * W : (LAST_LEVEL + 1) * W], level)


@whole
def fold_fall(m, d, fold, times, end, last):
    """The fall of a level after the dose at `last`; to be called before `fold_levels`."""
    q, t, level = m[fold * W : (fold + FOLD_ROWS) * W], d[times * W : (times + LEVEL_TIMES) * W], row(m, end)
    for i in range(W):
        began, h = d[BEGAN * W + i], m[STEP * W + i]
        if d[NOW * W + i] >= last - 1e-9:
            c1, peak = level[i], q[LAST_PEAK * W + i]
            if c1 > peak:
                q[LAST_PEAK * W + i] = c1
                t[UPPER * W + i] = INFINITE
                t[LOWER * W + i] = INFINITE
            elif t[LOWER * W + i] == INFINITE and h > 0.0 and c1 > 0.0:
                c0 = q[LAST_LEVEL * W + i]
                if t[UPPER * W + i] == INFINITE and c1 <= 0.40 * peak:
                    t[UPPER * W + i] = began + h * _share(c0, c1, 0.40 * peak)
                if c1 <= 0.08 * peak:
                    t[LOWER * W + i] = began + h * _share(c0, c1, 0.08 * peak)


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
    filled(row(m, EASED), 0.0)
    filled(row(m, LEFT), 1.0)
    filled(row(m, OPIOID), 0.0)
    for k in range(axis_ends[0]):
        add_saturating(row(m, EASED), top[k, p : p + W], half[k, p : p + W], row(m, level + axis_signal[k]))
    for k in range(axis_ends[0], axis_ends[1]):
        leave(row(m, LEFT), top[k, p : p + W], half[k, p : p + W], row(m, level + axis_signal[k]))
    for k in range(axis_ends[1], len(axis_signal)):
        add_ratio(row(m, OPIOID), row(m, level + axis_signal[k]), half[k, p : p + W])
    for k in range(len(therapy_times)):
        start, stop = therapy_times[k, 0], therapy_times[k, 1]
        e, b, f, pain = (
            therapy[0, k, p : p + W],
            therapy[1, k, p : p + W],
            therapy[2, k, p : p + W],
            row(m, natural),
        )
        for i in range(W):
            now = d[NOW * W + i] - share * m[STEP * W + i]
            held = 1.0 - decay(min(max(now - start, 0.0), stop - start) / b[i])
            points = e[i] * held * decay(max(now - stop, 0.0) / f[i])
            m[LEFT * W + i] *= 1.0 - min(max(points / max(pain[i], 1.0), -1.0), 1.0)
    _effects(m[to * W : (to + 4) * W], m[node * W : (node + 7) * W], row(m, natural), m)


@lane
def _effects(to, states, pain, m):
    """Drive, sedation, relief and ventilation. Fractions of fractions are brought to one division."""
    for i in range(W):
        energy, adapted = states[ENERGY * W + i], states[FAST * W + i] + states[SLOW * W + i]
        sensitivity = m[BRAIN * W + i]
        drive = sensitivity * energy - adapted
        up = positive(drive)
        least = max(energy, 1e-12)
        eases = positive(sensitivity * energy - m[RELAX_SHARE * W + i] * adapted)
        eased = m[EASED * W + i] * least + states[RELAXING * W + i] * eases
        half = m[RELAX_HALF * W + i] * least
        left = m[LEFT * W + i] * (half + (1.0 - m[RELAX_MOST * W + i]) * eased) / (eased + half)
        opioid, square = m[OPIOID * W + i] * m[OPIOID_GAIN * W + i], up * up
        whole, half = (1.0 + opioid) * (1.0 + up), m[DRIVE_HALF * W + i] * m[DRIVE_HALF * W + i]
        air = (1.0 + opioid - m[OPIOID_MOST * W + i] * opioid) * (
            half + square - m[DRIVE_MOST * W + i] * square
        )
        air *= (whole - m[SYNERGY * W + i] * opioid * up) / ((1.0 + opioid) * whole * (half + square))
        to[DRIVE * W + i] = drive
        to[SEDATING * W + i] = up + positive(sensitivity * states[OTHER * W + i] - states[DULLED * W + i])
        to[RELIEF * W + i] = pain[i] * (1.0 - left)
        to[VENTILATION * W + i] = max(air, 0.0)


@lane
def _fold_peak(m, place, peak):
    for i in range(W):
        _, most = turn(
            m[(READ_BEFORE + place) * W + i], m[(READ_MIDDLE + place) * W + i], m[(READ_END + place) * W + i]
        )
        m[peak * W + i] = max(m[peak * W + i], most)


@whole
def fold_effects(m, d, dosing):
    """Extremes and hours of what is read out in a step at or after time zero, and within the days of dosing or not."""
    _fold_peak(m, DRIVE, PEAK_DRIVE)
    _fold_peak(m, SEDATING, PEAK_SEDATING)
    _fold_peak(m, RELIEF, PEAK_RELIEF)
    for i in range(W):
        _, most = turn(-m[(READ_BEFORE + VENTILATION) * W + i], -m[(READ_MIDDLE + VENTILATION) * W + i],
                       -m[(READ_END + VENTILATION) * W + i])  # fmt: skip
        m[MIN_VENTILATION * W + i] = min(m[MIN_VENTILATION * W + i], -most)
    part = 1.0 if dosing else 0.0
    for i in range(W):
        half, least = 0.5 * m[STEP * W + i], m[IMPAIRED * W + i]
        middle = m[(READ_MIDDLE + SEDATING) * W + i] - least
        hours = half * (above(m[(READ_BEFORE + SEDATING) * W + i] - least, middle)
                        + above(middle, m[(READ_END + SEDATING) * W + i] - least))  # fmt: skip
        m[HOURS * W + i] += hours
        m[HOURS_DAY * W + i] += part * hours
    for i in range(W):
        half, least = 0.5 * m[STEP * W + i], m[NOTICEABLE * W + i]
        before, middle, end = (
            m[(READ_BEFORE + RELIEF) * W + i], m[(READ_MIDDLE + RELIEF) * W + i], m[(READ_END + RELIEF) * W + i],
        )  # fmt: skip
        m[RELIEF_AREA * W + i] += part * half / 3.0 * (before + 4.0 * middle + end)
        before, middle, end = before - least, middle - least, end - least
        first, second = above(before, middle), above(middle, end)
        m[HOURS_RELIEVED * W + i] += half * (first + second)
        begins = half * (2.0 - second) if end >= 0.0 else INFINITE
        begins = half * (1.0 - first) if middle >= 0.0 else begins
        m[SINCE * W + i] = 0.0 if before >= 0.0 else begins
    _first_time(row(d, ONSET), row(d, BEGAN), row(m, SINCE))


@whole
def fold_withdrawal(m, d, stopped):
    """The highest withdrawal, and when it is felt once dosing has `stopped` in anybody."""
    for i in range(W):
        h, peak = m[STEP * W + i], m[W_PEAK * W + i]
        where, most = turn(m[WITHDRAWAL_BEFORE * W + i], m[WITHDRAWAL_MID * W + i], m[WITHDRAWAL * W + i])
        m[SINCE * W + i] = 0.5 * h * (1.0 + where) if most > peak else NEVER
        m[W_PEAK * W + i] = max(most, peak)
    _clock(row(d, W_TIME), row(d, BEGAN), row(m, SINCE))
    if stopped:
        for i in range(W):
            h, least = m[STEP * W + i], m[FELT * W + i]
            w0, w1 = m[WITHDRAWAL_BEFORE * W + i] - least, m[WITHDRAWAL * W + i] - least
            since = 0.0 if w0 >= 0.0 else h * (1.0 - above(w0, w1))
            m[SINCE * W + i] = since if max(w0, w1) >= 0.0 else INFINITE
        for i in range(W):
            began, when = d[BEGAN * W + i], d[W_ONSET * W + i]
            later = min(when, began + m[SINCE * W + i])
            d[W_ONSET * W + i] = later if began >= d[LAST_DOSE * W + i] - 1e-9 else when
