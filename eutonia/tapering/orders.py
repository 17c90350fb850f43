"""A taper as FHIR R4: a draft MedicationRequest with every step in its dosageInstruction, and a CarePlan around it.

Both are proposals: status draft, so that whoever prescribes signs or changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.tapering.models import Dose, Step, Taper

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
REQUEST, PLAN = "taper-request", "taper-plan"


def as_bundle(
    taper: Taper, patient_id: str | None = None, knowledge: Knowledge | None = None
) -> dict[str, Any]:
    """A collection Bundle. Without `patient_id` a Patient of whom nothing is said stands in for the patient."""
    subject = patient_id or "patient"
    resources = [_care_plan(taper, subject)]
    if taper.days:
        resources.insert(0, medication_request(taper, subject, knowledge))
    if patient_id is None:
        resources.insert(0, {"resourceType": "Patient", "id": subject})
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": f"https://eutonia.example/{r['resourceType']}/{r['id']}", "resource": r}
            for r in resources
        ],
    }


def medication_request(taper: Taper, patient_id: str, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """One order for the whole taper, its steps in sequence; doses of a step share a number and run side by side."""
    from eutonia.knowledge import load

    drug = (knowledge or load()).drugs[taper.drug]
    medication: dict[str, Any] = {"text": drug.title}
    if drug.rxcui:
        medication["coding"] = [{"system": RXNORM, "code": drug.rxcui, "display": drug.title.lower()}]
    return {
        "resourceType": "MedicationRequest",
        "id": REQUEST,
        "status": "draft",
        "intent": "plan",
        "medicationCodeableConcept": medication,
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": taper.start.isoformat(),
        "reasonCode": [{"text": "Taper after long use"}],
        "note": [{"text": taper.says}, {"text": taper.notice}],
        "dosageInstruction": [
            instruction
            for number, step in enumerate(taper.steps, 1)
            for instruction in _instructions(taper, step, number)
        ],
        "dispenseRequest": {
            "validityPeriod": {"start": taper.start.isoformat(), "end": taper.days[-1].date.isoformat()},
            "numberOfRepeatsAllowed": 0,
        },
    }


def _instructions(taper: Taper, step: Step, number: int) -> list[dict[str, Any]]:
    alike: dict[tuple[float, str], list[Dose]] = {}
    for dose in step.doses:
        alike.setdefault((dose.mg, dose.tablets), []).append(dose)
    dates = [day.date for day in taper.days if step.first_day <= day.day <= step.last_day]
    period = {"start": dates[0].isoformat(), "end": dates[-1].isoformat()}
    return [
        {
            "sequence": number,
            "text": f"{written or f'{mg:g} mg'} at {' and '.join(d.time for d in doses)}, "
            f"day {step.first_day} to {step.last_day}",
            "timing": {
                "repeat": {
                    "boundsPeriod": period,
                    "frequency": len(doses),
                    "period": 1,
                    "periodUnit": "d",
                    "timeOfDay": [f"{d.time}:00" for d in doses],
                }
            },
            "asNeededBoolean": False,
            "doseAndRate": [
                {"doseQuantity": {"value": _number(mg), "unit": "mg", "system": UCUM, "code": "mg"}}
            ],
        }
        for (mg, written), doses in alike.items()
    ]


def _care_plan(taper: Taper, patient_id: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "resourceType": "CarePlan",
        "id": PLAN,
        "status": "draft",
        "intent": "plan",
        "title": taper.title,
        "description": taper.says,
        "subject": {"reference": f"Patient/{patient_id}"},
        "created": taper.start.isoformat(),
        "period": {"start": taper.start.isoformat()},
        "note": [{"text": line} for line in (*taper.never, taper.notice)],
    }
    if taper.refer is not None:
        plan["activity"] = [
            {
                "detail": {
                    "kind": "ServiceRequest",
                    "status": "not-started",
                    "description": f"{taper.refer.do} Why: {'; '.join(taper.refer.why)}.",
                }
            }
        ]
    elif taper.days:
        plan["period"]["end"] = taper.days[-1].date.isoformat()
        plan["activity"] = [{"reference": {"reference": f"MedicationRequest/{REQUEST}"}}]
        plan["activity"] += [
            {
                "detail": {
                    "kind": "Appointment",
                    "status": "not-started",
                    "scheduledPeriod": {"start": visit.date.isoformat(), "end": visit.date.isoformat()},
                    "description": visit.what,
                }
            }
            for visit in taper.monitoring
        ]
    return plan


def _number(mg: float) -> float | int:
    return int(mg) if mg == int(mg) else mg
