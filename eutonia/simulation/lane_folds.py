"""What a step adds to the summaries of a block of patients, as compiled code. `fold` does the same on kept steps."""

# ruff: noqa: PLW3301
# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

import numpy as np

from eutonia.simulation import adaptation, steps
from eutonia.simulation.lane_states import bends, decay, saturable
from eutonia.simulation.layout import (
    AREA,
    AREA_WINDOW,
    BEFORE,
    BEGAN,
    BRAIN,
    CMAX,
    DRIVE,
    DRIVE_HALF,
    DRIVE_MOST,
    DULLED,
    END,
    ENERGY,
    FALL_FROM,
    FALL_TO,
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
    MIDDLE,
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
    SLOPE,
    SLOPE_BEFORE,
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
    alike,
    both,
    choose,
    either,
    equation,
    get,
    lane,
    put,
    some,
    whole,
)

for _equation in (adaptation.positive, steps.larger, steps.along, steps.summit, steps.turn, steps.above):
    equation(_equation)
positive, along, summit = adaptation.positive, steps.along, steps.summit
turn, above = steps.turn, steps.above


@lane
def _crest(start, middle, end, first, last):
    """What the quartic through a step, whose slopes at the ends are `first` and `last` a step, nowhere exceeds: the
    highest of its Bernstein coefficients.
    """
    early, late = start + 0.25 * first, end - 0.25 * last
    between = (16.0 * middle - start - end - 4.0 * (early + late)) / 6.0
    return max(max(max(start, end), max(early, late)), between)


@lane
def _added(m, k, more):
    put(m, k, get(m, k) + more)


@whole
def fold_levels(m, fold, mid, end, rose, rising, counts, inside):
    """Exposure to one substance in a step at or after time zero, and `inside` the window or not; its changes an hour
    at the ends of the step are in the rows `rose` and `rising`.
    """
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
        first, last, most = get(m, rose), get(m, rising), get(m, fold + CMAX)
        higher = _crest(before, middle, after, h * first, h * last) > most
        if some(higher):
            a, b, c, d = bends(before, middle, after, first, last, h)
            where, peak = summit(middle, a, b, c, d)
            peak = choose(higher, max(max(before, after), peak), most)
            when = get(m, BEGAN) + 0.5 * h * (1.0 + where)
            put(m, fold + TMAX, choose(peak > most, when, get(m, fold + TMAX)))
            put(m, fold + CMAX, max(peak, most))
    put(m, fold + LAST_LEVEL, after)


@whole
def fold_fall(m, fold, mid, end, last):
    """The fall of a level after the dose at `last`; to be called before `fold_levels`."""
    level, peak, upper, lower = (
        get(m, end), get(m, fold + LAST_PEAK), get(m, fold + UPPER), get(m, fold + LOWER),
    )  # fmt: skip
    risen = max(get(m, mid), level) > peak
    below = either(
        both(upper == INFINITE, level <= FALL_FROM * peak), both(lower == INFINITE, level <= FALL_TO * peak)
    )
    if some(both(get(m, BEGAN) + get(m, STEP) >= last - 1e-9, either(risen, below))):
        for j in range(W):
            _fall(m, fold * W + j, mid * W + j, end * W + j, j, last)


@lane
def _fall(m, fold, mid, end, j, last):
    """Of one patient, in lane `j`: seldom, since a level passes through a threshold once."""
    began, step = m[BEGAN * W + j], m[STEP * W + j]
    if began + step < last - 1e-9:
        return
    middle, level, peak = m[mid], m[end], m[fold + LAST_PEAK * W]
    if max(middle, level) > peak:
        m[fold + LAST_PEAK * W] = max(middle, level)
        m[fold + UPPER * W] = INFINITE
        m[fold + LOWER * W] = INFINITE
    elif m[fold + LOWER * W] == INFINITE and step > 0.0 and level > 0.0:
        before = m[fold + LAST_LEVEL * W]
        if m[fold + UPPER * W] == INFINITE and level <= FALL_FROM * peak:
            m[fold + UPPER * W] = began + 0.5 * step * _share(before, middle, level, FALL_FROM * peak)
        if level <= FALL_TO * peak:
            m[fold + LOWER * W] = began + 0.5 * step * _share(before, middle, level, FALL_TO * peak)


@lane
def _share(before, middle, after, threshold):
    """After how many half steps a level falls through a threshold, on logarithmic lines."""
    if middle <= threshold:
        return _along(before, middle, threshold)
    return 1.0 + _along(middle, after, threshold)


@lane
def _along(c0, c1, threshold):
    if c0 <= threshold or c0 <= c1:
        return 0.0
    return min(np.log(c0 / threshold) / np.log(c0 / c1), 1.0)


