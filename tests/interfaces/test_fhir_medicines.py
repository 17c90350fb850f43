"""The traps of medicines in real FHIR records: orders and names."""

import pytest
from fhir_making import (
    ME,
    RXNORM,
    UCUM,
    bundle,
    coded,
    every_day,
    order,
    said,
)

from eutonia import read


def only_medication(*resources):
    (medication,) = read(bundle(*resources)).medications
    return medication


# --- plans and orders ---------------------------------------------------------------------------------


def test_a_draft_order_is_the_plan():
    draft = order(status="draft", dosageInstruction=every_day(4, 350))
    case = read(bundle(draft))
    (item,) = case.plan
    assert (item.rxcui, item.dose, item.unit, item.times_per_day) == ("197446", 350, "mg", 4)
    assert case.medications is None, "a draft is no medication list"


@pytest.mark.parametrize("intent", ["plan", "proposal", "order"])
def test_drafts_of_every_intent_are_plans(intent):
    assert len(read(bundle(order(status="draft", intent=intent))).plan) == 1


def test_a_name_that_someone_wrote_may_hold_the_dosing():
    sig = "Soma 350 mg tablet, 1 tab QID, dispense #88"
    (item,) = read(bundle(order(None, sig, status="draft"))).plan
    assert (item.action, item.dose, item.times_per_day, item.quantity) == ("start", 1, 4, 88)
    assert only_medication(order(None, "carisoprodol 350 mg three times a day")).times_per_day == 3
    (item,) = read(bundle(order(None, "stop carisoprodol", status="draft"))).plan
    assert item.action == "stop"


def test_a_draft_without_a_medicine_is_named_and_judged_no_further():
    draft = order(status="draft")
    del draft["medicationCodeableConcept"]
    case = read(bundle(draft))
    assert case.plan == ()
    assert "MedicationRequest/m1 (entry[1]): a draft order that names no medicine yet" in said(case)


def test_an_order_without_a_medicine_stays_on_the_list():
    """It is something unknown that the patient takes, not nothing."""
    active = order()
    del active["medicationCodeableConcept"]
    assert only_medication(active).text == "a medicine without name"


def test_an_order_on_hold_is_said_and_not_counted():
    held = order(status="on-hold", dispenseRequest={"expectedSupplyDuration": {"value": 90, "unit": "days"}})
    assert "carisoprodol 350 MG Oral Tablet is on hold: not counted as taken" in said(read(bundle(held)))


def test_a_draft_not_to_give_is_a_plan_to_stop():
    draft = order(status="draft", doNotPerform=True)
    (item,) = read(bundle(draft)).plan
    assert (item.action, item.rxcui) == ("stop", "197446")


def test_an_order_not_to_give_is_no_medication():
    case = read(bundle(order(doNotPerform=True)))
    assert case.medications == ()
    assert "an order not to give carisoprodol" in said(case)


def test_a_proposal_that_is_not_a_draft_is_no_medication():
    case = read(bundle(order(intent="proposal")))
    assert case.medications == ()
    assert "is a proposal, not an order" in said(case)


def test_a_renewal_continues():
    draft = order(status="draft", priorPrescription={"reference": "MedicationRequest/m0"})
    assert read(bundle(draft)).plan[0].action == "continue"


@pytest.mark.parametrize(
    ("authored", "times", "status", "action"),
    [
        ("2026-02-20", 4, "active", "continue"),
        ("2026-02-20", 3, "active", "start"),
        ("2026-02-20", 4, "stopped", "start"),
        ("2025-11-20", 4, "active", "start"),
    ],
    ids=["the very dose in use", "another dose", "stopped", "run out long ago"],
)
def test_a_draft_that_repeats_what_is_in_use_renews_it(authored, times, status, action):
    """So that 1,400 mg a day are not counted twice; few systems fill in priorPrescription."""
    month = {"expectedSupplyDuration": {"value": 30, "unit": "days", "system": UCUM, "code": "d"}}
    listed = order(
        authoredOn=authored, status=status, dispenseRequest=month, dosageInstruction=every_day(times, 350)
    )
    draft = order(id="m2", status="draft", authoredOn="2026-03-02", dosageInstruction=every_day(4, 350))
    case = read(bundle(listed, draft))
    assert [item.action for item in case.plan] == [action]
    assert ("repeats an order in use" in said(case)) is (action == "continue")


@pytest.mark.parametrize(
    ("name", "action"),
    [("carisoprodol 350 mg tid", "continue"), ("Carisoprodol 350 MG Oral Tablet", "continue"),
     ("carisoprodol 250 mg", "start"), ("Soma 350 mg", "start")],
)  # fmt: skip
def test_a_renewal_may_be_named_in_other_words(name, action):
    in_use = order(None, name, id="used", dosageInstruction=every_day(3, 350))
    draft = order(None, "carisoprodol 350 mg", id="new", status="draft", dosageInstruction=every_day(3, 350))
    assert read(bundle(in_use, draft)).plan[0].action == action


