"""What an answer says of a plan: issues, unknowns and questions, as they are printed and sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from eutonia.forecast import Forecast
from eutonia.knowledge import Severity

Verdict = Literal["urgent-referral", "contraindicated", "avoid", "caution", "insufficient-data", "acceptable"]
VERDICTS: Sequence[Verdict] = (
    "urgent-referral",
    "contraindicated",
    "avoid",
    "caution",
    "insufficient-data",
    "acceptable",
)
"""Worst first."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)


class Reference(_Answer):
    """One place in one source, and how the statement got here from it."""

    key: str
    at: str
    mark: str


class Issue(_Answer):
    """A rule that applies (FHIR DetectedIssue)."""

    rule: str
    title: str
    severity: Severity
    headline: bool
    """False where a graver issue replaces it and it is shown as detail."""
    urgent: bool
    existing: bool
    """True where it is about treatment in use already, not about the plan."""
    because: dict[str, bool | float | str]
    evidence: dict[str, str]
    """What in the record gave each value of `because`."""
    say: str
    do: str
    basis: str
    sources: list[Reference]


class Unknown(_Answer):
    """A rule that cannot be told, and what to ask."""

    rule: str
    title: str
    severity: Severity
    ask: list[str]


class PlanAssessment(_Answer):
    """One item of the plan, judged; the last entry may be the treatment in use already."""

    plan: str
    therapy: str | None
    action: str
    verdict: Verdict
    issues: list[Issue]
    unknowns: list[Unknown]
    forecast: Forecast | None = None


class Question(_Answer):
    """A question to the clinician or patient, and the rules that its answer settles."""

    ask: str
    title: str
    """What is asked for, in a word or two."""
    text: str
    settles: list[str]
    gravest: Severity
    """The severity of the gravest rule that it settles."""
