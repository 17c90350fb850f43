"""From the issues that were found to one word for the plan, and which of them are headlines."""

from collections.abc import Mapping
from typing import Any

import pytest

from eutonia.assessment import Assessment, assess_all
from eutonia.knowledge import SEVERITIES, load
from eutonia.patient import Case

STRAIN = {"text": "Lumbar muscle strain", "icd10cm": "S39.012A", "onset": "2026-02-27"}
BACK_PAIN = {"text": "Low back pain", "icd10cm": "M54.50", "onset": "2026-02-27"}
CARISOPRODOL = {
    "action": "start", "text": "carisoprodol 250 mg tablet", "dose": 250, "unit": "mg",
    "times_per_day": 4, "duration_days": 7,
}  # fmt: skip
IBUPROFEN = {
    "action": "start", "text": "ibuprofen 400 mg tablet", "dose": 400, "unit": "mg",
    "times_per_day": 3, "duration_days": 5,
}  # fmt: skip
STOP = {"action": "stop", "text": "carisoprodol", "taper": False}
HEAT = {"action": "start-therapy", "therapy": "heat", "text": "heat wrap"}


def drug(text: str, dose: float, times: float = 1, unit: str = "mg", **more: Any) -> dict[str, Any]:
    """A drug in use."""
    use = {"status": "active", "start": "2025-01-01", "route": "oral", **more}
    return {"text": text, "dose": dose, "unit": unit, "times_per_day": times, **use}


OXYCODONE = drug("oxycodone 5 mg tablet", 5, 2)
ALPRAZOLAM = drug("alprazolam 1 mg tablet", 1, 2)


def case(*plan: Mapping[str, Any], **changes: Any) -> Case:
    """A healthy man of 34 with a strain, and what is different about him."""
    record = {
        "as_of": "2026-03-02",
        "region": "US",
        "patient": {"age_years": 34, "sex": "male", "weight_kg": 82},
        "conditions": [STRAIN],
        "no_known_allergies": True,
        "medications": [],
        "labs": [],
        "observations": [],
        "plan": list(plan) or [CARISOPRODOL],
    }
    return Case.model_validate({**record, **changes})


def assessed(*plan: Mapping[str, Any], **changes: Any) -> Assessment:
    return assess_all([case(*plan, **changes)])[0]


def issues(assessment: Assessment) -> dict[str, Any]:
    return {issue.rule: issue for plan in assessment.plans for issue in plan.issues}


def condition(text: str, icd10cm: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "icd10cm": icd10cm, "onset": "2025-06-01", **more}


APNEA = condition("Obstructive sleep apnoea", "G47.33")
PORPHYRIA = condition("Acute intermittent porphyria", "E80.21")
RETENTION = condition("Urinary retention", "R33.9", onset="2026-03-01")
SADDLE = condition("Saddle anaesthesia", "R20.0", onset="2026-03-01")


# --- the verdict --------------------------------------------------------------------------------------


def test_a_clean_course_is_acceptable_with_one_card_of_advice() -> None:
    """250 mg for a week in a healthy adult: nothing else may be said."""
    clean = assessed()
    assert clean.verdict == "acceptable"
    assert [(i.rule, i.severity) for i in clean.plans[0].issues] == [("car-standard-advice", "info")]
    assert len(clean.plans) == 1


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        ("acceptable", {"medications": [drug("omeprazole 20 mg", 20)]}),
        ("caution", {"conditions": [STRAIN, APNEA]}),
        ("avoid", {"patient": {"age_years": 72, "sex": "male"}}),
        ("contraindicated", {"conditions": [STRAIN, PORPHYRIA]}),
        ("urgent-referral", {"conditions": [BACK_PAIN, RETENTION, SADDLE]}),
    ],
)
def test_the_gravest_issue_gives_the_verdict(verdict: str, changes: dict[str, Any]) -> None:
    """Issues that only call for watching leave a plan acceptable."""
    assert assessed(**changes).verdict == verdict


def test_graver_issues_outrank_milder_ones() -> None:
    old = {"age_years": 72, "sex": "male"}
    assert assessed(patient=old, conditions=[STRAIN, APNEA]).verdict == "avoid"
    assert assessed(patient=old, conditions=[STRAIN, APNEA, PORPHYRIA]).verdict == "contraindicated"
    urgent = assessed(patient=old, conditions=[BACK_PAIN, APNEA, PORPHYRIA, RETENTION, SADDLE])
    assert urgent.verdict == "urgent-referral"


