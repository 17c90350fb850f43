"""The traps of real FHIR records, one by one."""

from datetime import date

import pytest
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
    dosage,
    every_day,
    observation,
    order,
    patient,
)

from eutonia import read
from eutonia.dates import span
from eutonia.errors import InputError
from eutonia.fhir import read_fhir


def only_medication(*resources):
    (medication,) = read(bundle(*resources)).medications
    return medication


def said(case):
    return " ".join(case.warnings)


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
    assert only_medication(active).text == "a medicine that is not named"


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


def test_text_without_a_code_is_enough():
    found = only_medication(order(code=None, text="Cyclobenzaprine"))
    assert (found.text, found.rxcui) == ("Cyclobenzaprine", None)


# --- doses --------------------------------------------------------------------------------------------


def test_a_dose_range_keeps_both_ends():
    limits = {"low": {"value": 1, "unit": "tablet"}, "high": {"value": 2, "unit": "tablet"}}
    found = only_medication(order(dosageInstruction=dosage(doseAndRate=[{"doseRange": limits}])))
    assert (found.dose, found.dose_high, found.unit) == (1, 2, "tablet")


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        ({"frequency": 1, "period": 6, "periodUnit": "h"}, {"times_per_day": 4, "every_hours": 6}),
        (
            {"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"},
            {"times_per_day": 6, "times_per_day_low": 4, "every_hours": 4},
        ),
        ({"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}, {"times_per_day": 3}),
        ({"frequency": 2, "period": 1, "periodUnit": "wk"}, {"times_per_day": pytest.approx(2 / 7)}),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, {"times_per_day": 2, "clock_times": ("08:00", "20:00")}),
        ({"when": ["MORN", "HS"]}, {"times_per_day": 2}),
        ({"dayOfWeek": ["mon", "thu"]}, {"times_per_day": pytest.approx(2 / 7)}),
        ({"period": 1}, {"times_per_day": None}),
        ({"frequency": 3}, {"times_per_day": None}),
    ],
)
def test_timing_is_read_as_an_interval(repeat, expected):
    found = only_medication(order(dosageInstruction=dosage(timing={"repeat": repeat})))
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("code", "times"), [("BID", 2), ("TID", 3), ("QID", 4), ("QD", 1), ("QOD", 0.5), ("Q6H", 4)]
)
def test_timing_codes_are_read(code, times):
    timing = {"code": coded(STATUS + "v3-GTSAbbreviation", code)}
    assert only_medication(order(dosageInstruction=dosage(timing=timing))).times_per_day == times


def test_as_needed_is_kept_in_both_its_forms():
    assert only_medication(order(dosageInstruction=dosage(asNeededBoolean=True))).as_needed
    assert only_medication(
        order(dosageInstruction=dosage(asNeededCodeableConcept={"text": "pain"}))
    ).as_needed


def test_text_fills_in_what_the_structure_leaves_open():
    found = only_medication(order(dosageInstruction=dosage("1 tab qhs prn muscle spasm")))
    assert (found.dose, found.unit, found.times_per_day, found.as_needed) == (1, "tablet", 1, True)


def test_structure_wins_over_text_and_the_disagreement_is_said():
    case = read(bundle(order(dosageInstruction=every_day(2, 350, text="350 mg four times a day"))))
    assert case.medications[0].times_per_day == 2
    assert "its text “350 mg four times a day” says otherwise" in said(case)


def test_text_that_cannot_be_read_is_quoted():
    case = read(bundle(order(dosageInstruction=dosage("as per wibble"))))
    assert "wibble" in said(case)


def test_a_large_dose_without_a_unit_is_not_taken_for_tablets():
    found = only_medication(order(dosageInstruction=dosage(doseAndRate=[{"doseQuantity": {"value": 350}}])))
    assert (found.dose, found.unit) == (350, None)


def test_doses_side_by_side_add_up():
    both = every_day(3, 350) + every_day(1, 700)
    found = only_medication(order(dosageInstruction=both))
    assert found.dose == 700
    assert found.dose * found.times_per_day == 1750


def test_a_daily_maximum_caps_how_often():
    limit = {
        "numerator": {"value": 1050, "unit": "mg", "code": "mg"},
        "denominator": {"value": 1, "unit": "d"},
    }
    found = only_medication(order(dosageInstruction=every_day(6, 350, maxDosePerPeriod=limit)))
    assert found.times_per_day == 3


# --- how long -----------------------------------------------------------------------------------------


def test_supply_counts_with_its_refills():
    supply = {"expectedSupplyDuration": {"value": 30, "unit": "d", "code": "d"}, "numberOfRepeatsAllowed": 2}
    assert only_medication(order(dispenseRequest=supply)).days_supply == 90


