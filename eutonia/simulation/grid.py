"""When the engine looks: intervals between common times, the doses that may arrive in each, and the steps.

Doses and outputs fall on common times, and a patient's lag moves the arrival of a dose into an interval by a
little: each interval is cut there, for each patient at another moment. After an arrival steps begin short and
double, because levels bend sharply at first. The number of steps follows from the schedule alone, never from the
patients, so that batches change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eutonia.errors import InputError
from eutonia.simulation.population import Column

MOST_INTERVALS = 200_000

COARSEST, EARLY = 10.0, 2.5
"""The longest step, and those before a dose has arrived, as multiples of the finest."""


@dataclass(frozen=True)
class Grid:
    """Common times and what happens between them."""

    times: Column
    """[intervals + 1]"""
    output: NDArray[np.int64]
    """For each requested output time, its place among `times`."""
    event_time: Column
    event_input: NDArray[np.int64]
    amounts: Column
    """[events, n] or [events, 1]: mg of each dose, for each patient or for all."""
    may_arrive: tuple[tuple[int, ...], ...]
    """For each interval, the events that may arrive in it, at most once each over all intervals for one patient."""
    before: tuple[tuple[int, ...], ...]
    """For each interval, sizes of the steps up to the first arrival (or through it, where none may)."""
    after: tuple[tuple[int, ...], ...]
    """Sizes of the steps after each arrival."""


def build_grid(
    event_time: Column,
    event_input: NDArray[np.int64],
    amounts: Column,
    longest_lag: Sequence[float],
    outputs: Column,
    *,
    finest: float = 0.1,
) -> Grid:
    """The grid for doses at `event_time` (hours) and `outputs`. `finest` is the first step after a dose, in hours;
    every other step is a multiple of it.
    """
    coarsest, early = COARSEST * finest, EARLY * finest
    start = min(float(outputs[0]), float(event_time.min(initial=math.inf)))
    points = np.unique(np.round(np.concatenate([[start], event_time[event_time <= outputs[-1]], outputs]), 9))
    if len(points) > MOST_INTERVALS:
        raise InputError(f"{len(points):,} moments are more than {MOST_INTERVALS:,}. Ask for fewer outputs.")
    last_lag = np.array([longest_lag[i] for i in event_input]) if len(event_input) else np.zeros(0)
    lower, upper = points[:-1], points[1:]
    may, before, after = [], [], []
    recent = -math.inf
    for a, b in zip(lower, upper, strict=True):
        inside = np.nonzero((event_time < b - 1e-9) & (event_time + last_lag >= a - 1e-9))[0]
        may.append(tuple(int(e) for e in inside))
        length = float(b - a)
        if len(inside):
            recent = float(b)
            first = min(length, float(max(last_lag[inside].max(), 0.05)))
            before.append((1,) * max(1, math.ceil(first / early - 1e-9)))
            after.append(doubling(length, finest, coarsest))
        else:
            plain = min(coarsest, early * (1.0 + 0.5 * (a - recent))) if math.isfinite(recent) else coarsest
            before.append((1,) * max(1, math.ceil(length / plain - 1e-9)))
            after.append(())
    return Grid(points, np.searchsorted(points, np.round(outputs, 9)), event_time, event_input, amounts,
                tuple(may), tuple(before), tuple(after))  # fmt: skip


def doubling(length: float, finest: float, coarsest: float) -> tuple[int, ...]:
    """Relative sizes of steps that begin near `finest` and double every two steps up to `coarsest`."""
    units = max(1, math.ceil(length / finest - 1e-9))
    largest = max(1, round(coarsest / finest))
    sizes: list[int] = []
    size = 1
    while units > 0:
        for _ in range(2):
            if units > 0:
                sizes.append(size)
                units -= size
        if size * 2 <= largest:
            size *= 2
    return tuple(sizes)
