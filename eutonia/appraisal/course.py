"""Natural course: pain over time without specific treatment, with the spread between cohorts.

The curve falls from its start to a floor: pain(t) = floor + (start − floor) exp(−t / tau), fitted to the pooled means
of inception cohorts by weighted least squares. A treatment's effect is another curve; what people gain over time is
credited to this one first.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eutonia.appraisal.rows import Z95
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.evidence import NaturalCourse
from eutonia.meta.record import Record


@dataclass(frozen=True)
class Course(Record):
    """Mean pain (0–100) at each day, the interval of the mean, and where a new cohort would lie; each (days,)."""

    days: NDArray[np.float64]
    pain: NDArray[np.float64]
    ci_low: NDArray[np.float64]
    ci_high: NDArray[np.float64]
    cohort_low: NDArray[np.float64]
    cohort_high: NDArray[np.float64]
    floor: float
    start: float
    tau_days: float
    between_cohorts_sd: float


@dataclass(frozen=True)
class _Fit:
    parameters: tuple[float, float, float]
    covariance: NDArray[np.float64]
    between: float


def natural_course(condition: str, days: ArrayLike, knowledge: Knowledge | None = None) -> Course:
    """Pain at `days` after onset (after 12 weeks of pain, for persistent pain) without specific treatment.

    Raises InputError where no cohort of `condition` is known.
    """
    knowledge = knowledge or load()
    known = course_of(condition, knowledge)
    if known is None:
        told = ", ".join(sorted(name for c in knowledge.courses.values() for name in c.conditions))
        raise InputError(f"No natural course of “{condition}” is known. There are: {told}.")
    at = np.atleast_1d(np.asarray(days, dtype=float))
    if not np.isfinite(at).all() or (at < 0).any():
        raise InputError("days must be numbers of 0 or more.")
    points = tuple((p.weeks * 7, p.pain, (p.ci[1] - p.ci[0]) / (2 * Z95)) for p in known.points)
    fit = _fitted(points, known.cohorts)
    floor, start, tau = fit.parameters
    mean = _curve(fit.parameters, at)
    slope = _slopes(fit.parameters, at)
    se = np.sqrt(np.einsum("ij,jk,ik->i", slope, fit.covariance, slope))
    wide = np.sqrt(se**2 + fit.between**2)
    return Course(
        days=at,
        pain=mean,
        ci_low=np.clip(mean - Z95 * se, 0, 100),
        ci_high=np.clip(mean + Z95 * se, 0, 100),
        cohort_low=np.clip(mean - Z95 * wide, 0, 100),
        cohort_high=np.clip(mean + Z95 * wide, 0, 100),
        floor=floor,
        start=start,
        tau_days=tau,
        between_cohorts_sd=fit.between,
    )


def course_of(condition: str, knowledge: Knowledge) -> NaturalCourse | None:
    return next((c for c in knowledge.courses.values() if condition in c.conditions), None)


def _curve(parameters: ArrayLike, days: NDArray[np.float64]) -> NDArray[np.float64]:
    floor, start, tau = np.asarray(parameters, dtype=float)
    return np.asarray(floor + (start - floor) * np.exp(-days / tau))


def _slopes(parameters: ArrayLike, days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivatives of the curve by floor, start and tau; (days, 3)."""
    floor, start, tau = np.asarray(parameters, dtype=float)
    fall = np.exp(-days / tau)
    return np.column_stack([1 - fall, fall, (start - floor) * fall * days / tau**2])


@lru_cache
def _fitted(points: tuple[tuple[float, float, float], ...], cohorts: int) -> _Fit:
    days, pain, se = (np.array(part) for part in zip(*points, strict=True))

    from scipy.optimize import least_squares

    def misses(parameters: ArrayLike) -> NDArray[np.float64]:
        return np.asarray((_curve(parameters, days) - pain) / se)

    found = least_squares(
        misses,
        x0=[pain[-1], pain[0], 40.0],
        bounds=([0, 0, 1.0], [100, 100, 1000.0]),
    )
    # Where the curve misses the points by more than their errors, the errors are widened by as much.
    excess = max(1.0, 2 * found.cost / max(1, len(points) - 3))
    slopes = _slopes(found.x, days) / se[:, None]
    covariance = np.asarray(np.linalg.inv(slopes.T @ slopes), dtype=float) * excess
    # Pooled standard errors are mostly the spread between cohorts, divided by the root of their number.
    between = float(np.sqrt(np.mean(se**2))) * sqrt(cohorts)
    floor, start, tau = (float(value) for value in found.x)
    return _Fit((floor, start, tau), covariance, between)
