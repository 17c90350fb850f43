"""The compiled engine: patients in the lanes of the vector unit, summaries folded while it runs.

A block of `W` patients marches in step, each with steps of its own length. Everything of a block lies in one flat
array, row after row, so that the compiler can prove the rows apart and puts them into vector registers. The
equations are those of `adaptation`, `kinetics` and `receptor`, compiled from the source that Python runs too.

The first rows are the states, the patient's figures and the folds by fixed place; the rows after them are as many
as the plan needs: modes, signals, sites, and a fold for each substance.
"""

# ruff: noqa: PLR0912, PLR0915, E501, PLW3301  (one loop body holds a whole step, as compiled code wants it)
# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

import numba
import numpy as np
from numba import njit
from numba.extending import register_jitable

from eutonia.simulation import adaptation, kinetics
from eutonia.simulation.compiled import announce, folder
from eutonia.simulation.effects import Therapies
from eutonia.simulation.grid import Grid
from eutonia.simulation.population import Column
from eutonia.simulation.rows import (
    FLAGS,
    W,
    add,
    add_product,
    add_ratio,
    add_saturating,
    add_scaled,
    copied,
    energy,
    filled,
    lane,
    leave,
    multiplied,
    row,
)  # fmt: skip
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

DAY = 24.0

for _equation in (adaptation.turnover, adaptation.deficit, adaptation.positive, adaptation.rates, kinetics.decay,
                  kinetics.saturable, kinetics.induction):  # fmt: skip
    register_jitable(_equation)

rates, positive = adaptation.rates, adaptation.positive
decay, saturable, induction = kinetics.decay, kinetics.saturable, kinetics.induction

# Rows by fixed place: states,
NOW, STEP, UNIT, ENERGY, RELAXING, OTHER, FAST, SLOW, DULLED, WITHDRAWAL, HAZARD = range(11)
ENERGY_MID, OTHER_MID, RELAX_MID, ENERGY_END, OTHER_END, RELAX_END, SEDATING, WORK, LEFT, EASED, OPIOID = (
    range(11, 22)
)
# the brain (in the order of `adaptation.rates`), and what is read out,
BRAIN = 22
(RELAX_SHARE, RELAX_MOST, RELAX_HALF, IMPAIRED, NOTICEABLE, PAIN_FAST, PAIN_FAST_RATE, PAIN_SLOW, PAIN_SLOW_RATE,
 PAIN_REST, OPIOID_MOST, DRIVE_MOST, DRIVE_HALF, SYNERGY, OPIOID_GAIN, FELT, LAST_DOSE, DOSING) = range(32, 50)  # fmt: skip
# and what is folded.
(PEAK_DRIVE, PEAK_SEDATING, PEAK_RELIEF, MIN_VENTILATION, HOURS, HOURS_DAY, ONSET, W_PEAK, W_TIME, W_ONSET,
 HAZARD_ZERO, RELIEF, RELIEF_AREA, HOURS_RELIEVED) = range(50, 64)  # fmt: skip
DESK = 64
"""Rows on which variable ones are laid out while they are worked on."""
STIRRED = 71
"""The deficit on its way to becoming withdrawal."""
FIXED = 72
FOLDED = PEAK_DRIVE

# A fold of one substance: highest level and its time, areas, lowest level in the window, and the last fall.
CMAX, TMAX, AREA, AREA_WINDOW, LOWEST, LAST_PEAK, UPPER, LOWER, LAST_LEVEL = range(9)
FOLD_ROWS = 9

INDUCED = 12
"""Rows of an induced substance: two modes beyond the linear ones, speed, two half-step factors, then its figures."""


@lane
def _signals(m, target, z, weight, entry_signal, entry_mode, p, signals):
    filled(m[target * W : (target + signals) * W], 0.0)
    for e in range(len(entry_signal)):
        add_product(row(m, target + entry_signal[e]), weight[e, p : p + W], row(m, z + entry_mode[e]))


@lane
def _energies(m, level, site, p, strength, opened, closed, member_site, member_signal, gaba, relaxes, to):
    """Energy at GABA-A, of other sedation, and that which eases spasm, into rows `to`, `to` + 1 and `to` + 2."""
    sites = len(strength)
    filled(m[site * W : (site + 2 * sites) * W], 1.0)
    for b in range(len(member_site)):
        of = row(m, level + member_signal[b])
        add_product(row(m, site + member_site[b]), opened[b, p : p + W], of)
        add_product(row(m, site + sites + member_site[b]), closed[b, p : p + W], of)
    filled(m[to * W : (to + 3) * W], 0.0)
    for g in range(sites):
        energy(row(m, DESK), strength[g, p : p + W], row(m, site + g), row(m, site + sites + g))
        add(row(m, to if gaba[g] else to + 1), row(m, DESK))
        add_scaled(row(m, to + 2), relaxes[g], row(m, DESK))


