"""Published observations beside what the model gives for them.

Each study is simulated many times over with as many patients as it had: patients differ within a study, and the
typical patient differs from one simulated study to the next as far as we are unsure of the figures. The band is that
of the studies' results, so that it may be held against the result that was printed: of a chance a study counts those
in whom it came true, a study of more people than are simulated is narrowed to its size, and each is off by something
beside sampling (model/studies), as two studies of the same thing are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from eutonia.simulation.population import Column, Patients, checked
from eutonia.simulation.summary import figures

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.knowledge.pharmacology import Finding, Observation

STUDIES, MOST_STUDIED, FEWEST_STUDIED = 60, 48, 4


class Compared(BaseModel):
    """One printed figure beside the model's."""

    model_config = ConfigDict(frozen=True)

    observation: str
    title: str
    quantity: str
    unit: str
    statistic: str
    published: float
    published_sd: float | None
    published_interval: tuple[float, float] | None
    model: float | None
    model_sd: float | None = Field(description="between patients")
    model_p5: float | None = Field(description="of the results of simulated studies of that size")
    model_p25: float | None
    model_p75: float | None
    model_p95: float | None
    relative_difference: float | None
    agrees: bool = Field(description="the published figure lies in the model's band, or their intervals meet")
    in_half: bool = Field(description="the published figure lies in the middle half of the simulated studies")
    in_ninety: bool = Field(description="and in the middle 90 %")
    used_for_fitting: bool
    sources: list[dict[str, str]]


class Coverage(BaseModel):
    """Share of published figures inside the model's bands: 0.5 and 0.9 where the bands say what they should."""

    model_config = ConfigDict(frozen=True)

    findings: int
    half: float | None
    ninety: float | None


class Validation(BaseModel):
    """The answer of `eutonia validate --json`."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["eutonia/validation/1"] = Field("eutonia/validation/1", alias="schema")
    findings: list[Compared]
    agree: int
    held_apart: int
    held_apart_agree: int
    coverage: Coverage
    held_apart_coverage: Coverage
    knowledge_version: str
    note: str = "Figures used for fitting show how well the model describes what it was made from; no more."


def validate(knowledge: Knowledge, progress: Callable[[int], None] | None = None) -> Validation:
    """Simulate every observation and hold its findings against the model."""
    found: list[Compared] = []
    for observation in knowledge.observations.values():
        found += compare(observation, knowledge)
        if progress is not None:
            progress(1)
    apart = [each for each in found if not each.used_for_fitting]
    return Validation(
        findings=found,
        agree=sum(each.agrees for each in found),
        held_apart=len(apart),
        held_apart_agree=sum(each.agrees for each in apart),
        coverage=covered(found),
        held_apart_coverage=covered(apart),
        knowledge_version=knowledge.version,
    )


def covered(found: Sequence[Compared]) -> Coverage:
    """How often the bands hold the published figure."""
    told = [each for each in found if each.model is not None]
    half, ninety = (
        round(sum(getattr(each, band) for each in told) / len(told), 3) if told else None
        for band in ("in_half", "in_ninety")
    )
    return Coverage(findings=len(told), half=half, ninety=ninety)


def compare(observation: Observation, knowledge: Knowledge, studies: int = STUDIES) -> list[Compared]:
    """The findings of one observation beside the model's."""
    own = simulated(observation.plan, observation, observation.patients, knowledge, studies)
    other: Mapping[str, Column] | None = None
    if observation.compared_plan or any(f.statistic in ("ratio", "difference") for f in observation.findings):
        plan = observation.compared_plan or observation.plan
        same = dict(observation.compared_with) == dict(observation.patients)
        other = simulated(
            plan, observation, observation.compared_with, knowledge, studies, seed=0 if same else 1
        )
    return [_compared(observation, finding, own, other, knowledge) for finding in observation.findings]


