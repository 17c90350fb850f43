"""Certainty of a pooled estimate by GRADE, every step computed from the rows and said.

Randomised evidence starts high. Each of five domains may take it down: the thresholds below are this project's, in one
place; the figures they meet are printed with the reason.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal

from eutonia.appraisal.rows import Row
from eutonia.appraisal.synthesis import FEW, Synthesis, important
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import Outcome

Level = Literal["high", "moderate", "low", "very low"]
LEVELS: tuple[Level, ...] = ("very low", "low", "moderate", "high")

Domain = Literal["risk of bias", "inconsistency", "indirectness", "imprecision", "missing results"]

HALF = 50.0
"""Percent of the weight from which a flaw is that of the whole."""
MISSING = 0.2
"""People in known trials without a result, for each one in the pool, from which results may be missing by choice."""


@dataclass(frozen=True)
class Reason:
    """One domain: by how many levels it takes the certainty down, and why."""

    domain: Domain
    step: int
    why: str


@dataclass(frozen=True)
class Missing:
    """A trial that compares the two and gives no usable figure for the question."""

    trial: str
    title: str
    people: int | None
    why: str


def appraise(
    knowledge: Knowledge,
    synthesis: Synthesis,
    outcome: Outcome,
    condition: str,
    missing: Sequence[Missing],
    asked_comparator: Collection[str],
) -> tuple[Level, list[Reason]]:
    """The certainty of `synthesis`, and the reasons, one for each domain."""
    reasons = [
        _bias(knowledge, synthesis),
        _inconsistency(synthesis, outcome),
        _indirectness(knowledge, synthesis, condition, asked_comparator),
        _imprecision(synthesis, outcome),
        _missing_results(synthesis, missing),
    ]
    return LEVELS[max(0, 3 + sum(reason.step for reason in reasons))], reasons


def _share(synthesis: Synthesis, flawed: Sequence[bool]) -> float:
    return sum(weight for weight, flaw in zip(synthesis.weights, flawed, strict=True) if flaw)


def _blinded(knowledge: Knowledge, row: Row) -> bool:
    return all(knowledge.interventions[name].blinded for name in (*row.treatments, *row.comparators))


def _bias(knowledge: Knowledge, synthesis: Synthesis) -> Reason:
    high = _share(synthesis, [row.bias == "high" for row in synthesis.rows])
    doubtful = _share(synthesis, [row.bias != "low" for row in synthesis.rows])
    open_ = _share(synthesis, [not _blinded(knowledge, row) for row in synthesis.rows])
    told = f"{doubtful:.0f} % of the weight from trials with some concerns, high or unjudged risk ({high:.0f} % high)"
    if open_ > 0:
        told += f"; {open_:.0f} % not blinded, and people rated themselves"
    if high >= HALF:
        return Reason("risk of bias", -2, told)
    return Reason("risk of bias", -1 if max(doubtful, open_) >= HALF else 0, told)


def _inconsistency(synthesis: Synthesis, outcome: Outcome) -> Reason:
    if synthesis.i2 is None or synthesis.reml_tau2 is None or synthesis.prediction is None:
        return Reason("inconsistency", 0, "one trial: whether others would agree is not known")
    tau, size = sqrt(synthesis.reml_tau2), abs(important(outcome, synthesis.measure))
    told, step = f"I² {synthesis.i2:.0f} %, tau {tau:.2g}", 0
    # With few trials the prediction interval is mostly the prior's, and no reproach to the trials.
    many = len(synthesis.rows) >= FEW
    if many and _excludes(synthesis.ci, 0) and not _excludes(synthesis.prediction, 0):
        step, told = -1, told + "; a similar trial may find no effect or the opposite (prediction interval)"
    if synthesis.i2 > 50 and tau > size / 2:
        step, told = -1, told + "; trials differ by more than half the smallest important difference"
    turned = [
        trial
        for trial, (_, ci) in synthesis.without.items()
        if _excludes(ci, 0) != _excludes(synthesis.ci, 0)
    ]
    if many and turned:
        step, told = -1, told + f"; without {', '.join(turned[:3])} the conclusion changes"
    if synthesis.i2 > 75 and tau > size:
        step, told = -2, told + "; the spread between trials exceeds the smallest important difference"
    return Reason("inconsistency", step, told)


def _indirectness(
    knowledge: Knowledge, synthesis: Synthesis, condition: str, asked_comparator: Collection[str]
) -> Reason:
    flaws = []
    mixed = _share(synthesis, [row.population != condition for row in synthesis.rows])
    if mixed >= HALF:
        flaws.append(f"{mixed:.0f} % of the weight from people of whom only a part had this condition")
    if _share(synthesis, [row.stands_in for row in synthesis.rows]) >= HALF:
        flaws.append("another outcome stands in for the one asked about")
    if _share(synthesis, [bool(row.added_to) for row in synthesis.rows]) >= HALF:
        flaws.append("given on top of another active treatment")
    unclear = [
        name
        for name in asked_comparator
        if name in knowledge.interventions and knowledge.interventions[name].mixed
    ]
    if unclear:
        flaws.append("the comparator stands for several different treatments")
    return Reason(
        "indirectness",
        -min(2, len(flaws)),
        "; ".join(flaws) or "people, treatment, comparator and outcome as asked",
    )


def _imprecision(synthesis: Synthesis, outcome: Outcome) -> Reason:
    low, high = synthesis.ci
    better = important(outcome, synthesis.measure)
    told = f"{synthesis.people} people (about {outcome.optimal_size} are needed)"
    crosses_nil = low < 0 < high
    crosses_important = low < better < high
    crosses_harm = low < -better < high
    step = 0
    if crosses_nil and crosses_important and crosses_harm:
        step, told = -2, told + "; the interval holds important benefit and important harm"
    elif crosses_nil and (crosses_important or crosses_harm):
        step, told = -1, told + "; the interval holds no effect and an important one"
    elif crosses_important and not crosses_nil:
        step, told = -1, told + "; the interval holds trivial and important effects"
    if synthesis.people < outcome.optimal_size:
        step = max(-2, step - 1) if synthesis.people < outcome.optimal_size / 4 else min(step, -1)
    return Reason("imprecision", step, told)


def _missing_results(synthesis: Synthesis, missing: Sequence[Missing]) -> Reason:
    people = sum(trial.people or 0 for trial in missing)
    industry = _share(synthesis, [row.industry for row in synthesis.rows])
    told, step = [], 0
    if missing:
        told.append(f"{len(missing)} known trials ({people} people) without a usable result")
        unknown = sum(trial.people is None for trial in missing)
        if people >= MISSING * synthesis.people or unknown >= len(synthesis.rows):
            step = -1
    if industry >= HALF:
        told.append(f"{industry:.0f} % of the weight from trials run by the maker")
    if synthesis.small_study_p is not None:
        told.append(f"small-study test p = {synthesis.small_study_p:.2f}")
        step = -1 if synthesis.small_study_p < 0.1 else step
    elif len(synthesis.rows) < 10:
        told.append("too few trials to test for it")
    return Reason("missing results", step, "; ".join(told))


def _excludes(interval: tuple[float, float], value: float) -> bool:
    return not interval[0] <= value <= interval[1]


def on_scale(synthesis: Synthesis, value: float) -> float:
    """A value as it is shown: points of 100, or a ratio."""
    return exp(value) if synthesis.measure == "RR" else value
