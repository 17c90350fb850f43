"""What FHIR records hold in the wild (US Core, IPS, exports of record systems): each oddity is read right, or asked."""

import pytest
from fhir_making import (
    LOINC,
    ME,
    RXNORM,
    SNOMED,
    STATUS,
    UCUM,
    bundle,
    coded,
    condition,
    observation,
    order,
    patient,
    said,
)

from eutonia import read
from eutonia.features import chart_of, value_of
from eutonia.knowledge import load

IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
KNOWLEDGE = load()


def taken(*resources):
    """What counts as in use, and what in it is not recognised."""
    chart = chart_of(read(bundle(*resources)), KNOWLEDGE)
    return [t.treatment for t in chart.current], list(chart.unrecognised)


def statement(**more):
    return {
        "resourceType": "MedicationStatement", "id": "s1", "status": "active", "subject": ME,
        "medicationCodeableConcept": {"text": "oxycodone 5 mg tablet"},
    } | more  # fmt: skip


def allergy(**more):
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": ME} | more


def known(name, *resources):
    return value_of(name, chart_of(read(bundle(*resources)), KNOWLEDGE)).known


# --- statuses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "in_use"),
    [("active", True), ("unknown", True), ("intended", False), ("on-hold", False), ("completed", False),
     ("stopped", False), ("not-taken", False), ("entered-in-error", False), ("Active", True), ("Stopped", False)],
)  # fmt: skip
def test_what_a_statement_says_of_its_use(status, in_use):
    """R4: intended “may be taken at some time in the future”; unknown counts until it is asked."""
    assert taken(statement(status=status)) == (["oxycodone"] if in_use else [], [])


def test_what_is_intended_or_of_unknown_use_is_said():
    assert "intended for some time in the future: not counted" in said(
        read(bundle(statement(status="intended")))
    )
    assert "status is not known: counted as in use" in said(read(bundle(statement(status="unknown"))))
    assert "status is not known: counted as in use" in said(read(bundle(order(status="unknown"))))


@pytest.mark.parametrize(
    ("intent", "in_use"),
    [("plan", True), ("order", True), ("original-order", True), ("reflex-order", True), ("filler-order", True),
     ("instance-order", True), ("proposal", False), ("option", False)],
)  # fmt: skip
def test_what_is_not_authorized_is_not_taken(intent, in_use):
    """R4: a proposal is a suggestion “without providing an authorization to act”. US Core lists what a patient takes
    of his own accord as a plan."""
    assert bool(taken(order(intent=intent))[0]) is in_use


@pytest.mark.parametrize("status", ["ACTIVE", "Active", "active"])
def test_statuses_of_conditions_are_read_in_any_letters(status):
    case = read(bundle(condition("Sleep apnea", clinicalStatus=coded(STATUS + "condition-clinical", status))))
    assert [d.active for d in chart_of(case, KNOWLEDGE).diagnoses] == [True]


@pytest.mark.parametrize("status", ["unconfirmed", "provisional", "differential"])
def test_a_diagnosis_that_is_not_sure_counts_and_is_told(status):
    sure = coded(STATUS + "condition-ver-status", status)
    chart = chart_of(read(bundle(condition("Sleep apnea", verificationStatus=sure))), KNOWLEDGE)
    (diagnosis,) = chart.diagnoses
    assert diagnosis.active
    assert status in str(diagnosis)


# --- what is masked, missing or not known -------------------------------------------------------------

ABSENT = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    ]
}


def test_a_birth_date_that_is_masked_is_not_known():
    who = patient(_birthDate=ABSENT)
    del who["birthDate"]
    case = read({"resourceType": "Bundle", "type": "collection", "timestamp": "2026-03-01",
                 "entry": [{"resource": who}]})  # fmt: skip
    assert (case.patient.birth_date, case.patient.age_years) == (None, None)


