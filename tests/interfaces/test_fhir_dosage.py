"""The traps of doses in real FHIR records: amounts, timing, instructions together, lengths."""

import pytest
from fhir_making import (
    STATUS,
    bundle,
    coded,
    condition,
    dosage,
    every_day,
    order,
    said,
)

from eutonia import read
from eutonia.dates import span
from eutonia.features.taken import ingredients_of


def only_medication(*resources):
    (medication,) = read(bundle(*resources)).medications
    return medication


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


def test_the_disagreement_is_said_whatever_tablets_are_called():
    instruction = every_day(3, 1, "TAB", text="take 2 tabs tid")
    assert "the dose is 1, its text" in said(read(bundle(order(dosageInstruction=instruction))))


def test_a_large_dose_without_a_unit_is_not_taken_for_tablets():
    found = only_medication(order(dosageInstruction=dosage(doseAndRate=[{"doseQuantity": {"value": 350}}])))
    assert (found.dose, found.unit) == (350, None)


@pytest.mark.parametrize(
    ("timing", "times", "days"),
    [
        ({"repeat": {"count": 56, "frequency": 4, "period": 1, "periodUnit": "d"}}, 4, 14),
        ({"repeat": {"count": 1, "frequency": 4, "period": 1, "periodUnit": "d"}}, 4, 1),
        ({"event": ["2026-03-01"]}, 1, 1),
        ({"event": ["2026-03-01T08:00:00Z", "2026-03-01T20:00:00Z", "2026-03-04T08:00:00Z"]}, 2, 4),
        ({"event": ["soon"]}, None, None),
    ],
)
def test_counts_and_single_dates_tell_the_length(timing, times, days):
    item = only_plan({"timing": timing, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]})
    assert (item.times_per_day, item.duration_days) == (times, days)


@pytest.mark.parametrize("unit", ["Tablet(s)", "TAB", "tabs.", "{tbl}", "Caplet"])
def test_tablets_are_known_by_every_name(unit, knowledge):
    item = only_plan(
        {"doseAndRate": [{"doseQuantity": {"value": 2, "unit": unit}}], "text": "four times a day"}
    )
    (taken,) = ingredients_of(0, item, knowledge)
    assert taken.daily_mg == 2800


def test_a_number_of_a_word_that_is_not_known_is_no_dose():
    item = only_plan({"text": "Tomar 1 tableta cada 8 horas"})
    assert (item.dose, item.times_per_day) == (None, None)


def test_doses_side_by_side_add_up():
    both = every_day(3, 350) + every_day(1, 700)
    found = only_medication(order(dosageInstruction=both))
    assert found.dose == 700
    assert found.dose * found.times_per_day == 1750


def step(times, days=None, *, first="", last="", **more):
    """One instruction of 350 mg so many times a day, for days or between dates."""
    (made,) = every_day(times, 350, **more)
    repeat = made["timing"]["repeat"]
    if days:
        repeat["boundsDuration"] = {"value": days, "unit": "days"}
    if first:
        repeat["boundsPeriod"] = {"start": first, "end": last}
    return made


def only_plan(*instructions):
    (item,) = read(bundle(order(status="draft", dosageInstruction=list(instructions)))).plan
    return item


def told(item):
    return [(s.start_day, s.duration_days, s.dose, s.times_per_day) for s in item.steps]


def test_instructions_in_sequence_are_the_steps_of_a_taper():
    item = only_plan(step(2, 5, sequence=2), step(4, 10, sequence=1))
    assert told(item) == [(0, 10, 350, 4), (10, 5, 350, 2)]
    assert (item.dose, item.times_per_day, item.duration_days) == (350, 4, 15)


def test_instructions_of_one_number_run_side_by_side_within_a_sequence():
    item = only_plan(step(3, 7, sequence=1), step(1, 7, sequence=1), step(1, 7, sequence=2))
    assert told(item) == [(0, 7, 350, 3), (0, 7, 350, 1), (7, 7, 350, 1)]
    assert (item.dose * item.times_per_day, item.duration_days) == (1400, 14)


def test_dates_that_do_not_overlap_are_a_sequence_without_numbers():
    item = only_plan(
        step(4, first="2026-03-01", last="2026-03-10"), step(2, first="2026-03-12", last="2026-03-14")
    )
    assert told(item) == [(0, 10, 350, 4), (11, 3, 350, 2)]
    assert (item.duration_days, str(item.start), str(item.end)) == (14, "2026-03-01", "2026-03-14")


def test_dates_that_overlap_add_up():
    item = only_plan(
        step(3, first="2026-03-01", last="2026-03-10"), step(1, first="2026-03-05", last="2026-03-10")
    )
    assert (item.steps, item.dose * item.times_per_day, item.duration_days) == ((), 1400, 10)


def test_a_sequence_of_unknown_lengths_states_its_largest_day():
    item = only_plan(step(2, sequence=1), step(4, sequence=2))
    assert (item.steps, item.dose * item.times_per_day, item.duration_days) == ((), 1400, None)


def test_steps_that_stand_in_the_text_are_kept():
    item = only_plan({"text": "1 tab qid for 7 days, then 1 tab bid for 7 days"})
    assert [(s.start_day, s.times_per_day, s.text) for s in item.steps] == [
        (0, 4, "carisoprodol 350 MG Oral Tablet"),
        (7, 2, "carisoprodol 350 MG Oral Tablet"),
    ]


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
