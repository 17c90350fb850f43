"""Means and percentiles of millions of values without keeping them: a histogram with logarithmic bins.

A value falls into the bin of its sign, exponent and first `BITS` binary digits, so that a bin is at most 1.2e-4 of
the value wide; below `LEAST` it counts as zero. Bins count in whole numbers: neither the order of patients nor their
batches change what comes out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.population import Column

AT_ONCE = 65_536
"""Values that are sorted into bins together: few values fill few of many bins."""

BITS = 13
LEAST = 1e-12

_SHIFT = 23 - BITS
_SIZE = 0x7FFFFFFF
"""All bits of a number but its sign."""
_NONE = int(np.float32(LEAST).view(np.uint32)) >> _SHIFT


class Sketch:
    """Values of a quantity over patients; NaN in those in whom it does not exist."""

    def __init__(self) -> None:
        self.number = 0
        """Patients, with those in whom it does not exist."""
        self.lowest, self.highest = np.inf, -np.inf
        self._first = 0
        self._waiting: list[NDArray[np.float32]] = []
        self._counts = np.zeros(0, np.int32)

    def add(self, values: Column) -> None:
        self.number += len(values)
        self._waiting.append(values.astype(np.float32))
        if sum(map(len, self._waiting)) >= AT_ONCE:
            self._sort()

    def _sort(self) -> None:
        """Put into bins what waits for it."""
        values = np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)
        self._waiting = []
        known = np.isfinite(values)
        if not known.all():
            values = values[known]
        if not len(values):
            return
        ends = np.array([values.min(), values.max()])
        self.lowest, self.highest = min(self.lowest, float(ends[0])), max(self.highest, float(ends[1]))
        first, last = _codes(ends).tolist()
        self._widen(first, last)
        found = np.bincount(np.subtract(_codes(values), first, dtype=np.intp))  # else it is turned into that
        self._counts[first - self._first : last - self._first + 1] += found

    def _widen(self, first: int, last: int) -> None:
        if not len(self._counts):
            self._first, self._counts = first, np.zeros(last - first + 1, np.int32)
            return
        before, after = max(self._first - first, 0), max(last - self._first - len(self._counts) + 1, 0)
        if before or after:
            self._counts = np.pad(self._counts, (before, after))
            self._first -= before

    @property
    def known(self) -> int:
        """Patients in whom it exists."""
        self._sort()
        return int(self._counts.sum())

    def _filled(self) -> tuple[Column, Column, Column]:
        """Lower and upper edges of the bins that hold anything, and how many they hold."""
        self._sort()
        filled = np.flatnonzero(self._counts)
        codes = filled + self._first
        size = np.stack([_value(np.abs(codes)), _value(np.abs(codes) + 1)])
        edges = np.sort(np.where(codes == 0, 0.0, np.sign(codes) * size), axis=0)
        low, high = np.clip(edges, self.lowest, self.highest)
        return low, high, self._counts[filled].astype(float)

    def mean(self) -> float:
        return self.moments()[0]

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation, each bin standing for its middle."""
        low, high, counts = self._filled()
        total = counts.sum()
        middle = 0.5 * (low + high)
        mean = float((counts * middle).sum() / total)
        if total < 2:
            return mean, 0.0
        return mean, float(np.sqrt((counts * (middle - mean) ** 2).sum() / (total - 1)))

    def percentiles(self, percents: tuple[float, ...]) -> Column:
        """By place among the values, which lie evenly in each bin."""
        low, high, counts = self._filled()
        until = np.cumsum(counts)
        place = np.array(percents) / 100.0 * (until[-1] - 1.0)
        bin_of = np.searchsorted(until, place, side="right")
        share = (place - (until - counts)[bin_of] + 0.5) / counts[bin_of]
        return np.asarray(low[bin_of] + np.clip(share, 0.0, 1.0) * (high - low)[bin_of])


def _codes(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Numbers of bins, in the order of values; zero for zero."""
    bits = values.view(np.int32)
    bins = np.maximum(((bits & _SIZE) >> _SHIFT) - _NONE, 0)
    return np.asarray(bins if bits.min() >= 0 else np.where(bits < 0, -bins, bins))


def _value(codes: NDArray[np.integer[Any]]) -> Column:
    """The least value of each bin above zero."""
    return np.asarray(((codes + _NONE) << _SHIFT).astype(np.uint32).view(np.float32), float)