@lane
def _induce(m, own, half_step, linear0, linear1, linear2, level1, level2):
    """As `columns._induce`. `own` is the first of the substance's rows, and linear and level are places of rows."""
    q = m[own * W : (own + INDUCED) * W]
    copied(row(m, DESK), row(m, linear0))
    copied(row(m, DESK + 1), row(m, linear1))
    copied(row(m, DESK + 2), row(m, linear2))
    copied(row(m, DESK + 3), row(m, half_step))
    copied(row(m, DESK + 4), row(m, half_step + 1))
    for i in range(W):
        h = m[STEP * W + i]
        a, b, speed = q[i], q[W + i], q[2 * W + i]
        ea, eb = m[(DESK + 3) * W + i], m[(DESK + 4) * W + i]
        wa, wb, clearance = q[5 * W + i], q[6 * W + i], q[7 * W + i]
        top, half, time = q[8 * W + i], q[9 * W + i], q[10 * W + i]
        l0, l1, l2 = m[DESK * W + i], m[(DESK + 1) * W + i], m[(DESK + 2) * W + i]
        c = l0 + a + b
        lost1, s1 = clearance * (speed - 1.0) * c, induction(c, speed, top, half, time)
        g = speed + 0.5 * h * s1
        c = l1 + ea * (a - 0.5 * h * wa * lost1) + eb * (b - 0.5 * h * wb * lost1)
        lost2, s2 = clearance * (g - 1.0) * c, induction(c, g, top, half, time)
        g = speed + 0.5 * h * s2
        c = l1 + ea * a - 0.5 * h * wa * lost2 + eb * b - 0.5 * h * wb * lost2
        lost3, s3 = clearance * (g - 1.0) * c, induction(c, g, top, half, time)
        g = speed + h * s3
        c = l2 + ea * (ea * a - h * wa * lost3) + eb * (eb * b - h * wb * lost3)
        lost4, s4 = clearance * (g - 1.0) * c, induction(c, g, top, half, time)
        a1 = ea * ea * a - h / 6.0 * wa * (ea * ea * lost1 + 2.0 * ea * (lost2 + lost3) + lost4)
        b1 = eb * eb * b - h / 6.0 * wb * (eb * eb * lost1 + 2.0 * eb * (lost2 + lost3) + lost4)
        bend = (wa + wb) * (lost4 - lost1) - q[3 * W + i] * (a - a1) - q[4 * W + i] * (b - b1)
        between = 0.5 * (a + a1 + b + b1) + 0.125 * h * bend
        q[i] = a1
        q[W + i] = b1
        q[2 * W + i] = speed + h / 6.0 * (s1 + 2.0 * s2 + 2.0 * s3 + s4)
        m[(DESK + 5) * W + i] = l1 + between
        m[(DESK + 6) * W + i] = l2 + a1 + b1
    copied(row(m, level1), row(m, DESK + 5))
    copied(row(m, level2), row(m, DESK + 6))


