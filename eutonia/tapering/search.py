"""Finds the schedule with the least loss: a beam search forward through the days, then single changes to the best.

A schedule is a falling chain of daily patterns (mg at each hour of the clock), each held for some days. Going forward
block by block, every pattern that is nowhere above the one before is tried from every state that was kept. Of those
that have come to the same daily total, the few are kept whose loss so far is least, with and without the debt that the
brain still has to pay. A chain is dropped once its loss so far exceeds the best finished one, which is sound because
every part of the loss only grows. Dynamic programming alone would need one number for the state; the state is a
distribution over patients, so the beam keeps several. The tests hold the result against brute force on small cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from eutonia.errors import InputError
from eutonia.knowledge.tapers import Search, Weights
from eutonia.tapering.response import Column, Response, State

KEPT = 12
"""States kept for each band of daily totals."""

BANDS = 16
"""Bands of daily totals, from what is taken now down to nothing."""

SHORT_TAIL = 5
"""Days after the last dose that are simulated while searching; withdrawal peaks within them."""

REFINED = 3
"""Rounds of single changes."""


@dataclass(frozen=True)
class Chain:
    """A schedule: patterns (rows of the menu) and the days that each is held."""

    steps: tuple[tuple[int, int], ...]

    @property
    def days(self) -> int:
        return sum(days for _, days in self.steps)

    def then(self, pattern: int, days: int) -> Chain:
        if self.steps and self.steps[-1][0] == pattern:
            return Chain((*self.steps[:-1], (pattern, self.steps[-1][1] + days)))
        return Chain((*self.steps, (pattern, days)))


@dataclass(frozen=True)
class Start:
    """What is taken now, mg at each hour, and by how much a day's total may fall at once, in mg."""

    mg: Column
    largest_cut: float


@dataclass(frozen=True)
class Menu:
    """The patterns of a day that may be given: [patterns, hours] mg, with the tablets and halves they take."""

    mg: Column
    tablets: Column
    halves: Column

    @property
    def total(self) -> Column:
        return np.asarray(self.mg.sum(1))

    def below(self, pattern: int | None, start: Start) -> NDArray[np.int64]:
        """Patterns that are at no hour above `pattern` (None: above `start`), itself too, but not nothing at all.

        None is more than the largest cut below it, except where the label's limits leave no choice.
        """
        ceiling = start.mg if pattern is None else self.mg[pattern]
        fits = (self.mg <= ceiling + 1e-9).all(1) & (self.total > 0)
        if pattern is None:
            fits &= self.total < start.mg.sum() - 1e-9
        lowest = ceiling.sum() - start.largest_cut
        enough = fits & (self.total >= lowest - 1e-9)
        if pattern is None and not enough.any() and fits.any():
            enough = fits & (self.total == self.total[fits].max())
        return np.flatnonzero(enough)


@dataclass(frozen=True)
class Loss:
    """What a schedule costs, of states after it or in the middle of it."""

    weights: Weights
    search: Search

    def of(self, state: State, chains: Sequence[Chain], menu: Menu, changed: int = 1) -> Column:
        """[schedules]. `changed` counts the stop at the end of a finished chain."""
        return np.asarray(
            self.felt(state.peak, state.area)
            + self.weights.impaired * state.impaired.mean(-1)
            + np.array([self.burden(c, menu, changed) for c in chains])
        )

    def felt(self, peak: Column, area: Column) -> Column:
        """What is felt, of [..., patients]: the peak in the middle as much as in those who have most, and the area.

        The worst peak alone may be that of a first cut that the label's limits force, whatever comes after it.
        """
        q = self.search.percentile
        highest = 0.5 * (np.median(peak, axis=-1) + np.percentile(peak, q, axis=-1))
        return np.asarray(self.weights.peak * highest + self.weights.area * np.percentile(area, q, axis=-1))

    def burden(self, chain: Chain, menu: Menu, changed: int = 1) -> float:
        """What following it costs, whatever is felt."""
        w = self.weights
        tablets = sum(days * menu.tablets[p] for p, days in chain.steps)
        halves = sum(days * menu.halves[p] for p, days in chain.steps)
        return float(
            w.day * chain.days
            + w.change * (len(chain.steps) - 1 + changed)
            + w.tablet * tablets
            + w.half * halves
        )