@whole
def read_out(m, d, places, structure, to, node, natural, share, level):
    """As `effects.effects`, `share` of the step before its end, onto the rows from `to`."""
    eased, left, opioid, pain = alike(m, 0.0), alike(m, 1.0), alike(m, 0.0), get(m, natural)
    ends = structure.axis_ends
    for k in range(ends[0]):
        eased += saturable(
            get(m, level + structure.axis_signal[k]), get(m, places.most + k), get(m, places.half + k)
        )
    for k in range(ends[0], ends[1]):
        of = get(m, level + structure.axis_signal[k])
        left *= 1.0 - saturable(of, get(m, places.most + k), get(m, places.half + k))
    for k in range(ends[1], ends[2]):
        opioid += get(m, level + structure.axis_signal[k]) / get(m, places.half + k)
    sessions = len(structure.therapy_times)
    for k in range(sessions):
        start, stop, now = (
            structure.therapy_times[k, 0],
            structure.therapy_times[k, 1],
            get(d, NOW) - share * get(m, STEP),
        )
        during, after = alike(m, min(max(now - start, 0.0), stop - start)), alike(m, max(now - stop, 0.0))
        first = places.therapy + k
        effect, build, fade = get(m, first), get(m, first + sessions), get(m, first + 2 * sessions)
        points = effect * (1.0 - decay(during / build)) * decay(after / fade)
        left *= 1.0 - min(max(points / max(pain, 1.0), -1.0), 1.0)
    _effects(m, to, node, eased, left, pain)
    if ends[2] > ends[1]:
        opioid *= get(m, OPIOID_GAIN)
        put(m, to + OPIOID, opioid)
        put(m, to + VENTILATION, _breathing(m, get(m, to + DRIVE), opioid))


@lane
def _effects(m, to, node, eased, left, pain):
    """Drive, sedation and relief. Fractions of fractions are brought to one division."""
    energy, adapted = get(m, node + ENERGY), get(m, node + FAST) + get(m, node + SLOW)
    sensitivity = get(m, BRAIN)
    drive = sensitivity * energy - adapted
    up = positive(drive)
    least = max(energy, 1e-12)
    eases = positive(sensitivity * energy - get(m, RELAX_SHARE) * adapted)
    eased = eased * least + get(m, node + RELAXING) * eases
    half = get(m, RELAX_HALF) * least
    left = left * (half + (1.0 - get(m, RELAX_MOST)) * eased) / (eased + half)
    put(m, to + DRIVE, drive)
    put(m, to + SEDATING, up + positive(sensitivity * get(m, node + OTHER) - get(m, node + DULLED)))
    put(m, to + RELIEF, pain * (1.0 - left))


@lane
def _breathing(m, drive, opioid):
    """Ventilation beside opioids."""
    up = positive(drive)
    square = up * up
    all_of, half = (1.0 + opioid) * (1.0 + up), get(m, DRIVE_HALF) * get(m, DRIVE_HALF)
    air = (1.0 + opioid - get(m, OPIOID_MOST) * opioid) * (half + square - get(m, DRIVE_MOST) * square)
    air *= (all_of - get(m, SYNERGY) * opioid * up) / ((1.0 + opioid) * all_of * (half + square))
    return max(air, 0.0)


@lane
def _read(m, place):
    """What was read out at the start, in the middle and at the end of the step."""
    return get(m, READ_BEFORE + place), get(m, READ_MIDDLE + place), get(m, READ_END + place)


@lane
def _may_exceed(before, middle, after, most):
    """Whether the parabola through a step may be higher than `most` anywhere."""
    return max(max(before, after), 2.0 * middle - 0.5 * (before + after)) > most


@lane
def _higher(before, middle, after, most):
    """The highest of the parabola through a step, or `most` where that is higher."""
    higher, found = _may_exceed(before, middle, after, most), most
    if some(higher):
        _, top = turn(before, middle, after)
        found = choose(higher, max(max(before, after), max(top, most)), most)
    return found


@lane
def _ripple(m, of):
    """What the quartic of an energy has beyond the parabola through a step: its two highest coefficients."""
    _, _, c, d = bends(get(m, BEFORE + of), get(m, MIDDLE + of), get(m, END + of), get(m, SLOPE_BEFORE + of),
                       get(m, SLOPE + of), get(m, STEP))  # fmt: skip
    return get(m, BRAIN) * c, get(m, BRAIN) * d


@lane
def _fold_drive(m, place, peak, c, d):
    """The highest drive: the parabola through a step, and the ripple of the energies upon it."""
    before, middle, after = _read(m, place)
    a, b, most = 0.5 * (after - before) - c, 0.5 * (before + after) - middle - d, get(m, peak)
    even, odd = 2.0 * (a + 3.0 * c), 4.0 * (b + 2.0 * d)
    higher = _crest(before, middle, after, even - odd, even + odd) > most
    if some(higher):
        _, top = summit(middle, a, b, c, d)
        put(m, peak, choose(higher, max(max(before, after), max(top, most)), most))


