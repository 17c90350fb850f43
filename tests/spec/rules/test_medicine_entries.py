"""Entries of a medication list that are no plain name: a class in place of a drug, a code against its text."""

from typing import Any

import pytest

from eutonia import read
from eutonia.formulary import class_called
from eutonia.judging import Judgement, judge_cases
from eutonia.knowledge import load

KNOWLEDGE = load()
PLAN = {
    "action": "start", "text": "carisoprodol 350 mg", "dose": 350, "unit": "mg", "times_per_day": 4, "duration_days": 7,
}  # fmt: skip


def judged(**entry: Any) -> Judgement:
    """A plan of carisoprodol in a man of 45 who takes one thing."""
    document = {
        "as_of": "2026-03-02", "region": "US", "patient": {"age_years": 45, "sex": "male"}, "no_known_allergies": True,
        "conditions": [], "labs": [], "observations": [], "medications": [entry], "plan": [PLAN],
    }  # fmt: skip
    return judge_cases([read(document)], KNOWLEDGE)[0]


def rules(judgement: Judgement) -> set[str]:
    return {issue.rule for plan in judgement.plans for issue in plan.issues}


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("NSAID", "nsaid"),
        ("muscle relaxer (name unknown)", "muscle-relaxant"),
        ("takes a benzo at night", "benzodiazepine"),
        ("non-opioid pain reliever", None),
        ("no opioids", None),
        ("birth control pill", None),
    ],
)
def test_a_class_named_without_a_drug(text, group):
    assert class_called(text, KNOWLEDGE) == group


def test_a_class_counts_for_rules_of_the_class_and_what_it_is_stays_asked():
    found = judged(text="opioid")
    assert {"car-opioid", "data-drug-unmapped"} <= rules(found)
    assert "What is in “opioid”?" in [q.text for q in found.questions]
    assert "“opioid” names a class, not a drug. It is counted as one of: Opioids." in found.warnings


def test_an_unnamed_member_may_be_the_drug_that_is_planned():
    found = judged(text="muscle relaxer")
    assert "smr-duplicate" not in rules(found)
    assert "smr-duplicate" in {u.rule for plan in found.plans for u in plan.unknowns}


def test_a_code_that_contradicts_its_text_is_said_and_rules_about_either_apply():
    found = judged(text="alprazolam 1 mg", rxcui="197446")
    assert {"car-benzodiazepine", "data-drug-unmapped"} <= rules(found)
    assert (
        "Code and text name different drugs: “alprazolam 1 mg” (RxNorm 197446). Rules about either are applied."
        in found.warnings
    )


@pytest.mark.parametrize(
    ("text", "rxcui", "pair"),
    [
        ("cyclobenzaprine 10 mg tablet", "197446", "smr-duplicate"),
        ("oxycodone 5 mg tablet", "197446", "car-opioid"),
        ("morphine 15 mg tablet", "1049621", "opioid-mme-50-plus"),
    ],
)
def test_one_order_whose_code_and_text_differ_is_not_two_drugs(text, rxcui, pair):
    """Only one of the two is meant: they are no pair, and their doses do not add up."""
    ordered = {"text": text, "rxcui": rxcui, "dose": 1, "unit": "tablet", "times_per_day": 3}
    case = {
        "as_of": "2026-03-02",
        "patient": {"age_years": 45, "sex": "male"},
        "medications": [],
        "plan": [ordered],
    }
    (found,) = judge_cases([read(case)], KNOWLEDGE)
    assert "data-drug-unmapped" in rules(found)
    assert pair not in rules(found)
    assert pair not in {u.rule for plan in found.plans for u in plan.unknowns}
    assert found.verdict != "acceptable"


def test_a_product_of_two_drugs_is_two_whether_or_not_its_code_is_of_one_of_them():
    case = {
        "as_of": "2026-03-02",
        "medications": [],
        "plan": [{"text": "Soma Compound with Codeine", "rxcui": "2101"}],
    }
    (found,) = judge_cases([read(case)], KNOWLEDGE)
    assert "car-opioid" in rules(found)
    assert "data-drug-unmapped" not in rules(found)


def _taking(*names: str) -> set[str]:
    """The rules for a man who takes a tablet four times a day under each of these names."""
    entries = [
        {"text": name, "dose": 1, "unit": "tablet", "times_per_day": 4, "status": "active"} for name in names
    ]
    document = {
        "as_of": "2026-03-02", "patient": {"age_years": 45, "sex": "male"}, "medications": entries,
        "plan": [{"action": "start-therapy", "text": "heat", "therapy": "heat"}],
    }  # fmt: skip
    return rules(judge_cases([read(document)], KNOWLEDGE)[0])


def test_one_product_in_several_wordings_counts_once_and_two_trade_names_twice():
    once = _taking("carisoprodol 350 MG Oral Tablet", "carisoprodol 350 mg tab", "CARISOPRODOL 350MG")
    assert "car-dose-daily-over-1400" not in once
    turned = _taking("acetaminophen 325 MG / oxycodone 5 MG", "oxycodone 5 mg / acetaminophen 325 mg")
    assert "apap-duplicate" not in turned
    assert "car-dose-daily-over-1400" in _taking("Soma 350 mg", "carisoprodol 350 mg tablet")
    assert "apap-duplicate" in _taking("Tylenol 325 mg tablet", "acetaminophen 325 mg tablet")


def test_a_patch_given_by_its_code_has_its_morphine_equivalent():
    found = judged(rxcui="197696", dose=1, unit="patch", route="transdermal")
    because = [i.because for plan in found.plans for i in plan.issues if i.rule == "opioid-mme-50-plus"]
    assert because[0]["opioid_mme_per_day"] == pytest.approx(75 * 2.4)