def simulated(
    plan: tuple[str, ...],
    observation: Observation,
    facts: Mapping[str, Any],
    knowledge: Knowledge,
    studies: int,
    seed: int = 0,
) -> dict[str, Column]:
    """What the course comes to for each patient of each simulated study, [studies, patients] by name.

    Another `seed` is another group of patients, in the same worlds.
    """
    from eutonia.simulation import outcome

    size = min(max(observation.number_studied or 24, FEWEST_STUDIED), MOST_STUDIED)
    patients = Patients(studies * size, checked(dict(facts), 1), seed, uncertain=True, together=size, world=0)
    result = outcome(
        list(plan), patients=patients, until=observation.until, courses=False, knowledge=knowledge
    )
    found = {
        name: np.asarray(values, float).reshape(studies, size)
        for name, values in result.per_patient.items()
        if isinstance(values, np.ndarray)
    }
    for label, values in result.per_patient["pain_at"].items():
        found[f"pain after {label}"] = np.asarray(values, float).reshape(studies, size)
    return found


def _compared(
    observation: Observation,
    finding: Finding,
    own: Mapping[str, Column],
    other: Mapping[str, Column] | None,
    knowledge: Knowledge,
) -> Compared:
    values = own[finding.quantity]
    results = _results(observation, finding, values)
    if finding.statistic in ("ratio", "difference") and other is not None:
        base = _results(observation, finding, other[finding.quantity])
        results = results / base if finding.statistic == "ratio" else results - base
    results = _printed(observation, finding, results[np.isfinite(results)], knowledge)
    low = lower = model = upper = high = None
    if len(results):
        low, lower, model, upper, high = (figures(x) for x in np.percentile(results, (5, 25, 50, 75, 95)))
    return Compared(
        observation=observation.id,
        title=observation.title,
        quantity=finding.quantity,
        unit=finding.unit,
        statistic=finding.statistic,
        published=finding.value,
        published_sd=finding.spread,
        published_interval=finding.interval,
        model=model,
        model_sd=_between(values) if finding.spread is not None else None,
        model_p5=low,
        model_p25=lower,
        model_p75=upper,
        model_p95=high,
        relative_difference=None
        if model is None or not finding.value
        else figures(model / finding.value - 1.0),
        agrees=model is not None and _meet(finding, float(low or 0.0), float(high or 0.0)),
        in_half=_inside(finding.value, lower, upper),
        in_ninety=_inside(finding.value, low, high),
        used_for_fitting=finding.used_for_fitting,
        sources=[{"key": c.key, "at": c.at, "mark": c.mark} for c in finding.sources],
    )


def _results(observation: Observation, finding: Finding, values: Column) -> Column:
    """The result of each simulated study, as one of the number studied would print it."""
    studied = observation.number_studied or values.shape[1]
    center = np.nanmedian if finding.statistic == "median" else np.nanmean
    results = np.array([center(study) if np.isfinite(study).any() else np.nan for study in values])
    if studied > values.shape[1] and np.isfinite(results).sum() > 1:
        within = float(np.nanmean(np.nanvar(values, axis=1, ddof=1)))
        seen = float(np.nanvar(results, ddof=1))
        less = within * (1.0 / values.shape[1] - 1.0 / studied)
        middle = np.nanmean(results)
        results = middle + (results - middle) * np.sqrt(
            np.clip(1.0 - less / seen, 0.05, 1.0) if seen > 0.0 else 1.0
        )
    return results


def off_by(
    finding: Finding, knowledge: Knowledge
) -> tuple[float, Callable[[Column], Column], Callable[[Column], Column]]:
    """How far a printed figure may be off beside sampling, on which scale, and the way back from that scale."""
    size = {name: quantity.value for name, quantity in knowledge.model["studies"].parameters.items()}
    if finding.statistic == "fraction":
        return size["chances"], lambda x: np.log(x / (1.0 - x)), lambda x: 1.0 / (1.0 + np.exp(-x))
    if finding.statistic == "ratio":
        return size["ratios"], np.log, np.exp
    if finding.unit in ("h", "d"):
        return size["kinetic_times" if "/" in finding.quantity else "times"], np.log, np.exp
    if "/" in finding.quantity or finding.quantity == "min_ventilation":
        return size["levels"], np.log, np.exp
    return size["points"], np.positive, np.positive


