"""Pool the effects of independent studies: `pool`, and what is asked of a pool afterwards.

Conventions, where packages differ:

- `knapp_hartung=True` is metafor's `test="knha"`: the standard error is scaled by the observed spread and t
  with k − 1 degrees of freedom is used. `guard=True` never lets that scaling shrink the error (metafor's
  `"adhoc"`). The common-effect model and a single study always get the Wald interval.
- The prediction interval uses the same distribution as the confidence interval, as metafor does: t(k − 1)
  with Knapp–Hartung, else normal. `prediction="k-2"` is that of Higgins, Thompson and Spiegelhalter (2009):
  t(k − 2) with the Wald error. There is none for the common-effect model or a single study.
- I² and H² compare tau² with the typical sampling variance (Higgins and Thompson 2002), as metafor does;
  for the common-effect model they come from Q.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eutonia.errors import InputError
from eutonia.meta.distributions import chi2, norm, t
from eutonia.meta.heterogeneity import LinearModel, method_name, profile_likelihood, q_profile, tau2
from eutonia.meta.record import Floats, Record, effects_and_variances, numbers, same_length, share

Interval = tuple[float, float]


@dataclass(frozen=True)
class Pool(Record):
    """A pooled effect. `p` tests that the effect is 0; `q_p` that the studies share one effect."""

    estimate: float
    se: float
    ci: Interval
    pi: Interval | None
    """Where the effect of a new, similar study would lie."""
    statistic: float
    df: int | None
    """Degrees of freedom of the t distribution; None where the normal was used."""
    p: float
    k: int
    tau2: float
    tau: float
    tau2_ci: Interval | None
    """By Q-profile; None for the common-effect model and a single study."""
    i2: float
    """Percent of the total variance that lies between studies."""
    i2_ci: Interval | None
    h2: float
    q: float
    q_df: int
    q_p: float
    method: str
    knapp_hartung: bool
    level: float
    weights: tuple[float, ...]
    """Percent."""


def pool(
    yi: ArrayLike,
    vi: ArrayLike,
    method: str = "REML",
    *,
    knapp_hartung: bool = True,
    guard: bool = False,
    prediction: Literal["same", "k-2"] = "same",
    level: float = 0.95,
) -> Pool:
    """Pool k effects `yi` with sampling variances `vi`, each of shape (k,).

    `method` is one of CE, REML, ML, DL, PM, EB, SJ, HS, HE. Raises InputError for a value that is missing, a
    variance that is not positive, and an empty list.
    """
    y, v = effects_and_variances(yi, vi)
    name = method_name(method)
    model = LinearModel(y, v, np.ones((len(y), 1)))
    between = tau2(model, name)
    fit = model.at(between)
    robust = knapp_hartung and name != "CE" and model.df > 0
    scale = fit.rss / model.df if robust else 1.0
    if guard:
        scale = max(1.0, scale)
    estimate, wald = float(fit.beta[0]), float(np.sqrt(fit.cov[0, 0]))
    se = wald * np.sqrt(scale)
    df = model.df if robust else None
    random = name != "CE" and model.df > 0
    tau2_ci = q_profile(model, share(level)) if random else None
    i2, h2 = _inconsistency(model, between, common=name == "CE")
    weights = 1 / (v + between)
    return Pool(
        estimate=estimate,
        se=float(se),
        ci=_around(estimate, se, df, level),
        pi=_prediction(model, estimate, se, wald, between, df, level, prediction) if random else None,
        statistic=float(estimate / se) if se > 0 else float("nan"),
        df=df,
        p=two_sided(estimate, se, df),
        k=len(y),
        tau2=between,
        tau=float(np.sqrt(between)),
        tau2_ci=tau2_ci,
        i2=i2,
        i2_ci=None if tau2_ci is None else tuple(_inconsistency(model, x, False)[0] for x in tau2_ci),  # type: ignore[arg-type]
        h2=h2,
        q=model.at_zero.rss,
        q_df=model.df,
        q_p=float(chi2.sf(model.at_zero.rss, model.df)) if model.df else 1.0,
        method=name,
        knapp_hartung=robust,
        level=level,
        weights=tuple((100 * weights / weights.sum()).tolist()),
    )


def two_sided(estimate: float, se: float, df: int | None = None) -> float:
    """Two-sided p value by t with `df` degrees of freedom, or by the normal."""
    if se <= 0:
        return float("nan")
    ratio = abs(estimate / se)
    return float(2 * (norm.sf(ratio) if df is None else t.sf(ratio, df)))


def quantile(level: float, df: int | None = None) -> float:
    """The two-sided quantile of t with `df` degrees of freedom, or of the normal."""
    tail = (1 - level) / 2
    return float(norm.isf(tail) if df is None else t.isf(tail, df))


def _around(estimate: float, se: float, df: int | None, level: float) -> Interval:
    half = quantile(level, df) * se
    return float(estimate - half), float(estimate + half)


def _prediction(
    model: LinearModel,
    estimate: float,
    se: float,
    wald: float,
    between: float,
    df: int | None,
    level: float,
    kind: str,
) -> Interval | None:
    if kind not in ("same", "k-2"):
        raise InputError(f"prediction is “{kind}”; it must be “same” or “k-2”.")
    if kind == "same":
        return _around(estimate, float(np.sqrt(between + se**2)), df, level)
    if model.df < 2:
        return None
    return _around(estimate, float(np.sqrt(between + wald**2)), model.df - 1, level)


def _inconsistency(model: LinearModel, between: float, common: bool) -> tuple[float, float]:
    """I² in percent and H²."""
    if model.df == 0:
        return 0.0, 1.0
    zero = model.at_zero
    if common:
        return 100 * max(0.0, (zero.rss - model.df) / zero.rss) if zero.rss > 0 else 0.0, zero.rss / model.df
    typical = model.df / zero.trace
    return 100 * between / (typical + between), between / typical + 1


def tau2_interval(
    yi: ArrayLike,
    vi: ArrayLike,
    x: ArrayLike | None = None,
    *,
    kind: Literal["q-profile", "profile"] = "q-profile",
    method: str = "REML",
    level: float = 0.95,
) -> Interval:
    """Confidence interval of tau²: Q-profile, or the profile of the REML or ML likelihood.

    `x` holds moderators (k,) or (k, m); an intercept is added.
    """
    y, v = effects_and_variances(yi, vi)
    columns = np.ones((len(y), 1)) if x is None else np.column_stack([np.ones(len(y)), np.asarray(x, float)])
    model = LinearModel(y, v, columns)
    if model.df < 1:
        raise InputError("tau² needs more studies than coefficients.")
    if kind == "q-profile":
        return q_profile(model, share(level))
    if kind == "profile" and method_name(method) in ("REML", "ML"):
        return profile_likelihood(model, share(level), method_name(method))
    raise InputError("kind must be “q-profile”, or “profile” with method REML or ML.")


def blups(yi: ArrayLike, vi: ArrayLike, method: str = "REML") -> Floats:
    """Best linear unbiased predictions of each study's own effect, shrunk towards the pool; shape (k,)."""
    y, v = effects_and_variances(yi, vi)
    found = pool(y, v, method)
    keep = found.tau2 / (found.tau2 + v)
    return keep * y + (1 - keep) * found.estimate