@lane
def _deplete(m, stock_row, top, half, inflow0, inflow1, inflow2, level1, level2):
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
def _adapt(m):
    """As `columns._adapt`."""
    for i in range(W):
        h = m[STEP * W + i]
        p0, p1, p2, p3, p4 = m[BRAIN * W + i], m[23 * W + i], m[24 * W + i], m[25 * W + i], m[26 * W + i]
        p5, p6, p7, p8, p9 = m[27 * W + i], m[28 * W + i], m[29 * W + i], m[30 * W + i], m[31 * W + i]
        f, s, d, v, w = (
            m[FAST * W + i], m[SLOW * W + i], m[DULLED * W + i], m[STIRRED * W + i], m[WITHDRAWAL * W + i]
        )  # fmt: skip
        f0, s0, d0, v0, w0 = rates(
            m[ENERGY * W + i], m[OTHER * W + i], f, s, d, v, w, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9
        )
        q = 0.5 * h
        em, om = m[ENERGY_MID * W + i], m[OTHER_MID * W + i]
        f1, s1, d1, v1, w1 = rates(em, om, f + q * f0, s + q * s0, d + q * d0, v + q * v0, w + q * w0,
                                   p0, p1, p2, p3, p4, p5, p6, p7, p8, p9)  # fmt: skip
        q *= 0.5
        wm = w + q * (w0 + w1)
        f1, s1, d1, v1, w1 = rates(em, om, f + q * (f0 + f1), s + q * (s0 + s1), d + q * (d0 + d1), v + q * (v0 + v1),
                                   wm, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9)  # fmt: skip
        e, o = m[ENERGY_END * W + i], m[OTHER_END * W + i]
        f2, s2, d2, v2, w2 = rates(e, o, f + h * f1, s + h * s1, d + h * d1, v + h * v1, w + h * w1,
                                   p0, p1, p2, p3, p4, p5, p6, p7, p8, p9)  # fmt: skip
        g = h / 6.0
        end = w + g * (w0 + 4.0 * w1 + w2)
        m[FAST * W + i] = f + g * (f0 + 4.0 * f1 + f2)
        m[SLOW * W + i] = s + g * (s0 + 4.0 * s1 + s2)
        m[DULLED * W + i] = d + g * (d0 + 4.0 * d1 + d2)
        m[STIRRED * W + i] = v + g * (v0 + 4.0 * v1 + v2)
        m[WITHDRAWAL * W + i] = end
        m[HAZARD * W + i] += g * (w * w * w + 4.0 * wm * wm * wm + end * end * end)
        m[ENERGY * W + i] = e
        m[OTHER * W + i] = o
        m[RELAXING * W + i] = m[RELAX_END * W + i]


@lane
def _fold_levels(m, fold, mid, end, start, stop):
    """Exposure to one substance, whose window is `start` to `stop`."""
    q, middle, level = m[fold * W : (fold + FOLD_ROWS) * W], row(m, mid), row(m, end)
    for i in range(W):
        now, h = m[NOW * W + i], m[STEP * W + i]
        before = q[LAST_LEVEL * W + i]
        cm, c1 = middle[i], level[i]
        area = h / 6.0 * (before + 4.0 * cm + c1) if now > 1e-9 else 0.0
        q[AREA * W + i] += area
        inside = (now - 0.5 * h > start) & (now - 0.5 * h < stop)
        q[AREA_WINDOW * W + i] += area if inside else 0.0
        lowest = q[LOWEST * W + i]
        q[LOWEST * W + i] = min(lowest, min(before, c1)) if inside else lowest
        bend, tilt = 0.5 * (before + c1) - cm, 0.5 * (c1 - before)
        turns = abs(tilt) < -2.0 * bend
        turn = -tilt / (2.0 * bend) if turns else 1.0
        peak = cm + 0.5 * tilt * turn if turns else c1
        higher = (peak > q[CMAX * W + i]) & (now > 1e-9)
        q[TMAX * W + i] = now - 0.5 * h * (1.0 - turn) if higher else q[TMAX * W + i]
        q[CMAX * W + i] = peak if higher else q[CMAX * W + i]
        q[LAST_LEVEL * W + i] = c1


@lane
def _fold_fall(m, fold, end, last):
    """The fall of a level after the dose at `last`; `WORK` holds the level at the start of the step."""
    q, level = m[fold * W : (fold + FOLD_ROWS) * W], row(m, end)
    for i in range(W):
        now, h = m[NOW * W + i], m[STEP * W + i]
        if now >= last - 1e-9:
            c1, peak = level[i], q[LAST_PEAK * W + i]
            if c1 > peak:
                q[LAST_PEAK * W + i] = c1
                q[UPPER * W + i] = np.inf
                q[LOWER * W + i] = np.inf
            elif q[LOWER * W + i] == np.inf and h > 0.0 and c1 > 0.0:
                c0 = m[WORK * W + i]
                if q[UPPER * W + i] == np.inf and c1 <= 0.40 * peak:
                    q[UPPER * W + i] = now - h + h * _share(c0, c1, 0.40 * peak)
                if c1 <= 0.08 * peak:
                    q[LOWER * W + i] = now - h + h * _share(c0, c1, 0.08 * peak)


@lane
def _share(c0, c1, threshold):
    """How far through a step a level falls through a threshold, on a logarithmic line."""
    if c0 <= threshold or c0 <= c1:
        return 0.0
    return min(np.log(c0 / threshold) / np.log(c0 / c1), 1.0)