def _printed(observation: Observation, finding: Finding, results: Column, knowledge: Knowledge) -> Column:
    """The results as studies print them: off by something, and of a chance counted in those studied."""
    chance = np.random.default_rng(0)
    size, scale, back = off_by(finding, knowledge)
    if finding.statistic == "fraction":
        results = np.clip(results, 1e-4, 1.0 - 1e-4)
    elif scale is np.log:
        results = np.maximum(results, 1e-9)
    results = np.asarray(back(scale(results) + size * chance.standard_normal(len(results))))
    if finding.statistic == "fraction" and observation.number_studied:
        results = chance.binomial(observation.number_studied, results) / observation.number_studied
    return results


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


def _between(values: Column) -> float | None:
    spread = np.nanmean(np.nanstd(values, axis=1, ddof=1)) if np.isfinite(values).any() else np.nan
    return figures(spread) if np.isfinite(spread) else None


def _meet(finding: Finding, low: float, high: float) -> bool:
    """Whether the published figure, or its interval, lies in the model's band."""
    least, most = finding.interval or (finding.value, finding.value)
    return bool(low <= most and high >= least)


def summed_up(validation: Validation) -> str:
    """How many figures agree: of all, and of those that the model was not fitted to."""
    return (
        f"{validation.agree} of {len(validation.findings)} published figures agree with the model; of those held "
        f"apart, {validation.held_apart_agree} of {validation.held_apart}."
    )


WORDS: Mapping[str, str] = {
    "auc_mg_h_l": "area under the level", "cmax_mg_l": "highest level", "half_life_h": "half-life",
    "mean_mg_l": "mean level", "tmax_h": "highest level reached after", "hours_relieved": "time with relief",
    "mean_relief": "relief", "onset_h": "relief felt after", "pain_baseline": "pain at the start",
    "probability_any": "any withdrawal", "probability_dizzy": "dizzy", "probability_drowsy": "drowsy",
    "probability_hallucinosis": "hallucinosis", "probability_seizure": "seizure",
    "min_ventilation": "lowest breathing",
    "withdrawal_onset_h": "withdrawal begins after", "withdrawal_peak_day": "withdrawal worst on day",
}  # fmt: skip


def named(each: Compared) -> str:
    """What was compared, in words: `carisoprodol: half-life, ratio`."""
    substance, _, quantity = each.quantity.rpartition("/")
    said = f"{substance}: {WORDS.get(quantity, quantity)}" if substance else WORDS.get(quantity, quantity)
    return said if each.statistic in ("mean", "fraction") else f"{said}, {each.statistic}"


def chart(validation: Validation) -> dict[str, Any]:
    """A Vega-Lite chart of the model's figure by the published one, for each finding."""
    rows = [
        {
            "finding": f"{each.title}: {named(each)}",
            "ratio": each.model / each.published,
            "low": max((each.model_p5 or 0.0) / each.published, 0.02),
            "high": (each.model_p95 or 0.0) / each.published,
            "kind": "used for fitting" if each.used_for_fitting else "held apart",
            "published": f"{each.published:g} {each.unit}",
            "model": f"{each.model:.3g} ({each.model_p5:.3g} to {each.model_p95:.3g})",
        }
        for each in validation.findings
        if each.model is not None and each.published
    ]
    y = {"field": "finding", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 700}}
    scale = {"type": "log", "domain": [0.2, 5], "clamp": True}
    x = {
        "type": "quantitative",
        "scale": scale,
        "title": "figure of the model, in times of the published one (1: the same)",
    }
    return {
        "title": {
            "text": "The model beside published observations",
            "subtitle": [summed_up(validation), validation.note],
        },
        "data": {"values": rows},
        "width": 420,
        "height": {"step": 17},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": {"datum": 1}}},
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "low"},
                    "x2": {"field": "high"},
                    "color": {"field": "kind", "type": "nominal", "title": None},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "ratio"},
                    "color": {"field": "kind", "type": "nominal"},
                    "shape": {"field": "kind", "type": "nominal", "legend": None},
                    "tooltip": [{"field": name} for name in ("finding", "published", "model", "kind")],
                },
            },
        ],
    }
