"""Between-study variance (tau²): eight estimators and two intervals.

One linear model serves pooling, meta-regression and networks: y ~ N(X beta, V + tau² S), with V the
sampling (co)variances. `S` is the identity for independent studies; in a network it has 1 on the diagonal
and 1/2 between contrasts of one trial. Estimators follow metafor's rma.uni, except that REML and ML find
the exact maximum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eutonia.errors import InputError
from eutonia.meta.distributions import chi2
from eutonia.meta.record import Floats

METHODS = ("CE", "REML", "ML", "DL", "PM", "EB", "SJ", "HS", "HE")
"""Common effect; restricted and full maximum likelihood; DerSimonian–Laird; Paule–Mandel; empirical Bayes;
Sidik–Jonkman; Hunter–Schmidt; Hedges."""

_ALIASES = {"FE": "CE", "EE": "CE", "FIXED": "CE", "COMMON": "CE", "MP": "PM"}


def method_name(method: str) -> str:
    """The estimator's standard abbreviation. Raises InputError for one that is not known."""
    name = str(method).upper()
    name = _ALIASES.get(name, name)
    if name not in METHODS:
        raise InputError(f"There is no method “{method}”. There are: {', '.join(METHODS)}.")
    return name


@dataclass(frozen=True)
class Fit:
    """Generalised least squares at one value of tau²."""

    beta: Floats
    cov: Floats
    rss: float
    """Weighted residual sum of squares, y'Py; Cochran's Q where tau² is 0."""
    trace: float
    """tr(P S), with P the residual-making matrix."""
    square: float
    """y'P S P y."""
    trace_weights: float
    """tr(W S), with W the inverse of the marginal covariance."""
    log_det: float
    """log det of the marginal covariance."""
    log_det_information: float
    """log det X'WX."""


@dataclass(frozen=True)
class LinearModel:
    """y ~ N(X beta, V + tau² S). `v` holds variances (k,) of independent studies, or a covariance matrix
    (k, k).
    """

    y: Floats
    v: Floats
    x: Floats
    s: Floats | None = None
    """Structure of the between-study covariance (k, k); None for independent studies."""

    @property
    def df(self) -> int:
        return len(self.y) - int(self.x.shape[1])

    @cached_property
    def at_zero(self) -> Fit:
        return self.at(0.0)

    def at(self, tau2: float) -> Fit:
        return self._independent(tau2) if self.v.ndim == 1 else self._dependent(tau2)

    def _independent(self, tau2: float) -> Fit:
        w = 1 / (self.v + tau2)
        if self.x.shape[1] == 1:
            return self._one_mean(w)
        wx = w[:, None] * self.x
        information = self.x.T @ wx
        cov: Floats = np.asarray(np.linalg.inv(information), dtype=float)
        beta = cov @ (wx.T @ self.y)
        r = self.y - self.x @ beta
        return Fit(
            beta=beta,
            cov=cov,
            rss=float(w @ r**2),
            trace=float(w.sum() - np.trace(cov @ (wx.T @ wx))),
            square=float(np.sum((w * r) ** 2)),
            trace_weights=float(w.sum()),
            log_det=float(-np.log(w).sum()),
            log_det_information=float(np.linalg.slogdet(information)[1]),
        )

    def _one_mean(self, w: Floats) -> Fit:
        """The same for a single column, without matrices: pooling is mostly this."""
        x = self.x[:, 0]
        wx = w * x
        information = float(wx @ x)
        beta = float(wx @ self.y) / information
        p_y = w * (self.y - beta * x)
        return Fit(
            beta=np.array([beta]),
            cov=np.array([[1 / information]]),
            rss=float(p_y @ (self.y - beta * x)),
            trace=float(w.sum()) - float(wx @ wx) / information,
            square=float(p_y @ p_y),
            trace_weights=float(w.sum()),
            log_det=-float(np.log(w).sum()),
            log_det_information=float(np.log(information)),
        )

    def _dependent(self, tau2: float) -> Fit:
        s = np.eye(len(self.y)) if self.s is None else self.s
        omega = self.v + tau2 * s
        w = np.linalg.inv(omega)
        wx = w @ self.x
        information = self.x.T @ wx
        cov: Floats = np.asarray(np.linalg.inv(information), dtype=float)
        beta = cov @ (wx.T @ self.y)
        p_y = w @ (self.y - self.x @ beta)
        p = w - wx @ cov @ wx.T
        return Fit(
            beta=beta,
            cov=cov,
            rss=float(self.y @ p_y),
            trace=float(np.sum(p * s)),
            square=float(p_y @ s @ p_y),
            trace_weights=float(np.sum(w * s)),
            log_det=float(np.linalg.slogdet(omega)[1]),
            log_det_information=float(np.linalg.slogdet(information)[1]),
        )

    @cached_property
    def spread(self) -> float:
        """An upper scale for tau²: the residual sum of squares of ordinary least squares, per degree of
        freedom.
        """
        residual = self.y - self.x @ np.linalg.lstsq(self.x, self.y, rcond=None)[0]
        return float(residual @ residual) / max(self.df, 1)


