"""The states of a block of patients over one step, as compiled code: levels, energies, adaptation.

The equations are those of `steps`, `adaptation` and `kinetics`, compiled from the source that Python runs too.
"""

# ruff: noqa: PLW3301
# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from eutonia.simulation import adaptation, kinetics, steps
from eutonia.simulation.layout import (
    BEFORE,
    BRAIN,
    DULLED,
    END,
    ENERGY,
    FAST,
    FELT_NOW,
    HAZARD,
    LASTING,
    MIDDLE,
    NATURAL_END,
    NATURAL_MIDDLE,
    NET,
    OTHER,
    PAIN_REST,
    RELAXING,
    SLOPE,
    SLOPE_BEFORE,
    SLOW,
    STEP,
    STIRRED,
    TURNING,
    WITHDRAWAL,
    WITHDRAWAL_BEFORE,
    WITHDRAWAL_MID,
)
from eutonia.simulation.rows import alike, choose, equation, get, lane, log_ratio, put, some, whole

for _equation in (adaptation.turnover, adaptation.deficit, kinetics.decay, kinetics.saturable, steps.damping,
                  steps.collocated, steps.passed, steps.remaining, steps.nearly, steps.bends, steps.pair,
                  steps.averaged, steps.spread):  # fmt: skip
    equation(_equation)

turnover, deficit = adaptation.turnover, adaptation.deficit
decay, saturable = kinetics.decay, kinetics.saturable
damping, collocated, passed, remaining = steps.damping, steps.collocated, steps.passed, steps.remaining
nearly = steps.nearly
bends, pair, averaged, spread = steps.bends, steps.pair, steps.averaged, steps.spread


@whole
def decayed(m, d, places, structure, decaying):
    """Go on by a step: the parts of levels, linear levels in its middle and at its end, their changes then, and the
    natural pain. What was at the end is now at the start.

    Levels are small differences of large numbers, so that they are summed in double precision.
    """
    nonlinear = places.middle != places.linear_middle
    first = 0
    for s in range(len(structure.part_ends)):
        put(m, places.rose + s, get(m, places.rising + s))
        if nonlinear:
            put(m, places.linear + s, get(m, places.linear_end + s))
        level_mid, level_end, falls = alike(d, 0.0), alike(d, 0.0), alike(d, 0.0)
        for k in range(first, structure.part_ends[s]):
            mode = structure.part_mode[k]
            factor = get(d, places.factors + mode)
            half = get(d, places.parts + k) * factor
            after = half * factor
            put(d, places.parts + k, after)
            level_mid += half
            level_end += after
            falls += after * get(d, places.rates + mode)
        put(m, places.linear_middle + s, level_mid)
        put(m, places.linear_end + s, level_end)
        if nonlinear:
            put(m, places.middle + s, level_mid)
            put(m, places.end + s, level_end)
        put(m, places.rising + s, -falls)
        first = structure.part_ends[s]
    natural_mid = natural_end = alike(d, 0.0)
    for k in range(2):
        factor = get(d, places.factors + decaying - 2 + k)
        half = get(d, places.pain + k) * factor
        put(d, places.pain + k, half * factor)
        natural_mid += half
        natural_end += half * factor
    put(m, NATURAL_MIDDLE, get(m, PAIN_REST) + natural_mid)
    put(m, NATURAL_END, get(m, PAIN_REST) + natural_end)


@whole
def sum_parts(m, d, places, structure):
    """Linear levels where doses have arrived."""
    first = 0
    for s in range(len(structure.part_ends)):
        level = alike(d, 0.0)
        for k in range(first, structure.part_ends[s]):
            level += get(d, places.parts + k)
        put(m, places.linear_end + s, level)
        first = structure.part_ends[s]


@whole
def rise(m, d, places, structure):
    """Changes an hour of the linear levels where doses have arrived."""
    first = 0
    for s in range(len(structure.part_ends)):
        falls = alike(d, 0.0)
        for k in range(first, structure.part_ends[s]):
            falls += get(d, places.parts + k) * get(d, places.rates + structure.part_mode[k])
        put(m, places.rising + s, -falls)
        first = structure.part_ends[s]


