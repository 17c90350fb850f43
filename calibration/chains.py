"""Sampling a posterior of some 25 numbers: find its top, then chains that know its shape.

Half of the steps are those of Crank and Nicolson about a normal approximation, of several lengths: where the posterior
is nearly normal, as it is with normal priors and summaries of 24 people, they go far. The other half are a random walk
of the same shape, which finds its way back from the tails. The approximation is improved three times from the first
parts of the chains, which are thrown away.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from eutonia.simulation.population import Column

Density = Callable[[Column], float]

STRIDES = (0.2, 0.4, 0.7)
"""Lengths of a step about the approximation: 0 stays, 1 draws afresh from it."""

LEARNING = (0.1, 0.1, 0.15)
"""Steps that are thrown away, as shares of those that are kept."""


@dataclass(frozen=True)
class Chains:
    """Draws of all chains, [chains, draws, numbers], and how they went."""

    draws: Column
    accepted: float

    @property
    def rhat(self) -> Column:
        """Split potential scale reduction (Gelman and others): near 1 where chains agree."""
        half = self.draws.shape[1] // 2
        parts = np.concatenate([self.draws[:, :half], self.draws[:, half : 2 * half]])
        within = parts.var(1, ddof=1).mean(0)
        between = half * parts.mean(1).var(0, ddof=1)
        return np.sqrt(((half - 1) / half * within + between / half) / within)

    @property
    def effective(self) -> Column:
        """Independent draws that these are worth, by Geyer's initial positive sequence."""
        chains, n, _ = self.draws.shape
        centred = self.draws - self.draws.mean((0, 1))
        spectrum = np.fft.rfft(centred, 2 * n, axis=1)
        covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :n].mean(0) / n
        correlation = covariance / covariance[0]
        pairs = correlation[0 : n - n % 2 : 2] + correlation[1:n:2]
        alive = np.cumprod(pairs > 0.0, axis=0)
        return np.minimum(chains * n / (2.0 * (pairs * alive).sum(0) - 1.0), chains * n)

    def some(self, number: int, seed: int) -> Column:
        """Draws from all chains, evenly apart, in an order of chance."""
        whole = self.draws.reshape(-1, self.draws.shape[2])
        chosen = whole[np.linspace(0, len(whole) - 1, number).round().astype(int)]
        return np.random.default_rng(seed).permutation(chosen)


def sample(
    density: Density, size: int, *, chains: int = 4, steps: int = 2000, seed: int = 0,
    workers: int = 1, told: Callable[[int], None] = lambda _: None,
) -> Chains:  # fmt: skip
    """Draw from `density` (its logarithm; standard normal before the data) over `size` numbers.

    `told` hears of steps done. The result is the same with any number of workers.
    """
    top = climb(density, size)
    spread = curvature(density, top)
    starts = [top] * chains
    kept: list[tuple[Column, float]] = []
    for round_, length in enumerate((*(max(int(share * steps), 20) for share in LEARNING), steps)):
        work = [(starts[c], top, spread, length, seed * 1000 + round_ * 100 + c) for c in range(chains)]
        kept = _all(density, work, workers, told)
        starts = [draws[-1] for draws, _ in kept]
        together = np.concatenate([draws for draws, _ in kept])
        if round_ < len(LEARNING):
            top, spread = together.mean(0), 0.7 * np.cov(together, rowvar=False) + 0.3 * spread
    return Chains(np.stack([draws for draws, _ in kept]), float(np.mean([a for _, a in kept])))


def climb(density: Density, size: int) -> Column:
    """Near the top of the density; the chains find the rest."""

    def minus(x: Column) -> float:
        value = -density(x)
        return value if np.isfinite(value) else 1e6

    found = minimize(minus, np.zeros(size), method="L-BFGS-B", bounds=[(-4.0, 4.0)] * size,
                     options={"maxiter": 40, "eps": 1e-3})  # fmt: skip
    return np.asarray(found.x)


def curvature(density: Density, top: Column, step: float = 0.4) -> Column:
    """Covariance of the normal distribution that is as bent as the density is at its top."""
    n, middle = len(top), density(top)
    one = np.eye(n) * step
    up = np.array([density(top + one[i]) for i in range(n)])
    down = np.array([density(top - one[i]) for i in range(n)])
    bend = np.diag((2.0 * middle - up - down) / step**2)
    for i in range(n):
        for j in range(i):
            both = density(top + one[i] + one[j])
            bend[i, j] = bend[j, i] = -(both - up[i] - up[j] + middle) / step**2
    values, vectors = np.linalg.eigh(bend)
    values = np.clip(values, 0.7, None)  # nowhere wider than the prior, by much
    return np.asarray((vectors / values) @ vectors.T)


def chain(
    density: Density, start: Column, middle: Column, spread: Column, length: int, seed: int
) -> tuple[Column, float]:
    """One chain, and the share of steps taken."""
    chance = np.random.default_rng(seed)
    lower = np.linalg.cholesky(spread)

    def weight(x: Column) -> float:
        z = np.linalg.solve(lower, x - middle)
        return density(x) + 0.5 * float(z @ z)

    here, weighed, taken = start, weight(start), 0
    draws = np.empty((length, len(start)))
    walk = 2.0 / np.sqrt(len(start))
    for k in range(length):
        push = lower @ chance.standard_normal(len(start))
        if chance.random() < 0.5:
            stride = chance.choice(STRIDES)
            there = middle + np.sqrt(1.0 - stride**2) * (here - middle) + stride * push
            new = weight(there)
            gain = new - weighed
        else:
            there = here + walk * push
            new = weight(there)
            gain = _plain(new, there, lower, middle) - _plain(weighed, here, lower, middle)
        if np.log(chance.random()) < gain:
            here, weighed, taken = there, new, taken + 1
        draws[k] = here
    return draws, taken / length


def _plain(weighed: float, x: Column, lower: Column, middle: Column) -> float:
    """The density itself, from its ratio to the approximation."""
    z = np.linalg.solve(lower, x - middle)
    return weighed - 0.5 * float(z @ z)


def _all(
    density: Density, work: list[Any], workers: int, told: Callable[[int], None]
) -> list[tuple[Column, float]]:
    found = []
    if workers == 1:
        for each in work:
            found.append(chain(density, *each))
            told(each[3])
        return found
    _shared[:] = [density]  # inherited by the workers: knowledge is not sent between processes
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for done in pool.imap(_one, work):
            found.append(done)
            told(len(done[0]))
    return found


_shared: list[Density] = []


def _one(each: Any) -> tuple[Column, float]:
    return chain(_shared[0], *each)