@lane
def _read_out(m, level, p, relax_signal, relax_top, relax_half, pain_signal, pain_top, pain_half, vent_signal,
              vent_half, therapy_times, effect, build, fade):  # fmt: skip
    """As `effects.effects`, then the extremes of each effect from time zero on."""
    filled(row(m, EASED), 0.0)
    filled(row(m, LEFT), 1.0)
    filled(row(m, OPIOID), 0.0)
    for k in range(len(relax_signal)):
        add_saturating(
            row(m, EASED), relax_top[k, p : p + W], relax_half[k, p : p + W], row(m, level + relax_signal[k])
        )
    for k in range(len(pain_signal)):
        leave(row(m, LEFT), pain_top[k, p : p + W], pain_half[k, p : p + W], row(m, level + pain_signal[k]))
    for k in range(len(vent_signal)):
        add_ratio(row(m, OPIOID), row(m, level + vent_signal[k]), vent_half[k, p : p + W])
    for i in range(W):
        time = max(m[NOW * W + i], 0.0)
        m[WORK * W + i] = (m[PAIN_FAST * W + i] * decay(time * m[PAIN_FAST_RATE * W + i])
                           + m[PAIN_SLOW * W + i] * decay(time * m[PAIN_SLOW_RATE * W + i]) + m[PAIN_REST * W + i])  # fmt: skip
    for k in range(len(therapy_times)):
        start, stop = therapy_times[k, 0], therapy_times[k, 1]
        e, b, f = effect[k, p : p + W], build[k, p : p + W], fade[k, p : p + W]
        for i in range(W):
            now = m[NOW * W + i]
            held = 1.0 - decay(min(max(now - start, 0.0), stop - start) / b[i])
            points = e[i] * held * decay(max(now - stop, 0.0) / f[i])
            m[LEFT * W + i] *= 1.0 - min(max(points / max(m[WORK * W + i], 1.0), -1.0), 1.0)
    _effects(m)
    _extremes(m)


@lane
def _effects(m):
    """Drive, sedation, relief and ventilation, onto the desk."""
    for i in range(W):
        energy_now, adapted, sensitivity = (
            m[ENERGY * W + i],
            m[FAST * W + i] + m[SLOW * W + i],
            m[BRAIN * W + i],
        )
        drive = sensitivity * energy_now - adapted
        up = positive(drive)
        eases = sensitivity * energy_now - m[RELAX_SHARE * W + i] * adapted
        share = m[RELAXING * W + i] / max(energy_now, 1e-12)
        eased = m[EASED * W + i] + share * positive(eases)
        left = m[LEFT * W + i] * (1.0 - m[RELAX_MOST * W + i] * eased / (eased + m[RELAX_HALF * W + i]))
        opioid = m[OPIOID * W + i] * m[OPIOID_GAIN * W + i]
        depressed = opioid / (1.0 + opioid)
        square, half = up * up, m[DRIVE_HALF * W + i]
        air = (1.0 - m[OPIOID_MOST * W + i] * depressed) * (
            1.0 - m[DRIVE_MOST * W + i] * square / (square + half * half)
        )
        m[DESK * W + i] = drive
        m[(DESK + 1) * W + i] = up + positive(sensitivity * m[OTHER * W + i] - m[DULLED * W + i])
        m[(DESK + 2) * W + i] = m[WORK * W + i] * (1.0 - left)
        m[(DESK + 3) * W + i] = max(air * (1.0 - m[SYNERGY * W + i] * depressed * up / (1.0 + up)), 0.0)


@lane
def _above(before, after):
    """Share of a step above zero, taking it for a straight line."""
    high, low = max(before, after), min(before, after)
    crossing = max(high, 0.0) / max(high - low, 1e-300)
    return 1.0 if low > 0.0 else crossing


