"""The traps of conditions, allergies and observations in real FHIR records."""

from datetime import date

from fhir_making import (
    ICD10,
    LOINC,
    ME,
    RXNORM,
    SNOMED,
    STATUS,
    bundle,
    coded,
    condition,
    observation,
    said,
)

from eutonia import read
from eutonia.dates import span


def test_statuses_of_conditions_are_kept():
    refuted = condition(verificationStatus=coded(STATUS + "condition-ver-status", "refuted"))
    (found,) = read(bundle(refuted)).conditions
    assert (found.clinical_status, found.verification_status) == ("active", "refuted")


def test_both_codes_of_a_condition_are_kept():
    both = {"coding": [{"system": ICD10, "code": "M54.50"}, {"system": SNOMED, "code": "279039007"}]}
    (found,) = read(bundle(condition(code=both))).conditions
    assert (found.icd10cm, found.snomed) == ("M54.50", "279039007")


def test_the_day_on_which_a_condition_was_asserted_dates_it():
    url = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
    asserted = condition(extension=[{"url": url, "valueDateTime": "2025-06-01T08:30:00-05:00"}])
    (found,) = read(bundle(asserted)).conditions
    assert found.recorded == span("2025-06-01")


def test_a_second_code_of_one_system_is_not_lost():
    two = {"coding": [{"system": SNOMED, "code": "279039007"}, {"system": SNOMED, "code": "278860009"}]}
    assert [c.snomed for c in read(bundle(condition(code=two))).conditions] == ["279039007", "278860009"]


def test_a_condition_in_an_unknown_code_alone_leaves_the_rest_open():
    """It may be any condition: what is not found is no longer known to be absent."""
    coded_only = condition(code=coded("http://hl7.org/fhir/sid/icd-9-cm", "277.1"))
    case = read(bundle(coded_only))
    assert "no words and no code of ICD-10-CM or SNOMED CT (icd-9-cm 277.1): not understood" in said(case)
    assert case.not_seen == ("conditions",)
    assert read(bundle(condition("Porphyria"))).not_seen == ()


def test_an_age_at_onset_is_two_years_wide():
    (found,) = read(bundle(condition(onsetAge={"value": 40, "unit": "a"}))).conditions
    assert (found.onset.first, found.onset.last) == (date(2020, 1, 1), date(2021, 12, 31))


def test_family_history_never_counts():
    relative = {"resourceType": "FamilyMemberHistory", "id": "f1", "status": "completed", "patient": ME}
    case = read(bundle(relative | {"condition": [{"code": coded(SNOMED, "234422006")}]}))
    assert case.conditions is None
    assert "1 FamilyMemberHistory" in said(case)


def test_no_known_allergies_is_a_statement():
    none = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "code": coded(SNOMED, "716186003"),
    }
    case = read(bundle(none))
    assert (case.no_known_allergies, case.allergies) == (True, ())


def test_no_known_allergies_in_error_is_none():
    none = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "code": coded(SNOMED, "716186003"),
    }
    none |= {"verificationStatus": coded(STATUS + "allergyintolerance-verification", "entered-in-error")}
    case = read(bundle(none))
    assert (case.no_known_allergies, case.allergies) == (None, None)


def test_an_allergy_keeps_its_reactions():
    found = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "code": coded(RXNORM, "6760", "meprobamate"),
        "reaction": [{"manifestation": [{"text": "Hives"}, {"text": "Angioedema"}]}],
        "type": "allergy",
        "criticality": "high",
    }
    (allergy,) = read(bundle(found)).allergies
    assert (allergy.substance, allergy.rxcui, allergy.reaction) == (
        "meprobamate",
        "6760",
        "Hives; Angioedema",
    )


def test_an_allergy_in_codes_alone_and_in_the_shape_of_dstu2_is_read():
    anaphylaxis = {"manifestation": [coded(SNOMED, "39579001")]}
    found = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "substance": coded(RXNORM, "6760", "meprobamate"),
        "reaction": [anaphylaxis],
    }
    case = read(bundle(found))
    (allergy,) = case.allergies
    assert (allergy.substance, allergy.reaction) == ("meprobamate", "39579001")
    assert "written as in FHIR DSTU2" in said(case)


def test_numbers_are_labs_and_words_are_observations():
    lab = observation("2160-0", valueQuantity={"value": 1.2, "unit": "mg/dL", "code": "mg/dL"})
    pregnant = {"coding": [{"system": LOINC, "code": "LA26683-5"}], "text": "Not pregnant"}
    status = observation("82810-3", id="o2", valueCodeableConcept=pregnant)
    case = read(bundle(lab, status))
    assert [(x.loinc, x.value, x.unit) for x in case.labs] == [("2160-0", 1.2, "mg/dL")]
    assert [(x.code, x.value, x.value_code) for x in case.observations] == [
        ("82810-3", "Not pregnant", "LA26683-5")
    ]


def test_a_comparator_is_kept():
    lab = observation("98979-8", valueQuantity={"value": 90, "comparator": ">", "unit": "mL/min"})
    assert read(bundle(lab)).labs[0].value == ">90"


def test_components_are_results_of_their_own():
    parts = [
        {"code": coded(LOINC, "8480-6"), "valueQuantity": {"value": 120, "unit": "mm[Hg]"}},
        {"code": coded(LOINC, "8462-4"), "valueQuantity": {"value": 80, "unit": "mm[Hg]"}},
    ]
    case = read(bundle(observation("85354-9", component=parts)))
    assert [(x.loinc, x.value) for x in case.labs] == [("8480-6", 120), ("8462-4", 80)]


def test_a_finding_as_the_value_of_a_symptom_is_the_finding():
    symptom = observation("75325-1", valueCodeableConcept=coded(SNOMED, "267064002", "Urinary retention"))
    (found,) = read(bundle(symptom)).observations
    assert (found.code, found.value) == ("267064002", True)


def test_a_procedure_counts_from_its_day_and_not_if_it_was_not_done():
    done = {
        "resourceType": "Procedure",
        "id": "x1",
        "status": "completed",
        "subject": ME,
        "code": {"text": "CABG"},
    }
    done |= {"performedPeriod": {"start": "2026-02-10T09:00:00Z"}}
    case = read(bundle(condition(), done, done | {"id": "x2", "status": "not-done"}))
    assert [(c.text, c.onset, c.clinical_status) for c in case.conditions[1:]] == [
        ("CABG", span("2026-02-10"), "resolved")
    ]


def test_an_allergy_in_an_unknown_code_alone_is_said():
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "code": coded(SNOMED, "293586001"),
    }
    case = read(bundle(allergy))
    assert "no words and no code of RxNorm (snomed 293586001): not understood" in said(case)
    assert len(case.allergies) == 1
