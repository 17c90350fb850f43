"""The compiled engine: patients in the lanes of the vector unit, summaries folded while it runs.

A block of `W` patients marches in step, each with steps of its own length. Everything of a block lies in one flat
array, row after row (`layout`), so that the compiler can prove the rows apart and puts them into vector registers.
What a step does to them is in `lane_states` and `lane_folds`.
"""

# ruff: noqa: PLR0912, PLR0915  (one loop body holds a whole step, as compiled code wants it)
# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray

from eutonia.simulation.compiled import announce, folder
from eutonia.simulation.effects import Therapies
from eutonia.simulation.grid import Grid, Steps
from eutonia.simulation.lane_folds import fold_effects, fold_fall, fold_levels, fold_withdrawal, read_out
from eutonia.simulation.lane_states import adapt, deplete, energies, halves, induce, sum_modes
from eutonia.simulation.layout import (
    BRAIN,
    DRIVE_HALF,
    DRIVE_MOST,
    EASED,
    END,
    ENERGY,
    ENERGY_BEFORE,
    FELT,
    FIXED,
    FOLD_ROWS,
    FOLDED,
    HAZARD,
    HAZARD_ZERO,
    IMPAIRED,
    INDUCED,
    KEPT,
    LAST_DOSE,
    LOWER,
    LOWEST,
    MIDDLE,
    MIN_VENTILATION,
    NATURAL_END,
    NATURAL_MIDDLE,
    NOTICEABLE,
    NOW,
    ONSET,
    OPIOID_GAIN,
    OPIOID_MOST,
    OTHER,
    OTHER_BEFORE,
    OWN,
    PAIN_REST,
    PEAK_DRIVE,
    PEAK_RELIEF,
    PEAK_SEDATING,
    READ_BEFORE,
    READ_END,
    READ_MIDDLE,
    RELAX_HALF,
    RELAX_MOST,
    RELAX_SHARE,
    STEP,
    SYNERGY,
    UNIT,
    UPPER,
    VENTILATION,
    W_ONSET,
)
from eutonia.simulation.population import Column
from eutonia.simulation.rows import FLAGS, W, add, copied, lane, multiplied, row
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

DAY = 24.0

SLOTS = 192
"""Rows that remember what is left of each mode after the steps of intervals that come again."""

MOST_ARRIVALS = 64
"""Doses that may arrive in one interval."""