def test_a_condition_that_is_masked_leaves_the_list_open():
    case = read(bundle(condition(code={"_text": ABSENT})))
    assert case.not_seen == ("conditions",)
    assert known("sleep_apnea", condition(code={"_text": ABSENT})) is None


@pytest.mark.parametrize(
    ("resource", "part"),
    [
        (allergy(code=coded(IPS, "no-allergy-info")), "allergies"),
        (
            statement(medicationCodeableConcept=coded(IPS, "no-medication-info", "No information")),
            "medications",
        ),
        (order(medicationCodeableConcept=coded(IPS, "no-medication-info")), "medications"),
        (condition(code=coded(IPS, "no-problem-info")), "conditions"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_no_information_is_no_entry_and_no_empty_list(resource, part):
    case = read(bundle(resource))
    assert not getattr(case, part)
    assert part in case.not_seen or getattr(case, part) is None
    assert case.no_known_allergies is None


def test_a_medicine_by_a_reference_that_leads_nowhere_is_something_unknown():
    nowhere = order(medicationReference={"reference": "Medication/elsewhere"})
    del nowhere["medicationCodeableConcept"]
    assert taken(nowhere) == ([], ["a medicine without name"])


# --- codes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "system",
    [
        RXNORM,
        RXNORM + "/",
        RXNORM.replace("http:", "https:"),
        RXNORM.upper(),
        "urn:oid:2.16.840.1.113883.6.88",
    ],
)
@pytest.mark.parametrize(("code", "drug"), [("1049621", "oxycodone"), ("1049623", "oxycodone"), ("7804", "oxycodone"),
                                            ("213695", "carisoprodol")])  # fmt: skip
def test_rxnorm_at_every_level_under_every_spelling_of_its_address(system, code, drug):
    assert taken(order(medicationCodeableConcept=coded(system, code))) == ([drug], [])


def test_a_national_drug_code_has_its_name_or_is_asked():
    ndc = {"system": "http://hl7.org/fhir/sid/ndc", "code": "00406-0552-01"}
    named = {"coding": [ndc | {"display": "oxyCODONE HCl 5 MG TABS"}]}
    assert taken(order(medicationCodeableConcept=named)) == (["oxycodone"], [])
    assert taken(order(medicationCodeableConcept={"coding": [ndc]})) == ([], ["ndc 00406-0552-01"])
    both = {"coding": [ndc, {"system": RXNORM, "code": "1049621"}]}
    assert taken(order(medicationCodeableConcept=both)) == (["oxycodone"], [])


@pytest.mark.parametrize(
    ("coding", "found"),
    [
        ({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G47.33"}, True),
        ({"system": "http://hl7.org/fhir/sid/icd-10-cm/", "code": "G4733"}, True),
        ({"system": "https://snomed.info/sct", "code": "78275009"}, True),
        ({"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "327.23", "display": "Obstructive sleep apnea"}, True),
        ({"system": "urn:oid:1.2.840.114350.1.13", "code": "7", "display": "OSA (obstructive sleep apnea)"}, True),
        ({"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "327.23"}, None),
        ({"code": "G47.33"}, None),
    ],
)  # fmt: skip
def test_a_diagnosis_in_any_code_is_understood_or_asked(coding, found):
    assert known("sleep_apnea", condition(code={"coding": [coding]})) is found


# --- results ------------------------------------------------------------------------------------------

UNIT = "mL/min/{1.73_m2}"


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"valueQuantity": {"value": 25, "unit": UNIT, "system": UCUM, "code": UNIT}}, 25),
        ({"valueQuantity": {"value": 25, "unit": "mL/min/1.73m2"}}, 25),
        ({"valueString": "25 mL/min/1.73m2"}, 25),
        ({"valueQuantity": {"value": 25}}, None),
        ({"dataAbsentReason": {"text": "not performed"}}, None),
        ({"valueQuantity": {"unit": UNIT, "_value": ABSENT}}, None),
        ({"status": "cancelled", "valueQuantity": {"value": 25, "unit": UNIT}}, None),
        ({"status": "entered-in-error", "valueQuantity": {"value": 25, "unit": UNIT}}, None),
    ],
)
def test_a_kidney_function_is_read_or_asked(more, value):
    assert known("egfr", observation("98979-8", **more)) == value


@pytest.mark.parametrize(
    "code",
    [
        coded(LOINC, "98979-8"),
        {"coding": [{"code": "98979-8"}]},
        {"coding": [{"system": "urn:oid:1.2.3", "code": "EGFR", "display": "eGFR"}]},
        {"text": "eGFR"},
    ],
)
def test_a_result_in_a_local_code_goes_by_its_name(code):
    measured = observation("x", valueQuantity={"value": 25, "unit": UNIT}) | {"code": code}
    assert known("egfr", measured) == 25


def test_a_component_that_was_not_measured_is_left_out():
    parts = [{"code": coded(LOINC, "8480-6"), "valueQuantity": {"value": 120, "unit": "mmHg", "code": "mm[Hg]"}},
             {"code": coded(LOINC, "8462-4"), "dataAbsentReason": {"text": "not heard"}}]  # fmt: skip
    (lab,) = read(bundle(observation("85354-9", component=parts))).labs
    assert (lab.loinc, lab.value) == ("8480-6", 120)


# --- what a second stranger's records held --------------------------------------------------------------


def report(status="final"):
    inside = observation(
        "2160-0", valueQuantity={"value": 3.4, "unit": "mg/dL", "code": "mg/dL", "system": UCUM}
    )
    return {
        "resourceType": "DiagnosticReport", "id": "r1", "status": status, "subject": ME,
        "effectiveDateTime": "2026-02-20", "code": {"text": "Chemistry"},
        "contained": [{name: value for name, value in inside.items() if name not in ("subject", "effectiveDateTime")}],
    }  # fmt: skip


@pytest.mark.parametrize(("status", "results"), [("final", 1), ("entered-in-error", 0)])
def test_results_inside_a_report_are_read(status, results):
    assert len(read(bundle(report(status))).labs or ()) == results


def test_the_substance_of_a_reaction_is_an_allergy_beside_the_class_that_is_named():
    entry = allergy(
        code={"text": "muscle relaxants"},
        reaction=[{"substance": coded(RXNORM, "2101", "carisoprodol"), "manifestation": [{"text": "hives"}]}],
    )
    assert [a.rxcui for a in read(bundle(entry)).allergies] == [None, "2101"]


@pytest.mark.parametrize(("days_ago", "on_dialysis"), [("2026-02-25", True), ("2025-10-01", None)])
def test_dialysis_of_last_week_goes_on(days_ago, on_dialysis):
    done = {
        "resourceType": "Procedure", "id": "p1", "status": "completed", "subject": ME,
        "code": coded("http://snomed.info/sct", "302497006", "Hemodialysis"), "performedDateTime": days_ago,
    }  # fmt: skip
    chart = chart_of(read(bundle(condition("M62.830"), done), as_of="2026-03-02"), KNOWLEDGE)
    assert value_of("dialysis", chart).known is (on_dialysis or False)


def test_an_atc_code_of_a_combination_is_all_of_its_ingredients():
    entry = order(
        "x", medicationCodeableConcept={"coding": [{"system": "http://www.whocc.no/atc", "code": "N02AJ06"}]}
    )
    assert taken(entry) == (["acetaminophen", "codeine"], [])


@pytest.mark.parametrize("words", ["None", "No current medications"])
def test_words_in_place_of_a_medicine_may_say_that_there_is_none(words):
    case = read(bundle(statement(medicationCodeableConcept={"text": words})))
    assert case.medications == ()


def test_the_stage_of_a_condition_is_part_of_what_it_says():
    disease = coded(SNOMED, "709044004", "Chronic kidney disease")
    kidney = condition(code=disease, stage=[{"summary": {"text": "Stage 4"}}])
    assert known("ckd_4_5", kidney) is True
