"""Tablets → the doses and daily patterns that can be given, whole and halved."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement, product

import numpy as np

from eutonia.knowledge.tapers import Limits
from eutonia.tapering.response import Column
from eutonia.tapering.search import Menu

MOST_TABLETS = 2.0
"""Tablets at one time in a schedule to follow at home."""

ALIKE = 3
"""Patterns of one daily total that are tried."""


def doses(strengths: Sequence[float], most_mg: float) -> dict[float, tuple[tuple[float, float], ...]]:
    """mg of one dose → the tablets it takes, as (number, strength); the fewest, whole ones before halves.

    A dose is of one strength: two kinds of tablet at one time are mistaken for each other.
    """
    found: dict[float, tuple[tuple[float, float], ...]] = {0.0: ()}
    for number in np.arange(0.5, MOST_TABLETS + 0.5, 0.5):
        for strength in sorted(strengths, reverse=True):
            mg = round(number * strength, 6)
            old = found.get(mg)
            if mg <= most_mg + 1e-9 and (old is None or _awkward(old) > _awkward(((number, strength),))):
                found[mg] = ((float(number), strength),)
    return dict(sorted(found.items()))


def _awkward(tablets: Sequence[tuple[float, float]]) -> tuple[bool, float]:
    return any(number % 1 for number, _ in tablets), sum(number for number, _ in tablets)


def written(tablets: Sequence[tuple[float, float]]) -> str:
    """“1 x 350 mg”, “½ x 350 mg”."""
    return " + ".join(f"{_count(number)} x {strength:g} mg" for number, strength in tablets)


def _count(number: float) -> str:
    whole, half = int(number), number % 1
    return f"{whole or ''}{'½' if half else ''}" or "0"


def menu(strengths: Sequence[float], hours: Sequence[float], ceiling: Column, limits: Limits | None) -> Menu:
    """Patterns of a day at or below `ceiling` (mg at each hour), within the label's limits.

    Doses that could change places are put in one order only: least at midday, most at bedtime, since sleep suffers
    first in withdrawal and a dose at night impairs no one at work.
    """
    highest = float(ceiling.max(initial=0.0))
    sizes = doses(strengths, min(limits.single_mg, highest) if limits else highest)
    rank = last_to_go(hours)
    rows = []
    for pattern in _patterns(list(sizes), rank, ceiling):
        given = np.array(pattern)
        if limits is None or (given.sum() <= limits.daily_mg + 1e-9 and (given > 0).sum() <= limits.times):
            rows.append(pattern)
    rows = _simplest(rows, sizes)
    mg = np.array(rows)
    count = np.array([[sum(n for n, _ in sizes[x]) for x in row] for row in rows]).sum(1)
    halves = np.array([[sum(n % 1 > 0 for n, _ in sizes[x]) for x in row] for row in rows]).sum(1)
    return Menu(mg, count, halves.astype(float))


def _simplest(
    rows: Sequence[tuple[float, ...]], sizes: dict[float, tuple[tuple[float, float], ...]]
) -> list[tuple[float, ...]]:
    """Of patterns with one daily total, the few that are simplest to follow; the highest totals first."""

    def effort(row: tuple[float, ...]) -> tuple[float, float, tuple[float, ...]]:
        kinds = len(set(row) - {0.0})
        return kinds, float(sum(number % 1 > 0 for mg in row for number, _ in sizes[mg])), row

    by_total: dict[float, list[tuple[float, ...]]] = {}
    for row in sorted(rows, key=effort):
        by_total.setdefault(round(sum(row), 6), []).append(row)
    return [row for total in sorted(by_total, reverse=True) for row in by_total[total][:ALIKE]]


def last_to_go(hours: Sequence[float]) -> list[int]:
    """Places of the hours, the first to be given up first: midday, then later ones, morning, bedtime."""
    order = sorted(range(len(hours)), key=lambda place: hours[place])
    inner = order[1:-1]
    return [*inner, *order[:1], *order[-1:]] if len(order) > 1 else order


def _patterns(sizes: Sequence[float], rank: Sequence[int], ceiling: Column) -> set[tuple[float, ...]]:
    alike = len({float(ceiling[place]) for place in rank}) == 1
    found = set()
    choices = combinations_with_replacement(sizes, len(rank)) if alike else product(sizes, repeat=len(rank))
    for choice in choices:
        pattern = [0.0] * len(rank)
        for place, mg in zip(rank, choice, strict=True):
            pattern[place] = mg
        if all(mg <= top + 1e-9 for mg, top in zip(pattern, ceiling, strict=True)):
            found.add(tuple(pattern))
    return found
