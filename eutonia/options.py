"""What else could be done: every alternative of the knowledge, screened for this patient by the same rules.

An alternative that the rules call contraindicated or to be avoided is not offered; it stays on the list with the
reason. Those offered are put in order by an open criterion: evidence for a pain of this length first, then harm,
sedation and dependence. The order is of convenience, not of proof; the evidence that carries it is shown beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from eutonia.conditions import features_of
from eutonia.features.chart import Chart
from eutonia.features.pain import index_pain
from eutonia.features.taken import action_of
from eutonia.issues import Verdict
from eutonia.judging import Beside, Judgement, Screened, asked_by, beside, is_about_all
from eutonia.knowledge import SEVERITIES, Knowledge
from eutonia.knowledge.safety import Rule
from eutonia.knowledge.treatments import Drug, Option, Therapy
from eutonia.patient import PlanItem
from eutonia.remembered import remembered

NOT_OFFERED: Sequence[Verdict] = ("urgent-referral", "contraindicated", "avoid")


class Weights(BaseModel):
    """How much a step on each scale counts in the order. The defaults make each outweigh all that follow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: float = 343.0
    harm: float = 49.0
    sedation: float = 7.0
    dependence: float = 1.0


class WhyNot(BaseModel):
    """A rule that keeps an alternative from being offered, or calls for care."""

    rule: str
    title: str
    severity: str


class Harm(BaseModel):
    """How much of one kind of harm an alternative does: `low` to `high` on a scale from 0 none to 3 high."""

    kind: Literal["harm in the wrong patient", "sedation", "dependence"]
    low: int
    high: int


class Alternative(BaseModel):
    """One alternative for this patient."""

    therapy: str
    title: str
    drug: bool
    plan: str
    verdict: Verdict
    offered: bool
    why_not: list[WhyNot]
    cautions: list[WhyNot]
    """Rules that call for care where it is offered all the same."""
    in_use: bool
    """Whether it is taken already: then it is judged as going on in the dose of `plan`."""
    checked: bool
    """False where a fact that could still rule it out is not known; `ask` names it."""
    ask: list[str]
    """Facts that could still rule it out."""
    ask_for: list[str]
    """The same in words."""
    fits: bool | None
    """Whether it is for a pain of this length; None where that is not known."""
    evidence: dict[str, Any]
    onset: str
    harms: list[Harm]
    needs: str
    rank: int | None
    """Place in the order of what is offered; equal scores share a place. None where it is not offered."""
    sources: list[dict[str, str]]


class _Candidate(NamedTuple):
    entry: Drug | Therapy
    option: Option


def alternatives(
    judged: Judgement, knowledge: Knowledge, weights: Weights | None = None
) -> list[Alternative]:
    """Every alternative, those offered first and in order; what the plan itself holds is left out."""
    planned = {part.treatment for _, parts in judged.chart.plan for part in parts}
    candidates = [c for c in _candidates(knowledge) if c.entry.id not in planned]
    chronic = judged.chart.known("index_pain_chronic")
    population = population_of(judged.chart)
    record, weights = _without_the_plan(judged), weights or Weights()
    found = [
        (
            _score(c.option, chronic, weights),
            _alternative(c, record.screen(_order(c, record.chart)), chronic, population, knowledge),
        )
        for c in candidates
    ]
    return _ordered(found)


def unchecked(options: Iterable[Alternative]) -> list[str]:
    """Facts that could still rule out every option that is offered: said once, not in each row."""
    asked = [option.ask_for for option in options if option.offered]
    return [title for title in asked[0] if all(title in each for each in asked)] if asked else []


def population_of(chart: Chart) -> str | None:
    """The population of trials that this patient's pain belongs to; None where none is like it."""
    chronic = chart.known("index_pain_chronic")
    asked = sorted(
        (p for p in chart.knowledge.populations.values() if p.value_sets), key=lambda p: len(p.value_sets)
    )
    pain = index_pain(chart, [name for p in asked for name in p.value_sets])
    for population in asked:
        fits = population.acute is None or chronic is None or population.acute is not chronic
        if pain is not None and fits and pain.value_sets & set(population.value_sets):
            return population.id
    return None