def test_the_end_of_validity_ends_an_order_without_a_supply():
    valid = {"validityPeriod": {"start": "2026-01-01", "end": "2026-02-01"}}
    assert only_medication(order(dispenseRequest=valid)).end == span("2026-02-01")


def test_bounds_of_the_dosage_are_start_and_end():
    repeat = {
        "boundsPeriod": {"start": "2026-02-01", "end": "2026-02-14"},
        "frequency": 3,
        "period": 1,
        "periodUnit": "d",
    }
    found = only_medication(order(dosageInstruction=dosage(timing={"repeat": repeat})))
    assert (found.start, found.end) == (span("2026-02-01"), span("2026-02-14"))


def test_a_duration_bound_is_the_length_of_the_plan():
    repeat = {
        "boundsDuration": {"value": 2, "unit": "wk", "code": "wk"},
        "frequency": 3,
        "period": 1,
        "periodUnit": "d",
    }
    draft = order(status="draft", dosageInstruction=dosage(timing={"repeat": repeat}))
    assert read(bundle(draft)).plan[0].duration_days == 14


def test_a_date_to_the_month_stays_a_month():
    case = read(bundle(condition(onsetDateTime="2026-02"), order(authoredOn="2026-01")))
    assert case.conditions[0].onset == span("2026-02")
    assert case.medications[0].start == span("2026-01")


def test_a_completed_dispense_is_in_use_for_the_days_it_lasts():
    given = order(resourceType="MedicationDispense", status="completed", whenHandedOver="2026-02-20")
    found = only_medication(given | {"daysSupply": {"value": 30, "unit": "days"}})
    assert (found.status, found.start, found.days_supply) == ("active", span("2026-02-20"), 30)


def test_a_dispense_of_unknown_length_counts_and_says_so():
    given = order(resourceType="MedicationDispense", status="completed", whenHandedOver="2026-02-20")
    case = read(bundle(given))
    assert case.medications[0].status == "active"
    assert "how long the supply lasts is not stated" in said(case)


def test_an_administration_is_over_on_its_day():
    given = order(resourceType="MedicationAdministration", status="completed", effectiveDateTime="2026-02-20")
    found = only_medication(given | {"dosage": {"dose": {"value": 30, "unit": "mg"}}})
    assert (found.start, found.end, found.dose) == (span("2026-02-20"), span("2026-02-20"), 30)


def test_a_statement_not_taken_keeps_that_status():
    taken = order(
        resourceType="MedicationStatement", status="not-taken", effectivePeriod={"start": "2025-01-01"}
    )
    found = only_medication(taken)
    assert (found.status, found.start) == ("not-taken", span("2025-01-01"))


# --- conditions, allergies, observations --------------------------------------------------------------


def test_statuses_of_conditions_are_kept():
    refuted = condition(verificationStatus=coded(STATUS + "condition-ver-status", "refuted"))
    (found,) = read(bundle(refuted)).conditions
    assert (found.clinical_status, found.verification_status) == ("active", "refuted")


def test_both_codes_of_a_condition_are_kept():
    both = {"coding": [{"system": ICD10, "code": "M54.50"}, {"system": SNOMED, "code": "279039007"}]}
    (found,) = read(bundle(condition(code=both))).conditions
    assert (found.icd10cm, found.snomed) == ("M54.50", "279039007")


def test_a_second_code_of_one_system_is_not_lost():
    two = {"coding": [{"system": SNOMED, "code": "279039007"}, {"system": SNOMED, "code": "278860009"}]}
    assert [c.snomed for c in read(bundle(condition(code=two))).conditions] == ["279039007", "278860009"]


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


# --- what was not there -------------------------------------------------------------------------------


def test_what_is_not_in_the_bundle_is_unknown_not_empty():
    case = read(bundle())
    assert (case.medications, case.conditions, case.allergies, case.labs) == (None, None, None, None)
    assert case.no_known_allergies is None


def test_a_search_that_found_nothing_means_none():
    url = "https://example.org/MedicationRequest?patient=p1&_count=200"
    case = read(bundle(kind="searchset", link=[{"relation": "self", "url": url}]))
    assert case.medications == ()


def test_a_search_for_some_of_them_leaves_the_rest_unknown():
    url = "https://example.org/MedicationRequest?patient=p1&status=draft"
    assert read(bundle(kind="searchset", link=[{"relation": "self", "url": url}])).medications is None


