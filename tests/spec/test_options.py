"""Alternatives for random patients built from the knowledge itself: what is offered is safe by the same rules."""

from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eutonia.assessment import assess
from eutonia.features import chart_of, names, value_of, with_plan
from eutonia.features.chart import Chart
from eutonia.judging import judge_cases
from eutonia.knowledge import load
from eutonia.options import NOT_OFFERED, Alternative, Weights, best_offered
from eutonia.patient import Case, Condition, Lab, Medication, Observation, Patient, PlanItem

KNOWLEDGE = load()
AS_OF = date(2026, 3, 2)
GRAVE = ("contraindicated", "avoid")

CODES = sorted(
    code.rstrip("*").rstrip(".")
    for s in KNOWLEDGE.value_sets.values()
    for code in s.icd10cm
    if "-" not in code
)
"""Every ICD-10-CM code or stem of every value set: a patient may have any."""

dates = st.integers(0, 400).map(lambda ago: (AS_OF - timedelta(days=ago)).isoformat())
conditions = st.lists(
    st.builds(
        Condition,
        icd10cm=st.sampled_from(CODES),
        clinical_status=st.sampled_from(["active", "resolved", "inactive"]),
        verification_status=st.sampled_from(["confirmed", "refuted", None]),
        onset=st.none() | dates,
    ),
    max_size=3,
)
medications = st.lists(
    st.builds(
        Medication,
        text=st.sampled_from([*sorted(KNOWLEDGE.drugs), "zorbifexin", "muscle relaxer"]),
        dose=st.none() | st.sampled_from([1.0, 25.0, 350.0]),
        unit=st.just("mg"),
        times_per_day=st.none() | st.sampled_from([1.0, 4.0]),
        status=st.sampled_from(["active", "stopped"]),
        start=st.none() | dates,
    ),
    max_size=4,
)
egfr = st.builds(
    Lab,
    loinc=st.just("98979-8"),
    value=st.sampled_from([15.0, 45.0, 90.0]),
    unit=st.just("mL/min/{1.73_m2}"),
    date=dates,
)
PLAN = PlanItem(text="carisoprodol 350 mg", dose=350, unit="mg", times_per_day=4, duration_days=7)
BACK = Condition(text="Low back pain", icd10cm="M54.50", clinical_status="active", onset="2026-02-20")
cases = st.builds(
    lambda known, ill, taken, labs, age, sex, plan: Case(
        as_of=AS_OF,
        region="US",
        patient=Patient(age_years=age, sex=sex),
        conditions=(BACK, *ill) if known else None,
        allergies=(),
        no_known_allergies=True,
        medications=tuple(taken) if known else None,
        labs=tuple(labs),
        observations=(),
        plan=(plan,) if plan else (),
    ),
    st.sampled_from([True, True, True, False]),
    conditions,
    medications,
    st.lists(egfr, max_size=1),
    st.none() | st.integers(5, 95).map(float),
    st.sampled_from(["male", "female", None]),
    st.sampled_from([PLAN, None]),
)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def options(case: Case) -> list[Alternative]:
    return assess(case, KNOWLEDGE, forecast=False).options


@given(cases)
@few
def test_what_is_contraindicated_to_be_avoided_or_urgent_is_never_offered(case):
    found = options(case)
    alone = judge_cases([case.model_copy(update={"plan": (_order(o),)}) for o in found], KNOWLEDGE)
    for option, judged in zip(found, alone, strict=True):
        first = judged.plans[0]
        grave = [i.rule for i in first.issues if i.urgent or i.severity in GRAVE]
        assert option.offered is (not grave), (option.therapy, grave)
        assert option.verdict == first.verdict
        assert (option.verdict in NOT_OFFERED) is bool(option.why_not)
        assert {w.rule for w in option.why_not} == set(grave)


