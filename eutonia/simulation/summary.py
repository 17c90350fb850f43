"""What a course comes to, per patient and over patients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from eutonia.simulation.population import Column
from eutonia.simulation.sketch import Sketch
from eutonia.summaries import CourseSummary, EffectSummary, Exposure, PainSummary, Spread, WithdrawalSummary

PERCENTS = (5, 25, 50, 75, 95)

AT_ONCE = 4096
"""Patients up to whom all quantities are laid beside one another."""

UNKNOWN = Spread(mean=None, sd=None, median=None, p5=None, p25=None, p75=None, p95=None)
"""Of a quantity that exists in nobody."""


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
    last, recent = doses[-1], doses[-12:]
    gaps = [later - sooner for sooner, later in pairwise(recent)]
    if all(math.isclose(gap, gaps[-1], rel_tol=1e-5, abs_tol=1e-8) for gap in gaps):
        length, count, start = gaps[-1], 1, last
    else:
        of_day = [dose for dose in doses if dose > last - 24.0 + 1e-9]
        length, count, start = 24.0, len(of_day), of_day[0]
    if start + length > until + 1e-9 and start - length > doses[0] - 1e-9:  # the last one is cut off
        start -= length
    return Window(doses, start, start + length, count)


def spread(values: Column | Sketch) -> Spread:
    """Mean, spread and percentiles, over patients in whom the quantity exists."""
    return spreads({"": values})[""]


def spreads(quantities: Mapping[str, Column | Sketch]) -> dict[str, Spread]:
    """The same of several quantities over the same patients. Those that exist in all are worked out at once, which
    takes a tenth of the time: an array of two hundred is over before NumPy has begun."""
    every = {
        name: values
        for name, values in quantities.items()
        if not isinstance(values, Sketch) and len(values) <= AT_ONCE and np.isfinite(values).all()
    }
    found = dict(zip(every, _of_all(list(every.values())), strict=True))
    return {name: found[name] if name in found else _of(values) for name, values in quantities.items()}


def _of_all(columns: Sequence[Column]) -> list[Spread]:
    if not columns or not len(columns[0]):
        return [UNKNOWN] * len(columns)
    rows = np.stack(columns).astype(float)
    sd = rows.std(axis=1, ddof=1) if rows.shape[1] > 1 else np.zeros(len(rows))
    every = np.column_stack([rows.mean(axis=1), sd, _percentiles(rows)])
    return [_spread(*each) for each in every.tolist()]


def _percentiles(rows: Column) -> Column:
    """Of each row, between its values along a line, as NumPy's; which loads more of NumPy than all else needs."""
    rows, last = np.sort(rows, axis=1), rows.shape[1] - 1
    place = np.array(PERCENTS) / 100.0 * last
    lower = place.astype(int)
    below, above = rows[:, lower], rows[:, np.minimum(lower + 1, last)]
    return np.asarray(below + (place - lower) * (above - below))


def _of(values: Column | Sketch) -> Spread:
    if isinstance(values, Sketch):
        known = values.known
    else:
        values = values[np.isfinite(values)]
        known = len(values)
    if not known:
        return UNKNOWN
    if isinstance(values, Sketch):
        return _spread(*values.moments(), *values.percentiles(PERCENTS))
    sd = values.std(ddof=1, dtype=float) if known > 1 else 0.0
    return _spread(values.mean(dtype=float), sd, *_percentiles(values[None].astype(float))[0])


def _spread(mean: float, sd: float, *percentiles: float) -> Spread:
    p5, p25, median, p75, p95 = map(figures, percentiles)
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
    peak = p["peak_drive"]
    names = [f"{name}/{key}" for name in p["substances"] for key in Exposure.model_fields]
    names += [key for key in EffectSummary.model_fields if key in p and not key.startswith("prob")]
    names += [
        "withdrawal_peak",
        "withdrawal_score",
        "withdrawal_peak_day",
        "withdrawal_onset_h",
        "pain_baseline",
    ]
    of = spreads(
        {name: p[name] for name in names} | {f"pain/{at}": pain for at, pain in p["pain_at"].items()}
    )
    return CourseSummary(
        patients=peak.number if isinstance(peak, Sketch) else len(peak),
        exposure={
            name: Exposure(**{key: of[f"{name}/{key}"] for key in Exposure.model_fields})
            for name in p["substances"]
        },
        effects=EffectSummary(
            **{
                key: of[key] for key in EffectSummary.model_fields if key in of and not key.startswith("prob")
            },
            probability_drowsy=figures(p["probability_drowsy"].mean()),
            probability_dizzy=figures(p["probability_dizzy"].mean()),
            probability_relief=figures(share_known(p["onset_h"])),
        ),
        withdrawal=WithdrawalSummary(
            peak=of["withdrawal_peak"],
            peak_score=of["withdrawal_score"],
            peak_day=of["withdrawal_peak_day"],
            onset_h=of["withdrawal_onset_h"],
            probability_any=figures(p["probability_any"].mean()),
            probability_seizure=figures(p["probability_seizure"].mean()),
            probability_hallucinosis=figures(p["probability_hallucinosis"].mean()),
        ),
        pain=PainSummary(
            baseline=of["pain_baseline"], at={label: of[f"pain/{label}"] for label in p["pain_at"]}
        ),
        assumptions=list(assumptions),
        knowledge_version=version,
    )
