"""What a course comes to, per patient and over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eutonia.simulation.population import Column
from eutonia.simulation.sketch import Sketch
from eutonia.summaries import CourseSummary, EffectSummary, Exposure, PainSummary, Spread, WithdrawalSummary

PERCENTS = (5, 25, 50, 75, 95)


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


def spread(values: Column | Sketch) -> Spread:
    """Mean, spread and percentiles, over patients in whom the quantity exists."""
    if isinstance(values, Sketch):
        known = values.known
    else:
        values = values[np.isfinite(values)]
        known = len(values)
    if not known:
        return Spread(mean=None, sd=None, median=None, p5=None, p25=None, p75=None, p95=None)
    if isinstance(values, Sketch):
        (mean, sd), found = values.moments(), values.percentiles(PERCENTS)
    else:
        mean, sd = values.mean(dtype=float), values.std(ddof=1, dtype=float) if known > 1 else 0.0
        found = np.percentile(values, PERCENTS)
    p5, p25, median, p75, p95 = (figures(x) for x in found)
    return Spread(mean=figures(mean), sd=figures(sd), median=median, p5=p5, p25=p25, p75=p75, p95=p95)


def share_known(values: Column | Sketch) -> float:
    """Part of the patients in whom the quantity exists."""
    return values.known / values.number if isinstance(values, Sketch) else float(np.isfinite(values).mean())


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
    peak = p["peak_drive"]
    effects = {
        key: spread(p[key]) for key in EffectSummary.model_fields if key in p and not key.startswith("prob")
    }
    return CourseSummary(
        patients=peak.number if isinstance(peak, Sketch) else len(peak),
        exposure=exposure,
        effects=EffectSummary(
            **effects,
            probability_drowsy=figures(p["probability_drowsy"].mean()),
            probability_dizzy=figures(p["probability_dizzy"].mean()),
            probability_relief=figures(share_known(p["onset_h"])),
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
