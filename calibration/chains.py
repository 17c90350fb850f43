"""Chains over a density with gradients (NUTS), and whether they may be believed.

Every number is standard normal before the data. The posterior has ridges, as between the two volumes of one substance:
chains therefore run in coordinates in which it is about as wide in every direction, found from its bend at its top.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import rankdata

from eutonia.simulation.population import Column

Density = Callable[[Any, Any], Any]
"""Logarithm of the likelihood of some data (any arrays) at some numbers."""


@dataclass(frozen=True)
class Chains:
    """Draws of all chains, [chains, draws, numbers], and how they went."""

    draws: Column
    diverged: int
    """Paths on which the energy was lost: places that the chains may have missed."""

    @property
    def rhat(self) -> Column:
        """Split, rank-normalised scale reduction, the larger of that of the draws and of their distance from the
        median (Vehtari and others 2021): near 1 where chains agree."""
        folded = np.abs(self.draws - np.median(self.draws, axis=(0, 1)))
        return np.maximum(*(_scale_reduction(ranked(halved(each))) for each in (self.draws, folded)))

    @cached_property
    def effective(self) -> Column:
        """Independent draws that the bulk of these is worth, and no more than that of their tails."""
        low, high = (self.draws <= np.quantile(self.draws, q, axis=(0, 1)) for q in (0.05, 0.95))
        return np.minimum.reduce([
            independent(ranked(halved(self.draws))), *(independent(halved(tail.astype(float))) for tail in (low, high))
        ])  # fmt: skip

    def some(self, number: int, seed: int) -> Column:
        """Draws from all chains, evenly apart, in an order of chance."""
        whole = self.draws.reshape(-1, self.draws.shape[2])
        chosen = whole[np.linspace(0, len(whole) - 1, number).round().astype(int)]
        return np.random.default_rng(seed).permutation(chosen)


def halved(draws: Column) -> Column:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, half : 2 * half]])


def ranked(draws: Column) -> Column:
    """Normal scores of the ranks among all chains."""
    flat = draws.reshape(-1, draws.shape[-1])
    ranks = rankdata(flat, axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(draws.shape))


def _scale_reduction(parts: Column) -> Column:
    n = parts.shape[1]
    within = parts.var(1, ddof=1).mean(0)
    between = n * parts.mean(1).var(0, ddof=1)
    return np.sqrt(((n - 1) / n * within + between / n) / within)


def independent(parts: Column) -> Column:
    """Independent draws that chains are worth, by Geyer's initial monotone sequence over all of them."""
    chains, n, _ = parts.shape
    centred = parts - parts.mean(1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * n, axis=1)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :n].mean(0) / n
    within = covariance[0] * n / (n - 1)
    whole = within * (n - 1) / n + parts.mean(1).var(0, ddof=1)
    correlation = 1.0 - (within - covariance) / whole
    correlation[0] = 1.0
    pairs = correlation[0 : n - n % 2 : 2] + correlation[1:n:2]
    alive = np.cumprod(pairs > 0.0, axis=0)
    time = 2.0 * (np.minimum.accumulate(pairs, axis=0) * alive).sum(0) - 1.0
    return np.asarray(chains * n / np.maximum(time, 1.0 / np.log10(chains * n)))


class Sampler:
    """NUTS on a density; compiled once, for any data of one shape."""

    def __init__(self, likelihood: Density, size: int, *, warmup: int = 200) -> None:
        import jax
        import numpyro
        from numpyro.distributions import ImproperUniform, constraints
        from numpyro.infer import NUTS, init_to_uniform

        @jax.jit
        def density(numbers: Any, data: Any) -> Any:
            return likelihood(numbers, data) - 0.5 * numbers @ numbers

        def model(data: Any, top: Any, scale: Any) -> None:
            y = numpyro.sample("y", ImproperUniform(constraints.real, (), (size,)))
            numpyro.factor("posterior", density(top + scale @ y, data))

        self.size, self.warmup = size, warmup
        self.climbs = jax.jit(jax.value_and_grad(density))
        self.kernel = NUTS(model, init_strategy=init_to_uniform(radius=1.0))
        self.step = jax.jit(self.kernel.sample)

    def __call__(
        self, data: Any, seed: int, *, chains: int = 4, draws: int = 500, workers: int = 1,
        told: Callable[[int], None] = lambda _: None,
    ) -> Chains:  # fmt: skip
        """Chains from the density of standard normal numbers given `data`, each started at another place. The result is
        the same with any number of workers; `told` hears of every 10 steps."""
        from concurrent.futures import ThreadPoolExecutor

        import jax

        seeds = [seed * 1000 + n for n in range(chains)]
        with jax.enable_x64(True):
            given = (data, *self.shape(data))
            starts = [
                self.kernel.init(jax.random.PRNGKey(own), self.warmup, None, given, {}) for own in seeds
            ]
            if workers > 1:
                self.step(starts[0], given, {})  # compiled once, before all begin together
        with ThreadPoolExecutor(workers) as pool:
            done = list(pool.map(lambda start: self.chain(start, given, draws, told), starts))
        _, top, scale = given
        return Chains(top + np.stack([y for y, _ in done]) @ scale.T, sum(lost for _, lost in done))

    def chain(self, state: Any, given: Any, draws: int, told: Callable[[int], None]) -> tuple[Column, int]:
        """Draws of one chain after those that are thrown away, [draws, numbers], and how many paths diverged."""
        import jax

        kept, lost = np.empty((draws, self.size)), 0
        with jax.enable_x64(True):
            for n in range(-self.warmup, draws):
                state = self.step(state, given, {})
                if n >= 0:
                    kept[n], lost = np.asarray(state.z["y"]), lost + int(state.diverging)
                if n % 10 == 9:
                    told(10)
        return kept, lost

    def shape(self, data: Any, step: float = 0.05) -> tuple[Column, Column]:
        """The top of the density, and a root of the covariance that its bend there stands for."""

        def minus(x: Column) -> tuple[float, Column]:
            value, slope = self.climbs(x, data)
            return (-float(value), -np.asarray(slope)) if np.isfinite(value) else (1e9, np.zeros(self.size))

        found = minimize(minus, np.zeros(self.size), jac=True, method="L-BFGS-B",
                         bounds=[(-4.0, 4.0)] * self.size, options={"maxiter": 80})  # fmt: skip
        top = np.asarray(found.x)
        push = step * np.eye(self.size)
        bend = np.array([(minus(top + p)[1] - minus(top - p)[1]) / (2.0 * step) for p in push])
        values, vectors = np.linalg.eigh(0.5 * (bend + bend.T))
        return top, vectors / np.sqrt(np.clip(values, 0.5, None))  # nowhere wider than the prior, by much