def leave_one_out(
    yi: ArrayLike, vi: ArrayLike, method: str = "REML", *, knapp_hartung: bool = True, guard: bool = False
) -> list[Pool]:
    """The pool without each study in turn, in the order of the studies."""
    y, v = effects_and_variances(yi, vi)
    if len(y) < 2:
        raise InputError("Leaving one out needs at least two studies.")
    rest = [np.arange(len(y)) != i for i in range(len(y))]
    return [pool(y[r], v[r], method, knapp_hartung=knapp_hartung, guard=guard) for r in rest]


@dataclass(frozen=True)
class Subgroups(Record):
    """Pools by group, each with its own tau², and the test that they agree."""

    groups: dict[Hashable, Pool]
    q_between: float
    df: int
    p: float


def subgroups(
    yi: ArrayLike,
    vi: ArrayLike,
    groups: Sequence[Hashable],
    method: str = "REML",
    *,
    knapp_hartung: bool = True,
    guard: bool = False,
) -> Subgroups:
    """Pool within each group, in order of first appearance, and test the groups against each other."""
    y, v = effects_and_variances(yi, vi)
    same_length(yi=y, groups=list(groups))
    found: dict[Hashable, Pool] = {}
    for group in dict.fromkeys(groups):
        members = np.array([g == group for g in groups])
        found[group] = pool(y[members], v[members], method, knapp_hartung=knapp_hartung, guard=guard)
    means = np.array([p.estimate for p in found.values()])
    weights = np.array([p.se**-2 for p in found.values()])
    q = float(weights @ (means - np.average(means, weights=weights)) ** 2)
    df = len(found) - 1
    return Subgroups(found, q, df, float(chi2.sf(q, df)) if df else 1.0)


def combine_dependent(
    yi: ArrayLike, vi: ArrayLike, studies: Sequence[Hashable], correlation: float = 0.5
) -> tuple[list[Hashable], Floats, Floats]:
    """One effect for each study from contrasts that share arms: (studies, effects, variances).

    Contrasts of one study are averaged by generalised least squares with `correlation` between them; two
    arms of like size against one control correlate at 0.5.
    """
    y, v = effects_and_variances(yi, vi)
    same_length(yi=y, studies=list(studies))
    if not 0 <= correlation < 1:
        raise InputError(f"correlation is {correlation}; it must lie from 0 to below 1.")
    names = list(dict.fromkeys(studies))
    effects, variances = np.empty(len(names)), np.empty(len(names))
    for i, name in enumerate(names):
        rows = np.array([s == name for s in studies])
        se = np.sqrt(v[rows])
        cov = np.outer(se, se) * (correlation + (1 - correlation) * np.eye(len(se)))
        weights = np.linalg.solve(cov, np.ones(len(se)))
        effects[i], variances[i] = weights @ y[rows] / weights.sum(), 1 / weights.sum()
    return names, effects, variances


def shared_arm_correlation(control_variance: float, variance_1: float, variance_2: float) -> float:
    """Correlation of two contrasts of one trial against the same arm, from the three variances."""
    control, first, second = numbers([control_variance, variance_1, variance_2], "variances")
    return float(control / np.sqrt(first * second))