@lane
def _above(before, middle, after):
    """Shares of both halves of a step above zero."""
    lowest, highest = min(before, min(middle, after)), max(before, max(middle, after))
    crosses, first = both(lowest < 0.0, highest > 0.0), choose(highest > 0.0, 1.0 + 0.0 * highest, 0.0)
    second = first
    if some(crosses):
        first = choose(crosses, above(before, middle), first)
        second = choose(crosses, above(middle, after), second)
    return first, second


@whole
def fold_ventilation(m, places, structure):
    """The least ventilation beside opioids; without them it is that of the highest drive. It is read where its
    parabola is lowest, from the quartics of drive and opioids there.
    """
    before, middle, after = _read(m, VENTILATION)
    where, _ = turn(-before, -middle, -after)
    first, last = alike(m, 0.0), alike(m, 0.0)
    for k in range(structure.axis_ends[1], structure.axis_ends[2]):
        signal, half = structure.axis_signal[k], get(m, places.half + k)
        first += get(m, places.rose + signal) / half
        last += get(m, places.rising + signal) / half
    start, opioid, end = _read(m, OPIOID)
    gain = get(m, OPIOID_GAIN)
    a, b, c, d = bends(start, opioid, end, gain * first, gain * last, get(m, STEP))
    opioid = along(where, opioid, a, b, c, d)
    start, drive, end = _read(m, DRIVE)
    c, d = _ripple(m, ENERGY)
    drive = along(where, drive, 0.5 * (end - start) - c, 0.5 * (start + end) - drive - d, c, d)
    least = min(min(before, middle), min(after, _breathing(m, drive, max(opioid, 0.0))))
    put(m, MIN_VENTILATION, min(get(m, MIN_VENTILATION), least))


@whole
def fold_effects(m, dosing, others):
    """Extremes and hours of what is read out in a step at or after time zero, and within the days of dosing or not.
    `others` says whether anything sedates in another way than by GABA-A.
    """
    part = 1.0 if dosing else 0.0
    c, d = _ripple(m, ENERGY)
    _fold_drive(m, DRIVE, PEAK_DRIVE, c, d)
    if others:
        more, still_more = _ripple(m, OTHER)
        drive = get(m, READ_MIDDLE + DRIVE) > 0.0
        other = get(m, READ_MIDDLE + SEDATING) > positive(get(m, READ_MIDDLE + DRIVE))
        _fold_drive(m, SEDATING, PEAK_SEDATING, drive * c + other * more, drive * d + other * still_more)
    put(m, PEAK_SEDATING, max(get(m, PEAK_SEDATING), get(m, PEAK_DRIVE)))
    half, least = 0.5 * get(m, STEP), get(m, IMPAIRED)
    before, middle, after = _read(m, SEDATING)
    first, second = _above(before - least, middle - least, after - least)
    hours = half * (first + second)
    _added(m, HOURS, hours)
    _added(m, HOURS_DAY, part * hours)
    least = get(m, NOTICEABLE)
    before, middle, after = _read(m, RELIEF)
    put(m, PEAK_RELIEF, _higher(before, middle, after, get(m, PEAK_RELIEF)))
    _added(m, RELIEF_AREA, part * half / 3.0 * (before + 4.0 * middle + after))
    before, middle, after = before - least, middle - least, after - least
    first, second = _above(before, middle, after)
    _added(m, HOURS_RELIEVED, half * (first + second))
    onset, began = get(m, ONSET), get(m, BEGAN)
    if some(both(began < onset, max(before, max(middle, after)) >= 0.0)):
        since = choose(after >= 0.0, half * (2.0 - second), INFINITE)
        since = choose(middle >= 0.0, half * (1.0 - first), since)
        since = choose(before >= 0.0, 0.0, since)
        put(m, ONSET, min(onset, began + since))


@whole
def fold_withdrawal(m, stopped):
    """The highest withdrawal, and when it is felt once dosing has `stopped` in anybody."""
    h, peak, began = get(m, STEP), get(m, W_PEAK), get(m, BEGAN)
    before, middle, after = get(m, WITHDRAWAL_BEFORE), get(m, WITHDRAWAL_MID), get(m, WITHDRAWAL)
    higher = _may_exceed(before, middle, after, peak)
    if some(higher):
        where, top = turn(before, middle, after)
        most = choose(higher, max(max(before, after), top), peak)
        put(m, W_TIME, choose(most > peak, began + 0.5 * h * (1.0 + where), get(m, W_TIME)))
        put(m, W_PEAK, max(most, peak))
    if stopped:
        w0, w1, when = before - get(m, FELT), after - get(m, FELT), get(m, W_ONSET)
        since = choose(w0 >= 0.0, 0.0, h * (1.0 - above(w0, w1)))
        since = choose(max(w0, w1) >= 0.0, since, INFINITE)
        later = min(when, began + since)
        put(m, W_ONSET, choose(began >= get(m, LAST_DOSE) - 1e-9, later, when))
