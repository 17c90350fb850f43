"""The compiled engine: patients in the lanes of the vector unit, summaries folded while it runs.

A block of `W` patients marches in step, each with steps of its own length. Everything of a block lies in two flat
arrays, row after row (`layout`), and a row is one value (`rows`). What a step does to them is in `lane_states` and
`lane_folds`. One source is compiled for both precisions: single takes two thirds of the time, and is for populations.
"""

# ruff: noqa: PLR0912, PLR0915  (one loop body holds a whole step, as compiled code wants it)
# mypy: allow-untyped-defs, allow-untyped-calls
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numba import njit

from eutonia.simulation.lane_folds import (
    fold_effects,
    fold_fall,
    fold_levels,
    fold_ventilation,
    fold_withdrawal,
    read_out,
)
from eutonia.simulation.lane_states import (
    adapt,
    decayed,
    deplete,
    energies,
    halves,
    induce,
    rise,
    rise_induced,
    rise_saturated,
    sum_modes,
)
from eutonia.simulation.layout import (
    BEFORE,
    BEGAN,
    END,
    FIXED,
    FOLD_ROWS,
    FOLDED,
    HAZARD,
    HAZARD_ZERO,
    INDUCED,
    KEPT,
    LAST_DOSE,
    LOWER,
    LOWEST,
    MIDDLE,
    NATURAL_END,
    NATURAL_MIDDLE,
    NOW,
    ONSET,
    READ_BEFORE,
    READ_END,
    READ_MIDDLE,
    SLOPE,
    SLOPE_BEFORE,
    STEP,
    UNIT,
    UPPER,
    W_ONSET,
    W,
)
from eutonia.simulation.rows import EITHER, INFINITE, alike, get, get_of, lane, put, put_of, whole


@whole
def _copied(to, first, of, begin, many):
    """Rows from `begin` of one memory onto those from `first` of another."""
    for k in range(many):
        put(to, first + k, get(of, begin + k))


@whole
def _squared(d, first, many):
    for k in range(many):
        put(d, first + k, get(d, first + k) * get(d, first + k))


@whole
def _clocks(m, d, size):
    """Begin a step of `size` units."""
    h, now = get(d, UNIT) * size, get(d, NOW)
    put(m, STEP, h)
    put(m, BEGAN, now)
    put(d, NOW, now + h)


@lane
def _end(
    m, p, level, rising, ind, sat, inflow, strength, opened, closed, member_ends, member_signal, gaba, relaxes, adapts,
    induced_signal, saturable_signal, saturated,
):  # fmt: skip
    """Energies and their changes where a step ends or a dose has arrived, from the changes of the linear levels."""
    for n in range(len(induced_signal)):
        s = induced_signal[n]
        rise_induced(m, rising + s, ind + n * INDUCED, level + s)
    for n in range(len(saturable_signal)):
        s, f = saturable_signal[n, 0], saturable_signal[n, 1]
        rise_saturated(m, rising + s, sat + n, saturated[n], p, inflow + f)
    energies(
        m, level, rising, p, strength, opened, closed, member_ends, member_signal, gaba, relaxes, adapts, END, True,
    )  # fmt: skip


