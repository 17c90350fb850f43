"""The compiled engine: patients in the lanes of the vector unit, summaries folded while it runs.

A block of `W` patients marches in step, each with steps of its own length. Everything of a block lies in two flat
arrays, row after row (`layout`), and a row is one value (`rows`). What a step does to them is in `lane_states` and
`lane_folds`. One source is compiled for both precisions: single takes two thirds of the time, and is for populations.
"""

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
    decay,
    decayed,
    deplete,
    energies,
    induce,
    rise,
    rise_induced,
    rise_saturated,
    sum_parts,
)
from eutonia.simulation.layout import (
    BEFORE,
    BEGAN,
    CLOCKS,
    END,
    FOLD_ROWS,
    FOLDED,
    HAZARD,
    HAZARD_ZERO,
    INDUCED,
    KEPT,
    LOWER,
    LOWEST,
    MIDDLE,
    NATURAL_END,
    NATURAL_MIDDLE,
    NOW,
    READ_BEFORE,
    READ_END,
    READ_MIDDLE,
    SLOPE,
    SLOPE_BEFORE,
    STEP,
    UNIT,
    UPPER,
    VENTILATION,
    W,
)
from eutonia.simulation.rows import (
    EITHER,
    INFINITE,
    alike,
    both,
    choose,
    get,
    get_of,
    lane,
    put,
    put_of,
    some,
    whole,
)


@whole
def _copied(to, first, begin, many):
    """Rows from `begin` onto those from `first`."""
    for k in range(many):
        put(to, first + k, get(to, begin + k))


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


@whole
def _settle(m, d, own, exponentials, places, begin, p):
    """What rows hold at first."""
    m[:] = 0.0
    d[:] = 0.0
    for k in range(len(own)):
        put(m, k, get_of(own, k, p))
    for k in range(len(exponentials)):
        put(d, CLOCKS + k, get_of(exponentials, k, p))
    put(d, NOW, alike(d, begin))
    for first in range(places.folds, places.stock, FOLD_ROWS):
        for place in (LOWEST, UPPER, LOWER):
            put(m, first + place, alike(m, INFINITE))


@whole
def _order(d, places, plan, first, events, begin, end):
    """When the doses arrive that may do so from `begin` to `end`, in order; those that do not, at the beginning."""
    for k in range(events):
        e = plan.may[first + k]
        at = get(d, places.lags + plan.event_input[e]) + plan.event_time[e]
        inside = both(at >= begin - 1e-9, at < end - 1e-9)
        at, which = choose(inside, max(at, begin), begin), choose(inside, alike(d, e), -1.0)
        for place in range(k):
            other, its = get(d, places.arrival + place), get(d, places.event + place)
            earlier = at < other
            put(d, places.arrival + place, choose(earlier, at, other))
            put(d, places.event + place, choose(earlier, which, its))
            at, which = choose(earlier, other, at), choose(earlier, its, which)
        put(d, places.arrival + k, at)
        put(d, places.event + k, which)


@whole
def _take(d, places, structure, plan, first, events, part, p):
    """Take the doses that arrive first after a `part` of an interval: in each patient one, or none."""
    for k in range(first, first + events):
        e = plan.may[k]
        now = get(d, places.event + part) == e
        if some(now):
            amount = get_of(plan.amounts, e, p) if plan.amounts.shape[1] > 1 else alike(d, plan.amounts[e, 0])
            dose = now * amount
            for part_of in range(len(structure.part_input)):
                if structure.part_input[part_of] == plan.event_input[e]:
                    of = places.parts + part_of
                    put(d, of, get(d, of) + dose * get(d, places.weights + part_of))


@whole
def _begin(d, places, decaying, until, total, slot, counts):
    """Begin a part of an interval that takes `total` units `until` a time: what is left of each mode after half a unit.
    Below zero, the slot is where that is to be remembered; above, where it is.
    """
    put(d, UNIT, max(until - get(d, NOW), 0.0) / total)
    if slot > 0:
        for k in range(decaying):
            put(d, places.factors + k, get(d, places.memory + slot - 1 + k))
        return
    for k in range(decaying):
        put(d, places.factors + k, decay(0.5 * get(d, UNIT) * get(d, places.rates + k)))
    if not counts:  # the course of pain begins at time zero
        for k in range(decaying - 2, decaying):
            put(d, places.factors + k, alike(d, 1.0))
    if slot < 0:
        for k in range(decaying):
            put(d, places.memory - slot - 1 + k, get(d, places.factors + k))


@lane
def _end(m, places, structure):
    """Energies and their changes where a step ends or a dose has arrived, from the changes of the linear levels."""
    for n in range(len(structure.induced_signal)):
        s = structure.induced_signal[n]
        rise_induced(m, places.rising + s, places.induced + n * INDUCED, places.end + s)
    for n in range(len(structure.saturable_signal)):
        s, f = structure.saturable_signal[n, 0], structure.saturable_signal[n, 1]
        rise_saturated(
            m, places.rising + s, places.stock + n, places.saturated + 2 * n, places.linear_end + f
        )
    energies(m, places, structure, places.end, END, True)