@given(cases, st.sampled_from([(), (PlanItem(action="stop", text="carisoprodol"),)]))
@few
def test_what_an_order_does_not_touch_is_as_if_the_whole_case_were_read_anew(case, stops):
    judged = chart_of(case, KNOWLEDGE)
    beside, _ = with_plan(judged, stops)
    _same(beside, case, stops)
    for option in options(case):
        plan = (_plan(option.plan), *stops)
        _same(with_plan(beside, plan)[0], case, plan)


def _same(quick, case, plan):
    anew = chart_of(case.model_copy(update={"plan": plan}), KNOWLEDGE)
    differ = [n for n, value in anew.values.items() if quick.values[n] != value]
    assert not differ, (plan, differ)
    assert (quick.suspect, quick.stale) == (anew.suspect, anew.stale)


DENIALS = [Observation(text=text, value=False) for text in ("Fever", "Saddle anaesthesia", "red flags")]
RESULTS = [
    Lab(loinc="1742-6", value=300.0, unit="U/L", date="2026-02-01"),
    Lab(name="ALT", value=300.0, unit="U/L", date="2026-02-01"),
    Lab(name="INR", value=4.1, unit="1"),
    Lab(loinc="2160-0", value=1.9, unit="mg/dL", date="2024-02-01"),
    Lab(loinc="8310-5", value=39.5, unit="Cel", date="2026-03-01"),
    Lab(name="Falls in the last year", value=3.0),
    Lab(name="AUDIT-C", value=9.0, date="2026-01-01"),
    Lab(name="CYP2C19 phenotype", value="Poor metabolizer"),
]


@given(cases, st.lists(st.sampled_from(DENIALS), max_size=2), st.lists(st.sampled_from(RESULTS), max_size=2))
@few
def test_what_a_record_does_not_speak_of_is_as_if_every_feature_were_worked_out(case, denied, results):
    case = case.model_copy(update={"observations": tuple(denied), "labs": (*case.labs, *results)})
    quick, plain = chart_of(case, KNOWLEDGE), Chart(case, KNOWLEDGE)
    differ = [name for name in names(KNOWLEDGE) if quick.values[name] != value_of(name, plain)]
    assert not differ
    assert (quick.suspect, quick.stale) == (plain.suspect, plain.stale)
    assert (quick.of_record, quick.of_names, quick.leaning) == (
        plain.of_record,
        plain.of_names,
        plain.leaning,
    )


@given(cases)
@few
def test_the_quick_answer_of_a_card_names_the_first_of_the_whole_list(case):
    whole = [o.therapy for o in options(case) if o.offered and not o.ask and o.fits is not False]
    (judged,) = judge_cases([case], KNOWLEDGE)
    quick = [o.therapy for o in best_offered(judged, KNOWLEDGE, 2)]
    assert len(quick) == min(len(whole), 2)
    score = {o.therapy: o.rank for o in options(case)}
    assert [score[name] for name in quick] == [score[name] for name in whole[:2]], (
        "equal scores share a place"
    )


@given(cases)
@few
def test_ranks_are_an_order_of_what_is_offered(case):
    found = options(case)
    ranks = [o.rank for o in found if o.offered]
    assert all(o.rank is None for o in found if not o.offered)
    assert ranks == sorted(ranks), "those offered come first, in order"
    assert all(rank == 1 + sum(other < rank for other in ranks) for rank in ranks), (
        "equal scores share a place"
    )
    assert found[: len(ranks)] == [o for o in found if o.offered]
    assert len({o.therapy for o in found}) == len(found)


@given(cases)
@few
def test_time_and_activity_is_always_listed_and_the_plan_itself_never(case):
    listed = {o.therapy for o in options(case)}
    assert "time-and-activity" in listed
    assert case.plan == () or "carisoprodol" not in listed


