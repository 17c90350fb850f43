"""FHIR R4 resources for tests, made by hand: the least that is valid, and what a test adds."""

from typing import Any

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
STATUS = "http://terminology.hl7.org/CodeSystem/"
ME = {"reference": "Patient/p1"}

Resource = dict[str, Any]


def coded(system: str, code: str, text: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1980-05-01"} | more


def condition(text: str = "Low back pain", **more: Any) -> Resource:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "subject": ME,
        "code": {"text": text},
        "clinicalStatus": coded(STATUS + "condition-clinical", "active"),
        "verificationStatus": coded(STATUS + "condition-ver-status", "confirmed"),
    } | more


def order(
    code: str | None = "197446", text: str = "carisoprodol 350 MG Oral Tablet", **more: Any
) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "subject": ME,
        "authoredOn": "2026-02-20",
        "medicationCodeableConcept": coded(RXNORM, code, text) if code else {"text": text},
    } | more


def dosage(text: str = "", **more: Any) -> list[Resource]:
    return [({"text": text} if text else {}) | more]


def every_day(times: float, dose: float = 1, unit: str = "mg", **more: Any) -> list[Resource]:
    quantity = {"value": dose, "unit": unit, "system": UCUM, "code": unit}
    repeat = {"frequency": times, "period": 1, "periodUnit": "d"}
    return [{"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": quantity}]} | more]


def observation(code: str, **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "subject": ME,
        "code": coded(LOINC, code),
        "effectiveDateTime": "2026-02-10",
    } | more


def bundle(*resources: Any, kind: str = "collection", **about: Any) -> Resource:
    entries = [{"resource": r} for r in (patient(), *resources)]
    return {
        "resourceType": "Bundle",
        "type": kind,
        "timestamp": "2026-03-01T10:00:00Z",
        "entry": entries,
    } | about


def said(case: Any) -> str:
    """Everything odd that reading a case met."""
    return " ".join(case.warnings)