@lane
def _advance(m, d, places, structure, decaying, others):
    """Go on by a step: levels, energies, and what the brain makes of them."""
    decayed(m, d, places, structure, decaying)
    for n in range(len(structure.induced_signal)):
        s = structure.induced_signal[n]
        induce(m, places.induced + n * INDUCED, places.linear + s, places.linear_middle + s, places.linear_end + s,
               places.middle + s, places.end + s)  # fmt: skip
    for n in range(len(structure.saturable_signal)):
        s, f = structure.saturable_signal[n, 0], structure.saturable_signal[n, 1]
        deplete(m, places.stock + n, places.saturated + 2 * n, places.linear + f, places.linear_middle + f,
                places.middle + s, places.end + s)  # fmt: skip
    _copied(m, BEFORE, END, 3)
    _copied(m, SLOPE_BEFORE, SLOPE, 3)
    energies(m, places, structure, places.middle, MIDDLE, False)
    _end(m, places, structure)
    adapt(m, others)


@lane
def _fold(m, d, places, structure, plan, begin, end, others):
    """Read out a step of the interval from `begin` to `end`, and add it to the folds."""
    counts, opioids = begin >= -1e-9, structure.axis_ends[2] > structure.axis_ends[1]
    for s in range(len(plan.windows)):
        of, middle, last = places.folds + s * FOLD_ROWS, places.middle + s, places.end + s
        start, stop, dose = plan.windows[s, 0], plan.windows[s, 1], plan.windows[s, 2]
        if end >= dose - 1e-9:
            fold_fall(m, of, middle, last, dose)
        inside = (begin >= start - 1e-9) & (begin < stop - 1e-9)
        fold_levels(m, of, middle, last, places.rose + s, places.rising + s, counts, inside)
    if counts:
        read_out(m, d, places, structure, READ_MIDDLE, MIDDLE, NATURAL_MIDDLE, 0.5, places.middle)
    read_out(m, d, places, structure, READ_END, END, NATURAL_END, 0.0, places.end)
    if counts:
        fold_effects(m, begin < plan.spans[0] - 1e-9, others)
        if opioids:
            fold_ventilation(m, places, structure)
        fold_withdrawal(m, end > plan.spans[1] - 1e-9)
    _copied(m, READ_BEFORE, READ_END, 3)
    if opioids:
        _copied(m, READ_BEFORE + VENTILATION, READ_END + VENTILATION, 2)


@lane
def _arrived(m, d, places, structure):
    """Changes and energies after doses have arrived."""
    if len(structure.saturable_signal) > 0:  # what flows in jumps; every other level is continuous
        sum_parts(m, d, places, structure)
    rise(m, d, places, structure)
    _end(m, places, structure)


@lane
def _keep(m, places, found, written, p):
    """Keep the states at an output."""
    signals = places.rising - places.rose
    for s in range(signals):
        put_of(found.kept[written], s, p, get(m, places.end + s))
    for place in range(len(KEPT)):
        put_of(found.kept[written], signals + place, p, get(m, KEPT[place]))


@lane
def _march(m, d, places, structure, plan, number, until, begin, end):
    """March through a part of the interval from `begin` to `end`, `until` a dose arrives."""
    low, high = (0 if number == 0 else plan.size_ends[number - 1]), plan.size_ends[number]
    if high == low:
        return
    total = 0
    for k in range(low, high):
        total += plan.sizes[k]
    decaying, others = places.weights - places.rates, not structure.gaba.all()
    _begin(d, places, decaying, until, total, plan.slots[number], begin >= -1e-9)
    reached = 1
    for k in range(low, high):
        while reached < plan.sizes[k]:
            _squared(d, places.factors, decaying)
            reached *= 2
        _clocks(m, d, plan.sizes[k])
        _advance(m, d, places, structure, decaying, others)
        if end >= -1e-9:  # what comes before time zero is read out where the first step that counts begins
            _fold(m, d, places, structure, plan, begin, end, others)


@lane
def _run(p, m, d, own, exponentials, places, structure, plan, found):
    """March one block of patients, `p` to `p + W`, through the whole grid."""
    written = number = 0
    _settle(m, d, own, exponentials, places, plan.times[0], p)
    for interval in range(-1, len(plan.times) - 1):
        begin, end = plan.times[max(interval, 0)], plan.times[interval + 1]
        first = 0 if interval <= 0 else plan.may_ends[interval - 1]
        events = 0 if interval < 0 else plan.may_ends[interval] - first
        if interval >= 0:
            _order(d, places, plan, first, events, begin, end)
            for part in range(events + 1):
                until = get(d, places.arrival + part) if part < events else alike(d, end)
                _march(m, d, places, structure, plan, number, until, begin, end)
                number += 1
                put(d, NOW, until)
                if part < events:
                    _take(d, places, structure, plan, first, events, part, p)
                    _arrived(m, d, places, structure)
        if abs(end) < 1e-9:
            put(m, HAZARD_ZERO, get(m, HAZARD))
        while written < len(plan.outputs) and plan.outputs[written] == interval + 1:
            _keep(m, places, found, written, p)
            written += 1
    for place in range(NATURAL_MIDDLE - FOLDED):
        put_of(found.folded, place, p, get(m, FOLDED + place))
    for place in range(len(found.levels)):
        put_of(found.levels, place, p, get(m, places.folds + place))


def _blocks(first, last, m, d, own, exponentials, places, structure, plan, found):
    """Run the blocks of patients `first` to `last`, multiples of `W`."""
    for p in range(first, last, W):
        _run(p, m, d, own, exponentials, places, structure, plan, found)


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
    if isinstance(argument, tuple):
        return numba.types.BaseTuple.from_types([_kind(each) for each in argument], type(argument))
    return numba.typeof(argument)
