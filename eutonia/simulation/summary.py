"""What a course comes to, per patient and over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eutonia.simulation.population import Column
from eutonia.summaries import CourseSummary, EffectSummary, Exposure, PainSummary, Spread, WithdrawalSummary


@dataclass(frozen=True)
class Window:
    """What a substance's exposure is read from."""

    doses: tuple[float, ...]
    """Times of the doses that bring it."""
    start: float
    """The interval at the end that stands for steady use; the whole course after a single dose."""
    end: float
    per_interval: int
    """Doses in it."""

    @property
    def single(self) -> bool:
        return len(self.doses) == 1


def window(doses: Sequence[float], until: float) -> Window:
    """One dosing interval at the end of a course: between regular doses, else the last day with doses."""
    doses = tuple(sorted(set(doses)))
    if len(doses) <= 1:
        return Window(doses, doses[0] if doses else 0.0, until, 1)
    gaps = np.diff(doses[-12:])
    last = doses[-1]
    if np.allclose(gaps, gaps[-1]):
        length, count, start = float(gaps[-1]), 1, last
    else:
        of_day = [dose for dose in doses if dose > last - 24.0 + 1e-9]
        length, count, start = 24.0, len(of_day), of_day[0]
    if start + length > until + 1e-9 and start - length > doses[0] - 1e-9:  # the last one is cut off
        start -= length
    return Window(doses, start, start + length, count)


def spread(values: Column) -> Spread:
    """Mean, spread and percentiles, over patients in whom the quantity exists."""
    values = values[np.isfinite(values)]
    if not len(values):
        return Spread(mean=None, sd=None, median=None, p5=None, p25=None, p75=None, p95=None)
    p5, p25, median, p75, p95 = (figures(x) for x in np.percentile(values, (5, 25, 50, 75, 95)))
    mean, sd = values.mean(dtype=float), values.std(ddof=1, dtype=float) if len(values) > 1 else 0.0
    return Spread(mean=figures(mean), sd=figures(sd), median=median, p5=p5, p25=p25, p75=p75, p95=p95)


def figures(x: float) -> float:
    """Six significant figures: beyond them lies the rounding of either engine."""
    return float(f"{x:.6g}")


def summarise(per_patient: Mapping[str, Any], assumptions: Sequence[str], version: str) -> CourseSummary:
    """Sum up what each patient's course came to (`engine.Outcome.per_patient`)."""
    p = per_patient
    exposure = {
        name: Exposure(**{key: spread(p[f"{name}/{key}"]) for key in Exposure.model_fields})
        for name in p["substances"]
    }
    noticed = np.isfinite(p["onset_h"])
    effects = {
        key: spread(p[key]) for key in EffectSummary.model_fields if key in p and not key.startswith("prob")
    }
    return CourseSummary(
        patients=len(p["peak_drive"]),
        exposure=exposure,
        effects=EffectSummary(
            **effects,
            probability_drowsy=figures(p["probability_drowsy"].mean()),
            probability_dizzy=figures(p["probability_dizzy"].mean()),
            probability_relief=figures(noticed.mean()),
        ),
        withdrawal=WithdrawalSummary(
            peak=spread(p["withdrawal_peak"]),
            peak_score=spread(p["withdrawal_score"]),
            peak_day=spread(p["withdrawal_peak_day"]),
            onset_h=spread(p["withdrawal_onset_h"]),
            probability_any=figures(p["probability_any"].mean()),
            probability_seizure=figures(p["probability_seizure"].mean()),
            probability_hallucinosis=figures(p["probability_hallucinosis"].mean()),
        ),
        pain=PainSummary(
            baseline=spread(p["pain_baseline"]),
            at={label: spread(values) for label, values in p["pain_at"].items()},
        ),
        assumptions=list(assumptions),
        knowledge_version=version,
    )
