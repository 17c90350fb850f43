"""When the engine looks: intervals between common times, the doses that may arrive in each, and the steps.

Outputs fall on common times, and so does a dose at least once a day. A patient's lag moves the arrival of a dose into
an interval by a little: each interval is cut there, for each patient at another moment. A dose that arrives before the
next one in everybody need not cut one of its own. After an arrival steps begin short and
double, because levels bend sharply at first. The number of steps follows from the schedule alone, never from the
patients, so that batches change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from eutonia.errors import InputError
from eutonia.simulation.population import Column
from eutonia.simulation.schedule import DAY

MOST_INTERVALS = 200_000

COARSEST, EARLY, NONLINEAR = 15.0, 7.5, 2.5
"""The longest step on a day with doses, that before a dose has arrived, and that where elimination saturates, by the
resolution."""

LONGEST, QUIET = 40.0, 16.0
"""The longest step of all, by the resolution, and how many hours a dose must lie back for each hour of one so long."""

GRADED, FIRST, STANDARD = (1, 2, 4, 8, 16), 0.9, 0.2
"""Steps after a dose at the standard resolution, as multiples of the first; the first, by the resolution; and what
that is, in hours. Levels bend most at first, and turn within a few hours. Half of it splits every step in two."""

FIRST_NONLINEAR = 0.15
"""The first where elimination saturates: a drink is absorbed fast, and felt at once."""

RECENT, COARSER = 120.0, 4.0
"""Hours before time zero until which the use so far is run in by steps that are so many times as long: what they are
off by has evened out, or is of the slowest states, by then."""

FULL = 0.88
"""Part of an interval that steps must fill at their own size; they are stretched over the rest."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Intervals between common times, what may arrive in them, and their steps: the same for all patients."""

    times: Column
    """[intervals + 1]"""
    output: NDArray[np.int64]
    """For each requested output time, its place among `times`."""
    may_arrive: tuple[tuple[int, ...], ...]
    """For each interval, the events that may arrive in it, at most once each over all intervals for one patient."""
    sizes: tuple[tuple[tuple[int, ...], ...], ...]
    """For each interval, sizes of the steps of its parts: up to the first arrival, from each to the next, after the
    last."""
    kinds: tuple[Hashable, ...]
    """For each interval, what its steps follow from: intervals of one kind have the same steps in a patient."""

    @cached_property
    def parts(self) -> list[tuple[int, ...]]:
        """Sizes of the steps of each part of each interval."""
        return [part for parts in self.sizes for part in parts]

    @cached_property
    def number(self) -> int:
        """Steps of each patient."""
        return sum(len(part) for part in self.parts)

    @cached_property
    def arriving(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Events that may arrive, and where those of each interval end."""
        return _flat(self.may_arrive)

    @cached_property
    def marched(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sizes of steps, and where those of each part end."""
        return _flat(self.parts)


@dataclass(frozen=True)
class Grid:
    """Steps, and the doses taken."""

    steps: Steps
    event_time: Column
    event_input: NDArray[np.int64]
    amounts: Column
    """[events, n] or [events, 1]: mg of each dose, for each patient or for all."""

    @property
    def times(self) -> Column:
        return self.steps.times

    @property
    def output(self) -> NDArray[np.int64]:
        return self.steps.output


def build_grid(
    event_time: Column,
    event_input: NDArray[np.int64],
    amounts: Column,
    longest_lag: Sequence[float],
    outputs: Column,
    *,
    finest: float = STANDARD,
    saturable: bool = False,
) -> Grid:
    """The grid for doses at `event_time` (hours) and `outputs`. Steps are in proportion to the resolution `finest`, in
    hours. `saturable` says whether the elimination of anything saturates.
    """
    event_input = event_input.astype(np.int64)
    steps = _steps(event_time.astype(float).tobytes(), event_input.tobytes(), tuple(longest_lag),
                   np.asarray(outputs, float).tobytes(), finest, saturable)  # fmt: skip
    return Grid(steps, event_time, event_input, amounts)


@lru_cache(maxsize=64)
def _steps(
    event_bytes: bytes, input_bytes: bytes, longest_lag: tuple[float, ...], output_bytes: bytes, finest: float,
    saturable: bool,
) -> Steps:  # fmt: skip
    """From plain values, so that the batches of one simulation share them."""
    event_time, event_input = np.frombuffer(event_bytes), np.frombuffer(input_bytes, np.int64)
    outputs = np.frombuffer(output_bytes)
    start = min(float(outputs[0]), float(event_time.min(initial=math.inf)))
    lags = np.asarray(longest_lag, float)[event_input]
    cut = event_time[(event_time <= outputs[-1]) & ~_joined(event_time, lags, outputs)]
    points = distinct(np.round(np.concatenate([[start], cut, outputs]), 9))
    if len(points) > MOST_INTERVALS:
        raise InputError(f"{len(points):,} moments are more than {MOST_INTERVALS:,}. Ask for fewer outputs.")
    may = _arriving(event_time, event_time + lags, points)
    source, moment, lag = event_input.tolist(), event_time.tolist(), lags.tolist()
    sizes, kinds = [], []
    recent = -math.inf
    for a, b, events in zip(points[:-1].tolist(), points[1:].tolist(), may, strict=True):
        due = [lag[e] for e in events if moment[e] <= a + 1e-9]
        later = [(moment[e], lag[e]) for e in events[len(due) :]]
        fine = finest if b > -RECENT else COARSER * finest
        sizes.append(_between(a, b, due, later, recent, fine, saturable))
        if events:
            recent = b
        kinds.append((
            round(b - a, 6), (a < -1e-9) + (b <= -RECENT), sizes[-1][0],
            tuple((source[e], round(moment[e] - a, 6)) for e in events),
        ))  # fmt: skip
    return Steps(
        points, np.searchsorted(points, np.round(outputs, 9)), tuple(may), tuple(sizes), tuple(kinds)
    )


def _between(
    a: float, b: float, due: Sequence[float], later: Sequence[tuple[float, float]], recent: float, finest: float,
    saturable: bool,
) -> tuple[tuple[int, ...], ...]:  # fmt: skip
    """Sizes of the steps of each part of the interval from `a` to `b`: `due` are the longest lags of doses that were
    taken by `a`, `later` the times and longest lags of those that arrive after them, one by one.
    """
    coarsest, early = (NONLINEAR if saturable else COARSEST) * finest, EARLY * finest
    times, parts = [time for time, _ in later], []
    if due:
        latest, delayed = min(b - a, max(*due, 0.05)), max(due) > 0.0
        parts = [even(latest, early) if delayed else ()]
        parts += [graded(latest, finest, coarsest, saturable) if delayed else ()] * (len(due) - 1)
        times = [a, *times]
    else:
        since = max(a - recent, 0.0)
        plain = coarsest  # before any dose
        if math.isfinite(since):
            plain = min(coarsest, early * (1.0 + 0.5 * since))
            plain = max(plain, stretched(since, finest, coarsest, saturable))
        length = (sum(later[0]) if later else b) - a
        quiet = math.isfinite(since) and not later and not saturable
        parts = [relaxed(length, since, plain, finest) if quiet else even(length, plain)]
    parts += [graded(y - x, finest, coarsest, saturable) for x, y in pairwise([*times, b])]
    return tuple(parts)


def _joined(event_time: Column, lags: Column, outputs: Column) -> NDArray[np.bool_]:
    """Which events need no common time of their own: each arrives, in everybody, after all before it and before the
    next event or output. Where no output lies within a day before it, the first of a day needs one none the less, so
    that intervals stay alike and short.
    """
    latest = event_time + lags + 1e-6
    before = np.concatenate([[-math.inf], np.maximum.accumulate(latest)[:-1]])
    following = np.concatenate([event_time[1:], [math.inf]])
    place = np.searchsorted(outputs, event_time - 1e-6)
    output = np.concatenate([[-math.inf], outputs, [math.inf]])
    alone = (lags > 0.0) & (before <= event_time) & (latest <= np.minimum(following, output[place + 1]))
    day = np.floor((event_time - event_time.min(initial=0.0)) / DAY)
    return np.asarray(alone & ((np.diff(day, prepend=-1.0) == 0.0) | (event_time - output[place] < DAY)))


def _arriving(event_time: Column, latest: Column, points: Column) -> list[tuple[int, ...]]:
    """For each interval between `points`, the events that may arrive in it, at their time or as late as `latest`."""
    first = np.searchsorted(points[1:], event_time + 1e-9, side="right").tolist()
    end = np.searchsorted(points[:-1], latest + 1e-9, side="right").tolist()
    may: list[list[int]] = [[] for _ in points[1:]]
    for event, (begin, stop) in enumerate(zip(first, end, strict=True)):
        for interval in range(begin, stop):
            may[interval].append(event)
    return [tuple(events) for events in may]


def distinct(values: Column) -> Column:
    """Values ascending, each once. NumPy's own loads a part of NumPy of which nothing else is needed."""
    values = np.sort(values)
    return np.asarray(values[np.diff(values, prepend=-math.inf) > 0.0])


def _flat(groups: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Members of all groups in a row, and where each group ends."""
    ends = np.cumsum([len(group) for group in groups]).astype(np.int64)
    return np.array([member for group in groups for member in group], np.int64), ends


def even(length: float, longest: float) -> tuple[int, ...]:
    """Equal steps no longer than `longest`."""
    return (1,) * max(1, math.ceil(length / longest - 1e-9))


def relaxed(length: float, since: float, first: float, finest: float) -> tuple[int, ...]:
    """Relative sizes of steps that begin with `first`, so many hours after a dose, and double as it recedes."""
    units = math.ceil(length / first - 1e-9)
    sizes: list[int] = []
    while sum(sizes) < units:
        most = stretched(since + sum(sizes) * first, finest, first, saturable=False) / first
        sizes.append(min(2 ** int(math.log2(most)), units - sum(sizes)))
    return tuple(sorted(sizes))


@lru_cache(1024)
def graded(length: float, finest: float, coarsest: float, saturable: bool = False) -> tuple[int, ...]:
    """Relative sizes of steps that begin short and grow: powers of two. A resolution so many times finer than the
    standard one splits each of its steps into so many.
    """
    if finest < STANDARD:
        share = finest / STANDARD
        return tuple(
            size
            for size in graded(length, STANDARD, coarsest / share, saturable)
            for _ in range(round(1.0 / share))
        )
    first = (FIRST_NONLINEAR if saturable else FIRST) * finest
    units, largest = FULL * length / first, 2 ** int(math.log2(max(coarsest / first, 1.0)))
    sizes: list[int] = []
    while not sizes or sum(sizes) < units:
        if len(sizes) < len(GRADED):
            sizes.append(min(GRADED[len(sizes)], largest))
        else:
            most = stretched(sum(sizes) * first, finest, coarsest, saturable)
            sizes.append(2 ** int(math.log2(max(most / first, 1.0) + 1e-9)))
    while sizes[-1] > 1 and sum(sizes) - sizes[-1] // 2 >= units:
        sizes[-1] //= 2
    return tuple(sorted(sizes))


def stretched(since: float, finest: float, coarsest: float, saturable: bool) -> float:
    """The longest step so many hours after a dose: later, when little changes any more, a share of what has passed."""
    return coarsest if saturable else max(coarsest, min(since / QUIET / STANDARD, LONGEST) * finest)