def tau2(model: LinearModel, method: str = "REML") -> float:
    """Estimate tau² by `method`; 0 for the common-effect model and where nothing is left to estimate it
    from.
    """
    name = method_name(method)
    if name == "CE" or model.df < 1:
        return 0.0
    if name in ("REML", "ML"):
        return _likelihood_peak(model, name)
    if name in ("PM", "EB"):
        return _solve_q(model, float(model.df))
    if name == "DL":
        return max(0.0, (model.at_zero.rss - model.df) / model.at_zero.trace)
    return max(0.0, _for_independent_studies(model, name))


def _for_independent_studies(model: LinearModel, name: str) -> float:
    if model.v.ndim != 1:
        raise InputError(f"Method {name} needs independent studies. Use REML, ML, DL or PM for a network.")
    if name == "HS":
        return (model.at_zero.rss - len(model.y)) / float(np.sum(1 / model.v))
    if name == "HE":
        hat = model.x @ np.linalg.pinv(model.x)
        return model.spread - float(np.sum((1 - np.diag(hat)) * model.v)) / model.df
    start = float(np.var(model.y))
    return start * model.at(start).rss / model.df if start > 0 else 0.0


def log_likelihood(model: LinearModel, value: float, method: str = "REML") -> float:
    """Log likelihood (restricted for REML) at tau² = `value`, up to a constant."""
    fit = model.at(value)
    restricted = fit.log_det_information if method == "REML" else 0.0
    return -0.5 * (fit.log_det + fit.rss + restricted)


def _likelihood_peak(model: LinearModel, method: str) -> float:
    """The tau² of the highest likelihood, found on a grid (there may be two peaks), then as a root of the
    score.
    """

    def score(value: float) -> float:
        fit = model.at(value)
        return fit.square - (fit.trace if method == "REML" else fit.trace_weights)

    top = 10 * model.spread
    if top <= 0:
        return 0.0
    grid = np.concatenate([[0.0], np.geomspace(top * 1e-6, top, 30)])
    best = int(np.argmax([log_likelihood(model, value, method) for value in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if score(low) <= 0:
        return float(low) if best == 0 or score(grid[best]) <= 0 else _root(score, grid[best], high)
    return _root(score, low, high) if score(high) < 0 else float(grid[best])


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-14 * max(high, 1e-300), rtol=1e-12))


def _solve_q(model: LinearModel, target: float) -> float:
    """The tau² at which the generalised Q equals `target`; 0 where Q is below it already."""
    if model.at_zero.rss <= target:
        return 0.0
    high = max(model.spread, 1e-12)
    while model.at(high).rss > target:
        high *= 4
    return _root(lambda value: model.at(value).rss - target, 0.0, high)


def q_profile(model: LinearModel, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of tau² by inverting the generalised Q (Viechtbauer 2007)."""
    tail = (1 - level) / 2
    return _solve_q(model, chi2.isf(tail, model.df)), _solve_q(model, chi2.isf(1 - tail, model.df))


def profile_likelihood(model: LinearModel, level: float = 0.95, method: str = "REML") -> tuple[float, float]:
    """Confidence interval of tau² from the profile of the (restricted) likelihood."""
    peak = _likelihood_peak(model, method)
    floor = log_likelihood(model, peak, method) - chi2.ppf(level, 1) / 2

    def above(value: float) -> float:
        return float(log_likelihood(model, value, method) - floor)

    high = max(2 * peak, model.spread, 1e-12)
    while above(high) > 0:
        high *= 4
    low = 0.0 if above(0.0) >= 0 else _root(above, 0.0, peak)
    return low, _root(above, peak, high)
