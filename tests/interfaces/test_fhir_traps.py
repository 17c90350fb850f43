"""The traps of FHIR records as a whole: what was not there, whose it is, when it was true, which version."""

from datetime import date

import pytest
from fhir_making import (
    LOINC,
    ME,
    STATUS,
    bundle,
    coded,
    condition,
    every_day,
    order,
    patient,
    said,
)

from eutonia import read
from eutonia.errors import InputError
from eutonia.fhir import read_fhir

# --- what was not there -------------------------------------------------------------------------------


def test_what_is_not_in_the_bundle_is_unknown_not_empty():
    case = read(bundle())
    assert (case.medications, case.conditions, case.allergies, case.labs) == (None, None, None, None)
    assert case.no_known_allergies is None


def test_a_search_that_found_nothing_means_none():
    url = "https://example.org/MedicationRequest?patient=p1&_count=200"
    case = read(bundle(kind="searchset", link=[{"relation": "self", "url": url}]))
    assert case.medications == ()


def test_one_page_of_several_is_not_the_whole_list():
    pages = [
        {"relation": "self", "url": "https://example.org/MedicationRequest?patient=p1"},
        {"relation": "next", "url": "https://example.org/?page=2"},
    ]
    case = read(bundle(kind="searchset", link=pages))
    assert "one page of several" in said(case)
    assert case.not_seen == ("medications",)
    assert read(bundle(kind="searchset", link=pages[:1])).not_seen == ()


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


def test_bundles_in_a_list_are_opened():
    """A folder with a bundle for each page of a search."""
    pages = [bundle(condition(id="c1")), {"resourceType": "Bundle", "entry": [{"resource": order()}]}]
    case = read(pages)
    assert (len(case.conditions), len(case.medications)) == (1, 1)


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
