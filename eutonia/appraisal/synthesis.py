"""Rows → one estimate, in a way that stays honest when trials are few.

Five trials or more: random effects (REML) with Hartung–Knapp, guarded so that it is never narrower than Wald. Two to
four: Bayesian, with a half-normal prior of tau, exact on a grid; Hartung–Knapp with one degree of freedom is useless
there. One: that trial alone, with nothing said about other settings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, NamedTuple

import numpy as np

from eutonia.appraisal.rows import Row
from eutonia.knowledge.evidence import Outcome
from eutonia.meta import HalfNormal, Pool, bayes, egger, leave_one_out, pool
from eutonia.meta.distributions import norm, t
from eutonia.meta.record import Floats

FEW = 5
"""Below this many trials the prior of tau speaks too."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Synthesis:
    """A pooled estimate on the scale of the analysis: points of 100, or log ratio."""

    rows: tuple[Row, ...]
    measure: str
    estimate: float
    ci: Interval
    prediction: Interval | None
    tau2: float | None
    reml_tau2: float | None
    """As the data alone have it."""
    i2: float | None
    q_p: float | None
    method: str
    weights: tuple[float, ...]
    """Percent, in the order of `rows`."""
    probability_better: float
    """That the effect is on the better side of nil."""
    probability_important: float
    """That it is better than the smallest important difference."""
    others: dict[str, tuple[float, Interval]]
    """The same rows by other methods."""
    without: dict[str, tuple[float, Interval]]
    """The estimate without each trial in turn."""
    small_study_p: float | None

    @property
    def people(self) -> int:
        return sum(row.people for row in self.rows)

    @property
    def trials(self) -> int:
        return len({row.trial for row in self.rows})


def important(outcome: Outcome, measure: str) -> float:
    """The smallest important difference on the scale of the analysis, with the sign of better."""
    size = float(np.log(outcome.important)) if measure == "RR" else outcome.important
    if _is_mean_for_share(outcome, measure):
        size = outcome.instead_important or size
    return size if outcome.better == "higher" else -size


def synthesise(rows: Sequence[Row], outcome: Outcome) -> Synthesis:
    """Pool `rows`, at least one, all of one measure."""
    y = np.array([row.effect for row in rows])
    v = np.array([row.se**2 for row in rows])
    mixed = pool(y, v, guard=True)
    estimate, ci, prediction, tau2, method, below = _estimate(y, v, mixed, outcome, rows[0].measure)
    threshold = important(outcome, rows[0].measure)
    better = below if outcome.better == "lower" else lambda value: 1 - below(value)
    wald = pool(y, v, knapp_hartung=False)
    common = pool(y, v, "CE")
    few = 1 < len(rows) < FEW
    return Synthesis(
        rows=tuple(rows),
        measure=rows[0].measure,
        estimate=estimate,
        ci=ci,
        prediction=prediction,
        tau2=tau2,
        reml_tau2=mixed.tau2 if len(rows) > 1 else None,
        i2=mixed.i2 if len(rows) > 1 else None,
        q_p=mixed.q_p if len(rows) > 1 else None,
        method=method,
        weights=_weights(v, tau2 or 0.0),
        probability_better=better(0.0),
        probability_important=better(threshold),
        others={
            # With few trials Hartung–Knapp has hardly a degree of freedom, and says nothing.
            **({} if few else {"random effects, Hartung–Knapp, guarded": (mixed.estimate, mixed.ci)}),
            "random effects, Wald": (wald.estimate, wald.ci),
            "common effect": (common.estimate, common.ci),
        }
        if len(rows) > 1
        else {},
        without=_without(rows, y, v, outcome, few),
        small_study_p=egger(y, v).p if len(rows) >= 10 else None,
    )


def _weights(v: Floats, tau2: float) -> tuple[float, ...]:
    weights = 1 / (v + tau2)
    return tuple((100 * weights / weights.sum()).tolist())


class _Estimate(NamedTuple):
    """What the method of choice gives."""

    estimate: float
    ci: Interval
    prediction: Interval | None
    tau2: float | None
    method: str
    below: Callable[[float], float]
    """Probability that the effect lies below a value."""


def _estimate(y: Floats, v: Floats, mixed: Pool, outcome: Outcome, measure: str) -> _Estimate:
    if len(y) == 1:

        def alone(value: float) -> float:
            return float(norm.cdf(value, mixed.estimate, mixed.se))

        return _Estimate(mixed.estimate, mixed.ci, None, None, "one trial", alone)
    if len(y) < FEW:
        scale = prior_scale(outcome, measure)
        found = bayes(y, v, HalfNormal(scale))
        method = f"Bayesian random effects, tau half-normal({scale:g})"
        return _Estimate(found.estimate, found.ci, found.pi, found.tau**2, method, found.probability_below)

    def below(value: float) -> float:
        return float(t.cdf((value - mixed.estimate) / mixed.se, len(y) - 1))

    method = "random effects (REML), Hartung–Knapp, guarded"
    return _Estimate(mixed.estimate, mixed.ci, mixed.pi, mixed.tau2, method, below)


def prior_scale(outcome: Outcome, measure: str) -> float:
    """The scale of the half-normal prior of tau, in the unit of the analysis."""
    instead = outcome.instead_tau_prior if _is_mean_for_share(outcome, measure) else None
    return instead or outcome.tau_prior


def _is_mean_for_share(outcome: Outcome, measure: str) -> bool:
    """Whether a mean rating stands in for the share of people that is asked about."""
    return measure == "MD" and outcome.measure == "RR"


def _without(
    rows: Sequence[Row], y: Floats, v: Floats, outcome: Outcome, few: bool
) -> dict[str, tuple[float, Interval]]:
    if len(rows) < 3:
        return {}
    if few:
        found = []
        for i in range(len(rows)):
            rest = np.arange(len(rows)) != i
            one = bayes(y[rest], v[rest], HalfNormal(prior_scale(outcome, rows[0].measure)))
            found.append((one.estimate, one.ci))
    else:
        found = [(one.estimate, one.ci) for one in leave_one_out(y, v, guard=True)]
    return {row.trial: result for row, result in zip(rows, found, strict=True)}


def risk_per_100(synthesis: Synthesis) -> dict[str, Any] | None:
    """Risk in 100 people with the comparator and with the treatment, the difference with its interval, and the number
    needed to harm or treat; None where no trial gives counts."""
    counted = [row for row in synthesis.rows if row.events is not None]
    if synthesis.measure != "RR" or not counted:
        return None
    control = sum(row.events[1] for row in counted if row.events) / sum(row.n[1] for row in counted)
    if control == 0:
        return None
    ratio, low, high = (exp(x) for x in (synthesis.estimate, *synthesis.ci))
    gap = control * (ratio - 1)
    return {
        "comparator": 100 * control,
        "treatment": 100 * min(1.0, control * ratio),
        "difference": 100 * gap,
        "difference_low": 100 * control * (low - 1),
        "difference_high": 100 * min(1 - control, control * (high - 1)),
        "one_more_in": abs(1 / gap) if abs(gap) > 1e-6 else None,
    }
