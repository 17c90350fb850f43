"""The light distributions against scipy.stats, tails included."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from eutonia.meta import distributions as ours

SHARES = np.array([1e-12, 1e-6, 0.005, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999])
POINTS = np.array([0.0, 1e-9, 0.02, 0.7, 1.0, 1.96, 5.0, 38.0])
SIGNED = np.array([-38.0, -5.0, -1.96, -0.3, *POINTS])
DF = (1, 2, 3.5, 10, 200)

CASES = [
    *((ours.norm, stats.norm, name, SIGNED, ()) for name in ("cdf", "sf")),
    *((ours.norm, stats.norm, name, SHARES, ()) for name in ("ppf", "isf")),
    (ours.norm, stats.norm, "cdf", SIGNED, (0.4, 2.5)),
    *((ours.t, stats.t, name, SIGNED, (df,)) for name in ("cdf", "sf") for df in DF),
    *((ours.t, stats.t, name, SHARES, (df,)) for name in ("ppf", "isf") for df in DF),
    *((ours.chi2, stats.chi2, "sf", POINTS, (df,)) for df in DF),
    *((ours.chi2, stats.chi2, name, SHARES, (df,)) for name in ("ppf", "isf") for df in DF),
    *((ours.f, stats.f, "sf", POINTS, (upper, lower)) for upper in DF for lower in DF),
]


@pytest.mark.parametrize(("mine", "theirs", "name", "at", "parameters"), CASES)
def test_tails_and_quantiles(
    mine: Any, theirs: Any, name: str, at: Any, parameters: tuple[float, ...]
) -> None:
    expected = getattr(theirs, name)(at, *parameters)
    assert getattr(mine, name)(at, *parameters) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_densities_of_priors() -> None:
    x = np.linspace(0, 9, 400)
    assert ours.half_normal_density(x, 0.7) == pytest.approx(stats.halfnorm.pdf(x, scale=0.7), rel=1e-12)
    assert ours.half_cauchy_density(x, 0.7) == pytest.approx(stats.halfcauchy.pdf(x, scale=0.7), rel=1e-12)
    assert ours.half_cauchy_quantile(0.9999, 0.7) == pytest.approx(stats.halfcauchy.ppf(0.9999, scale=0.7))
    ours_log = ours.log_normal_density(x, -1.1, 1.6)
    assert ours_log == pytest.approx(stats.lognorm.pdf(x, 1.6, scale=np.exp(-1.1)), rel=1e-12)