def test_resource_types_that_were_asked_for_and_not_found_mean_none():
    """As CDS Hooks prefetch says it: null is looked for and not there."""
    case = read_fhir([patient()], as_of=date(2026, 3, 1), asked=["MedicationRequest", "Condition"]).case
    assert (case.medications, case.conditions, case.allergies) == ((), (), None)


def test_drafts_that_were_proposed_are_the_plan_whatever_their_status():
    case = read_fhir([patient()], as_of=date(2026, 3, 1), proposed=[order(status="active")]).case
    assert len(case.plan) == 1
    assert case.medications is None


def test_a_document_that_says_nil_known_means_none():
    section = {
        "code": coded(LOINC, "10160-0"),
        "emptyReason": coded(STATUS + "list-empty-reason", "nilknown"),
    }
    document = {"resourceType": "Composition", "id": "d", "section": [section]}
    assert read(bundle(document, kind="document")).medications == ()


# --- the record as a whole ----------------------------------------------------------------------------


def test_as_of_is_the_date_of_the_bundle_and_said():
    case = read(bundle(order(authoredOn="2030-01-01")))
    assert case.as_of == date(2026, 3, 1)
    assert "known on 2026-03-01, the date of the bundle" in said(case)


def test_without_a_date_of_its_own_the_latest_entry_dates_the_record():
    record = bundle(order(authoredOn="2026-02-20"), condition(recordedDate="2026-02-25"))
    del record["timestamp"]
    assert read(record).as_of == date(2026, 2, 25)


def test_a_record_without_any_date_asks_for_one():
    record = bundle()
    del record["timestamp"]
    with pytest.raises(InputError, match="--as-of"):
        read(record)
    assert read(record, as_of="2026-03-01").as_of == date(2026, 3, 1)


def test_resources_about_someone_else_are_set_aside():
    other = {"reference": "Patient/p2"}
    case = read(bundle(condition(subject=other)))
    assert case.conditions is None
    assert "Condition/c1 (entry[1]): is about someone else" in said(case)


def test_several_patients_need_a_choice():
    record = bundle(patient(id="p2"))
    with pytest.raises(InputError, match="p1, p2"):
        read(record)
    assert read(record, patient="p2").patient.sex == "male"


def test_broken_resources_are_named_with_their_place():
    broken = condition(code="Low back pain", id="bad")
    case = read(bundle(broken, {"no": "type"}, 7, condition(id="good")))
    assert [c.text for c in case.conditions] == ["Low back pain"]
    assert "Condition/bad (entry[1]): code is text, not an object" in said(case)
    assert "entry[2]: not a FHIR resource" in said(case)
    assert "entry[3]: not a FHIR resource" in said(case)


def test_an_impossible_number_sets_the_resource_aside():
    case = read(bundle(order(dosageInstruction=every_day(3, -5)), order(id="m2")))
    assert len(case.medications) == 1
    assert "MedicationRequest/m1" in said(case)


def test_an_impossible_date_is_said():
    case = read(bundle(condition(onsetDateTime="2026-13-45")))
    assert case.conditions[0].onset is None
    assert "2026-13-45" in said(case)


def test_unknown_fields_and_types_are_ignored_and_counted():
    strange = {"resourceType": "Wibble", "id": "w"}
    reading = read_fhir(bundle(condition(extra={"a": [1]}), strange))
    assert reading.ignored == {"Wibble": 1}
    assert "1 Wibble" in said(reading.case)


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "batch", "document", None])
def test_every_type_of_bundle_is_read(kind):
    assert len(read(bundle(condition(), kind=kind)).conditions) == 1


def test_bundles_in_a_bundle_are_opened():
    """As answers of a batch, or of $everything, are."""
    inner = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": condition()}]}
    assert len(read(bundle(inner)).conditions) == 1


def test_empty_names_and_odd_ids_are_no_obstacle():
    record = bundle(id="not_a_valid_id")
    record["entry"][0]["resource"]["name"] = [{"family": "", "given": [""]}]
    assert read(record).patient.sex == "male"


def test_a_list_of_resources_is_a_record():
    assert read([patient(), condition(recordedDate="2026-02-01")]).conditions[0].text == "Low back pain"


# --- other versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        ({"resourceType": "MedicationOrder", "id": "x", "patient": ME}, "DSTU2"),
        ({"resourceType": "ProcedureRequest", "id": "x", "subject": ME}, "STU3"),
        (condition(clinicalStatus="active"), "DSTU2 or STU3"),
        (order() | {"medication": {"concept": {"text": "carisoprodol"}}}, "R5"),
    ],
)
def test_other_versions_of_fhir_are_refused_by_name(resource, version):
    with pytest.raises(InputError, match=f"is FHIR {version}, not R4"):
        read(bundle(resource))
