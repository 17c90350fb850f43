"""Bayesian random effects for few studies, exact on a grid: no sampling, no JAX.

Given tau the posterior of the mean is normal, so only tau needs a grid; the posterior is a mixture of
normals. With two or three studies the data say little about tau, and an informative prior from many earlier
meta-analyses speaks instead of a t distribution with one degree of freedom (Friede 2017; Röver 2020,
bayesmeta).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from eutonia.errors import InputError
from eutonia.meta.distributions import (
    half_cauchy_density,
    half_cauchy_quantile,
    half_normal_density,
    log_normal_density,
    norm,
)
from eutonia.meta.pooling import Interval
from eutonia.meta.record import Floats, Record, effects_and_variances, share

POINTS = 1001


class Prior(Protocol):
    """A prior distribution of tau."""

    def density(self, tau: Floats) -> Floats: ...

    def upper(self) -> float:
        """A tau that is almost never exceeded."""
        ...


@dataclass(frozen=True)
class HalfNormal:
    """tau ~ half-normal(scale)."""

    scale: float

    def density(self, tau: Floats) -> Floats:
        return half_normal_density(tau, self.scale)

    def upper(self) -> float:
        return 5 * self.scale


@dataclass(frozen=True)
class HalfCauchy:
    """tau ~ half-Cauchy(scale)."""

    scale: float

    def density(self, tau: Floats) -> Floats:
        return half_cauchy_density(tau, self.scale)

    def upper(self) -> float:
        return half_cauchy_quantile(0.9999, self.scale)


@dataclass(frozen=True)
class LogNormal:
    """log tau (or log tau², `of="tau2"`, as Turner 2012 and Rhodes 2015 print it) ~ normal(mu, sigma)."""

    mu: float
    sigma: float
    of: Literal["tau", "tau2"] = "tau"

    def _tau(self) -> tuple[float, float]:
        half = 0.5 if self.of == "tau2" else 1.0
        return self.mu * half, self.sigma * half

    def density(self, tau: Floats) -> Floats:
        mu, sigma = self._tau()
        return log_normal_density(tau, mu, sigma)

    def upper(self) -> float:
        mu, sigma = self._tau()
        return float(np.exp(mu + 4.5 * sigma))


@dataclass(frozen=True)
class BayesPool(Record):
    """The posterior of a pooled effect. Intervals are equal-tailed."""

    estimate: float
    """Posterior mean."""
    median: float
    se: float
    """Posterior standard deviation."""
    ci: Interval
    pi: Interval
    tau: float
    """Posterior median."""
    tau_ci: Interval
    k: int
    prior: Prior
    level: float
    _weights: Floats = field(repr=False)
    _means: Floats = field(repr=False)
    _sds: Floats = field(repr=False)

    def keys(self) -> list[str]:
        return [part.name for part in fields(self) if not part.name.startswith("_")]

    def probability_below(self, value: float) -> float:
        """Posterior probability that the mean effect lies below `value`."""
        return float(self._weights @ norm.cdf(value, self._means, self._sds))


def bayes(
    yi: ArrayLike,
    vi: ArrayLike,
    tau_prior: Prior | None = None,
    *,
    mean_prior: tuple[float, float] | None = None,
    level: float = 0.95,
) -> BayesPool:
    """Pool k effects (k ≥ 1) with a prior on tau, by default half-normal(0.5), which suits standardised
    means.

    `mean_prior` is the mean and SD of a normal prior of the effect; None for a flat one.
    """
    y, v = effects_and_variances(yi, vi)
    prior = HalfNormal(0.5) if tau_prior is None else tau_prior
    share(level)
    spread = float(np.ptp(y) + np.sqrt(v.max()))
    top = min(prior.upper(), 30 * spread)
    if not np.isfinite(top) or top <= 0:
        raise InputError("The prior of tau has no room above 0. Give it a positive scale.")
    tau = top * np.linspace(0, 1, POINTS) ** 2
    precision = 1 / (v[None, :] + tau[:, None] ** 2)
    total, weighted = precision.sum(axis=1), precision @ y
    fit = 0.5 * np.log(precision).sum(axis=1) - 0.5 * (precision @ y**2)
    if mean_prior is not None:
        centre, width = mean_prior
        total, weighted = total + width**-2, weighted + centre * width**-2
    means, sds = weighted / total, total**-0.5
    log_likelihood = fit + 0.5 * weighted**2 / total - 0.5 * np.log(total)
    density = prior.density(tau) * np.exp(log_likelihood - log_likelihood.max())
    density[~np.isfinite(density)] = 0.0
    weights = density * np.gradient(tau)
    weights[[0, -1]] /= 2
    if weights.sum() <= 0:
        raise InputError("The prior of tau excludes every value that the data allow. Widen it.")
    weights = weights / weights.sum()
    return _summary(y, tau, density, weights, means, sds, prior, level)


def _summary(
    y: Floats,
    tau: Floats,
    density: Floats,
    weights: Floats,
    means: Floats,
    sds: Floats,
    prior: Prior,
    level: float,
) -> BayesPool:
    from scipy.optimize import brentq

    tails = ((1 - level) / 2, 1 - (1 - level) / 2)
    mean = float(weights @ means)
    wide = np.sqrt(sds**2 + tau**2)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(tau))])
    below /= np.trapezoid(density, tau)

    def mixture(widths: Floats) -> Callable[[float], float]:
        low, high = float(np.min(means - 9 * widths)), float(np.max(means + 9 * widths))
        return lambda share: float(
            brentq(
                lambda x: float(weights @ norm.cdf(x, means, widths)) - share,
                low,
                high,
                xtol=1e-9 * (high - low),
            )
        )

    centre, new = mixture(sds), mixture(wide)
    return BayesPool(
        estimate=mean,
        median=centre(0.5),
        se=float(np.sqrt(weights @ (sds**2 + (means - mean) ** 2))),
        ci=(centre(tails[0]), centre(tails[1])),
        pi=(new(tails[0]), new(tails[1])),
        tau=float(np.interp(0.5, below, tau)),
        tau_ci=(float(np.interp(tails[0], below, tau)), float(np.interp(tails[1], below, tau))),
        k=len(y),
        prior=prior,
        level=level,
        _weights=weights,
        _means=means,
        _sds=sds,
    )