@lane
def _extremes(m):
    """Fold what lies on the desk, without a branch: before time zero nothing counts."""
    for i in range(W):
        now, h = m[NOW * W + i], m[STEP * W + i]
        sedating, least, before = m[(DESK + 1) * W + i], m[IMPAIRED * W + i], m[SEDATING * W + i]
        counted = h if now - h >= -1e-9 else 0.0
        dosing = counted if now - h < m[DOSING * W + i] else 0.0
        part = _above(before - least, sedating - least)
        m[HOURS * W + i] += counted * part
        m[HOURS_DAY * W + i] += dosing * part
        m[SEDATING * W + i] = sedating
        relief, noticed, eased = m[(DESK + 2) * W + i], m[NOTICEABLE * W + i], m[RELIEF * W + i]
        m[HOURS_RELIEVED * W + i] += counted * _above(eased - noticed, relief - noticed)
        m[RELIEF_AREA * W + i] += 0.5 * dosing * (eased + relief)
        m[RELIEF * W + i] = relief
    for i in range(W):
        now = m[NOW * W + i]
        counts = now >= -1e-9
        low = -np.inf
        m[PEAK_DRIVE * W + i] = max(m[PEAK_DRIVE * W + i], m[DESK * W + i] if counts else low)
        m[PEAK_SEDATING * W + i] = max(m[PEAK_SEDATING * W + i], m[(DESK + 1) * W + i] if counts else low)
        relief, air, begins = m[(DESK + 2) * W + i], m[(DESK + 3) * W + i], m[ONSET * W + i]
        m[PEAK_RELIEF * W + i] = max(m[PEAK_RELIEF * W + i], relief if counts else low)
        m[MIN_VENTILATION * W + i] = min(m[MIN_VENTILATION * W + i], air if counts else np.inf)
        m[ONSET * W + i] = min(begins, now) if counts & (relief >= m[NOTICEABLE * W + i]) else begins
    for i in range(W):
        now, withdrawal, peak = m[NOW * W + i], m[WITHDRAWAL * W + i], m[W_PEAK * W + i]
        when, begins = m[W_TIME * W + i], m[W_ONSET * W + i]
        higher = (withdrawal > peak) & (now >= -1e-9)
        m[W_PEAK * W + i] = withdrawal if higher else peak
        m[W_TIME * W + i] = now if higher else when
        felt = (withdrawal >= m[FELT * W + i]) & (now >= m[LAST_DOSE * W + i] - 1e-9)
        m[W_ONSET * W + i] = min(begins, now) if felt else begins


@lane
def _halves(to, rates, unit):
    """What is left of each mode after half a unit of time."""
    for i in range(len(to)):
        to[i] = decay(0.5 * unit[i] * rates[i])