def test_several_items_take_the_worst_verdict_and_keep_their_own() -> None:
    mixed = assessed(HEAT, CARISOPRODOL, conditions=[STRAIN, PORPHYRIA])
    assert mixed.verdict == "contraindicated"
    assert {plan.therapy: plan.verdict for plan in mixed.plans} == {
        "heat": "caution",  # carisoprodol is taken at the same time
        "carisoprodol": "contraindicated",
    }


def test_issues_are_read_gravest_first_and_urgent_ones_before_all() -> None:
    found = (
        assessed(conditions=[BACK_PAIN, PORPHYRIA, RETENTION, SADDLE], medications=[OXYCODONE])
        .plans[0]
        .issues
    )
    assert found[0].rule == "rf-cauda-equina"
    graded = [SEVERITIES.index(i.severity) for i in found if not i.urgent]
    assert graded == sorted(graded)


# --- too little known ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "plan", "changes"),
    [
        ("data-age-missing", CARISOPRODOL, {"patient": {"sex": "male"}}),
        ("data-drug-unmapped", CARISOPRODOL, {"medications": [drug("Zyxomab 10", 10)]}),
        ("car-dose-missing", {**CARISOPRODOL, "dose": None, "text": "carisoprodol"}, {}),
        ("car-dose-missing", {**CARISOPRODOL, "times_per_day": None}, {}),
    ],
)
def test_a_plan_is_not_acceptable_where_something_decisive_is_missing(
    rule: str, plan: dict[str, Any], changes: dict[str, Any]
) -> None:
    """An age, an ingredient, a dose: without it rules could not be judged."""
    found = assessed(plan, **changes)
    assert found.verdict == "insufficient-data"
    assert rule in issues(found)


def test_a_suspect_result_that_the_plan_needs_makes_data_insufficient() -> None:
    """A creatinine of 88 mg/dL is one of 88 µmol/L; it matters to an NSAID and not to heat."""
    creatinine = {"name": "Creatinine", "loinc": "2160-0", "value": 88, "unit": "mg/dL", "date": "2026-02-01"}
    suspect = assessed(IBUPROFEN, labs=[creatinine])
    assert suspect.verdict == "insufficient-data"
    assert "data-unit-suspect" in issues(suspect)
    assert assessed(HEAT, labs=[creatinine]).verdict == "acceptable"


def test_missing_data_do_not_soften_a_graver_verdict() -> None:
    assert assessed(patient={"sex": "male"}, conditions=[STRAIN, APNEA]).verdict == "caution"


def test_what_is_not_needed_may_be_missing() -> None:
    """A therapy without drugs needs no age; a drug that is stopped needs no dose."""
    assert assessed(HEAT, patient={"sex": "male"}).verdict == "acceptable"
    short = drug("carisoprodol 350 mg", 350, 3, start="2026-02-25")
    assert "car-dose-missing" not in issues(assessed(STOP, medications=[short]))


def test_unknown_rules_ask_and_leave_the_verdict() -> None:
    """No kidney function on record: the NSAID rules ask for it, the plan stays acceptable."""
    asking = assessed(IBUPROFEN)
    assert asking.verdict == "acceptable"
    asked = {u.rule: u.ask for u in asking.plans[0].unknowns}
    assert asked["nsaid-ckd-severe"] == ["egfr"]
    assert "nsaid-ckd-severe" in {q.ask: q.settles for q in asking.questions}["egfr"]


# --- urgency ------------------------------------------------------------------------------------------


def test_cancer_is_urgent_only_with_signs_from_the_nerves() -> None:
    cancer = condition("Breast cancer", "C50.919")
    calm = assessed(IBUPROFEN, conditions=[BACK_PAIN, cancer])
    assert calm.verdict == "caution"
    assert not issues(calm)["rf-cancer"].urgent
    weak = condition("Weakness of both legs", "", onset="2026-03-01")
    pressing = assessed(IBUPROFEN, conditions=[BACK_PAIN, cancer, weak, RETENTION])
    assert pressing.verdict == "urgent-referral"
    assert issues(pressing)["rf-cancer"].urgent