def pooled(therapy: str, population: str | None, knowledge: Knowledge) -> Mapping[str, Any]:
    """What trials say of relief of pain in people with this pain; empty where they say nothing that can be used."""
    if population is None or therapy not in knowledge.interventions:
        return {}
    return _pooled(therapy, population, knowledge)


CODE = ("appraisal", "meta", "options.py")
"""What pooled results depend on beside the knowledge."""

READERS = (
    "dosing",
    "formulary.py",
    "patient.py",
    "options.py",
)
"""What the plans of alternatives depend on beside the knowledge."""


@cache
def _pooled(therapy: str, population: str, knowledge: Knowledge) -> Mapping[str, Any]:
    return remembered(
        f"pooled-{therapy}-{population}", knowledge, CODE, lambda: _pool(therapy, population, knowledge)
    )


def _pool(therapy: str, population: str, knowledge: Knowledge) -> Mapping[str, Any]:
    from eutonia.appraisal import evidence

    found = evidence(therapy, condition=population, outcome="pain", knowledge=knowledge)
    if found.answer or found.estimate is None or found.ci is None:
        return {"answer": found.answer or "no-usable-data"}
    comparator = knowledge.interventions[found.question.comparator]
    if comparator.kind != "control":
        return {"answer": "not-compared-with-a-control"}
    return {
        "question": found.question.model_dump(),
        "estimate": found.estimate,
        "ci": found.ci,
        "trials": found.trials,
        "patients": found.patients,
        "certainty": found.certainty.level,
        "pooled": (
            f"Pain {found.estimate:+.1f} of 100 ({found.ci[0]:.1f} to {found.ci[1]:.1f}) against "
            f"{comparator.title.lower()}, {_count(found.trials, 'trial')}, certainty {found.certainty.level}."
        ),
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def best_offered(
    judged: Judgement, knowledge: Knowledge, most: int, weights: Weights | None = None
) -> list[Alternative]:
    """The first few that are offered, fit, and that nothing grave is open about: judged in their order, no further,
    and without the pooled results of trials, for an answer within milliseconds."""
    planned = {part.treatment for _, parts in judged.chart.plan for part in parts}
    chronic, weights = judged.chart.known("index_pain_chronic"), weights or Weights()
    candidates = [c for c in _best_first(knowledge, chronic, weights) if c.entry.id not in planned]
    record = _without_the_plan(judged)
    if _speaks_against_all(record):
        return []
    found: list[Alternative] = []
    for candidate in candidates:
        screened = record.screen(_order(candidate, record.chart))
        if screened.verdict not in NOT_OFFERED:
            made = _alternative(candidate, screened, chronic, None, knowledge)
            found += [made] if not made.ask and made.fits is not False else []
        if len(found) == most:
            break
    return found


def _speaks_against_all(record: Beside) -> bool:
    """Whether something grave, or that could be, is about every plan and rests on the record alone."""
    grave = [e.rule for e in record.found.values() if e.urgent or e.rule.severity in SEVERITIES[:2]]
    return any(
        is_about_all(rule, record.chart.knowledge) and record.chart.of_record.issuperset(features_of(rule))
        for rule in grave
    )


@lru_cache(maxsize=64)
def _best_first(knowledge: Knowledge, chronic: Any, weights: Weights) -> Sequence[_Candidate]:
    return sorted(_candidates(knowledge), key=lambda c: (-_score(c.option, chronic, weights), c.entry.id))


def _candidates(knowledge: Knowledge) -> Iterable[_Candidate]:
    entries: list[Drug | Therapy] = [*knowledge.therapies.values(), *knowledge.drugs.values()]
    for entry in entries:
        if entry.option is not None:
            yield _Candidate(entry, entry.option)


def _without_the_plan(judged: Judgement) -> Beside:
    """The same patient without what the plan begins; what it stops is stopped all the same."""
    stops = tuple(item for item, _ in judged.chart.plan if action_of(item) == "stop")
    return beside(judged).under(stops)


def _order(candidate: _Candidate, chart: Chart) -> PlanItem:
    """The order that is judged: of what is taken already, its dose in place of the one in use."""
    item = _plans(chart.knowledge)[candidate.option.plan]
    in_use = any(t.treatment == candidate.entry.id for t in chart.current)
    return item.model_copy(update={"action": "continue"}) if in_use else item


@cache
def _plans(knowledge: Knowledge) -> Mapping[str, PlanItem]:
    """The plans of all alternatives, in words and read."""
    return remembered(
        "plans",
        knowledge,
        READERS,
        lambda: {c.option.plan: _read(c, knowledge) for c in _candidates(knowledge)},
    )


def _read(candidate: _Candidate, knowledge: Knowledge) -> PlanItem:
    from eutonia.dosing.text import read_plan

    return read_plan(candidate.option.plan, knowledge)


def _alternative(
    candidate: _Candidate, screened: Screened, chronic: Any, population: str | None, knowledge: Knowledge
) -> Alternative:
    entry, option = candidate
    on_skin = any(
        part.route == "topical" for part in screened.chart.planned
    )  # trials of the drug by mouth do not tell
    grave = SEVERITIES[:2]
    against = [i.rule for i in screened.issues if i.urgent or i.rule.severity in grave]
    offered = screened.verdict not in NOT_OFFERED
    open_to = [u for u in screened.unknowns if u.rule.severity in grave]
    ask = list(dict.fromkeys(name for u in open_to for name in asked_by(u, knowledge)))
    return Alternative(
        therapy=entry.id,
        title=entry.title,
        drug=isinstance(entry, Drug),
        plan=option.plan,
        verdict=screened.verdict,
        offered=offered,
        why_not=[_why(rule) for rule in against],
        cautions=[_why(i.rule) for i in screened.issues if i.rule.severity == "caution" and not i.urgent],
        in_use=screened.chart.plan[0][0].action == "continue",
        checked=not ask,
        ask=ask,
        ask_for=[knowledge.features[name].title for name in ask],
        fits=None if chronic is None else ("chronic" if chronic else "acute") in option.fits,
        evidence={
            "level": _evidence_level(option, chronic),
            "scale": "0 against or no effect, 1 little, 2 low to moderate, 3 recommended first",
            "says": option.evidence_says,
            **(pooled(entry.id, population, knowledge) if offered and not on_skin else {}),
        },
        onset=option.onset,
        harms=_harms(option),
        needs=option.needs,
        rank=None,
        sources=_sources(option, knowledge),
    )


@cache
def _harms(option: Option) -> list[Harm]:
    return [
        Harm(kind="harm in the wrong patient", low=option.harm[0], high=option.harm[1]),
        Harm(kind="sedation", low=option.sedation[0], high=option.sedation[1]),
        Harm(kind="dependence", low=option.dependence[0], high=option.dependence[1]),
    ]


@cache
def _sources(option: Option, knowledge: Knowledge) -> list[dict[str, str]]:
    return [
        {"key": c.key, "title": knowledge.sources[c.key].title, "at": c.at, "mark": c.mark}
        for c in option.sources
    ]


def _why(rule: Rule) -> WhyNot:
    return WhyNot(rule=rule.id, title=rule.title, severity=rule.severity)


def _evidence_level(option: Option, chronic: Any) -> int:
    """The evidence for a pain of this length; the lesser of both where the length is not known."""
    if chronic is None:
        return min(option.evidence.get("acute", 0), option.evidence.get("chronic", 0))
    return option.evidence.get("chronic" if chronic else "acute", 0)


def _score(option: Option, chronic: Any, weights: Weights) -> float:
    fits = chronic is None or ("chronic" if chronic else "acute") in option.fits
    level = _evidence_level(option, chronic) if fits else 0
    return (
        weights.evidence * level
        - weights.harm * max(option.harm)
        - weights.sedation * max(option.sedation)
        - weights.dependence * max(option.dependence)
    )


def _ordered(found: Sequence[tuple[float, Alternative]]) -> list[Alternative]:
    offered = sorted((f for f in found if f[1].offered), key=lambda f: (-f[0], f[1].therapy))
    out = sorted((a for _, a in found if not a.offered), key=lambda a: a.therapy)
    scores = [score for score, _ in offered]
    ranked = [a.model_copy(update={"rank": scores.index(score) + 1}) for score, a in offered]
    return [*ranked, *out]