@whole
def energies(m, places, structure, level, to, sloped):
    """Energies from row `to` on and, where `sloped`, the changes an hour of those that the brain adapts to."""
    of_gaba = lasting = other = relaxing = slope = slope_lasting = slope_other = none = alike(m, 0.0)
    first = 0
    for g in range(len(structure.member_ends)):
        up, down, opening, closing = alike(m, 1.0), alike(m, 1.0), none, none
        for b in range(first, structure.member_ends[g]):
            signal, opens, closes = (
                structure.member_signal[b],
                get(m, places.opened + b),
                get(m, places.closed + b),
            )
            of = get(m, level + signal)
            up += opens * of
            down += closes * of
            if sloped:
                change = get(m, places.rising + signal)
                opening += opens * change
                closing += closes * change
        first = structure.member_ends[g]
        strength, adapts = get(m, places.strength + g), get(m, places.adapts + g)
        energy = strength * log_ratio(up, down)
        relaxing += structure.relaxes[g] * energy
        change = strength * (opening / up - closing / down) if sloped else none
        if structure.gaba[g]:
            of_gaba += energy
            lasting += adapts * energy
            slope += change
            slope_lasting += adapts * change
        else:
            other += energy
            slope_other += change
    put(m, to + ENERGY, of_gaba)
    put(m, to + LASTING, lasting)
    put(m, to + OTHER, other)
    put(m, to + RELAXING, relaxing)
    if sloped:
        put(m, SLOPE + ENERGY, slope)
        put(m, SLOPE + LASTING, slope_lasting)
        put(m, SLOPE + OTHER, slope_other)


@whole
def rise_induced(m, to, own, level):
    """What induced elimination adds to the change of the level of its substance."""
    lost = get(m, own + 8) * (get(m, own + 2) - 1.0) * get(m, level)
    falls = get(m, own + 4) * get(m, own) + get(m, own + 5) * get(m, own + 1)
    put(m, to, get(m, to) - falls - (get(m, own + 6) + get(m, own + 7)) * lost)


@whole
def rise_saturated(m, to, stock, figures, inflow):
    """Change of a level whose elimination saturates."""
    put(m, to, get(m, inflow) - saturable(get(m, stock), get(m, figures), get(m, figures + 1)))


@whole
def induce(m, own, linear0, linear1, linear2, level1, level2):
    """As `columns._induce`. `own` is the first of the substance's rows, and linear and level are places of rows."""
    h, one, two, speed, pull = (
        get(m, STEP), get(m, own), get(m, own + 1), get(m, own + 2), get(m, own + 3),
    )  # fmt: skip
    rate1, rate2, weight1, weight2, clearance, most, half, rate = (
        get(m, own + 4), get(m, own + 5), get(m, own + 6), get(m, own + 7), get(m, own + 8),
        get(m, own + 9), get(m, own + 10), get(m, own + 11),
    )  # fmt: skip
    lost = clearance * (speed - 1.0) * (get(m, linear0) + one + two)
    damp1, damp2 = damping(rate1, h), damping(rate2, h)
    middle1, end1 = passed(one, rate1, h, damp1, -weight1 * lost)
    middle2, end2 = passed(two, rate2, h, damp2, -weight2 * lost)
    middle, end = get(m, linear1) + middle1 + middle2, get(m, linear2) + end1 + end2
    part1, part2 = damp1 * weight1 * h, damp2 * weight2 * h
    weight, drift = part1 + part2, (part1 * rate1 + part2 * rate2) * h
    change = h * rate * (1.0 + pull - speed)
    more_mid, more_end = clearance * (speed + 0.5 * change - 1.0), clearance * (speed + change - 1.0)
    level_mid, level_end = nearly(middle, end, weight, drift, more_mid, more_end)
    pull_mid, pull_end = saturable(level_mid, most, half), saturable(level_end, most, half)
    speed_mid, speed_end = collocated(
        speed,
        rate,
        h,
        damping(rate, h),
        rate * (1.0 + pull),
        rate * (1.0 + pull_mid),
        rate * (1.0 + pull_end),
    )  # the speed that follows from the levels
    more_mid, more_end = clearance * (speed_mid - 1.0), clearance * (speed_end - 1.0)
    level_mid, level_end = remaining(middle, end, weight, drift, more_mid, more_end)
    lost_mid, lost_end = more_mid * level_mid, more_end * level_end
    _, one = collocated(one, rate1, h, damp1, -weight1 * lost, -weight1 * lost_mid, -weight1 * lost_end)
    _, two = collocated(two, rate2, h, damp2, -weight2 * lost, -weight2 * lost_mid, -weight2 * lost_end)
    put(m, own, one)
    put(m, own + 1, two)
    put(m, own + 2, speed_end)
    put(m, own + 3, pull_end)
    put(m, level1, level_mid)
    put(m, level2, level_end)


@whole
def deplete(m, stock_row, figures, inflow0, inflow1, level1, level2):
    """As `columns._deplete`."""
    g, stock, f0, f1 = 0.125 * get(m, STEP), get(m, stock_row), get(m, inflow0), get(m, inflow1)
    most, half = get(m, figures), get(m, figures + 1)
    sixteenth = choose(f0 > 0.0, (((f1 / f0) ** 0.5) ** 0.5) ** 0.5, 0.0)
    after = f0
    for part in range(8):
        before, during = after, after * sixteenth
        after = during * sixteenth
        k1 = before - saturable(stock, most, half)
        k2 = during - saturable(stock + 0.5 * g * k1, most, half)
        k3 = during - saturable(stock + 0.5 * g * k2, most, half)
        k4 = after - saturable(stock + g * k3, most, half)
        stock = max(stock + g / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), 0.0)
        if part == 3:
            put(m, level1, stock)
    put(m, stock_row, stock)
    put(m, level2, stock)


