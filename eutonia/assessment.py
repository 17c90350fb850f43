"""Judge a plan for one patient, who is a cohort of one. Read this file first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.answers import Answered, answers
from eutonia.features.chart import Chart
from eutonia.forecast import forecast as forecast_item
from eutonia.forecast import simulated_features
from eutonia.issues import PlanAssessment, Question, Verdict
from eutonia.judging import Judgement, judge_cases, judge_forecast
from eutonia.knowledge import Knowledge, load
from eutonia.options import Alternative, Weights, alternatives
from eutonia.patient import Case
from eutonia.patient_summary import in_a_line
from eutonia.tapering.models import CurrentUse, Taper


class Assessment(BaseModel):
    """The whole answer. `model_dump(mode="json")` is the JSON of `eutonia assess --json`."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["eutonia/assessment/1"] = Field("eutonia/assessment/1", alias="schema")
    as_of: date
    patient: str = ""
    """The patient in a line, as the record tells: what is not known is said to be unknown."""
    verdict: Verdict
    plans: list[PlanAssessment]
    answers: list[Answered] = []
    """The questions that people bring, answered for this patient."""
    options: list[Alternative] = []
    taper: Taper | None = None
    """A way off a drug that was taken for long or is to be stopped."""
    current: CurrentUse | None = None
    """Going on with it, stopping now and the taper, side by side."""
    questions: list[Question]
    warnings: list[str]
    not_seen: list[str]
    knowledge_version: str
    notice: str = (
        "This supports a licensed professional's judgement and does not replace it; "
        "every statement names its source, so that its basis can be reviewed."
    )


def assess(
    case: Case, knowledge: Knowledge | None = None, *, forecast: bool = True, weights: Weights | None = None
) -> Assessment:
    """Judge the plan of `case`, forecast what it does, and list what else could be done.

    `forecast=False` leaves out everything that is simulated; `weights` re-orders the options.
    """
    knowledge = knowledge or load()
    (judged,) = judge_cases([case], knowledge)
    answer = _assessment(judged, knowledge)
    if forecast:
        answer = _with_taper(_with_forecasts(answer, judged, knowledge), judged)
    options = alternatives(judged, knowledge, weights)
    answered = [
        each
        for place, plan in enumerate(answer.plans[: len(judged.chart.plan)])
        for each in answers(plan, place, judged.chart)
    ]
    return answer.model_copy(update={"options": options, "answers": answered})


def assess_all(cases: Sequence[Case], knowledge: Knowledge | None = None) -> list[Assessment]:
    """Judge several cases in one table, by the rules alone; each answer is the same as for the case alone."""
    knowledge = knowledge or load()
    return [_assessment(judged, knowledge) for judged in judge_cases(cases, knowledge)]


def _assessment(judged: Judgement, knowledge: Knowledge) -> Assessment:
    return Assessment(
        as_of=judged.chart.as_of,
        patient=in_a_line(judged.chart),
        verdict=judged.verdict,
        plans=judged.plans,
        questions=judged.questions,
        warnings=judged.warnings,
        not_seen=judged.not_seen,
        knowledge_version=knowledge.version,
    )


def _with_forecasts(answer: Assessment, judged: Judgement, knowledge: Knowledge) -> Assessment:
    """The answer with a forecast for each plan item, and what the rules say of it."""
    plans = [_with_forecast(plan, place, judged.chart, knowledge) for place, plan in enumerate(answer.plans)]
    return answer.model_copy(update={"plans": plans})


def _with_taper(answer: Assessment, judged: Judgement) -> Assessment:
    """The answer with a way off what was taken for long."""
    from eutonia.tapering.current import taper_of_assessment, ways_on

    made = taper_of_assessment(judged.chart)
    if made is None:
        return answer
    return answer.model_copy(update={"taper": made, "current": ways_on(made)})


def _with_forecast(plan: PlanAssessment, place: int, chart: Chart, knowledge: Knowledge) -> PlanAssessment:
    made = forecast_item(chart, place) if place < len(chart.plan) else None
    if made is None:
        return plan
    foreseen = plan.model_copy(update={"forecast": made})
    return judge_forecast(foreseen, chart, simulated_features(made, knowledge), knowledge)
