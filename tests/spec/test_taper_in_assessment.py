"""The taper inside an assessment: for whom, and beside going on and stopping now."""

from typing import Any

import pytest

from eutonia.assessment import Assessment, assess
from eutonia.patient import Case

CASE: dict[str, Any] = {
    "as_of": "2026-03-02",
    "region": "US",
    "patient": {"age_years": 55, "sex": "male", "weight_kg": 95},
    "conditions": [{"text": "Low back pain", "icd10cm": "M54.50", "clinical_status": "active"}],
    "no_known_allergies": True,
    "allergies": [],
    "medications": [
        {"text": "carisoprodol 350 mg", "dose": 350, "unit": "mg", "times_per_day": 3, "start": "2025-07-01"}
    ],
    "labs": [],
    "observations": [],
    "plan": [{"action": "stop", "text": "carisoprodol"}],
}


def assessed(**changes: Any) -> Assessment:
    return assess(Case.model_validate(CASE | changes))


def test_long_use_is_answered_by_a_taper_beside_going_on_and_stopping_now() -> None:
    answer = assessed()
    assert answer.taper is not None
    assert answer.taper.published == "taper-slow-weekly"
    assert answer.taper.days[0].date == answer.as_of
    assert answer.current is not None
    going_on, stopping, taper = answer.current.ways
    assert [w.way for w in answer.current.ways] == ["continue", "stop now", "taper"]
    assert taper.predicted is not None
    assert stopping.predicted is not None
    assert taper.predicted.probability_any < stopping.predicted.probability_any
    assert going_on.predicted is not None
    assert going_on.predicted.probability_any > taper.predicted.probability_any


def test_a_condition_on_record_refers_by_the_same_rule_as_the_assessment() -> None:
    seizure = {"text": "Epilepsy", "icd10cm": "G40.909", "clinical_status": "active"}
    answer = assessed(conditions=[*CASE["conditions"], seizure])
    assert answer.taper is not None
    assert answer.taper.refer is not None
    assert answer.taper.refer.rules == ["car-taper-inpatient"]
    assert any("eizure" in why and "Epilepsy" in why for why in answer.taper.refer.why)
    assert answer.taper.days == []
    assert answer.current is None
    rules = {issue.rule for plan in answer.plans for issue in plan.issues}
    assert "car-taper-inpatient" in rules


@pytest.mark.parametrize(
    "plan",
    [[{"action": "continue", "text": "carisoprodol"}], [{"action": "start", "text": "ibuprofen 400 mg"}]],
)
def test_whoever_takes_it_long_is_shown_the_way_off_whatever_the_plan(plan: list[dict[str, Any]]) -> None:
    answer = assessed(plan=plan)
    assert answer.taper is not None
    assert answer.taper.days


def test_no_one_else_is_shown_a_taper() -> None:
    start = [
        {
            "action": "start",
            "text": "carisoprodol",
            "dose": 350,
            "unit": "mg",
            "times_per_day": 4,
            "duration_days": 14,
        }
    ]
    assert assessed(medications=[], plan=start).taper is None
    recent = [CASE["medications"][0] | {"start": "2026-02-20"}]
    assert assessed(medications=recent, plan=start).taper is None


def test_a_planned_stop_after_short_use_is_told_what_to_expect() -> None:
    answer = assessed(medications=[CASE["medications"][0] | {"start": "2026-02-20"}])
    assert answer.taper is not None
    assert answer.taper.needed is False
    assert answer.taper.days == []
    assert answer.taper.predicted is not None


def test_an_unknown_dose_gives_no_schedule() -> None:
    entry = {"text": "carisoprodol", "start": "2025-07-01"}
    assert assessed(medications=[entry]).taper is None
