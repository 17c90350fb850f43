"""The questions that people bring, answered for this patient with the numbers that the assessment found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ConfigDict

from eutonia.features.chart import Chart
from eutonia.features.taken import Taken, action_of
from eutonia.forecast import worth_telling
from eutonia.issues import PlanAssessment
from eutonia.knowledge import Knowledge
from eutonia.knowledge.treatments import PatientQuestion
from eutonia.options import CODE, pooled, population_of
from eutonia.remembered import remembered


class Answered(BaseModel):
    """A question, and its answer in two or three sentences."""

    model_config = ConfigDict(frozen=True)

    question: str
    about: str
    answer: str


def answers(plan: PlanAssessment, place: int, chart: Chart) -> list[Answered]:
    """Every question that is asked of the drug in a plan item."""
    item, parts = chart.plan[place]
    if not parts or action_of(item) == "stop" or parts[0].treatment not in chart.knowledge.drugs:
        return []
    drug = parts[0]
    asked = [q for q in chart.knowledge.patient_questions.values() if not q.about or drug.belongs(q.about)]
    return [
        Answered(question=q.title, about=drug.treatment, answer=" ".join(_answer(q, plan, drug, chart)))
        for q in asked
    ]


def _answer(question: PatientQuestion, plan: PlanAssessment, drug: Taken, chart: Chart) -> Iterator[str]:
    if question.kind == "safety":
        yield from _safety(plan, chart.knowledge)
    elif question.kind == "benefit":
        yield from _benefit(plan, drug, chart)
    else:
        yield from _versus(question.versus, drug, chart)


def _safety(plan: PlanAssessment, knowledge: Knowledge) -> Iterator[str]:
    grave = [
        i.title for i in plan.issues if i.headline and i.severity in ("contraindicated", "avoid", "caution")
    ]
    if grave:
        yield f"Not without care: {'; '.join(grave)}."
    elif plan.unknowns:
        yield f"Nothing that is known speaks against it; {len(plan.unknowns)} checks wait for facts to be asked for."
    else:
        yield "Nothing in the record speaks against it."
    if plan.forecast and plan.forecast.summary:
        effects = plan.forecast.summary.effects
        yield (
            f"It slows: about {100 * effects.probability_drowsy:.0f} of 100 people like this become drowsy and "
            f"{100 * effects.probability_dizzy:.0f} dizzy."
        )
        withdrawal = (plan.forecast.alone or plan.forecast.summary).withdrawal
        if withdrawal.probability_any >= worth_telling(knowledge)["withdrawal"]:
            yield f"After this course about {100 * withdrawal.probability_any:.0f} of 100 would feel withdrawal."


def _benefit(plan: PlanAssessment, drug: Taken, chart: Chart) -> Iterator[str]:
    population = population_of(chart)
    found = pooled(drug.treatment, population, chart.knowledge)
    if population is None:
        yield "The record names no pain that trials have studied."
    elif "pooled" in found:
        yield f"In trials of {chart.knowledge.populations[population].title.lower()}: {found['pooled']}"
    else:
        yield f"No trial gives figures that can be used for {chart.knowledge.populations[population].title.lower()}."
    if plan.forecast and plan.forecast.summary:
        pain = plan.forecast.summary.pain
        last = next(reversed(pain.at.items()), None)
        if last and last[1].median is not None and pain.baseline.median is not None:
            yield (
                f"With the plan, pain is forecast to go from {pain.baseline.median:.0f} to {last[1].median:.0f} of 100 "
                f"in {last[0]}; most of that is how such pain goes by itself."
            )


def _versus(other: str, drug: Taken, chart: Chart) -> Iterator[str]:
    population = population_of(chart)
    if population is None:
        yield "The record names no pain that trials have studied, so the two cannot be compared here."
        return
    yield from _compared(drug.treatment, other, population, chart.knowledge)


@cache
def _compared(drug: str, other: str, population: str, knowledge: Knowledge) -> tuple[str, ...]:
    name = f"compared-{drug}-{other}-{population}"
    return remembered(
        name, knowledge, (*CODE, "answers.py"), lambda: _compare(drug, other, population, knowledge)
    )


def _compare(drug: str, other: str, population: str, knowledge: Knowledge) -> tuple[str, ...]:
    from eutonia.appraisal import compare
    from eutonia.errors import InputError

    try:
        found = compare(drug, other, condition=population, knowledge=knowledge)
    except InputError:
        return ("One of the two has no entry in the evidence, so they cannot be compared.",)
    parts = [] if found.ranking else ["No trial connects the two, so they cannot be ranked."]
    parts += [
        f"For now: {found.best_for.immediate.why}",
        f"For the long term: {found.best_for.long_term.why}",
    ]
    return (*parts, found.together.why)