@lane
def _run(
    p, m, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated, axes_top, axes_half,
    axis_signal, axis_ends, therapy_times, therapy, entry_signal, entry_mode, member_site, member_signal, gaba,
    relaxes, mode_of_input, induced_signal, saturable_signal, times, event_time, event_input, amounts, may, may_ends,
    sizes, size_ends, slots, window_of, spans, outputs, kept, folded, levels,
):  # fmt: skip
    """March one block of patients, `p` to `p + W`, through the whole grid."""
    z, hf, lin0, linm, lin1, levm, lev1, site, fold, ind, sat, memory = places
    signals, substances, others = lin1 - linm, len(window_of), not gaba.all()
    decaying = len(mode_rates)
    pain = decaying - 2
    m[:] = 0.0
    for place in range(FIXED):
        for i in range(W):
            m[place * W + i] = fixed[place, p + i]
    for k in range(2):
        for i in range(W):
            m[(z + pain + k) * W + i] = fixed[FIXED + k, p + i]
    for k in range(len(induced)):
        for place in range(INDUCED):
            for i in range(W):
                m[(ind + k * INDUCED + place) * W + i] = induced[k, place, p + i]
    for s in range(substances):
        for i in range(W):
            m[(fold + s * FOLD_ROWS + LOWEST) * W + i] = np.inf
            m[(fold + s * FOLD_ROWS + UPPER) * W + i] = np.inf
            m[(fold + s * FOLD_ROWS + LOWER) * W + i] = np.inf
    for i in range(W):
        m[NOW * W + i] = times[0]
    state, factors = m[z * W : (z + decaying) * W], m[hf * W : (hf + decaying) * W]
    arrive, order = np.empty((MOST_ARRIVALS, W)), np.empty((MOST_ARRIVALS, W), np.int64)
    written = 0
    part_number = 0
    for interval in range(-1, len(times) - 1):
        begin = times[max(interval, 0)]
        end = times[interval + 1]
        first = 0 if interval <= 0 else may_ends[interval - 1]
        events = 0 if interval < 0 else may_ends[interval] - first
        counts, dosing, stopped = begin >= -1e-9, begin < spans[0] - 1e-9, end > spans[1] - 1e-9
        if interval >= 0:
            for k in range(events):
                e = may[first + k]
                for i in range(W):
                    at = event_time[e] + lags[event_input[e], p + i]
                    inside = (at >= begin - 1e-9) and (at < end - 1e-9)
                    at = max(at, begin) if inside else begin
                    place = k
                    while place > 0 and arrive[place - 1, i] > at:
                        arrive[place, i] = arrive[place - 1, i]
                        order[place, i] = order[place - 1, i]
                        place -= 1
                    arrive[place, i] = at
                    order[place, i] = e if inside else -1
            for part in range(events + 1):
                low, high = (0 if part_number == 0 else size_ends[part_number - 1]), size_ends[part_number]
                slot = slots[part_number]
                part_number += 1
                if high > low:
                    total = 0
                    for k in range(low, high):
                        total += sizes[k]
                    for i in range(W):
                        until = arrive[part, i] if part < events else end
                        m[UNIT * W + i] = max(until - m[NOW * W + i], 0.0) / total
                    if slot > 0:  # as in the interval before that was like this one
                        at = memory + slot - 1
                        copied(factors, m[at * W : (at + decaying) * W])
                    else:
                        for k in range(decaying):
                            halves(m, hf + k, mode_rates, k, p)
                        if not counts:  # the course of pain begins at time zero
                            for k in range(2):
                                for i in range(W):
                                    m[(hf + pain + k) * W + i] = 1.0
                        if slot < 0:
                            at = memory - slot - 1
                            copied(m[at * W : (at + decaying) * W], factors)
                    reached = 1
                    for k in range(low, high):
                        while reached < sizes[k]:
                            multiplied(factors, factors)
                            reached *= 2
                        for i in range(W):
                            m[STEP * W + i] = m[UNIT * W + i] * sizes[k]
                            m[NOW * W + i] += m[STEP * W + i]
                        multiplied(state, factors)
                        sum_modes(m, linm, z, weights, entry_signal, entry_mode, p, signals)
                        copied(row(m, NATURAL_MIDDLE), row(m, PAIN_REST))
                        add(row(m, NATURAL_MIDDLE), row(m, z + pain))
                        add(row(m, NATURAL_MIDDLE), row(m, z + pain + 1))
                        multiplied(state, factors)
                        sum_modes(m, lin1, z, weights, entry_signal, entry_mode, p, signals)
                        copied(row(m, NATURAL_END), row(m, PAIN_REST))
                        add(row(m, NATURAL_END), row(m, z + pain))
                        add(row(m, NATURAL_END), row(m, z + pain + 1))
                        if levm != linm:  # not all is linear
                            copied(
                                m[levm * W : (levm + 2 * signals) * W], m[linm * W : (linm + 2 * signals) * W]
                            )
                            for n in range(len(induced)):
                                s = induced_signal[n]
                                induce(m, ind + n * INDUCED, lin0 + s, linm + s, lin1 + s, levm + s, lev1 + s)
                            for n in range(len(saturated)):
                                s, f = saturable_signal[n, 0], saturable_signal[n, 1]
                                deplete(m, sat + n, saturated[n, 0, p : p + W], saturated[n, 1, p : p + W], lin0 + f,
                                        linm + f, lin1 + f, levm + s, lev1 + s)  # fmt: skip
                            copied(m[lin0 * W : (lin0 + signals) * W], m[lin1 * W : (lin1 + signals) * W])
                        copied(row(m, ENERGY_BEFORE), row(m, END + ENERGY))
                        copied(row(m, OTHER_BEFORE), row(m, END + OTHER))
                        for node in range(2):
                            energies(m, lev1 if node else levm, site, p, strength, opened, closed, member_site,
                                     member_signal, gaba, relaxes, END if node else MIDDLE)  # fmt: skip
                        adapt(m, others)
                        for s in range(substances):
                            of = fold + s * FOLD_ROWS
                            if end >= window_of[s, 2] - 1e-9:
                                fold_fall(m, of, lev1 + s, window_of[s, 2])
                            inside = (begin >= window_of[s, 0] - 1e-9) & (begin < window_of[s, 1] - 1e-9)
                            fold_levels(m, of, levm + s, lev1 + s, counts, inside)
                        for node in range(2):
                            read_out(
                                m, READ_END if node else READ_MIDDLE, END if node else MIDDLE,
                                NATURAL_END if node else NATURAL_MIDDLE, 0.0 if node else 0.5, lev1 if node else levm,
                                p, axis_signal, axis_ends, axes_top, axes_half, therapy_times, therapy,
                            )  # fmt: skip
                        if counts:
                            fold_effects(m, dosing)
                            fold_withdrawal(m, stopped)
                        copied(
                            m[READ_BEFORE * W : (READ_BEFORE + 4) * W], m[READ_END * W : (READ_END + 4) * W]
                        )
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
                    if len(saturated) > 0:  # what flows in jumps; every other level is continuous
                        sum_modes(m, lin1, z, weights, entry_signal, entry_mode, p, signals)
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
            for place in range(len(KEPT)):
                for i in range(W):
                    kept[written, signals + place, p + i] = m[KEPT[place] * W + i]
            written += 1
    for place in range(EASED - FOLDED):
        for i in range(W):
            folded[place, p + i] = m[(FOLDED + place) * W + i]
    for place in range(substances * FOLD_ROWS):
        for i in range(W):
            levels[place, p + i] = m[(fold + place) * W + i]