def test_fever_with_back_pain_is_urgent_whatever_the_plan() -> None:
    fever = condition("Fever", "R50.9", onset="2026-03-01")
    for plan in (IBUPROFEN, HEAT):
        found = assessed(plan, conditions=[BACK_PAIN, fever])
        assert found.verdict == "urgent-referral"
        assert issues(found)["rf-infection"].urgent


# --- headlines ----------------------------------------------------------------------------------------


def headlines(assessment: Assessment) -> set[str]:
    return {rule for rule, issue in issues(assessment).items() if issue.headline}


def details(assessment: Assessment) -> set[str]:
    return set(issues(assessment)) - headlines(assessment)


def test_the_triple_replaces_its_three_pairs() -> None:
    triple = assessed(medications=[OXYCODONE, ALPRAZOLAM])
    assert triple.verdict == "contraindicated"
    assert "car-opioid-benzo-triple" in headlines(triple)
    assert {"car-opioid", "car-benzodiazepine"} <= details(triple)
    assert "opioid-benzodiazepine" not in headlines(triple)


def test_a_pair_alone_is_a_headline() -> None:
    assert "car-opioid" in headlines(assessed(medications=[OXYCODONE]))


def test_stopping_at_once_replaces_the_need_of_a_taper() -> None:
    long_use = drug("carisoprodol 350 mg", 350, 3, start="2025-07-01")
    stopping = assessed(STOP, medications=[long_use])
    assert "car-abrupt-stop" in headlines(stopping)
    assert "car-taper-needed" not in headlines(stopping)


def test_the_severe_grade_of_liver_and_kidney_disease_replaces_the_milder_one() -> None:
    liver = assessed(conditions=[STRAIN, condition("Hepatic failure", "K72.10")])
    assert {"car-hepatic-severe"} <= headlines(liver)
    assert {"car-hepatic-impairment"} <= details(liver)
    ckd = [condition("CKD stage 3", "N18.30"), condition("CKD stage 4", "N18.4")]
    kidney = assessed(conditions=[STRAIN, *ckd])
    assert {"car-renal-severe"} <= headlines(kidney)
    assert {"car-renal-moderate"} <= details(kidney)
    nsaid = assessed(IBUPROFEN, conditions=[BACK_PAIN, *ckd])
    assert {"nsaid-ckd-severe"} <= headlines(nsaid)
    assert {"nsaid-ckd-moderate"} <= details(nsaid)


def test_what_replaces_is_never_milder_than_what_it_replaces() -> None:
    rules = load().rules
    for rule in rules.values():
        for other in rule.replaces:
            grave, mild = (SEVERITIES.index(rules[r].severity) for r in (rule.id, other))
            assert grave <= mild, f"{rule.id} replaces {other}"


# --- treatment in use ---------------------------------------------------------------------------------


def test_issues_between_drugs_in_use_show_apart_and_are_marked_existing() -> None:
    """An opioid and a benzodiazepine are taken already; the plan is heat."""
    found = assessed(HEAT, medications=[OXYCODONE, ALPRAZOLAM])
    assert found.plans[0].therapy == "heat"
    assert "opioid-benzodiazepine" not in {i.rule for i in found.plans[0].issues}
    existing = {i.rule: i.existing for i in found.plans[-1].issues}
    assert existing["opioid-benzodiazepine"] is True
    assert found.verdict == "avoid"


def test_issues_of_the_plan_are_not_marked_existing() -> None:
    assert not issues(assessed(medications=[OXYCODONE]))["car-opioid"].existing


def test_a_drug_that_is_stopped_is_judged_no_pair_that_the_stop_ends() -> None:
    stop = {"action": "stop", "text": "alprazolam 1 mg tablet", "taper": False}
    assert "opioid-benzodiazepine" not in issues(assessed(stop, medications=[OXYCODONE, ALPRAZOLAM]))


def test_every_case_is_judged_as_if_it_were_alone() -> None:
    cases = [case(), case(conditions=[STRAIN, APNEA]), case(IBUPROFEN, medications=[OXYCODONE]), case(HEAT)]
    together = [a.model_dump() for a in assess_all(cases)]
    assert together == [assess_all([c])[0].model_dump() for c in cases]