@lane
def _run(
    p, m, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated, axes_top, axes_half,
    axis_signal, axis_ends, therapy_times, therapy, entry_signal, entry_mode, member_site, member_signal, gaba,
    relaxes, mode_of_input, induced_signal, saturable_signal, times, event_time, event_input, amounts, may, may_ends,
    before, after, after_ends, window_of, outputs, kept, folded, levels,
):  # fmt: skip
    """March one block of patients, `p` to `p + W`, through the whole grid."""
    z, hf, ihf, lin0, linm, lin1, levm, lev1, site, fold, ind, sat = places
    modes, signals, substances = len(mode_rates), linm - lin0, len(window_of)
    m[:] = 0.0
    for place in range(STEP, FIXED):
        for i in range(W):
            m[place * W + i] = fixed[place, p + i]
    for k in range(len(induced)):
        for i in range(W):
            m[(ind + k * INDUCED + 2) * W + i] = 1.0
        for place in range(3, 11):
            for i in range(W):
                m[(ind + k * INDUCED + place) * W + i] = induced[k, place, p + i]
    for s in range(substances):
        for i in range(W):
            m[(fold + s * FOLD_ROWS + LOWEST) * W + i] = np.inf
            m[(fold + s * FOLD_ROWS + UPPER) * W + i] = np.inf
            m[(fold + s * FOLD_ROWS + LOWER) * W + i] = np.inf
    for i in range(W):
        m[NOW * W + i] = times[0]
    state, halves = m[z * W : (z + modes) * W], m[hf * W : (hf + modes) * W]
    factors = m[hf * W : (hf + modes + 2 * len(induced)) * W]
    arrive, order = np.empty((64, W)), np.empty((64, W), np.int64)
    written = 0
    for interval in range(-1, len(times) - 1):
        begin = times[max(interval, 0)]
        end = times[interval + 1]
        first = 0 if interval <= 0 else may_ends[interval - 1]
        events = 0 if interval < 0 else may_ends[interval] - first
        if interval >= 0:
            for k in range(events):
                e = may[first + k]
                for i in range(W):
                    at = event_time[e] + lags[event_input[e], p + i]
                    inside = (at >= begin - 1e-9) and (at < end - 1e-9)
                    at = max(at, begin) if inside else end
                    place = k
                    while place > 0 and arrive[place - 1, i] > at:
                        arrive[place, i] = arrive[place - 1, i]
                        order[place, i] = order[place - 1, i]
                        place -= 1
                    arrive[place, i] = at
                    order[place, i] = e if inside else -1
            for part in range(events + 1):
                longest = 0.0
                for i in range(W):
                    until = arrive[part, i] if part < events else end
                    m[UNIT * W + i] = until - m[NOW * W + i]
                    longest = max(longest, m[UNIT * W + i])
                if longest > 0.0:
                    if part == 0:
                        low, high = 0, before[interval]
                        total = before[interval]
                    else:
                        low, high = (0 if interval == 0 else after_ends[interval - 1]), after_ends[interval]
                        total = 0
                        for k in range(low, high):
                            total += after[k]
                    for i in range(W):
                        m[UNIT * W + i] = max(m[UNIT * W + i], 0.0) / total
                    for k in range(modes):
                        _halves(row(m, hf + k), mode_rates[k, p : p + W], row(m, UNIT))
                    for k in range(len(induced)):
                        for of in range(2):
                            _halves(row(m, ihf + 2 * k + of), induced[k, 3 + of, p : p + W], row(m, UNIT))
                    reached = 1
                    for k in range(low, high):
                        size = 1 if part == 0 else after[k]
                        while reached < size:
                            multiplied(factors, factors)
                            reached *= 2
                        for i in range(W):
                            m[STEP * W + i] = m[UNIT * W + i] * size
                        multiplied(state, halves)
                        _signals(m, linm, z, weights, entry_signal, entry_mode, p, signals)
                        multiplied(state, halves)
                        _signals(m, lin1, z, weights, entry_signal, entry_mode, p, signals)
                        copied(m[levm * W : (levm + 2 * signals) * W], m[linm * W : (linm + 2 * signals) * W])
                        for n in range(len(induced)):
                            s = induced_signal[n]
                            _induce(
                                m,
                                ind + n * INDUCED,
                                ihf + 2 * n,
                                lin0 + s,
                                linm + s,
                                lin1 + s,
                                levm + s,
                                lev1 + s,
                            )
                        for n in range(len(saturated)):
                            s, f = saturable_signal[n, 0], saturable_signal[n, 1]
                            _deplete(m, sat + n, saturated[n, 0, p : p + W], saturated[n, 1, p : p + W], lin0 + f,
                                     linm + f, lin1 + f, levm + s, lev1 + s)  # fmt: skip
                        copied(m[lin0 * W : (lin0 + signals) * W], m[lin1 * W : (lin1 + signals) * W])
                        _energies(
                            m,
                            levm,
                            site,
                            p,
                            strength,
                            opened,
                            closed,
                            member_site,
                            member_signal,
                            gaba,
                            relaxes,
                            ENERGY_MID,
                        )
                        _energies(
                            m,
                            lev1,
                            site,
                            p,
                            strength,
                            opened,
                            closed,
                            member_site,
                            member_signal,
                            gaba,
                            relaxes,
                            ENERGY_END,
                        )
                        _adapt(m)
                        for i in range(W):
                            m[NOW * W + i] += m[STEP * W + i]
                        for s in range(substances):
                            of = fold + s * FOLD_ROWS
                            copied(row(m, WORK), row(m, of + LAST_LEVEL))
                            _fold_levels(m, of, levm + s, lev1 + s, window_of[s, 0], window_of[s, 1])
                            if end >= window_of[s, 2] - 1e-9:
                                _fold_fall(m, of, lev1 + s, window_of[s, 2])
                        _read_out(
                            m, lev1, p, axis_signal[: axis_ends[0]], axes_top, axes_half,
                            axis_signal[axis_ends[0] : axis_ends[1]], axes_top[axis_ends[0] :], axes_half[axis_ends[0] :],
                            axis_signal[axis_ends[1] :], axes_half[axis_ends[1] :],
                            therapy_times, therapy[0], therapy[1], therapy[2],
                        )  # fmt: skip
                for i in range(W):
                    m[NOW * W + i] = arrive[part, i] if part < events else end
                if part < events:
                    for i in range(W):
                        e = order[part, i]
                        if e >= 0:
                            dose = amounts[e, p + i if amounts.shape[1] > 1 else 0]
                            for k in range(
                                mode_of_input[event_input[e], 0], mode_of_input[event_input[e], 1]
                            ):
                                m[(z + k) * W + i] += dose
                    if len(saturated) > 0:
                        _signals(m, lin1, z, weights, entry_signal, entry_mode, p, signals)
                        for n in range(len(saturated)):
                            f = saturable_signal[n, 1]
                            for i in range(W):
                                m[(lin0 + f) * W + i] = m[(lin1 + f) * W + i]
        if abs(end) < 1e-9:
            for i in range(W):
                m[HAZARD_ZERO * W + i] = m[HAZARD * W + i]
        while written < len(outputs) and outputs[written] == interval + 1:
            for s in range(signals):
                for i in range(W):
                    kept[written, s, p + i] = m[(lev1 + s) * W + i]
            for place in range(8):
                for i in range(W):
                    kept[written, signals + place, p + i] = m[(ENERGY + place) * W + i]
            written += 1
    for place in range(DESK - FOLDED):
        for i in range(W):
            folded[place, p + i] = m[(FOLDED + place) * W + i]
    for place in range(substances * FOLD_ROWS):
        for i in range(W):
            levels[place, p + i] = m[(fold + place) * W + i]


