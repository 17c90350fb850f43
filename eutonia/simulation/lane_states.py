"""The states of a block of patients over one step, as compiled code: levels, energies, adaptation.

The equations are those of `steps`, `adaptation` and `kinetics`, compiled from the source that Python runs too.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from eutonia.simulation import adaptation, kinetics, steps
from eutonia.simulation.layout import (
    BRAIN,
    DULLED,
    END,
    ENERGY,
    ENERGY_BEFORE,
    FAST,
    FELT_NOW,
    HAZARD,
    LASTING,
    MIDDLE,
    NATURAL_END,
    NATURAL_MIDDLE,
    NET,
    OTHER,
    OTHER_BEFORE,
    PAIN_REST,
    SLOW,
    STEP,
    STIRRED,
    TURNING,
    UNIT,
    WITHDRAWAL,
    WITHDRAWAL_BEFORE,
    WITHDRAWAL_MID,
)
from eutonia.simulation.rows import alike, choose, equation, get, get_of, lane, log_ratio, put, whole

for _equation in (adaptation.turnover, adaptation.deficit, kinetics.decay, kinetics.saturable, steps.damping,
                  steps.collocated, steps.between, steps.passed, steps.remaining):  # fmt: skip
    equation(_equation)

turnover, deficit = adaptation.turnover, adaptation.deficit
decay, saturable = kinetics.decay, kinetics.saturable
damping, collocated, between = steps.damping, steps.collocated, steps.between
passed, remaining = steps.passed, steps.remaining


@whole
def halves(d, to, rates, k, p):
    """What is left of mode `k` after half a unit of time."""
    put(d, to, decay(0.5 * get(d, UNIT) * get_of(rates, k, p)))


@whole
def sum_modes(m, target, d, z, weight, entry_ends, entry_mode, p):
    """Levels from modes: small differences of large numbers, so that they are summed in double precision."""
    first = 0
    for s in range(len(entry_ends)):
        level = alike(d, 0.0)
        for e in range(first, entry_ends[s]):
            level += get_of(weight, e, p) * get(d, z + entry_mode[e])
        put(m, target + s, level)
        first = entry_ends[s]


@whole
def decayed(m, d, middle, end, z, zm, factors, decaying, weight, entry_ends, entry_mode, p):
    """Go on by a step: modes, linear levels in its middle and at its end, and the natural pain, of which the last two
    modes are parts.
    """
    for k in range(decaying):
        factor = get(d, factors + k)
        half = get(d, z + k) * factor
        put(d, zm + k, half)
        put(d, z + k, half * factor)
    first = 0
    for s in range(len(entry_ends)):
        level_mid, level_end = alike(d, 0.0), alike(d, 0.0)
        for e in range(first, entry_ends[s]):
            part = get_of(weight, e, p)
            level_mid += part * get(d, zm + entry_mode[e])
            level_end += part * get(d, z + entry_mode[e])
        put(m, middle + s, level_mid)
        put(m, end + s, level_end)
        first = entry_ends[s]
    rest, pain = get(m, PAIN_REST), decaying - 2
    put(m, NATURAL_MIDDLE, rest + get(d, zm + pain) + get(d, zm + pain + 1))
    put(m, NATURAL_END, rest + get(d, z + pain) + get(d, z + pain + 1))


@whole
def energies(m, level, p, strength, opened, closed, member_ends, member_signal, gaba, relaxes, adapts, to):
    """Energy at GABA-A, of other sedation, what eases spasm and what slow tolerance follows, from row `to` on."""
    none, first = alike(m, 0.0), 0
    of_gaba, other, relaxing, lasting = none, none, none, none
    for g in range(len(member_ends)):
        up, down = alike(m, 1.0), alike(m, 1.0)
        for b in range(first, member_ends[g]):
            of = get(m, level + member_signal[b])
            up += get_of(opened, b, p) * of
            down += get_of(closed, b, p) * of
        first = member_ends[g]
        energy = get_of(strength, g, p) * log_ratio(up, down)
        if gaba[g]:
            of_gaba += energy
            lasting += get_of(adapts, g, p) * energy
        else:
            other += energy
        relaxing += relaxes[g] * energy
    put(m, to, of_gaba)
    put(m, to + 1, other)
    put(m, to + 2, relaxing)
    put(m, to + 3, lasting)


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
    level_mid, level_end = remaining(middle, end, weight, drift, more_mid, more_end)
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
def deplete(m, stock_row, figures, p, inflow0, inflow1, inflow2, level1, level2):
    """As `columns._deplete`."""
    h, begin, f0, f1, f2 = (
        get(m, STEP), get(m, stock_row), get(m, inflow0), get(m, inflow1), get(m, inflow2),
    )  # fmt: skip
    most, half = get_of(figures, 0, p), get_of(figures, 1, p)
    first, g = f0 - saturable(begin, most, half), 0.25 * h
    eighth = choose(f0 > 0.0, ((f1 / f0) ** 0.5) ** 0.5, 0.0)
    stock, after = begin, f0
    for _ in range(4):
        before, during = after, after * eighth
        after = during * eighth
        k1 = before - saturable(stock, most, half)
        k2 = during - saturable(stock + 0.5 * g * k1, most, half)
        k3 = during - saturable(stock + 0.5 * g * k2, most, half)
        k4 = after - saturable(stock + g * k3, most, half)
        stock = max(stock + g / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), 0.0)
    last = f2 - saturable(stock, most, half)
    put(m, stock_row, stock)
    put(m, level1, max(0.5 * (begin + stock) + h / 8.0 * (first - last), 0.0))
    put(m, level2, stock)


@lane
def _follow(m, state, share, start, middle, end, halfway):
    """Advance a state that follows a share of an energy; all are numbers of rows, and the rate is after the share."""
    h, rate = get(m, STEP), get(m, share + 1)
    gain = get(m, share) * rate
    mid, last = collocated(
        get(m, state), rate, h, damping(rate, h), gain * get(m, start), gain * get(m, middle),
        gain * get(m, end),
    )  # fmt: skip
    put(m, halfway, mid)
    put(m, state, last)


@lane
def _turn(m, slow, lasting):
    """Change of the slow opponent."""
    gap = get(m, BRAIN + 3) * get(m, lasting) - slow
    return turnover(gap, get(m, BRAIN + 4), get(m, BRAIN + 5), get(m, BRAIN + 9))


@whole
def adapt(m, other):
    """As `columns._adapt`; `other` says whether anything sedates in another way."""
    _follow(m, END + FAST, BRAIN + 1, ENERGY_BEFORE, MIDDLE + ENERGY, END + ENERGY, MIDDLE + FAST)
    if other:
        _follow(m, END + DULLED, BRAIN + 6, OTHER_BEFORE, MIDDLE + OTHER, END + OTHER, MIDDLE + DULLED)
    h, slow, turning = get(m, STEP), get(m, END + SLOW), get(m, TURNING)
    middle = _turn(m, slow + 0.5 * h * turning, MIDDLE + LASTING)
    slow_mid = slow + 0.25 * h * (turning + middle)
    middle = _turn(m, slow_mid, MIDDLE + LASTING)
    last = _turn(m, slow + h * middle, END + LASTING)
    put(m, MIDDLE + SLOW, slow_mid)
    put(m, END + SLOW, slow + h / 6.0 * (turning + 4.0 * middle + last))
    put(m, TURNING, last)
    sensitivity, width, net, felt = (
        get(m, BRAIN),
        get(m, BRAIN + 9),
        get(m, NET),
        get(m, FELT_NOW),
    )
    net_mid = sensitivity * get(m, MIDDLE + ENERGY) - get(m, MIDDLE + FAST) - get(m, MIDDLE + SLOW)
    net_end = sensitivity * get(m, END + ENERGY) - get(m, END + FAST) - get(m, END + SLOW)
    felt_end = deficit(net_end, width)
    felt_mid = between(net, net_mid, net_end, felt, felt_end, width)
    rate, h = 2.0 * get(m, BRAIN + 8), get(m, STEP)  # the deficit is felt after two equal stages
    damped, stirred, w0 = damping(rate, h), get(m, STIRRED), get(m, WITHDRAWAL)
    stirred_mid, stirred_end = collocated(
        stirred, rate, h, damped, rate * felt, rate * felt_mid, rate * felt_end
    )
    wm, w1 = collocated(w0, rate, h, damped, rate * stirred, rate * stirred_mid, rate * stirred_end)
    put(m, NET, net_end)
    put(m, FELT_NOW, felt_end)
    put(m, STIRRED, stirred_end)
    put(m, WITHDRAWAL_BEFORE, w0)
    put(m, WITHDRAWAL_MID, wm)
    put(m, WITHDRAWAL, w1)
    put(m, HAZARD, get(m, HAZARD) + h / 6.0 * (w0 * w0 * w0 + 4.0 * wm * wm * wm + w1 * w1 * w1))