@dataclass(frozen=True)
class Found:
    """The best chain, the best of each length, and how many were tried."""

    best: Chain
    loss: float
    by_length: dict[int, tuple[Chain, float]]
    tried: int

    def shortlist(self, most: int, days: float = np.inf) -> list[Chain]:
        """The most promising chains of at most so many days, best first."""
        fitting = [pair for length, pair in self.by_length.items() if length <= days]
        return [chain for chain, _ in sorted(fitting, key=lambda pair: pair[1])[:most]]


Progress = Callable[[float], None]


def find(
    response: Response,
    state: State,
    start: Start,
    menu: Menu,
    loss: Loss,
    *,
    hold: int,
    most_days: int,
    seeds: Sequence[Chain] = (),
    progress: Progress = lambda done: None,
) -> Found:
    """The best chain of at most `most_days` from `state` (one schedule) and the doses `start` taken so far.

    `seeds` are finished chains to hold it against from the beginning, such as schedules in print.

    Raises InputError where so few days do not suffice for the largest cut allowed.
    """
    finals: dict[int, tuple[Chain, float]] = {}
    chains, states, tried = [Chain(())], state, len(seeds)
    if seeds:
        ends = loss.of(evaluate(response, state, seeds, menu, SHORT_TAIL), seeds, menu)
        _record(finals, seeds, ends)
    best = min((value for _, value in finals.values()), default=np.inf)
    for day in range(0, most_days + 1, hold):
        done = [k for k, chain in enumerate(chains) if _last(chain, menu, start) <= start.largest_cut + 1e-9]
        if done:
            stopped = [chains[k] for k in done]
            ends = loss.of(response.tail(states.at(done), SHORT_TAIL), stopped, menu)
            _record(finals, stopped, ends)
            best = min(best, float(ends.min()))
        progress(0.8 * day / max(most_days, 1))
        if day + hold > most_days:
            break
        parents, patterns = _options(chains, menu, start)
        if not parents:
            break
        tried += len(parents)
        doses = np.broadcast_to(menu.mg[patterns], (hold, len(parents), menu.mg.shape[1]))
        grown = response.days(states.at(parents), doses)
        longer = [chains[p].then(int(q), hold) for p, q in zip(parents, patterns, strict=True)]
        keep = _kept(grown, longer, loss, menu, best)
        if not keep:
            break
        chains, states = [longer[k] for k in keep], grown.at(keep)
    if not finals:
        raise InputError(
            f"No schedule of at most {most_days} days stops this dose by cuts of at most {start.largest_cut:g} mg a "
            "day. Allow more days."
        )
    chain, value, more = _refined(
        response, state, start, menu, loss, finals, hold=hold, most_days=most_days, progress=progress
    )
    return Found(chain, value, finals, tried + more)


def _last(chain: Chain, menu: Menu, start: Start) -> float:
    """The daily total from which a chain would be stopped."""
    return float(menu.total[chain.steps[-1][0]] if chain.steps else start.mg.sum())


def _options(chains: Sequence[Chain], menu: Menu, start: Start) -> tuple[list[int], NDArray[np.int64]]:
    parents: list[int] = []
    patterns: list[int] = []
    for number, chain in enumerate(chains):
        allowed = menu.below(chain.steps[-1][0] if chain.steps else None, start)
        parents += [number] * len(allowed)
        patterns += [int(p) for p in allowed]
    return parents, np.array(patterns, np.int64)


def _record(finals: dict[int, tuple[Chain, float]], chains: Sequence[Chain], losses: Column) -> None:
    """Keep the best of each length."""
    for chain, value in zip(chains, losses, strict=True):
        if value < finals.get(chain.days, (chain, np.inf))[1]:
            finals[chain.days] = (chain, float(value))


