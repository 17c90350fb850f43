"""Effect sizes from arms: means, standardised means, and two-by-two tables.

Each function takes arrays of shape (k,), group 1 against group 2, and returns effects and sampling
variances as `escalc` of metafor does. Zero cells: 0.5 is added to all four cells of a table that has one
(`add`, `to="zero"`), or of every table (`to="all"`). A table without any event in either arm, or with
events in everyone, tells nothing about a ratio; `double_zero` says which tables to leave out.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from eutonia.errors import InputError
from eutonia.meta.distributions import chi2, norm
from eutonia.meta.pooling import Interval, quantile
from eutonia.meta.record import Floats, numbers, positive, same_length

Correct = Literal["zero", "all", "none"]


class Effects(NamedTuple):
    """Study effects and their sampling variances, each (k,)."""

    yi: Floats
    vi: Floats


def mean_difference(
    mean_1: ArrayLike, sd_1: ArrayLike, n_1: ArrayLike, mean_2: ArrayLike, sd_2: ArrayLike, n_2: ArrayLike
) -> Effects:
    """Raw mean differences, variances not assumed equal."""
    m1, s1, n1, m2, s2, n2 = _arms(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    return Effects(m1 - m2, s1**2 / n1 + s2**2 / n2)


def standardised_mean_difference(
    mean_1: ArrayLike, sd_1: ArrayLike, n_1: ArrayLike, mean_2: ArrayLike, sd_2: ArrayLike, n_2: ArrayLike
) -> Effects:
    """Hedges's g: the difference over the pooled SD, with the exact correction for small samples."""
    m1, s1, n1, m2, s2, n2 = _arms(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    df = n1 + n2 - 2
    positive(df, "n_1 + n_2 - 2")
    pooled = np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df)
    g = small_sample_correction(df) * (m1 - m2) / pooled
    return Effects(g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2)))


def small_sample_correction(df: ArrayLike) -> Floats:
    """Hedges's factor J, exact (about 1 − 3 / (4 df − 1))."""
    m = np.asarray(df, dtype=float)
    # With one degree of freedom gamma(0) is infinite, and the factor 0.
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2))


def log_risk_ratio(
    events_1: ArrayLike,
    n_1: ArrayLike,
    events_2: ArrayLike,
    n_2: ArrayLike,
    *,
    add: float = 0.5,
    to: Correct = "zero",
) -> Effects:
    """Log risk ratios."""
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, add, to)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _finite(np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def log_odds_ratio(
    events_1: ArrayLike,
    n_1: ArrayLike,
    events_2: ArrayLike,
    n_2: ArrayLike,
    *,
    add: float = 0.5,
    to: Correct = "zero",
) -> Effects:
    """Log odds ratios."""
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, add, to)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _finite(np.log(a * d) - np.log(b * c), 1 / a + 1 / b + 1 / c + 1 / d)


def risk_difference(
    events_1: ArrayLike,
    n_1: ArrayLike,
    events_2: ArrayLike,
    n_2: ArrayLike,
    *,
    add: float = 0.5,
    to: Correct = "zero",
) -> Effects:
    """Risk differences."""
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, add, to)
    p1, p2 = a / (a + b), c / (c + d)
    return _finite(p1 - p2, p1 * (1 - p1) / (a + b) + p2 * (1 - p2) / (c + d))


def double_zero(events_1: ArrayLike, n_1: ArrayLike, events_2: ArrayLike, n_2: ArrayLike) -> np.ndarray:
    """Which tables have no events at all, or nothing but events: they tell nothing about a ratio. Shape
    (k,).
    """
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, 0.0, "none")
    return np.asarray(((a == 0) & (c == 0)) | ((b == 0) & (d == 0)))


class MantelHaenszel(NamedTuple):
    """A common effect from two-by-two tables, on the log scale for ratios."""

    estimate: float
    se: float
    ci: Interval
    statistic: float
    p: float
    q: float
    """Of the study effects around the Mantel–Haenszel estimate; tables without events are left out of it."""
    q_p: float
    k: int


