"""The states of a block of patients over one step, as compiled code: levels, energies, adaptation.

The equations are those of `steps`, `adaptation` and `kinetics`, compiled from the source that Python runs too.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from math import sqrt

from eutonia.simulation import adaptation, kinetics, steps
from eutonia.simulation.layout import (
    BRAIN,
    DESK,
    DULLED,
    END,
    ENERGY,
    ENERGY_BEFORE,
    FAST,
    FELT_NOW,
    HAZARD,
    INDUCED,
    LASTING,
    MIDDLE,
    NET,
    OTHER,
    OTHER_BEFORE,
    OWN,
    SLOW,
    STEP,
    STIRRED,
    SUM,
    TURNING,
    UNIT,
    WITHDRAWAL,
    WITHDRAWAL_BEFORE,
    WITHDRAWAL_MID,
    W,
)
from eutonia.simulation.rows import (
    add,
    add_product,
    add_products,
    add_scaled,
    copied,
    energy,
    equation,
    filled,
    lane,
    row,
    whole,
)

for _equation in (adaptation.turnover, adaptation.deficit, kinetics.decay, kinetics.saturable, steps.damping,
                  steps.collocated, steps.between, steps.passed, steps.remaining):  # fmt: skip
    equation(_equation)

turnover, deficit = adaptation.turnover, adaptation.deficit
decay, saturable = kinetics.decay, kinetics.saturable
damping, collocated, between = steps.damping, steps.collocated, steps.between
passed, remaining = steps.passed, steps.remaining

(L0, LM, L1, LOST0, LOSTM, LOST1, LEFTM, LEFT1, SPEEDM, SPEED1, DAMP1, DAMP2, DAMPED, WEIGHT, DRIFT, PULL) = (
    range(DESK, DESK + 16)
)
GUESS, TURN, TURN1, FELTM, FELT1, STIRRED0, STIRREDM = range(DESK, DESK + 7)
"""Where work in hand lies on the desk."""


@lane
def _decayed(to, rates, unit):
    for i in range(len(to)):
        to[i] = decay(0.5 * unit[i] * rates[i])


@whole
def halves(d, to, rates, k, p):
    """What is left of mode `k` after half a unit of time."""
    _decayed(row(d, to), rates[k, p : p + W], row(d, UNIT))


@whole
def sum_modes(m, target, d, z, weight, entry_ends, entry_mode, p):
    """Levels from modes: small differences of large numbers, so that they are summed in double precision."""
    first = 0
    for s in range(len(entry_ends)):
        last = entry_ends[s] - 1
        if last < first:
            filled(row(m, target + s), 0.0)
            continue
        filled(row(d, SUM), 0.0)
        for e in range(first, last, 2):
            add_products(row(d, SUM), weight[e, p : p + W], row(d, z + entry_mode[e]), weight[e + 1, p : p + W],
                         row(d, z + entry_mode[e + 1]))  # fmt: skip
        if (last - first) % 2 == 0:
            add_product(row(d, SUM), weight[last, p : p + W], row(d, z + entry_mode[last]))
        copied(row(m, target + s), row(d, SUM))
        first = last + 1


@whole
def energies(
    m, level, site, p, strength, opened, closed, member_site, member_signal, gaba, relaxes, adapts, to
):
    """Energy at GABA-A, of other sedation, that which eases spasm and that which slow tolerance follows, into four rows
    from `to` on."""
    sites = len(strength)
    filled(m[site * W : (site + 2 * sites) * W], 1.0)
    for b in range(len(member_site)):
        of = row(m, level + member_signal[b])
        add_product(row(m, site + member_site[b]), opened[b, p : p + W], of)
        add_product(row(m, site + sites + member_site[b]), closed[b, p : p + W], of)
    filled(m[to * W : (to + 4) * W], 0.0)
    for g in range(sites):
        energy(row(m, DESK), strength[g, p : p + W], row(m, site + g), row(m, site + sites + g))
        add(row(m, to if gaba[g] else to + 1), row(m, DESK))
        if relaxes[g] != 0.0:
            add_scaled(row(m, to + 2), relaxes[g], row(m, DESK))
        if gaba[g]:
            add_product(row(m, to + 3), adapts[g, p : p + W], row(m, DESK))


@lane
def _share_out(m, mode, damp):
    """Take what induced elimination takes from one mode."""
    for i in range(W):
        weight = -m[(mode + 6) * W + i]
        _, m[mode * W + i] = collocated(
            m[mode * W + i], m[(mode + 4) * W + i], m[STEP * W + i], m[damp * W + i], weight * m[LOST0 * W + i],
            weight * m[LOSTM * W + i], weight * m[LOST1 * W + i],
        )  # fmt: skip


@lane
def _remain(m):
    """Levels in the middle and at the end, and what is lost then, at the speeds that are there."""
    for i in range(W):
        clearance = m[(OWN + 8) * W + i]
        more_mid, more_end = clearance * (m[SPEEDM * W + i] - 1.0), clearance * (m[SPEED1 * W + i] - 1.0)
        middle, end = remaining(
            m[LM * W + i], m[L1 * W + i], m[WEIGHT * W + i], m[DRIFT * W + i], more_mid, more_end
        )
        m[LEFTM * W + i] = middle
        m[LEFT1 * W + i] = end
        m[LOSTM * W + i] = more_mid * middle
        m[LOST1 * W + i] = more_end * end


@whole
def induce(m, own, linear0, linear1, linear2, level1, level2):
    """As `columns._induce`. `own` is the first of the substance's rows, and linear and level are places of rows.

    Short loops, here and below, though they pass over the rows again: each holds few divisions that wait for one
    another, so that the next patients' can begin.
    """
    if own != OWN:
        copied(m[OWN * W : (OWN + INDUCED) * W], m[own * W : (own + INDUCED) * W])
    copied(row(m, L0), row(m, linear0))
    copied(row(m, LM), row(m, linear1))
    copied(row(m, L1), row(m, linear2))
    for i in range(W):
        h, one, two, rate1, rate2 = (
            m[STEP * W + i],
            m[OWN * W + i],
            m[(OWN + 1) * W + i],
            m[(OWN + 4) * W + i],
            m[(OWN + 5) * W + i],
        )
        lost = m[(OWN + 8) * W + i] * (m[(OWN + 2) * W + i] - 1.0) * (m[L0 * W + i] + one + two)
        damp1, damp2 = damping(rate1, h), damping(rate2, h)
        middle1, end1 = passed(one, rate1, h, damp1, -m[(OWN + 6) * W + i] * lost)
        middle2, end2 = passed(two, rate2, h, damp2, -m[(OWN + 7) * W + i] * lost)
        weight1, weight2 = damp1 * m[(OWN + 6) * W + i] * h, damp2 * m[(OWN + 7) * W + i] * h
        m[LOST0 * W + i] = lost
        m[DAMP1 * W + i] = damp1
        m[DAMP2 * W + i] = damp2
        m[WEIGHT * W + i] = weight1 + weight2
        m[DRIFT * W + i] = (weight1 * rate1 + weight2 * rate2) * h
        m[LM * W + i] += middle1 + middle2
        m[L1 * W + i] += end1 + end2
        speed, rate = m[(OWN + 2) * W + i], m[(OWN + 11) * W + i]
        change = h * rate * (1.0 + m[(OWN + 3) * W + i] - speed)
        m[SPEEDM * W + i] = speed + 0.5 * change
        m[SPEED1 * W + i] = speed + change
        m[DAMPED * W + i] = damping(rate, h)
    _remain(m)
    for i in range(W):  # the speed that follows from the levels
        h, rate, speed, pull = (
            m[STEP * W + i],
            m[(OWN + 11) * W + i],
            m[(OWN + 2) * W + i],
            m[(OWN + 3) * W + i],
        )
        pull_mid = saturable(m[LEFTM * W + i], m[(OWN + 9) * W + i], m[(OWN + 10) * W + i])
        pull_end = saturable(m[LEFT1 * W + i], m[(OWN + 9) * W + i], m[(OWN + 10) * W + i])
        m[PULL * W + i] = pull_end
        m[SPEEDM * W + i], m[SPEED1 * W + i] = collocated(
            speed,
            rate,
            h,
            m[DAMPED * W + i],
            rate * (1.0 + pull),
            rate * (1.0 + pull_mid),
            rate * (1.0 + pull_end),
        )
    _remain(m)
    _share_out(m, OWN, DAMP1)
    _share_out(m, OWN + 1, DAMP2)
    for i in range(W):
        m[(OWN + 2) * W + i] = m[SPEED1 * W + i]
        m[(OWN + 3) * W + i] = m[PULL * W + i]
    if own != OWN:
        copied(m[own * W : (own + 4) * W], m[OWN * W : (OWN + 4) * W])
    copied(row(m, level1), row(m, LEFTM))
    copied(row(m, level2), row(m, LEFT1))


@whole
def deplete(m, stock_row, top, half, inflow0, inflow1, inflow2, level1, level2):
    """As `columns._deplete`."""
    copied(row(m, DESK), row(m, inflow0))
    copied(row(m, DESK + 1), row(m, inflow1))
    copied(row(m, DESK + 2), row(m, inflow2))
    copied(row(m, DESK + 3), row(m, stock_row))
    for i in range(W):
        h = m[STEP * W + i]
        stock, v, k = m[(DESK + 3) * W + i], top[i], half[i]
        f0, f1, f2 = m[DESK * W + i], m[(DESK + 1) * W + i], m[(DESK + 2) * W + i]
        begin, first, g = stock, f0 - saturable(stock, v, k), 0.25 * h
        eighth = sqrt(sqrt(f1 / f0)) if f0 > 0.0 else 0.0
        ib = f0
        for _ in range(4):
            ia, im = ib, ib * eighth
            ib = im * eighth
            k1 = ia - saturable(stock, v, k)
            k2 = im - saturable(stock + 0.5 * g * k1, v, k)
            k3 = im - saturable(stock + 0.5 * g * k2, v, k)
            k4 = ib - saturable(stock + g * k3, v, k)
            stock = max(stock + g / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), 0.0)
        last = f2 - saturable(stock, v, k)
        m[(DESK + 3) * W + i] = stock
        m[(DESK + 4) * W + i] = max(0.5 * (begin + stock) + h / 8.0 * (first - last), 0.0)
    copied(row(m, stock_row), row(m, DESK + 3))
    copied(row(m, level1), row(m, DESK + 4))
    copied(row(m, level2), row(m, DESK + 3))


@lane
def _follow(m, state, share, start, middle, end, halfway):
    """Advance a state that follows a share of an energy; all are numbers of rows, and the rate is after the share."""
    for i in range(W):
        h, rate = m[STEP * W + i], m[(share + 1) * W + i]
        gain = m[share * W + i] * rate
        m[halfway * W + i], m[state * W + i] = collocated(
            m[state * W + i], rate, h, damping(rate, h), gain * m[start * W + i], gain * m[middle * W + i],
            gain * m[end * W + i],
        )  # fmt: skip


@lane
def _turn(m, to, guess, lasting):
    """Change of the slow opponent."""
    for i in range(W):
        gap = m[(BRAIN + 3) * W + i] * m[lasting * W + i] - m[guess * W + i]
        m[to * W + i] = turnover(gap, m[(BRAIN + 4) * W + i], m[(BRAIN + 5) * W + i], m[(BRAIN + 9) * W + i])


@lane
def _slow(m):
    for i in range(W):
        m[GUESS * W + i] = m[(END + SLOW) * W + i] + 0.5 * m[STEP * W + i] * m[TURNING * W + i]
    _turn(m, TURN, GUESS, MIDDLE + LASTING)
    for i in range(W):
        quarter = 0.25 * m[STEP * W + i] * (m[TURNING * W + i] + m[TURN * W + i])
        m[(MIDDLE + SLOW) * W + i] = m[(END + SLOW) * W + i] + quarter
    _turn(m, TURN, MIDDLE + SLOW, MIDDLE + LASTING)
    for i in range(W):
        m[GUESS * W + i] = m[(END + SLOW) * W + i] + m[STEP * W + i] * m[TURN * W + i]
    _turn(m, TURN1, GUESS, END + LASTING)
    for i in range(W):
        change = m[TURNING * W + i] + 4.0 * m[TURN * W + i] + m[TURN1 * W + i]
        m[(END + SLOW) * W + i] += m[STEP * W + i] / 6.0 * change
        m[TURNING * W + i] = m[TURN1 * W + i]


@lane
def _withdraw(m):
    for i in range(W):
        sensitivity, width, net = m[BRAIN * W + i], m[(BRAIN + 9) * W + i], m[NET * W + i]
        net_mid = (
            sensitivity * m[(MIDDLE + ENERGY) * W + i]
            - m[(MIDDLE + FAST) * W + i]
            - m[(MIDDLE + SLOW) * W + i]
        )
        net_end = sensitivity * m[(END + ENERGY) * W + i] - m[(END + FAST) * W + i] - m[(END + SLOW) * W + i]
        felt = deficit(net_end, width)
        m[FELT1 * W + i] = felt
        m[FELTM * W + i] = between(net, net_mid, net_end, m[FELT_NOW * W + i], felt, width)
        m[NET * W + i] = net_end
    for i in range(W):  # the deficit is felt after two equal stages
        rate, h, stirred = 2.0 * m[(BRAIN + 8) * W + i], m[STEP * W + i], m[STIRRED * W + i]
        damped = damping(rate, h)
        middle, end = collocated(stirred, rate, h, damped, rate * m[FELT_NOW * W + i], rate * m[FELTM * W + i],
                                 rate * m[FELT1 * W + i])  # fmt: skip
        m[DAMPED * W + i] = damped
        m[STIRRED0 * W + i] = stirred
        m[STIRREDM * W + i] = middle
        m[STIRRED * W + i] = end
        m[FELT_NOW * W + i] = m[FELT1 * W + i]
    for i in range(W):
        rate, h, w0 = 2.0 * m[(BRAIN + 8) * W + i], m[STEP * W + i], m[WITHDRAWAL * W + i]
        wm, w1 = collocated(w0, rate, h, m[DAMPED * W + i], rate * m[STIRRED0 * W + i], rate * m[STIRREDM * W + i],
                            rate * m[STIRRED * W + i])  # fmt: skip
        m[WITHDRAWAL_BEFORE * W + i] = w0
        m[WITHDRAWAL_MID * W + i] = wm
        m[WITHDRAWAL * W + i] = w1
        m[HAZARD * W + i] += h / 6.0 * (w0 * w0 * w0 + 4.0 * wm * wm * wm + w1 * w1 * w1)


@whole
def adapt(m, other):
    """As `columns._adapt`; `other` says whether anything sedates in another way."""
    _follow(m, END + FAST, BRAIN + 1, ENERGY_BEFORE, MIDDLE + ENERGY, END + ENERGY, MIDDLE + FAST)
    if other:
        _follow(m, END + DULLED, BRAIN + 6, OTHER_BEFORE, MIDDLE + OTHER, END + OTHER, MIDDLE + DULLED)
    _slow(m)
    _withdraw(m)