def _blocks(
    first, last, rows, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated, axes_top,
    axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_signal, entry_mode, member_site, member_signal,
    gaba, relaxes, mode_of_input, induced_signal, saturable_signal, times, event_time, event_input, amounts, may,
    may_ends, before, after, after_ends, window_of, outputs, kept, folded, levels,
):  # fmt: skip
    """Run the blocks of patients `first` to `last`, multiples of `W`."""
    m = np.empty(rows * W)
    for p in range(first, last, W):
        _run(p, m, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated, axes_top,
             axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_signal, entry_mode, member_site,
             member_signal, gaba, relaxes, mode_of_input, induced_signal, saturable_signal, times, event_time,
             event_input, amounts, may, may_ends, before, after, after_ends, window_of, outputs, kept, folded, levels)  # fmt: skip


@cache
def kernel() -> Any:
    """`_blocks` compiled, or taken from the user's cache."""
    announce()
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(folder())
    compiled = njit(fastmath=FLAGS, error_model="numpy", nogil=True)(_blocks)
    try:
        compiled.enable_caching()
    except RuntimeError:  # no folder can be written to: compiled anew by every process
        pass
    finally:
        settings.CACHE_DIR = before
    return compiled


@dataclass(frozen=True)
class Result:
    """States at the outputs and folds over the whole course, for each patient."""

    states: Column
    """[outputs, signals + 8, n]: levels, then energy, relaxing, other, fast, slow, dulled, withdrawal, hazard."""
    folded: Column
    """[rows, n], from `PEAK_DRIVE` on."""
    levels: Column
    """[substances, FOLD_ROWS, n]"""
    dosing: float
    """Hours over which time impaired a day is counted."""