def mantel_haenszel(
    events_1: ArrayLike,
    n_1: ArrayLike,
    events_2: ArrayLike,
    n_2: ArrayLike,
    measure: Literal["RR", "OR", "RD"] = "OR",
    level: float = 0.95,
) -> MantelHaenszel:
    """Pool two-by-two tables by Mantel and Haenszel: good for rare events, needs no correction of zero cells.

    Standard errors: Greenland and Robins (1985) for RR, Robins, Breslow and Greenland (1986) for OR, Sato,
    Greenland and Robins (1989) for RD. Raises InputError where no table has an event.
    """
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, 0.0, "none")
    n1, n2 = a + b, c + d
    total = n1 + n2
    if measure == "RR":
        r, s = np.sum(a * n2 / total), np.sum(c * n1 / total)
        _some_events(r, s)
        estimate = np.log(r / s)
        variance = np.sum((n1 * n2 * (a + c) - a * c * total) / total**2) / (r * s)
        study = log_risk_ratio
    elif measure == "OR":
        r, s = np.sum(a * d / total), np.sum(b * c / total)
        _some_events(r, s)
        p, q = (a + d) / total, (b + c) / total
        ad, bc = a * d / total, b * c / total
        estimate = np.log(r / s)
        variance = (np.sum(p * ad) / r**2 + np.sum(p * bc + q * ad) / (r * s) + np.sum(q * bc) / s**2) / 2
        study = log_odds_ratio
    elif measure == "RD":
        weight = np.sum(n1 * n2 / total)
        estimate = np.sum((a * n2 - c * n1) / total) / weight
        first = np.sum((c * n1**2 - a * n2**2 + n1 * n2 * (n2 - n1) / 2) / total**2)
        second = np.sum((a * (n2 - c) + c * (n1 - a)) / (2 * total))
        variance = (estimate * first + second) / weight**2
        study = risk_difference
    else:
        raise InputError(f"measure is “{measure}”; it must be RR, OR or RD.")
    se = float(np.sqrt(variance))
    half = quantile(level) * se
    told = slice(None) if measure == "RD" else ~double_zero(events_1, n_1, events_2, n_2)
    y, v = study(a[told], n1[told], c[told], n2[told])
    q_value = float(np.sum((y - estimate) ** 2 / v))
    z = float(estimate / se) if se > 0 else float("nan")
    return MantelHaenszel(
        float(estimate),
        se,
        (float(estimate - half), float(estimate + half)),
        z,
        float(2 * norm.sf(abs(z))),
        q_value,
        float(chi2.sf(q_value, len(y) - 1)) if len(y) > 1 else 1.0,
        len(a),
    )


def peto(events_1: ArrayLike, n_1: ArrayLike, events_2: ArrayLike, n_2: ArrayLike) -> Effects:
    """Peto's log odds ratios, one for each table; pool them with method CE. Tables without events are left
    out.
    """
    keep = ~double_zero(events_1, n_1, events_2, n_2)
    a, b, c, d = (cell[keep] for cell in _cells(events_1, n_1, events_2, n_2, 0.0, "none"))
    n1, n2, total = a + b, c + d, a + b + c + d
    events = a + c
    v = n1 * n2 * events * (total - events) / (total**2 * (total - 1))
    return Effects((a - n1 * events / total) / v, 1 / v)


def _some_events(r: float, s: float) -> None:
    if r <= 0 or s <= 0:
        raise InputError("One of the groups has no events in any table, so the ratio is not defined. Use RD.")


def _finite(yi: Floats, vi: Floats) -> Effects:
    bad = np.flatnonzero(~np.isfinite(yi) | ~np.isfinite(vi) | (vi <= 0))
    if bad.size:
        raise InputError(
            f"Table {bad[0]} has a zero cell and no defined effect. Add 0.5 (to=“zero”) or leave it out."
        )
    return Effects(yi, vi)


def _cells(
    events_1: ArrayLike, n_1: ArrayLike, events_2: ArrayLike, n_2: ArrayLike, add: float, to: Correct
) -> tuple[Floats, Floats, Floats, Floats]:
    e1, n1 = numbers(events_1, "events_1"), numbers(n_1, "n_1")
    e2, n2 = numbers(events_2, "events_2"), numbers(n_2, "n_2")
    same_length(events_1=e1, n_1=n1, events_2=e2, n_2=n2)
    for name, e, n in (("1", e1, n1), ("2", e2, n2)):
        positive(n, f"n_{name}")
        bad = np.flatnonzero((e < 0) | (e > n))
        if bad.size:
            raise InputError(
                f"events_{name}[{bad[0]}] is {e[bad[0]]:g} of {n[bad[0]]:g}; it must lie from 0 to n."
            )
    cells = np.stack([e1, n1 - e1, e2, n2 - e2])
    if to not in ("zero", "all", "none"):
        raise InputError(f"to is “{to}”; it must be “zero”, “all” or “none”.")
    if to == "all":
        cells = cells + add
    elif to == "zero":
        cells = cells + add * (cells == 0).any(axis=0)
    a, b, c, d = cells
    return a, b, c, d


def _arms(*arms: ArrayLike) -> tuple[Floats, ...]:
    names = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
    found = tuple(numbers(values, name) for values, name in zip(arms, names, strict=True))
    same_length(**dict(zip(names, found, strict=True)))
    for place in (1, 2, 4, 5):
        positive(found[place], names[place])
    return found