def _kept(grown: State, chains: Sequence[Chain], loss: Loss, menu: Menu, best: float) -> list[int]:
    """The few to go on from, for each daily total."""
    so_far = loss.of(grown, chains, menu, changed=1)
    debt = np.percentile(grown.fast + grown.slow + grown.withdrawal, loss.search.percentile, axis=-1)
    foreseen = so_far + loss.weights.peak * 0.5 * debt
    totals = np.array([menu.total[chain.steps[-1][0]] for chain in chains])
    bands = np.ceil(BANDS * totals / menu.total.max())
    kept: dict[int, None] = {}
    for band in np.unique(bands):
        here = np.flatnonzero((bands == band) & (so_far < best))
        for ranking in (so_far, foreseen):
            for k in here[np.argsort(ranking[here], kind="stable")][: KEPT // 2]:
                kept[int(k)] = None
    return sorted(kept)


def evaluate(response: Response, state: State, chains: Sequence[Chain], menu: Menu, tail: int) -> State:
    """Where each whole chain leads, `tail` days after the last dose of the longest."""
    longest = max(chain.days for chain in chains)
    doses = np.zeros((longest, len(chains), menu.mg.shape[1]))
    for number, chain in enumerate(chains):
        doses[: chain.days, number] = as_doses(chain, menu)
    begun = state.at(np.zeros(len(chains), np.int64))
    return response.tail(response.days(begun, doses), tail)


def chain_of(doses: Column, menu: Menu, start: Start) -> Chain | None:
    """Rows of doses as a chain; None where a row is not on the menu, or a cut is larger than may be."""
    chain = Chain(())
    for row in doses:
        match = np.flatnonzero(np.abs(menu.mg - row).max(1) < 1e-6)
        last = chain.steps[-1][0] if chain.steps else None
        if not len(match) or int(match[0]) not in menu.below(last, start):
            return None
        chain = chain.then(int(match[0]), 1)
    return chain if _last(chain, menu, start) <= start.largest_cut + 1e-9 else None


def as_doses(chain: Chain, menu: Menu) -> Column:
    """[days, hours] mg."""
    rows = [p for p, days in chain.steps for _ in range(days)]
    return menu.mg[rows]


def _refined(
    response: Response,
    state: State,
    start: Start,
    menu: Menu,
    loss: Loss,
    finals: dict[int, tuple[Chain, float]],
    *,
    hold: int,
    most_days: int,
    progress: Progress,
) -> tuple[Chain, float, int]:
    """The best finished chain after single changes, as long as one of them helps."""
    best, value = min(finals.values(), key=lambda pair: pair[1])
    tried = 0
    for round_number in range(REFINED):
        near = neighbours(best, menu, start, hold=hold, most_days=most_days)
        if not near:
            break
        tried += len(near)
        losses = loss.of(evaluate(response, state, near, menu, SHORT_TAIL), near, menu)
        _record(finals, near, losses)
        progress(0.8 + 0.2 * (round_number + 1) / REFINED)
        place = int(losses.argmin())
        if losses[place] >= value - 1e-9:
            break
        best, value = near[place], float(losses[place])
    return best, value, tried


def neighbours(chain: Chain, menu: Menu, start: Start, *, hold: int, most_days: int) -> list[Chain]:
    """Chains that differ in the length of one or two steps, or in one pattern, or by one step more or less."""
    steps = chain.steps
    found: dict[tuple[tuple[int, int], ...], None] = {}

    def add(changed: Sequence[tuple[int, int]]) -> None:
        kept = tuple(changed)
        allowed = all(
            b != a and b in menu.below(a, start)
            for a, b in pairwise([None, *(p for p, _ in kept)])
            if b is not None
        )
        falls = allowed and menu.total[kept[-1][0]] <= start.largest_cut + 1e-9 if kept else False
        lengths = [days for _, days in kept]
        if kept != steps and falls and min(lengths) >= hold and sum(lengths) <= most_days:
            found[kept] = None

    for i, (pattern, days) in enumerate(steps):
        for by in (-1, 1):
            add([*steps[:i], (pattern, days + by), *steps[i + 1 :]])
            for j, (other, length) in enumerate(steps):
                if j != i:
                    moved = list(steps)
                    moved[i], moved[j] = (pattern, days + by), (other, length - by)
                    add(moved)
        add([*steps[:i], *steps[i + 1 :]])
        for other in range(len(menu.mg)):
            if menu.total[other] > 0:
                add([*steps[:i], (other, days), *steps[i + 1 :]])
                add([*steps[:i], (other, hold), (pattern, days), *steps[i + 1 :]])
    return [Chain(kept) for kept in found]
