"""Which entries of a record count at as_of, and which leave a feature unknown."""

from datetime import date
from typing import Any

import pytest

from eutonia.features import value_of
from eutonia.features.chart import Chart
from eutonia.judging import judge_cases
from eutonia.knowledge import Knowledge
from eutonia.patient import Case

CARBAMATE = {"substance": "carisoprodol"}


def known(feature: str, knowledge: Knowledge, **record: Any) -> object:
    case = Case.model_validate(
        {"as_of": date(2026, 3, 1), "patient": {"age_years": 30, "sex": "female"}} | record
    )
    return value_of(feature, Chart(case, knowledge)).known


@pytest.mark.parametrize(
    ("status", "taken"),
    [("active", True), ("completed", True), ("on-hold", False), ("stopped", False), ("inactive", False)],
)
def test_a_halted_order_is_not_in_use_whatever_is_left_of_its_supply(
    status: str, taken: bool, knowledge: Knowledge
) -> None:
    """A completed one is: all of it was handed over, and it lasts."""
    order = {"text": "oxycodone 5 mg", "status": status, "start": "2026-02-20", "days_supply": 30}
    assert known("takes_opioid", knowledge, medications=[order]) is taken


def test_an_order_that_was_stopped_later_was_in_use(knowledge: Knowledge) -> None:
    order = {"text": "oxycodone 5 mg", "status": "stopped", "start": "2026-02-20", "end": "2026-04-01"}
    assert known("takes_opioid", knowledge, medications=[order]) is True


def test_a_resolved_allergy_is_none_and_an_inactive_one_is_unclear(knowledge: Knowledge) -> None:
    resolved, inactive = ([CARBAMATE | {"clinical_status": s}] for s in ("resolved", "inactive"))
    assert known("carbamate_allergy", knowledge, allergies=resolved) is False
    assert known("carbamate_allergy_unclear", knowledge, allergies=resolved) is False
    assert known("carbamate_allergy", knowledge, allergies=inactive) is False
    assert known("carbamate_allergy_unclear", knowledge, allergies=inactive) is True


def test_an_allergy_without_words_or_a_known_code_may_be_any(knowledge: Knowledge) -> None:
    assert known("carbamate_allergy", knowledge, allergies=[{"rxcui": "000000"}]) is None
    assert known("carbamate_allergy", knowledge, allergies=[{"rxcui": "2101"}]) is True
    assert known("carbamate_allergy", knowledge, allergies=[{"substance": "peanut"}]) is False


def test_an_allergy_to_a_class_with_members_of_both_kinds_is_unknown(knowledge: Knowledge) -> None:
    """Some muscle relaxants are carbamates and others are not: which one was it?"""
    assert known("carbamate_allergy", knowledge, allergies=[{"substance": "muscle relaxers"}]) is None
    assert known("carbamate_allergy", knowledge, allergies=[{"substance": "Benzodiazepines"}]) is False


@pytest.mark.parametrize(
    ("reaction", "established"),
    [
        ("Nausea and vomiting", False),
        ("drowsiness, no rash", False),
        ("felt sick; very tired", False),
        ("nausea and rash", True),
        ("drowsy, then lips swelled", True),
        ("39579001", True),
        ("422587007", False),
    ],
)
def test_a_reaction_is_no_allergy_only_where_all_of_it_is_a_side_effect(
    reaction: str, established: bool, knowledge: Knowledge
) -> None:
    entry = CARBAMATE | {"type": "allergy", "reaction": reaction}
    assert known("carbamate_allergy", knowledge, allergies=[entry]) is established
    assert known("carbamate_allergy_unclear", knowledge, allergies=[entry]) is not established


@pytest.mark.parametrize(
    ("work", "critical"),
    [
        ("Heavy and Tractor-Trailer Truck Drivers", True),
        ("driving teacher", True),
        ("lone carer of a disabled son", True),
        ("retired pilot", False),
        ("primary school teacher", False),
    ],
)
def test_work_is_judged_by_what_is_done_in_it(work: str, critical: bool, knowledge: Knowledge) -> None:
    patient = {"age_years": 40, "sex": "male", "occupation": work}
    assert known("safety_critical_work", knowledge, patient=patient) is critical


@pytest.mark.parametrize(
    ("value", "pregnant"), [("Positive", True), ("Negative", False), ("Not detected", False)]
)
def test_a_pregnancy_test_tells(value: str, pregnant: bool, knowledge: Knowledge) -> None:
    test = {"code": "2106-3", "value": value, "date": "2026-02-25"}
    assert known("pregnant", knowledge, observations=[test]) is pregnant


