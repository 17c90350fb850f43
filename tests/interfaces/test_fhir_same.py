"""The same case from a case file and from FHIR gives the same issues; whole records of others are assessed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir_making import ICD10, LOINC, ME, RXNORM, SNOMED, STATUS, UCUM, coded

from eutonia import assess, read
from eutonia.fhir import detected_issues
from eutonia.judging import Judgement, judge_cases
from eutonia.knowledge import load
from eutonia.patient import Case
from eutonia.reading import read_all

SHARED = Path(__file__).parents[3] / "shared"
EXAMINER = Path(__file__).parents[1] / "data" / "examiner.yaml"
VIGNETTES = SHARED / "dossier/vignettes.yaml"
FHIR = SHARED / "data/fhir"
PLAN = "carisoprodol 350 mg four times a day for 14 days"
ENTRIES = [v["id"] for v in yaml.safe_load(VIGNETTES.read_bytes())["vignettes"]] if VIGNETTES.exists() else []

needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="nothing beside the checkout (../shared)")


def as_bundle(case: Case) -> dict[str, Any]:
    """A case as a FHIR R4 document, as a hospital might send it."""
    born = date(case.as_of.year - int(case.patient.age_years), case.as_of.month, case.as_of.day)
    person = {
        "resourceType": "Patient",
        "id": "p1",
        "gender": case.patient.sex,
        "birthDate": born.isoformat(),
    }
    if case.region:
        person["address"] = [{"use": "home", "country": case.region}]
    resources = [person, *map(_condition, case.conditions or ()), *map(_allergy, case.allergies or ())]
    if case.no_known_allergies:
        resources.append(
            {"resourceType": "AllergyIntolerance", "patient": ME, "code": coded(SNOMED, "716186003")}
        )
    resources += [_order(m, m.status or "active") for m in case.medications or ()]
    resources += [_order(p, "draft") for p in case.plan if p.action == "start"]
    resources += [_result(lab, lab.name, lab.loinc) for lab in case.labs or ()]
    resources += [_result(o, o.text, o.code) for o in case.observations or ()]
    if case.patient.weight_kg:
        weight = {"value": case.patient.weight_kg, "unit": "kg", "code": "kg", "system": UCUM}
        resources.append(
            {"resourceType": "Observation", "status": "final", "subject": ME, "code": coded(LOINC, "29463-7", "Weight"),
             "effectiveDateTime": case.as_of.isoformat(), "valueQuantity": weight})  # fmt: skip
    if case.patient.occupation:
        resources.append(
            {"resourceType": "Observation", "status": "final", "subject": ME, "code": coded(LOINC, "11341-5"),
             "effectiveDateTime": case.as_of.isoformat(), "valueString": case.patient.occupation})  # fmt: skip
    nil = coded(STATUS + "list-empty-reason", "nilknown")
    empty = [
        code for code, part in (("10160-0", case.medications), ("11450-4", case.conditions)) if part == ()
    ]
    sections = [{"code": coded(LOINC, code), "emptyReason": nil} for code in empty]
    document = {"resourceType": "Composition", "id": "d", "section": sections}
    entries = [{"resource": {"id": f"r{n}"} | r} for n, r in enumerate([document, *resources])]
    return {
        "resourceType": "Bundle",
        "type": "document",
        "timestamp": f"{case.as_of}T09:00:00Z",
        "entry": entries,
    }


def _condition(c: Any) -> dict[str, Any]:
    codings = [{"system": s, "code": code} for s, code in ((ICD10, c.icd10cm), (SNOMED, c.snomed)) if code]
    resource = {"resourceType": "Condition", "subject": ME, "code": {"coding": codings, "text": c.text}}
    for name, value in (("clinicalStatus", c.clinical_status), ("verificationStatus", c.verification_status)):
        if value:
            resource[name] = coded(STATUS + name, value)
    return resource | ({"onsetDateTime": str(c.onset)} if c.onset else {})


def _allergy(a: Any) -> dict[str, Any]:
    resource = {"resourceType": "AllergyIntolerance", "patient": ME, "type": a.type, "criticality": a.criticality,
                "code": coded(RXNORM, a.rxcui, a.substance) if a.rxcui else {"text": a.substance}}  # fmt: skip
    if a.reaction:
        resource["reaction"] = [{"manifestation": [{"text": a.reaction}]}]
    if a.verification_status:
        resource["verificationStatus"] = coded(
            STATUS + "allergyintolerance-verification", a.verification_status
        )
    return resource


def _order(m: Any, status: str) -> dict[str, Any]:
    instruction: dict[str, Any] = {"asNeededBoolean": m.as_needed}
    repeat: dict[str, Any] = {}
    if m.times_per_day:
        repeat |= {"frequency": m.times_per_day, "period": 1, "periodUnit": "d"}
    if getattr(m, "duration_days", None):
        repeat["boundsDuration"] = {"value": m.duration_days, "unit": "days", "code": "d", "system": UCUM}
    if m.end:
        repeat["boundsPeriod"] = {"end": str(m.end)} | ({"start": str(m.start)} if m.start else {})
    if repeat:
        instruction["timing"] = {"repeat": repeat}
    if m.dose is not None:
        instruction["doseAndRate"] = [{"doseQuantity": {"value": m.dose, "unit": m.unit, "code": m.unit}}]
    if m.route:
        instruction["route"] = {"text": m.route}
    supply = {}
    if m.days_supply:
        supply["expectedSupplyDuration"] = {"value": m.days_supply, "code": "d"}
    if m.quantity:
        supply["quantity"] = {"value": m.quantity}
    return {
        "resourceType": "MedicationRequest", "status": status, "intent": "order", "subject": ME,
        "medicationCodeableConcept": coded(RXNORM, m.rxcui, m.text) if m.rxcui else {"text": m.text},
        "dosageInstruction": [instruction],
    } | ({"authoredOn": str(m.start)} if m.start else {}) | ({"dispenseRequest": supply} if supply else {})  # fmt: skip


def _result(o: Any, text: str, code: str | None) -> dict[str, Any]:
    resource = {"resourceType": "Observation", "status": o.status or "final", "subject": ME,
                "code": coded(LOINC, code, text) if code else {"text": text}}  # fmt: skip
    if isinstance(o.value, bool):
        resource["valueBoolean"] = o.value
    elif isinstance(o.value, float | int):
        resource["valueQuantity"] = {"value": o.value} | ({"unit": o.unit, "code": o.unit} if o.unit else {})
    elif o.value is not None:
        resource["valueString"] = o.value
    return resource | ({"effectiveDateTime": str(o.date)} if o.date else {})


def judged(cases: list[Case]) -> list[Judgement]:
    """The rules without the forecast, which is the same for the same case."""
    return judge_cases(cases, load())


def answer(case: Case) -> dict[str, Any]:
    (found,) = judged([case])
    issues = {(p.therapy, i.rule, i.severity, i.headline, i.urgent) for p in found.plans for i in p.issues}
    return {"verdict": found.verdict, "issues": issues, "questions": {q.ask for q in found.questions}}


@needs_shared
@pytest.mark.parametrize("name", ENTRIES)
def test_a_case_file_and_fhir_give_the_same_answer(name):
    case = read(VIGNETTES, patient=name)
    from_fhir = read(as_bundle(case))
    if any(item.action != "start" for item in case.plan):  # FHIR orders only start
        from_fhir = from_fhir.model_copy(update={"plan": case.plan})
    assert answer(from_fhir) == answer(case)


def _writable(case: Case) -> bool:
    """Whether `as_bundle` can say all of it: orders only start, and have neither ranges nor numbers in words."""
    plain = case.patient.age_years is not None and case.medications is not None
    starts = all(item.action == "start" and item.text and item.dose_high is None for item in case.plan)
    numbers = not any(isinstance(lab.value, str) and lab.unit for lab in case.labs or ())
    return plain and starts and numbers


def test_hundreds_of_edge_cases_give_the_same_from_fhir():
    entries = yaml.load(EXAMINER.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))[
        "vignettes"
    ]
    cases = {entry["id"]: case for entry in entries if _writable(case := read(entry))}
    assert len(cases) > 500
    from_fhir = judged([read(as_bundle(case), as_of=case.as_of) for case in cases.values()])
    for name, mine, theirs in zip(cases, judged(list(cases.values())), from_fhir, strict=True):
        assert _rules(theirs) == _rules(mine), name
        assert theirs.verdict == mine.verdict, name


def _rules(found: Judgement) -> set[str]:
    return {issue.rule for plan in found.plans for issue in plan.issues}


@needs_shared
def test_controls_raise_nothing_beyond_the_standard_advice():
    """Young adults without any of it; allergies and pregnancy are asked for because nobody recorded them."""
    for path in FHIR.glob("synthea_2019_controls/*_*.json"):
        (found,) = judged([read(path, plans=[PLAN])])
        rules = {i.rule for p in found.plans for i in p.issues}
        assert "car-standard-advice" in rules
        assert {r for r in rules if not r.startswith("data-")} == {"car-standard-advice"}, path.name
        assert found.verdict == "acceptable"


@needs_shared
def test_every_record_is_assessed_with_a_carisoprodol_plan():
    paths = [p for folder in ("synthea_2019", "ahrq_pain_summary_r4") for p in FHIR.glob(f"{folder}/*.json")]
    cases = [read(path, plans=[PLAN]) for path in paths]
    for folder in ("synthea_2024_bulk", "clinosim_lbp", "clinosim_sim"):
        cases += [case for _, case in read_all(FHIR / folder, plans=[PLAN])]
    found = judged(cases)
    assert len(found) == len(cases) > 35
    assert all("car-standard-advice" in {i.rule for p in a.plans for i in p.issues} for a in found)
    assert sum(a.verdict != "acceptable" for a in found) > 10, (
        "records chosen for opioids, benzodiazepines, age"
    )


@needs_shared
def test_opioid_and_benzodiazepine_of_a_real_record_are_found_once_however_often_ordered():
    (path,) = FHIR.glob("ahrq_pain_summary_r4/*.json")
    (found,) = judged([read(path, plans=[PLAN])])
    (plan,) = [p for p in found.plans if p.therapy == "carisoprodol"]
    rules = [i.rule for i in plan.issues]
    assert rules.count("car-opioid-benzo-triple") == 1


@needs_shared
def test_issues_are_valid_fhir():
    fhirkit = pytest.importorskip("fhirkit", reason="needs the extra eutonia[fhir]")
    found = detected_issues(assess(read(VIGNETTES, patient=ENTRIES[3])), "p1")
    assert {r["identifier"][0]["value"] for r in found if r["status"] == "final"} >= {"car-standard-advice"}
    assert len({r["id"] for r in found}) == len(found)
    for resource in found:
        assert not [str(i) for i in fhirkit.validate(resource)], resource