@given(cases)
@few
def test_what_is_not_known_and_could_rule_an_alternative_out_is_asked(case):
    found = options(case)
    alone = judge_cases([case.model_copy(update={"plan": (_order(o),)}) for o in found], KNOWLEDGE)
    for option, judged in zip(found, alone, strict=True):
        open_rules = [u for u in judged.plans[0].unknowns if u.severity in GRAVE]
        assert set(option.ask) == {name for u in open_rules for name in u.ask}
        assert option.checked is (not open_rules)
        assert option.ask_for == [KNOWLEDGE.features[name].title for name in option.ask]


@given(
    cases, st.builds(Weights, evidence=st.floats(0, 500), harm=st.floats(0, 500), sedation=st.floats(0, 500))
)
@few
def test_weights_move_ranks_and_never_what_is_offered(case, weights):
    plain = {o.therapy: o.offered for o in options(case)}
    weighed = assess(case, KNOWLEDGE, forecast=False, weights=weights).options
    assert {o.therapy: o.offered for o in weighed} == plain


def test_two_options_without_a_drug_are_offered_to_a_healthy_adult():
    case = Case(
        as_of=AS_OF, patient=Patient(age_years=40.0, sex="male"), conditions=(BACK,), medications=(), allergies=(),
        no_known_allergies=True, labs=(), observations=(), plan=(PLAN,),
    )  # fmt: skip
    assert sum(o.offered and not o.drug for o in options(case)) >= 2


def test_what_the_plan_stops_is_stopped_beside_an_alternative_too():
    taken = Medication(
        text="oxycodone 5 mg", dose=5, unit="mg", times_per_day=2, status="active", start="2026-02-20"
    )
    stop = PlanItem(action="stop", text="oxycodone")
    on_it = Case(
        as_of=AS_OF, patient=Patient(age_years=40.0, sex="male"), conditions=(BACK,), medications=(taken,),
        allergies=(), no_known_allergies=True, labs=(), observations=(), plan=(PLAN,),
    )  # fmt: skip
    off_it = on_it.model_copy(update={"plan": (PLAN, stop)})
    why = [next(o.why_not for o in options(case) if o.therapy == "methocarbamol") for case in (on_it, off_it)]
    assert [w.rule for w in why[0]] == ["smr-opioid"]
    assert why[1] == []


@pytest.mark.parametrize(
    "option", [e.option for e in (*KNOWLEDGE.therapies.values(), *KNOWLEDGE.drugs.values()) if e.option]
)
def test_the_plan_of_every_option_can_be_read(option):
    assert _plan(option.plan).written == option.plan


@cache
def _plan(text: str) -> PlanItem:
    from eutonia.dosing.text import read_plan

    return read_plan(text, KNOWLEDGE)


def test_what_is_taken_already_goes_on_and_is_not_added_on_top():
    taken = Medication(text="acetaminophen 500 mg", dose=1000, unit="mg", times_per_day=4, status="active")
    case = Case(
        as_of=AS_OF, region="US", patient=Patient(age_years=40, sex="male"), conditions=(BACK,), allergies=(),
        no_known_allergies=True, medications=(taken,), labs=(), observations=(), plan=(PLAN,),
    )  # fmt: skip
    option = next(o for o in options(case) if o.therapy == "acetaminophen")
    assert option.in_use
    assert "apap-daily-over-4g" not in {w.rule for w in option.why_not}


def test_what_calls_for_care_stands_beside_what_is_offered():
    driver = Case(
        as_of=AS_OF, region="US", patient=Patient(age_years=40, sex="male", occupation="bus driver"),
        conditions=(BACK,), allergies=(), no_known_allergies=True, medications=(), labs=(), observations=(),
        plan=(PLAN,),
    )  # fmt: skip
    cautions = {o.therapy: [w.rule for w in o.cautions] for o in options(driver) if o.offered}
    assert "car-driving-occupation" in cautions["cyclobenzaprine"]
    assert cautions["heat"] == []


def _order(option: Alternative) -> PlanItem:
    """The order that an alternative stands for: what is taken already goes on, and is not begun."""
    item = _plan(option.plan)
    return item.model_copy(update={"action": "continue"}) if option.in_use else item
