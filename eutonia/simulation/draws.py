"""Chance: standard draws, each a function of seed, name of the figure and number of the patient alone.

So neither the order of patients, nor batches, nor threads, nor another drug in the plan change anyone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from eutonia.simulation.population import Column


@dataclass(frozen=True)
class Draws:
    """Standard draws by name, for patients `first` to `first + number`."""

    seed: int
    first: int
    number: int

    def uniform(self, name: str) -> Column:
        return self._stream(name)[:, 0]

    def normal(self, name: str) -> Column:
        """By Box and Muller, so that each patient takes the same two numbers of the stream.

        In single precision, where NumPy works out logarithms and cosines many at a time: right to 1e-6.
        """
        pair = self._stream(name)
        left = (1.0 - pair[:, 0]).astype(np.float32)  # above 0, for the numbers of the stream are below 1
        turn = (2.0 * np.pi * pair[:, 1]).astype(np.float32)
        return (np.sqrt(-2.0 * np.log(left)) * np.cos(turn)).astype(float)

    def _stream(self, name: str) -> Column:
        return _kept_stream(self, name) if self.number <= FEW else self._drawn(name)

    def _drawn(self, name: str) -> Column:
        key = int.from_bytes(
            hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest(), "little"
        )
        # Each count of the generator makes four numbers, and a patient takes two.
        bits = np.random.Philox(key=key, counter=self.first // 2)
        skip = 2 * (self.first % 2)
        return np.random.Generator(bits).random(skip + 2 * self.number)[skip:].reshape(self.number, 2)


FEW, KEPT = 256, 4096
"""Patients whose draws and figures are kept, and how many: the few that stand for one are drawn time and again."""


@lru_cache(KEPT)
def _kept_stream(draws: Draws, name: str) -> Column:
    kept = draws._drawn(name)
    kept.flags.writeable = False
    return kept
