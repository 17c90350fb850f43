"""Judge a plan for one patient, who is a cohort of one. Read this file first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.judging import Judgement, PlanAssessment, Question, Verdict, judge_cases
from eutonia.knowledge import Knowledge, load
from eutonia.patient import Case


class Assessment(BaseModel):
    """The whole answer. `model_dump(mode="json")` is the JSON of `eutonia assess --json`."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["eutonia/assessment/1"] = Field("eutonia/assessment/1", alias="schema")
    as_of: date
    verdict: Verdict
    plans: list[PlanAssessment]
    options: list[dict[str, Any]] = []
    taper: dict[str, Any] | None = None
    questions: list[Question]
    warnings: list[str]
    not_seen: list[str]
    knowledge_version: str
    notice: str = (
        "This supports a licensed professional's judgement and does not replace it; "
        "every statement names its source, so that its basis can be reviewed."
    )


def assess(case: Case, knowledge: Knowledge | None = None) -> Assessment:
    """Judge the plan of `case`: issues with reasons and sources, unknowns with what to ask, verdict."""
    return assess_all([case], knowledge)[0]


def assess_all(cases: Sequence[Case], knowledge: Knowledge | None = None) -> list[Assessment]:
    """Judge several cases in one table; each answer is the same as for the case alone."""
    knowledge = knowledge or load()
    return [_assessment(judged, knowledge) for judged in judge_cases(cases, knowledge)]


def _assessment(judged: Judgement, knowledge: Knowledge) -> Assessment:
    return Assessment(
        as_of=judged.chart.as_of,
        verdict=judged.verdict,
        plans=judged.plans,
        questions=judged.questions,
        warnings=judged.warnings,
        not_seen=judged.not_seen,
        knowledge_version=knowledge.version,
    )