@lane
def _run(
    p, m, d, arrive, order, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated,
    axes_top, axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_ends, entry_mode, member_ends,
    member_signal, gaba, relaxes, adapts, mode_of_input, induced_signal, saturable_signal, times, event_time,
    event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs, last_dose, kept, folded,
    levels,
):  # fmt: skip
    """March one block of patients, `p` to `p + W`, through the whole grid."""
    lin0, linm, lin1, levm, lev1, rose, rising, fold, ind, sat, z, zm, hf, memory = places
    signals, substances = lin1 - linm, len(window_of)
    others, opioids = not gaba.all(), len(axis_signal) > axis_ends[1]
    decaying = len(mode_rates)
    pain = decaying - 2
    m[:] = 0.0
    d[:] = 0.0
    for place in range(FIXED):
        put(m, place, get_of(fixed, place, p))
    for k in range(2):
        put(d, z + pain + k, get_of(fixed, FIXED + k, p))
    for k in range(len(induced)):
        for place in range(INDUCED):
            put(m, ind + k * INDUCED + place, get_of(induced[k], place, p))
    never = alike(m, INFINITE)
    for s in range(substances):
        for place in (LOWEST, UPPER, LOWER):
            put(m, fold + s * FOLD_ROWS + place, never)
    put(d, NOW, alike(d, times[0]))
    put(m, LAST_DOSE, get_of(last_dose, 0, p))
    put(m, ONSET, never)
    put(m, W_ONSET, never)
    written = 0
    part_number = 0
    for interval in range(-1, len(times) - 1):
        begin = times[max(interval, 0)]
        end = times[interval + 1]
        first = 0 if interval <= 0 else may_ends[interval - 1]
        events = 0 if interval < 0 else may_ends[interval] - first
        counts, dosing, stopped = begin >= -1e-9, begin < spans[0] - 1e-9, end > spans[1] - 1e-9
        seen = end >= -1e-9  # what comes before time zero is read out where the first step that counts begins
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
                    until = get_of(arrive, part, 0) if part < events else alike(d, end)
                    put(d, UNIT, max(until - get(d, NOW), 0.0) / total)
                    if slot > 0:  # as in the interval before that was like this one
                        _copied(d, hf, d, memory + slot - 1, decaying)
                    else:
                        for k in range(decaying):
                            halves(d, hf + k, mode_rates, k, p)
                        if not counts:  # the course of pain begins at time zero
                            put(d, hf + pain, alike(d, 1.0))
                            put(d, hf + pain + 1, alike(d, 1.0))
                        if slot < 0:
                            _copied(d, memory - slot - 1, d, hf, decaying)
                    reached = 1
                    for k in range(low, high):
                        while reached < sizes[k]:
                            _squared(d, hf, decaying)
                            reached *= 2
                        _clocks(m, d, sizes[k])
                        _copied(m, rose, m, rising, signals)
                        decayed(
                            m,
                            d,
                            linm,
                            lin1,
                            rising,
                            z,
                            zm,
                            hf,
                            decaying,
                            weights,
                            mode_rates,
                            entry_ends,
                            entry_mode,
                            p,
                        )
                        if levm != linm:  # not all is linear
                            _copied(m, levm, m, linm, 2 * signals)
                            for n in range(len(induced)):
                                s = induced_signal[n]
                                induce(m, ind + n * INDUCED, lin0 + s, linm + s, lin1 + s, levm + s, lev1 + s)
                            for n in range(len(saturated)):
                                s, f = saturable_signal[n, 0], saturable_signal[n, 1]
                                deplete(m, sat + n, saturated[n], p, lin0 + f, linm + f, levm + s, lev1 + s)
                            _copied(m, lin0, m, lin1, signals)
                        _copied(m, BEFORE, m, END, 3)
                        _copied(m, SLOPE_BEFORE, m, SLOPE, 3)
                        energies(m, levm, rising, p, strength, opened, closed, member_ends, member_signal, gaba,
                                 relaxes, adapts, MIDDLE, False)  # fmt: skip
                        _end(m, p, lev1, rising, ind, sat, lin0, strength, opened, closed, member_ends, member_signal,
                             gaba, relaxes, adapts, induced_signal, saturable_signal, saturated)  # fmt: skip
                        adapt(m, others)
                        for s in range(substances if seen else 0):
                            of = fold + s * FOLD_ROWS
                            if end >= window_of[s, 2] - 1e-9:
                                fold_fall(m, of, levm + s, lev1 + s, window_of[s, 2])
                            inside = (begin >= window_of[s, 0] - 1e-9) & (begin < window_of[s, 1] - 1e-9)
                            fold_levels(m, of, levm + s, lev1 + s, rose + s, rising + s, counts, inside)
                        for node in range(0 if counts else 1, 2 if seen else 0):
                            read_out(
                                m, d, READ_END if node else READ_MIDDLE, END if node else MIDDLE,
                                NATURAL_END if node else NATURAL_MIDDLE, 0.0 if node else 0.5, lev1 if node else levm,
                                p, axis_signal, axis_ends, axes_top, axes_half, therapy_times, therapy,
                            )  # fmt: skip
                        if counts:
                            fold_effects(m, dosing, others)
                            if opioids:
                                fold_ventilation(m, p, rose, rising, axis_signal, axis_ends, axes_half)
                            fold_withdrawal(m, stopped)
                        if seen:
                            _copied(m, READ_BEFORE, m, READ_END, 5 if opioids else 3)
                put(d, NOW, get_of(arrive, part, 0) if part < events else alike(d, end))
                if part < events:
                    for i in range(W):
                        e = order[part, i]
                        if e >= 0:
                            dose = amounts[e, p + i if amounts.shape[1] > 1 else 0]
                            for k in range(
                                mode_of_input[event_input[e], 0], mode_of_input[event_input[e], 1]
                            ):
                                d[(z + k) * W + i] += dose
                    if len(saturated) > 0:  # what flows in jumps; every other level is continuous
                        sum_modes(m, lin1, d, z, weights, entry_ends, entry_mode, p)
                        for n in range(len(saturated)):
                            f = saturable_signal[n, 1]
                            put(m, lin0 + f, get(m, lin1 + f))
                    rise(m, d, rising, z, weights, mode_rates, entry_ends, entry_mode, p)
                    _end(m, p, lev1, rising, ind, sat, lin0, strength, opened, closed, member_ends, member_signal,
                         gaba, relaxes, adapts, induced_signal, saturable_signal, saturated)  # fmt: skip
        if abs(end) < 1e-9:
            put(m, HAZARD_ZERO, get(m, HAZARD))
        while written < len(outputs) and outputs[written] == interval + 1:
            for s in range(signals):
                put_of(kept[written], s, p, get(m, lev1 + s))
            for place in range(len(KEPT)):
                put_of(kept[written], signals + place, p, get(m, KEPT[place]))
            written += 1
    for place in range(NATURAL_MIDDLE - FOLDED):
        put_of(folded, place, p, get(m, FOLDED + place))
    for place in range(substances * FOLD_ROWS):
        put_of(levels, place, p, get(m, fold + place))