@pytest.mark.parametrize("status", ["stopped", "cancelled", "entered-in-error", "on-hold", "completed"])
def test_the_status_of_an_order_is_kept(status):
    assert only_medication(order(status=status)).status == status


def test_the_same_order_repeated_stays_repeated_for_the_features_to_merge():
    repeated = [order(id=f"m{n}", authoredOn=f"2025-{n:02d}-01") for n in range(1, 13)]
    assert len(read(bundle(*repeated)).medications) == 12


def test_therapies_ordered_as_services_are_plans_and_tests_are_not():
    service = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "draft",
        "intent": "order",
        "subject": ME,
    }
    case = read(bundle(service | {"code": {"text": "Complete blood count"}}))
    assert case.plan == ()
    assert "ServiceRequest/s1" in said(case)


# --- how the medicine is named ------------------------------------------------------------------------

TABLET = {"resourceType": "Medication", "id": "d1", "code": coded(RXNORM, "197446", "carisoprodol 350 mg")}


@pytest.mark.parametrize(
    ("reference", "extra"),
    [
        ("#d1", {"contained": [TABLET]}),
        ("Medication/d1", {}),
        ("urn:uuid:d1", {}),
        ("https://example.org/fhir/Medication/d1", {}),
        ("Medication/d1/_history/2", {}),
    ],
)
def test_a_medicine_by_reference_is_found(reference, extra):
    asked = order(medicationReference={"reference": reference}, **extra)
    del asked["medicationCodeableConcept"]
    inside = [] if extra else [TABLET]
    assert only_medication(asked, *inside).rxcui == "197446"


def test_a_medicine_by_the_full_url_of_its_entry_is_found():
    asked = order(medicationReference={"reference": "urn:uuid:5c41"})
    del asked["medicationCodeableConcept"]
    record = bundle(asked)
    record["entry"].append({"fullUrl": "urn:uuid:5c41", "resource": TABLET})
    assert read(record).medications[0].rxcui == "197446"


def test_a_reference_that_leads_nowhere_is_named():
    asked = order(medicationReference={"reference": "Medication/x9", "display": "Soma"})
    del asked["medicationCodeableConcept"]
    case = read(bundle(asked))
    assert case.medications[0].text == "Soma"
    assert "refers to Medication/x9, which is not in the bundle" in said(case)


def test_a_medicine_made_of_ingredients_is_named_by_them():
    made = TABLET | {
        "code": None,
        "ingredient": [
            {
                "itemCodeableConcept": {"text": "Carisoprodol"},
                "strength": {"numerator": {"value": 200, "unit": "mg"}},
            },
            {
                "itemCodeableConcept": {"text": "Aspirin"},
                "strength": {"numerator": {"value": 325, "unit": "mg"}},
            },
        ],
    }
    asked = order(contained=[made], medicationReference={"reference": "#d1"})
    del asked["medicationCodeableConcept"]
    assert only_medication(asked).text == "Carisoprodol 200 mg / Aspirin 325 mg"


def test_an_ingredient_may_be_a_substance_of_its_own():
    substance = {"resourceType": "Substance", "id": "s1", "code": {"text": "alprazolam"}}
    made = {"resourceType": "Medication", "id": "d1", "ingredient": [{"itemReference": {"reference": "#s1"}}]}
    asked = order(medicationReference={"reference": "#d1"}, contained=[made, substance])
    del asked["medicationCodeableConcept"]
    assert only_medication(asked).text == "alprazolam"


def test_a_medicine_in_the_shape_of_r5_among_others_is_read_and_said():
    later = order(id="m2", medication={"concept": {"text": "tramadol 50 mg"}})
    del later["medicationCodeableConcept"]
    case = read(bundle(order(), later))
    assert [m.text for m in case.medications] == ["carisoprodol 350 MG Oral Tablet", "tramadol 50 mg"]
    assert "MedicationRequest/m2 (entry[2]): the medicine is written as in FHIR R5" in said(case)


def test_a_code_that_is_not_known_stands_for_the_name():
    only_coded = order(medicationCodeableConcept=coded("http://hl7.org/fhir/sid/ndc", "50458-820-04"))
    assert only_medication(only_coded).text == "ndc 50458-820-04"


def test_text_without_a_code_is_enough():
    found = only_medication(order(code=None, text="Cyclobenzaprine"))
    assert (found.text, found.rxcui) == ("Cyclobenzaprine", None)
