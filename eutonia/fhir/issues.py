"""An assessment as FHIR R4 DetectedIssue resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eutonia.assessment import Assessment
    from eutonia.issues import Issue, PlanAssessment

SEVERITY = {
    "contraindicated": "high",
    "avoid": "high",
    "caution": "moderate",
    "monitor": "low",
    "info": "low",
}
"""Severity here → severity of a DetectedIssue, which has three."""
RULES = "urn:eutonia:rule"


def detected_issues(assessment: Assessment, patient_id: str) -> list[dict[str, Any]]:
    """One DetectedIssue per plan and rule that applies; `preliminary` ones for rules that cannot be told.

    patient_id: the id of the Patient resource that they are about.
    """
    found = []
    for number, plan in enumerate(assessment.plans):
        shared = {
            "resourceType": "DetectedIssue",
            "patient": {"reference": f"Patient/{patient_id}"},
            "identifiedDateTime": assessment.as_of.isoformat(),
        }
        found += [shared | _issue(issue, plan, number) for issue in plan.issues]
        found += [
            shared
            | {
                "id": _id(number, unknown.rule),
                "identifier": [{"system": RULES, "value": unknown.rule}],
                "status": "preliminary",
                "severity": SEVERITY[unknown.severity],
                "code": {"text": unknown.title},
                "detail": f"{plan.plan}: cannot be told without {', '.join(unknown.ask) or 'more of the record'}.",
            }
            for unknown in plan.unknowns
        ]
    return found


def _issue(issue: Issue, plan: PlanAssessment, number: int) -> dict[str, Any]:
    evidence = [{"code": [{"text": f"{name}: {_words(value)}"}]} for name, value in issue.because.items()]
    resource: dict[str, Any] = {
        "id": _id(number, issue.rule),
        "identifier": [{"system": RULES, "value": issue.rule}],
        "status": "final",
        "severity": SEVERITY[issue.severity],
        "code": {"text": issue.title},
        "detail": f"{plan.plan}: {issue.say}",
    }
    if evidence:
        resource["evidence"] = evidence
    if issue.do:
        resource["mitigation"] = [{"action": {"text": issue.do}}]
    return resource


def _words(value: bool | float | str) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


def _id(number: int, rule: str) -> str:
    """An id that R4 allows: letters, digits, hyphen and dot, at most 64."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", f"plan{number + 1}-{rule}")[:64]