def _blocks(
    first, last, m, d, arrive, order, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced,
    saturated, axes_top, axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_ends, entry_mode,
    member_ends, member_signal, gaba, relaxes, adapts, mode_of_input, induced_signal, saturable_signal, times,
    event_time, event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs, last_dose,
    kept, folded, levels,
):  # fmt: skip
    """Run the blocks of patients `first` to `last`, multiples of `W`."""
    for p in range(first, last, W):
        _run(
            p, m, d, arrive, order, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced,
            saturated, axes_top, axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_ends, entry_mode,
            member_ends, member_signal, gaba, relaxes, adapts, mode_of_input, induced_signal, saturable_signal, times,
            event_time, event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs,
            last_dose, kept, folded, levels,
        )  # fmt: skip


def compiled(arguments: Sequence[Any]) -> tuple[Any, str, str]:
    """`_blocks` compiled for arguments like these; its name in the machine's code, and that code in words."""
    made: Any = njit(nogil=True, **EITHER)(_blocks)
    kinds = tuple(_kind(each) for each in arguments)
    made.compile(kinds)
    whole = made.overloads[kinds]
    return made, whole.fndesc.mangled_name, whole.library.get_llvm_str()


def _kind(argument: Any) -> Any:
    """The type of an argument; an array may always be written to, lest there be one more variant."""
    if isinstance(argument, np.ndarray):
        return numba.types.Array(numba.from_dtype(argument.dtype), argument.ndim, "C")
    return numba.typeof(argument)
