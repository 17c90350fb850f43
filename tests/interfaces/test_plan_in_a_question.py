"""A case that states no plan, but asks a question: the plan that is meant."""

import pytest

from eutonia import read


def asked(question, **more):
    taken = ["oxycodone 5 mg q6h prn"]
    return read({"as_of": "2026-03-02", "medications": taken, "question": question} | more)


@pytest.mark.parametrize(
    ("question", "action", "text", "dose"),
    [
        ("Can he take Soma 350 mg three times a day for 5 days?", "start", "Soma 350 mg", 350),
        (
            "Is it safe to start carisoprodol 250 mg qid for 7 days in this man with COPD?",
            "start",
            "carisoprodol",
            250,
        ),
        ("Is it ok for her to use ibuprofen 400 mg tid with warfarin?", "start", "ibuprofen", 400),
        ("Should she stop taking carisoprodol?", "stop", "carisoprodol", None),
        ("May I continue oxycodone 5 mg q6h?", "continue", "oxycodone", 5),
        ("Should he take oxycodone 10 mg q6h?", "continue", "oxycodone", 10),
    ],
)
def test_a_case_without_a_plan_is_judged_by_the_plan_that_its_question_asks_about(
    question, action, text, dose
):
    case = asked(question)
    (item,) = case.plan
    assert (item.action, item.text, item.dose) == (action, text, dose)
    assert any("read as the plan" in line for line in case.warnings)


@pytest.mark.parametrize("question", ["OK?", "What is this?", "Dose?", "Is oxycodone the cause?"])
def test_a_question_that_asks_about_no_plan_makes_none(question):
    case = asked(question)
    assert case.plan == ()
    assert case.warnings == ()


def test_a_medicine_in_a_question_that_is_neither_taken_nor_planned_is_not_passed_over():
    case = asked("Is there an interaction between Soma and oxycodone?")
    assert case.plan == ()
    assert any("names carisoprodol" in line for line in case.warnings)


def test_a_stated_plan_is_not_changed_by_the_question():
    case = asked("Can he take Soma 350 mg tid?", plan=["ibuprofen 400 mg tid"])
    assert [item.text for item in case.plan] == ["ibuprofen 400 mg tid"]
    assert case.warnings == ()