def march(system: System, grid: Grid, windows: Sequence[Window], therapies: Therapies, last_dose: Column | float,
          dosing: float, threads: int = 1) -> Result:  # fmt: skip
    """Simulate all patients of `system` in so many threads, keeping states at the outputs and folding the rest."""
    n = system.number
    padded = n + -n % W
    modes, signals, sites = len(system.rates), system.signals, len(system.strength)
    substances = len(system.substances)
    sizes = (modes, modes, 2 * len(system.induced), signals, signals, signals, signals, signals, 2 * sites,
             substances * FOLD_ROWS, len(system.induced) * INDUCED, len(system.saturable))  # fmt: skip
    places = FIXED + np.concatenate([[0], np.cumsum(sizes)])
    starts = np.array(places[:-1], np.int64)
    induced = np.zeros((len(system.induced), INDUCED, padded))
    for k, own in enumerate(system.induced):
        count = len(own.rates)
        induced[k, 3 : 3 + count] = _padded(own.rates)
        induced[k, 5 : 5 + count] = _padded(own.weights)
        induced[k, 7:11] = _padded(np.stack([own.clearance, own.maximum, own.half, own.time]))
    saturated = np.zeros((len(system.saturable), 2, padded))
    for k, pool in enumerate(system.saturable):
        saturated[k] = _padded(np.stack([pool.maximum, pool.half]))
    axes = (system.relaxation, system.analgesia, system.ventilation)
    count = len(therapies.sessions)
    therapy = np.zeros((3, count, padded))
    for k in range(count):
        therapy[:, k] = _padded(np.stack([therapies.effect[k], therapies.build[k], therapies.fade[k]]))
    outputs = np.unique(grid.output)
    kept = np.empty((len(outputs), signals + 8, padded))
    folded, levels = np.empty((DESK - FOLDED, padded)), np.empty((substances * FOLD_ROWS, padded))
    figures = (
        int(places[-1]), tuple(int(x) for x in starts), _padded(_fixed(system, last_dose, dosing, grid)),
        _padded(system.rates), _padded(system.lags), _padded(system.entry_weight), _padded(system.strength),
        _padded(system.member_opened), _padded(system.member_closed), induced, saturated,
        _padded(np.concatenate([axis.maximum for axis in axes])), _padded(np.concatenate([axis.half for axis in axes])),
        np.concatenate([axis.signals for axis in axes]),
        np.cumsum([len(axis.signals) for axis in axes])[:2].astype(np.int64),
        np.array([[s.start, s.end] for s in therapies.sessions], float).reshape(count, 2), therapy,
        system.entry_signal, system.entry_mode, system.member_site, system.member_signal, system.gaba, system.relaxes,
        np.array([[s.start, s.stop] for s in system.modes], np.int64).reshape(-1, 2),
        np.array([own.signal for own in system.induced], np.int64),
        np.array([[pool.signal, pool.inflow] for pool in system.saturable], np.int64).reshape(-1, 2),
        grid.times, grid.event_time, grid.event_input,
        _padded(grid.amounts) if grid.amounts.shape[1] == n and n > 1 else np.ascontiguousarray(grid.amounts),
        np.array([e for each in grid.may_arrive for e in each], np.int64),
        np.cumsum([len(each) for each in grid.may_arrive]).astype(np.int64),
        np.array([len(each) for each in grid.before], np.int64),
        np.array([size for each in grid.after for size in each], np.int64),
        np.cumsum([len(each) for each in grid.after]).astype(np.int64),
        np.array([[w.start, w.end, w.doses[-1] if w.doses else 0.0] for w in windows]).reshape(-1, 3),
        outputs, kept, folded, levels,
    )  # fmt: skip
    share = W * -(-padded // (W * threads))
    parts = [(first, min(first + share, padded)) for first in range(0, padded, share)]
    if len(parts) == 1:
        kernel()(0, padded, *figures)
    else:
        run = kernel()
        with ThreadPoolExecutor(len(parts)) as workers:
            list(workers.map(lambda part: run(*part, *figures), parts))
    place = np.searchsorted(outputs, grid.output)
    return Result(
        kept[place][..., :n], folded[:, :n], levels[:, :n].reshape(substances, FOLD_ROWS, n), max(dosing, DAY)
    )


def _fixed(system: System, last_dose: Column | float, dosing: float, grid: Grid) -> Column:
    """The patients' figures in their rows, and the folds before anything is folded."""
    f, n = system.figures, system.number
    rows = np.zeros((FIXED, n))
    rows[BRAIN : BRAIN + len(system.brain)] = system.brain
    scale = f["pain_baseline"] / (f["pain_fast_part"] + f["pain_slow_part"] + f["pain_rest"])
    hill = f["impairment_hill"]
    values = {
        RELAX_SHARE: f["relaxation_share"], RELAX_MOST: f["relaxation_most"], RELAX_HALF: f["relaxation_half"],
        IMPAIRED: f["impairment_half"] * (f["impaired"] / (100.0 - f["impaired"])) ** (1.0 / hill),
        NOTICEABLE: f["noticeable"], PAIN_FAST: scale * f["pain_fast_part"], PAIN_FAST_RATE: 1.0 / f["pain_fast_time"],
        PAIN_SLOW: scale * f["pain_slow_part"], PAIN_SLOW_RATE: 1.0 / f["pain_slow_time"],
        PAIN_REST: scale * f["pain_rest"], OPIOID_MOST: f["opioid_most"], DRIVE_MOST: f["drive_most"],
        DRIVE_HALF: f["drive_half"], SYNERGY: f["synergy"], OPIOID_GAIN: 1.0 / f["opioid_tolerant"],
        FELT: f["felt"], LAST_DOSE: last_dose, DOSING: max(dosing, DAY),
    }  # fmt: skip
    for place, value in values.items():
        rows[place] = value
    none = 0.0 if grid.times[0] >= -1e-9 else -np.inf
    rows[[PEAK_DRIVE, PEAK_SEDATING, PEAK_RELIEF]] = none
    rows[MIN_VENTILATION] = 1.0 if none == 0.0 else np.inf
    rows[[ONSET, W_ONSET]] = np.inf
    return rows


def _padded(values: Column) -> Column:
    """Columns to a whole number of blocks, by repeating the last patient."""
    short = -values.shape[-1] % W
    if not short:
        return np.ascontiguousarray(values)
    return np.ascontiguousarray(
        np.concatenate([values, np.repeat(values[..., -1:], short, axis=-1)], axis=-1)
    )
