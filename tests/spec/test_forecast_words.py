"""What a forecast says in words: nothing of what does not happen, and what it leaves out."""

from eutonia import assess, read


def told(plan: str, *medications: dict[str, object]) -> str:
    case = read(
        {
            "as_of": "2026-03-02", "patient": {"age_years": 45, "sex": "male"}, "no_known_allergies": True,
            "conditions": [{"text": "Low back pain", "onset": "2026-02-25"}], "labs": [], "observations": [],
            "medications": list(medications), "plan": [{"text": plan}],
        }
    )  # fmt: skip
    made = assess(case).plans[0].forecast
    assert made is not None
    return " ".join(made.sentences)


def test_what_neither_sedates_nor_is_withdrawn_from_says_nothing_of_it():
    said = told("ibuprofen 400 mg three times a day for 5 days")
    assert "Relief" in said
    assert not any(word in said for word in ("Drowsiness", "Impaired", "withdrawal"))


def test_a_sedative_that_cannot_be_simulated_is_named():
    carisoprodol = "carisoprodol 350 mg four times a day for 7 days"
    without_dose = {"text": "oxycodone 5 mg tablet", "status": "active"}
    not_simulated = {
        "text": "clonazepam 1 mg",
        "dose": 1,
        "unit": "mg",
        "times_per_day": 2,
        "status": "active",
    }
    said = told(carisoprodol, without_dose, not_simulated)
    assert "oxycodone 5 mg tablet (its dose is not known); clonazepam 1 mg (it is not simulated)" in said
    assert "leave out" not in told(carisoprodol, {"text": "lisinopril 10 mg", "status": "active"})


def test_steps_in_tablets_are_those_in_milligrams():
    steps = "{} four times a day for 7 days, then {} twice a day for 7 days"
    assert told("Soma 350 mg " + steps.format("1 tablet", "1 tablet")) == told(
        "carisoprodol " + steps.format("350 mg", "350 mg")
    )


def test_a_part_of_the_plan_that_cannot_be_simulated_is_named():
    assert "codeine (it is not simulated)" in told(
        "Soma Compound with Codeine 1 tablet four times a day for 5 days"
    )


def taken(drug: str, dose: float, times: float) -> dict[str, object]:
    return {"text": drug, "dose": dose, "unit": "mg", "times_per_day": times, "status": "active"}


def test_what_is_taken_already_is_told_with_what_it_adds():
    carisoprodol = "carisoprodol 350 mg four times a day for 7 days"
    assert "With oxycodone the greatest impairment is" in told(carisoprodol, taken("oxycodone", 10, 4))
    said = told(carisoprodol, taken("ibuprofen", 400, 3))
    assert "With ibuprofen the best relief is" in said
    assert "breathing" not in said, "nothing of what does not change"


def test_what_adds_too_little_to_matter_is_told_without_its_numbers():
    """Relief of 10.2 points beside one of 10.0 is no difference to anyone."""
    for plan in (
        "ibuprofen 400 mg three times a day for 5 days",
        "carisoprodol 350 mg four times a day for 7 days",
    ):
        said = told(plan, taken("acetaminophen", 500, 3))
        assert "What is taken already (acetaminophen) changes these numbers little or not at all." in said
    said = told("carisoprodol 350 mg four times a day for 7 days", taken("lorazepam", 0.5, 1))
    assert "With lorazepam the greatest impairment is" in said
    assert "the best relief" not in said


def test_when_it_is_first_felt_is_told_of_a_start_alone():
    carisoprodol = {"text": "carisoprodol", "dose": 350, "unit": "mg", "times_per_day": 4, "status": "active"}
    plan = "carisoprodol 350 mg four times a day for 7 days"
    assert "first felt" in told(plan)
    assert "first felt" not in told(f"continue {plan}", carisoprodol)
