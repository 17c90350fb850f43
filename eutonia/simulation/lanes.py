"""The compiled engine: patients in the lanes of the vector unit, summaries folded while it runs.

A block of `W` patients marches in step, each with steps of its own length. Everything of a block lies in two flat
arrays, row after row (`layout`), so that the compiler can prove the rows apart and puts them into vector registers.
What a step does to them is in `lane_states` and `lane_folds`. One source is compiled for both precisions (`width`):
single takes half the time, and is for populations.
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

from eutonia.simulation.lane_folds import fold_effects, fold_fall, fold_levels, fold_withdrawal, read_out
from eutonia.simulation.lane_states import adapt, deplete, energies, halves, induce, sum_modes
from eutonia.simulation.layout import (
    BEGAN,
    CLOCKS,
    EASED,
    END,
    ENERGY,
    ENERGY_BEFORE,
    FIXED,
    FOLD_ROWS,
    FOLDED,
    HAZARD,
    HAZARD_ZERO,
    INDUCED,
    KEPT,
    LAST_DOSE,
    LEVEL_TIMES,
    LOWER,
    LOWEST,
    MIDDLE,
    NATURAL_END,
    NATURAL_MIDDLE,
    NOW,
    ONSET,
    OTHER,
    OTHER_BEFORE,
    PAIN_REST,
    READ_BEFORE,
    READ_END,
    READ_MIDDLE,
    STEP,
    TIMES,
    UNIT,
    UPPER,
    W_ONSET,
    W,
)
from eutonia.simulation.rows import EITHER, INFINITE, add, copied, lane, multiplied, row


@lane
def _run(
    p, m, d, arrive, order, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced, saturated,
    axes_top, axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_ends, entry_mode, member_site,
    member_signal, gaba, relaxes, adapts, mode_of_input, induced_signal, saturable_signal, times, event_time,
    event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs, last_dose, kept, folded,
    moments, levels, level_moments,
):  # fmt: skip
    """March one block of patients, `p` to `p + W`, through the whole grid."""
    lin0, linm, lin1, levm, lev1, site, fold, ind, sat, times_of, z, hf, memory = places
    signals, substances, others = lin1 - linm, len(window_of), not gaba.all()
    decaying = len(mode_rates)
    pain = decaying - 2
    m[:] = 0.0
    d[:] = 0.0
    for place in range(FIXED):
        for i in range(W):
            m[place * W + i] = fixed[place, p + i]
    for k in range(2):
        for i in range(W):
            d[(z + pain + k) * W + i] = fixed[FIXED + k, p + i]
    for k in range(len(induced)):
        for place in range(INDUCED):
            for i in range(W):
                m[(ind + k * INDUCED + place) * W + i] = induced[k, place, p + i]
    for s in range(substances):
        for i in range(W):
            m[(fold + s * FOLD_ROWS + LOWEST) * W + i] = INFINITE
            d[(times_of + s * LEVEL_TIMES + UPPER) * W + i] = INFINITE
            d[(times_of + s * LEVEL_TIMES + LOWER) * W + i] = INFINITE
    for i in range(W):
        d[NOW * W + i] = times[0]
        d[LAST_DOSE * W + i] = last_dose[p + i]
        d[ONSET * W + i] = INFINITE
        d[W_ONSET * W + i] = INFINITE
    state, factors = d[z * W : (z + decaying) * W], d[hf * W : (hf + decaying) * W]
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
                    for i in range(W):
                        until = arrive[part, i] if part < events else end
                        d[UNIT * W + i] = max(until - d[NOW * W + i], 0.0) / total
                    if slot > 0:  # as in the interval before that was like this one
                        at = memory + slot - 1
                        copied(factors, d[at * W : (at + decaying) * W])
                    else:
                        for k in range(decaying):
                            halves(d, hf + k, mode_rates, k, p)
                        if not counts:  # the course of pain begins at time zero
                            for k in range(2):
                                for i in range(W):
                                    d[(hf + pain + k) * W + i] = 1.0
                        if slot < 0:
                            at = memory - slot - 1
                            copied(d[at * W : (at + decaying) * W], factors)
                    reached = 1
                    for k in range(low, high):
                        while reached < sizes[k]:
                            multiplied(factors, factors)
                            reached *= 2
                        for i in range(W):
                            h = d[UNIT * W + i] * sizes[k]
                            m[STEP * W + i] = h
                            d[BEGAN * W + i] = d[NOW * W + i]
                            d[NOW * W + i] += h
                        multiplied(state, factors)
                        sum_modes(m, linm, d, z, weights, entry_ends, entry_mode, p)
                        copied(row(m, NATURAL_MIDDLE), row(m, PAIN_REST))
                        add(row(m, NATURAL_MIDDLE), row(d, z + pain))
                        add(row(m, NATURAL_MIDDLE), row(d, z + pain + 1))
                        multiplied(state, factors)
                        sum_modes(m, lin1, d, z, weights, entry_ends, entry_mode, p)
                        copied(row(m, NATURAL_END), row(m, PAIN_REST))
                        add(row(m, NATURAL_END), row(d, z + pain))
                        add(row(m, NATURAL_END), row(d, z + pain + 1))
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
                                     member_signal, gaba, relaxes, adapts, END if node else MIDDLE)  # fmt: skip
                        adapt(m, others)
                        for s in range(substances if seen else 0):
                            of, at = fold + s * FOLD_ROWS, times_of + s * LEVEL_TIMES
                            if end >= window_of[s, 2] - 1e-9:
                                fold_fall(m, d, of, at, lev1 + s, window_of[s, 2])
                            inside = (begin >= window_of[s, 0] - 1e-9) & (begin < window_of[s, 1] - 1e-9)
                            fold_levels(m, d, of, at, levm + s, lev1 + s, counts, inside)
                        for node in range(0 if counts else 1, 2 if seen else 0):
                            read_out(
                                m, d, READ_END if node else READ_MIDDLE, END if node else MIDDLE,
                                NATURAL_END if node else NATURAL_MIDDLE, 0.0 if node else 0.5, lev1 if node else levm,
                                p, axis_signal, axis_ends, axes_top, axes_half, therapy_times, therapy,
                            )  # fmt: skip
                        if counts:
                            fold_effects(m, d, dosing)
                            fold_withdrawal(m, d, stopped)
                        if seen:
                            copied(
                                m[READ_BEFORE * W : (READ_BEFORE + 4) * W],
                                m[READ_END * W : (READ_END + 4) * W],
                            )
                for i in range(W):
                    d[NOW * W + i] = arrive[part, i] if part < events else end
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
    for place in range(CLOCKS - TIMES):
        for i in range(W):
            moments[place, p + i] = d[(TIMES + place) * W + i]
    for place in range(substances * LEVEL_TIMES):
        for i in range(W):
            level_moments[place, p + i] = d[(times_of + place) * W + i]


def _blocks(
    first, last, m, d, arrive, order, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced,
    saturated, axes_top, axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_ends, entry_mode,
    member_site, member_signal, gaba, relaxes, adapts, mode_of_input, induced_signal, saturable_signal, times,
    event_time, event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs, last_dose,
    kept, folded, moments, levels, level_moments,
):  # fmt: skip
    """Run the blocks of patients `first` to `last`, multiples of `W`."""
    for p in range(first, last, W):
        _run(
            p, m, d, arrive, order, places, fixed, mode_rates, lags, weights, strength, opened, closed, induced,
            saturated, axes_top, axes_half, axis_signal, axis_ends, therapy_times, therapy, entry_ends, entry_mode,
            member_site, member_signal, gaba, relaxes, adapts, mode_of_input, induced_signal, saturable_signal, times,
            event_time, event_input, amounts, may, may_ends, sizes, size_ends, slots, window_of, spans, outputs,
            last_dose, kept, folded, moments, levels, level_moments,
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
