"""Meta-regression, and tests of small-study effects.

`meta_regression` is metafor's mixed-effects model; with `knapp_hartung` the coefficients are tested by t
and the moderators together by F. Egger's, Peters's and the PET–PEESE tests are weighted linear regressions
with a multiplicative dispersion, as first published (metafor's `regtest(model="lm")`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eutonia.errors import InputError
from eutonia.meta.distributions import chi2, f, t
from eutonia.meta.heterogeneity import LinearModel, method_name, tau2
from eutonia.meta.pooling import Interval, quantile, two_sided
from eutonia.meta.record import Floats, Record, effects_and_variances, numbers, positive, same_length


@dataclass(frozen=True)
class Coefficient(Record):
    """One coefficient of a meta-regression."""

    name: str
    estimate: float
    se: float
    ci: Interval
    statistic: float
    p: float


@dataclass(frozen=True)
class MetaRegression(Record):
    """A mixed-effects meta-regression. `qm` tests all moderators, `qe` what they leave unexplained."""

    coefficients: tuple[Coefficient, ...]
    covariance: Floats
    tau2: float
    r2: float
    """Percent of the between-study variance that the moderators explain."""
    i2: float
    qm: float
    """Chi-squared with `qm_df`; with Knapp–Hartung an F with `qm_df` and `df`."""
    qm_df: int
    qm_p: float
    qe: float
    df: int
    qe_p: float
    k: int
    method: str


def meta_regression(
    yi: ArrayLike,
    vi: ArrayLike,
    x: ArrayLike,
    names: Sequence[str] | None = None,
    method: str = "REML",
    *,
    knapp_hartung: bool = False,
    intercept: bool = True,
    level: float = 0.95,
) -> MetaRegression:
    """Regress effects on moderators `x`, of shape (k,) or (k, m).

    Raises InputError where moderators are missing, collinear, or as many as the studies.
    """
    y, v = effects_and_variances(yi, vi)
    moderators = np.asarray(x, dtype=float)
    if moderators.ndim == 1:
        moderators = moderators[:, None]
    same_length(yi=y, x=list(moderators))
    if not np.isfinite(moderators).all():
        raise InputError("x holds a missing value. Leave that study out, or give its moderator.")
    labels = list(names) if names is not None else [f"x{i + 1}" for i in range(moderators.shape[1])]
    if len(labels) != moderators.shape[1]:
        raise InputError(f"There are {moderators.shape[1]} moderators and {len(labels)} names.")
    if intercept:
        moderators = np.column_stack([np.ones(len(y)), moderators])
        labels = ["intercept", *labels]
    model = LinearModel(y, v, moderators)
    if model.df < 1 or np.linalg.matrix_rank(moderators) < moderators.shape[1]:
        raise InputError(
            "The moderators are collinear or too many for the number of studies. Leave some out."
        )
    return _regression(model, labels, method_name(method), knapp_hartung, intercept, level)


def _regression(
    model: LinearModel, labels: list[str], method: str, knapp_hartung: bool, intercept: bool, level: float
) -> MetaRegression:
    between = tau2(model, method)
    fit = model.at(between)
    robust = knapp_hartung and method != "CE"
    cov = fit.cov * (fit.rss / model.df if robust else 1.0)
    df = model.df if robust else None
    se = np.sqrt(np.diag(cov))
    half = quantile(level, df) * se
    tested = np.arange(int(intercept), len(labels))
    qm = float(fit.beta[tested] @ np.linalg.solve(cov[np.ix_(tested, tested)], fit.beta[tested]))
    if robust:
        qm /= len(tested)
    alone = tau2(LinearModel(model.y, model.v, np.ones((len(model.y), 1))), method)
    typical = model.df / model.at_zero.trace
    return MetaRegression(
        coefficients=tuple(
            Coefficient(
                name, float(b), float(s), (float(b - h), float(b + h)), float(b / s), two_sided(b, s, df)
            )
            for name, b, s, h in zip(labels, fit.beta, se, half, strict=True)
        ),
        covariance=cov,
        tau2=between,
        r2=100 * max(0.0, 1 - between / alone) if alone > 0 else 0.0,
        i2=100 * between / (between + typical),
        qm=qm,
        qm_df=len(tested),
        qm_p=float(f.sf(qm, len(tested), model.df) if robust else chi2.sf(qm, len(tested))),
        qe=model.at_zero.rss,
        df=model.df,
        qe_p=float(chi2.sf(model.at_zero.rss, model.df)),
        k=len(model.y),
        method=method,
    )


@dataclass(frozen=True)
class SmallStudyTest(Record):
    """A regression test of funnel asymmetry. `limit` is the effect expected of an infinitely large study."""

    name: str
    bias: float
    se: float
    statistic: float
    df: int
    p: float
    limit: float
    limit_se: float


def egger(
    yi: ArrayLike, vi: ArrayLike, model: Literal["lm", "mixed"] = "lm", method: str = "REML"
) -> SmallStudyTest:
    """Egger's test: do less precise studies show other effects?

    `lm` is the classical weighted regression on the standard error (t, k − 2); `mixed` the random-effects one
    (z; metafor's default). It has little power below ten studies.
    """
    y, v = effects_and_variances(yi, vi)
    _enough(y)
    if model == "mixed":
        found = meta_regression(y, v, np.sqrt(v), ["se"], method)
        limit, slope = found.coefficients
        return SmallStudyTest(
            "Egger, mixed",
            slope.estimate,
            slope.se,
            slope.statistic,
            found.df,
            slope.p,
            limit.estimate,
            limit.se,
        )
    return _weighted_test("Egger", y, np.sqrt(v), 1 / v)


def peters(events_1: ArrayLike, n_1: ArrayLike, events_2: ArrayLike, n_2: ArrayLike) -> SmallStudyTest:
    """Peters's test for odds ratios: regress the log odds ratio on 1/N, weighted by events and non-events."""
    from eutonia.meta.effect_sizes import log_odds_ratio

    y, _ = log_odds_ratio(events_1, n_1, events_2, n_2)
    _enough(y)
    total = numbers(n_1, "n_1") + numbers(n_2, "n_2")
    events = numbers(events_1, "events_1") + numbers(events_2, "events_2")
    weights = events * (total - events) / total
    positive(weights, "events times non-events")
    return _weighted_test("Peters", y, 1 / total, weights)


@dataclass(frozen=True)
class PetPeese(Record):
    """The effect of an infinitely large study: PET, or PEESE where PET finds an effect at one-sided 5 %."""

    pet: SmallStudyTest
    peese: SmallStudyTest
    estimate: float
    se: float
    chosen: Literal["PET", "PEESE"]


def pet_peese(yi: ArrayLike, vi: ArrayLike) -> PetPeese:
    """Correct for small-study effects by regression on the standard error (PET) or the variance (PEESE)."""
    y, v = effects_and_variances(yi, vi)
    _enough(y)
    pet = _weighted_test("PET", y, np.sqrt(v), 1 / v)
    peese = _weighted_test("PEESE", y, v, 1 / v)
    effect = abs(pet.limit / pet.limit_se) > t.ppf(0.95, pet.df)
    used = peese if effect else pet
    return PetPeese(pet, peese, used.limit, used.limit_se, "PEESE" if effect else "PET")


def _enough(y: Floats) -> None:
    if len(y) < 3:
        raise InputError("A test of small-study effects needs at least three studies.")


def _weighted_test(name: str, y: Floats, x: Floats, weights: Floats) -> SmallStudyTest:
    design = np.column_stack([np.ones(len(y)), x])
    if np.linalg.matrix_rank(design) < 2:
        raise InputError(f"{name}'s test needs studies that differ in precision.")
    model = LinearModel(y, 1 / weights, design)
    fit = model.at_zero
    se = np.sqrt(np.diag(fit.cov) * fit.rss / model.df)
    return SmallStudyTest(
        name,
        float(fit.beta[1]),
        float(se[1]),
        float(fit.beta[1] / se[1]) if se[1] > 0 else float("nan"),
        model.df,
        two_sided(fit.beta[1], se[1], model.df),
        float(fit.beta[0]),
        float(se[0]),
    )