@pytest.mark.parametrize(
    ("said", "pregnant"),
    [
        ("Currently pregnant", True),
        ("Yes, pregnant", True),
        ("Pregnant (finding)", True),
        ("Not currently pregnant", False),
        ("Patient not pregnant", False),
        ("Pregnant: no", False),
        ("postpartum", False),
        ("Possible unconfirmed pregnancy", None),
        ("Patient unsure if pregnant", None),
        ("LA4489-6", None),
    ],
)
def test_a_status_of_pregnancy_is_read_by_its_words(
    said: str, pregnant: bool | None, knowledge: Knowledge
) -> None:
    status = {"code": "82810-3", "value": said, "date": "2026-02-25"}
    assert known("pregnant", knowledge, observations=[status]) is pregnant


@pytest.mark.parametrize(
    ("said", "feeding"),
    [
        ("Currently breastfeeding", True),
        ("Yes - breastfeeding, no formula", True),
        ("Breastfeeding and formula feeding", True),
        ("Does not breastfeed", False),
        ("stopped breastfeeding", False),
        ("Formula feeding", False),
        ("plans to breastfeed", None),
    ],
)
def test_a_status_of_breast_feeding_is_read_by_its_words(
    said: str, feeding: bool | None, knowledge: Knowledge
) -> None:
    status = {"text": "Breastfeeding status", "value": said, "date": "2026-02-25"}
    assert known("breastfeeding", knowledge, observations=[status]) is feeding


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        ("32 weeks gestation of pregnancy", "30-or-more"),
        ("Pregnant, 29w6d", "20-to-29"),
        ("Pregnancy 29 weeks 6 days", "20-to-29"),
        ("pregnancy, 19+5 weeks", "before-20"),
        ("28-week pregnancy", "20-to-29"),
        ("Pregnant", "stage-unknown"),
    ],
)
def test_a_diagnosis_in_words_tells_the_stage_of_pregnancy(
    told: str, stage: str, knowledge: Knowledge
) -> None:
    assert known("gestation", knowledge, conditions=[{"text": told, "onset": "2026-03-01"}]) == stage


@pytest.mark.parametrize(
    ("feature", "name", "value", "unit", "expected"),
    [
        ("egfr", "eGFR (CKD-EPI 2021)", 44, "mL/min/1.73 m2", 44),
        ("egfr", "eGFR", 44, "mL/min/1.73 m*2", 44),
        ("egfr", "eGFR", 44, "mL/min/1.73 sq.m", 44),
        ("alt_x_uln", "ALT (SGPT), serum", 80, "U/L", 2),
        ("weight_kg", "Body weight", 110, "[lb_av]", pytest.approx(49.9, abs=0.01)),
        ("fever", "Temp", 38.9, "Cel", True),
        ("pregnant", "Urine pregnancy test", "positive", None, True),
        ("bilirubin", "Bilirubin, total", 3, "mg/dL", 3),
        ("egfr", "urine creatinine", 90, "mg/dL", None),
        ("alt_x_uln", "ALT", "5x ULN", None, 5),
        ("alt_x_uln", "ALT", 60, None, None),
        ("inr_above_3", "INR", 3.4, None, True),
        ("cyp2c19", "CYP2C19 metabolizer status", "PM", None, "poor"),
        ("hazardous_alcohol", "Alcohol units per week", 35, None, True),
        ("hazardous_alcohol", "Alcohol units per week", 8, None, False),
    ],
)
def test_a_result_without_a_code_goes_by_its_name(
    feature: str, name: str, value: object, unit: str | None, expected: object, knowledge: Knowledge
) -> None:
    lab = {"name": name, "value": value, "unit": unit, "date": "2026-02-28"}
    assert known(feature, knowledge, labs=[lab]) == expected