def _blocks(
    first, last, rows, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated, axes_top,
    axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_signal, entry_mode, member_site, member_signal,
    gaba, relaxes, mode_of_input, induced_signal, saturable_signal, times, event_time, event_input, amounts, may,
    may_ends, sizes, size_ends, slots, window_of, spans, outputs, kept, folded, levels,
):  # fmt: skip
    """Run the blocks of patients `first` to `last`, multiples of `W`."""
    m = np.empty(rows * W)
    for p in range(first, last, W):
        _run(p, m, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated, axes_top,
             axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_signal, entry_mode, member_site,
             member_signal, gaba, relaxes, mode_of_input, induced_signal, saturable_signal, times, event_time,
             event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs, kept, folded,
             levels)  # fmt: skip


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
    signals, sites, substances = system.signals, len(system.strength), len(system.substances)
    rates = np.concatenate(
        [system.rates, [1.0 / system.figures["pain_fast_time"], 1.0 / system.figures["pain_slow_time"]]]
    )
    nonlinear = bool(system.induced or system.saturable)
    slots, remembered = _slots(grid.steps, len(rates))
    rows = (len(rates), len(rates), signals, signals, signals, signals * nonlinear, signals * nonlinear, 2 * sites,
            substances * FOLD_ROWS, len(system.induced) * INDUCED, len(system.saturable), remembered)  # fmt: skip
    places = FIXED + np.concatenate([[0], np.cumsum(rows)])
    starts = np.array(places[:-1], np.int64)
    if len(system.induced) == 1:
        starts[9] = OWN  # worked on in place
    if not nonlinear:
        starts[5:7] = starts[3:5]
    induced = np.zeros((len(system.induced), INDUCED, padded))
    for k, own in enumerate(system.induced):
        count = len(own.rates)
        induced[k, 2] = 1.0
        induced[k, 4 : 4 + count] = _padded(own.rates)
        induced[k, 6 : 6 + count] = _padded(own.weights)
        induced[k, 8:12] = _padded(np.stack([own.clearance, own.maximum, own.half, 1.0 / own.time]))
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
    folded, levels = np.empty((EASED - FOLDED, padded)), np.empty((substances * FOLD_ROWS, padded))
    figures = (
        int(places[-1]), tuple(int(x) for x in starts), _padded(_fixed(system, last_dose)),
        _padded(rates), _padded(system.lags), _padded(system.entry_weight), _padded(system.strength),
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
        *grid.steps.flat, slots,
        np.array([[w.start, w.end, w.doses[-1] if w.doses else 0.0] for w in windows]).reshape(-1, 3),
        np.array([max(dosing, DAY), np.min(last_dose)]), outputs, kept, folded, levels,
    )  # fmt: skip
    share = W * -(-padded // (W * threads))
    shares = [(first, min(first + share, padded)) for first in range(0, padded, share)]
    if len(shares) == 1:
        kernel()(0, padded, *figures)
    else:
        run = kernel()
        with ThreadPoolExecutor(len(shares)) as workers:
            list(workers.map(lambda one: run(*one, *figures), shares))
    place = np.searchsorted(outputs, grid.output)
    return Result(
        kept[place][..., :n], folded[:, :n], levels[:, :n].reshape(substances, FOLD_ROWS, n), max(dosing, DAY)
    )


@lru_cache(maxsize=16)
def _slots(steps: Steps, decaying: int) -> tuple[NDArray[np.int64], int]:
    """For each part of each interval, the rows that remember its decays, and how many rows those are in all.

    Parts of intervals that are alike have one place, numbered from 1: negative where it is filled, positive where it
    is read. Zero where nothing comes again, or where too much does.
    """
    seen = Counter(steps.kinds)
    place: dict[Any, int] = {}
    slots, used = [], 0
    for kind, events in zip(steps.kinds, steps.may_arrive, strict=True):
        for part in range(len(events) + 1):
            if (kind, part) in place:
                slots.append(place[kind, part])
            elif seen[kind] > 1 and used + decaying <= SLOTS:
                place[kind, part] = used + 1
                slots.append(-used - 1)
                used += decaying
            else:
                slots.append(0)
    return np.array(slots, np.int64), used


def _fixed(system: System, last_dose: Column | float) -> Column:
    """The patients' figures in their rows, the folds before anything is folded, and the two parts of pain that fade."""
    f, n = system.figures, system.number
    rows = np.zeros((FIXED + 2, n))
    rows[BRAIN : BRAIN + len(system.brain)] = system.brain
    scale = f["pain_baseline"] / (f["pain_fast_part"] + f["pain_slow_part"] + f["pain_rest"])
    hill = f["impairment_hill"]
    values = {
        RELAX_SHARE: f["relaxation_share"], RELAX_MOST: f["relaxation_most"], RELAX_HALF: f["relaxation_half"],
        IMPAIRED: f["impairment_half"] * (f["impaired"] / (100.0 - f["impaired"])) ** (1.0 / hill),
        NOTICEABLE: f["noticeable"], PAIN_REST: scale * f["pain_rest"], OPIOID_MOST: f["opioid_most"],
        DRIVE_MOST: f["drive_most"], DRIVE_HALF: f["drive_half"], SYNERGY: f["synergy"],
        OPIOID_GAIN: 1.0 / f["opioid_tolerant"], FELT: f["felt"], LAST_DOSE: last_dose,
        FIXED: scale * f["pain_fast_part"], FIXED + 1: scale * f["pain_slow_part"],
    }  # fmt: skip
    for place, value in values.items():
        rows[place] = value
    rows[[PEAK_DRIVE, PEAK_SEDATING, PEAK_RELIEF]] = -np.inf
    rows[[ONSET, W_ONSET, MIN_VENTILATION]] = np.inf
    rows[READ_BEFORE + VENTILATION] = 1.0
    return rows


def _padded(values: Column) -> Column:
    """Columns to a whole number of blocks, by repeating the last patient."""
    short = -values.shape[-1] % W
    if not short:
        return np.ascontiguousarray(values)
    return np.ascontiguousarray(
        np.concatenate([values, np.repeat(values[..., -1:], short, axis=-1)], axis=-1)
    )