@lane
def _bends(m, of):
    """Of one of the energies that the brain adapts to."""
    return bends(get(m, BEFORE + of), get(m, MIDDLE + of), get(m, END + of), get(m, SLOPE_BEFORE + of),
                 get(m, SLOPE + of), get(m, STEP))  # fmt: skip


@lane
def _follow(m, state, share, of, d):
    """Advance a state that follows a share of an energy; all are numbers of rows, and the rate is after the share."""
    h, rate = get(m, STEP), get(m, share + 1)
    gain, inflow = get(m, share) * rate, averaged(get(m, MIDDLE + of), d)
    middle, end = collocated(get(m, END + state), rate, h, damping(rate, h), gain * get(m, BEFORE + of), gain * inflow,
                             gain * get(m, END + of))  # fmt: skip
    put(m, MIDDLE + state, middle)
    put(m, END + state, end)


@lane
def _turn(m, slow, lasting):
    """Change of the slow opponent."""
    gap = get(m, BRAIN + 3) * lasting - slow
    return turnover(gap, get(m, BRAIN + 4), get(m, BRAIN + 5), get(m, BRAIN + 9))


@whole
def follow(m, other):
    """Advance both opponents, as `columns._adapt`; `other` says whether anything sedates in another way."""
    _, _, _, d = _bends(m, ENERGY)
    _follow(m, FAST, BRAIN + 1, ENERGY, d)
    if other:
        _, _, _, d = _bends(m, OTHER)
        _follow(m, DULLED, BRAIN + 6, OTHER, d)
    _, _, _, d = _bends(m, LASTING)
    lasting, h, slow, turning = (
        averaged(get(m, MIDDLE + LASTING), d),
        get(m, STEP),
        get(m, END + SLOW),
        get(m, TURNING),
    )
    middle = _turn(m, slow + 0.5 * h * turning, lasting)
    slow_mid = slow + 0.25 * h * (turning + middle)
    middle = _turn(m, slow_mid, lasting)
    last = _turn(m, slow + h * middle, get(m, END + LASTING))
    put(m, MIDDLE + SLOW, slow_mid)
    put(m, END + SLOW, slow + h / 6.0 * (turning + 4.0 * middle + last))
    put(m, TURNING, last)


@whole
def withdraw(m, before):
    """Advance withdrawal, as `columns._adapt`; the opponents held `before` together where the step began."""
    sensitivity, width, net, felt = get(m, BRAIN), get(m, BRAIN + 9), get(m, NET), get(m, FELT_NOW)
    middle, end = get(m, MIDDLE + FAST) + get(m, MIDDLE + SLOW), get(m, END + FAST) + get(m, END + SLOW)
    net_mid, net_end = (
        sensitivity * get(m, MIDDLE + ENERGY) - middle,
        sensitivity * get(m, END + ENERGY) - end,
    )
    felt_end, first, second, third = deficit(net_end, width), alike(m, 0.0), alike(m, 0.0), alike(m, 0.0)
    lowest = min(net, min(net_mid, net_end))
    if some(lowest < 0.0):
        a, b, c, d = _bends(m, ENERGY)
        a, b = sensitivity * a - 0.5 * (end - before), sensitivity * b - 0.5 * (before + end) + middle
        one, two, three = spread(net_mid, a, b, sensitivity * c, sensitivity * d, felt, felt_end, width)
        first, second, third = (lowest < 0.0) * one, (lowest < 0.0) * two, (lowest < 0.0) * three
    put(m, NET, net_end)
    put(m, FELT_NOW, felt_end)
    rate, h = 2.0 * get(m, BRAIN + 8), get(m, STEP)  # the deficit is felt after two equal stages
    damped, stirred, w0 = damping(rate, h), get(m, STIRRED), get(m, WITHDRAWAL)
    stirred_mid, stirred_end = collocated(stirred, rate, h, damped, rate * first, rate * second, rate * third)
    wm, w1 = collocated(w0, rate, h, damped, rate * stirred, rate * stirred_mid, rate * stirred_end)
    put(m, STIRRED, stirred_end)
    put(m, WITHDRAWAL_BEFORE, w0)
    put(m, WITHDRAWAL_MID, wm)
    put(m, WITHDRAWAL, w1)
    put(m, HAZARD, get(m, HAZARD) + h / 6.0 * (w0 * w0 * w0 + 4.0 * wm * wm * wm + w1 * w1 * w1))


@lane
def adapt(m, other):
    """Advance the states of the brain."""
    before = get(m, END + FAST) + get(m, END + SLOW)
    follow(m, other)
    withdraw(m, before)