@pytest.mark.parametrize(
    ("age", "sex", "creatinine", "expected"),
    [(50, "male", 1.0, 92), (50, "female", 1.0, 69), (80, "female", 0.6, 91), (17, "male", 1.0, None)],
)
def test_the_filtration_rate_is_computed_from_creatinine(
    age: int, sex: str, creatinine: float, expected: int | None, knowledge: Knowledge
) -> None:
    """Worked by hand from the CKD-EPI equation of 2021 as printed; it is one of adults."""
    lab = {"name": "Creatinine", "value": creatinine, "unit": "mg/dL", "date": "2026-02-28"}
    found = known("egfr", knowledge, labs=[lab], patient={"age_years": age, "sex": sex})
    assert found is None if expected is None else found == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(
    ("drug", "dose", "unit", "right"),
    [
        ("carisoprodol", 350, "mcg", False),
        ("carisoprodol", 0.35, "g", True),
        ("carisoprodol", 350, "g", False),
        ("tizanidine", 4, "g", False),
        ("carisoprodol", 700, "mg", True),
        ("levothyroxine", 75, "ug", True),
    ],
)
def test_a_dose_in_a_unit_that_cannot_be_right_is_set_aside_and_asked(
    drug: str, dose: float, unit: str, right: bool, knowledge: Knowledge
) -> None:
    """It is told, no rule of dose or strength reads it, and the plan is not called acceptable."""
    plan = [{"text": drug, "dose": dose, "unit": unit, "times_per_day": 1, "duration_days": 5}]
    case = Case.model_validate(
        {"as_of": "2026-03-01", "patient": {"age_years": 30, "sex": "male"}, "medications": [], "plan": plan}
    )
    (judged,) = judge_cases([case], knowledge)
    issues = {issue.rule for each in judged.plans for issue in each.issues}
    assert ("data-unit-suspect" in issues) is not right
    if not right:
        assert judged.verdict == "insufficient-data"
        assert not issues & {"car-strength-500-unapproved", "car-dose-daily-over-1400"}
        assert any(drug in line for line in judged.warnings)


def test_a_pregnancy_told_42_weeks_ago_is_over(knowledge: Knowledge) -> None:
    """294 days: whether there is another one is to be asked."""
    told = [{"code": "82810-3", "value": "Pregnant", "date": day} for day in ("2025-05-11", "2025-05-12")]
    assert known("pregnant", knowledge, observations=told[:1]) is None
    assert known("pregnant", knowledge, observations=told) is True


@pytest.mark.parametrize("score", [9, "9", "9/12", "9 points"])
def test_a_score_is_read_however_it_is_written(score: object, knowledge: Knowledge) -> None:
    answer = {"text": "AUDIT-C", "value": score, "date": "2026-02-01"}
    assert known("hazardous_alcohol", knowledge, observations=[answer]) is True


@pytest.mark.parametrize(
    ("feature", "text", "expected"),
    [
        ("index_pain_chronic", "Low back pain x 6 months", True),
        ("index_pain_chronic", "Low back pain for 3 weeks", False),
        ("mi_within_60_days", "NSTEMI 3 weeks ago", True),
        ("mi_within_60_days", "NSTEMI 3 years ago", False),
        ("mi_within_60_days", "heart attack in 2019", False),
        ("mi_within_60_days", "heart attack", None),
    ],
)
def test_a_condition_without_a_date_begins_when_its_words_say(
    feature: str, text: str, expected: bool | None, knowledge: Knowledge
) -> None:
    assert known(feature, knowledge, conditions=[{"text": text}]) is expected


@pytest.mark.parametrize(
    ("told", "hazardous"),
    [
        ("three glasses of wine every night", True),
        ("Drinks 2-3 beers daily", True),
        ("half a bottle of wine every evening", True),
        ("4 whiskeys a week", False),
        ("six-pack daily", True),
        ("glass of wine with dinner", False),
        ("20 units a week", True),
        ("denies", False),
        ("6 drinks/wk", False),
        ("socially", None),
        ("six beers a day until 2020", None),
    ],
)
def test_drinking_told_in_words_is_counted_or_left_unknown(
    told: str, hazardous: bool | None, knowledge: Knowledge
) -> None:
    """In a woman: more than seven standard drinks a week; 20 British units are eleven."""
    answer = {"text": "Alcohol use", "value": told, "date": "2026-02-01"}
    assert known("hazardous_alcohol", knowledge, observations=[answer]) is hazardous


def test_a_sign_denied_in_error_or_in_the_future_is_not_denied(knowledge: Knowledge) -> None:
    denied = {"text": "fever", "value": False, "date": "2026-02-28"}
    assert "fever" in Chart(_seen(denied), knowledge).denied
    assert not Chart(_seen(denied | {"status": "entered-in-error"}), knowledge).denied
    assert not Chart(_seen(denied | {"date": "2026-03-02"}), knowledge).denied


def _seen(observation: dict[str, Any]) -> Case:
    return Case.model_validate({"as_of": date(2026, 3, 1), "observations": [observation]})


@pytest.mark.parametrize("unit", ["1", "Cel", "[degF]", "kg", "furlong"])
def test_a_result_in_a_unit_that_cannot_be_is_unknown(unit: str, knowledge: Knowledge) -> None:
    """`1` is how some laboratories write that a result has no unit; it cannot be milligrams a decilitre."""
    bilirubin = {"loinc": "1975-2", "value": 0.8, "unit": unit, "date": "2026-02-01"}
    assert known("bilirubin", knowledge, labs=[bilirubin]) is None
    assert known("bilirubin", knowledge, labs=[bilirubin | {"unit": "mg/dL"}]) == 0.8
