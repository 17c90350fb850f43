"""Results that are left out before they are read change nothing of what features say."""

from datetime import date

from fhir_making import LOINC, ME, SNOMED, UCUM, bundle, coded, observation
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.features import chart_of
from eutonia.fhir import read_fhir
from eutonia.knowledge import load

KNOWLEDGE = load()
AS_OF = date(2026, 3, 1)
CODES = sorted(
    {code for f in KNOWLEDGE.features.values() for code in getattr(f, "loinc", ())}
    | {c for f in KNOWLEDGE.features.values() for g in getattr(f, "codes", {}).values() for c in g if "-" in c}
)  # fmt: skip
UNITS = {"2160-0": "mg/dL", "98979-8": "mL/min/{1.73_m2}", "1742-6": "U/L", "29463-7": "kg", "8310-5": "Cel"}
OFTEN = [*UNITS, "718-7", "not a code"]
DAYS = [
    "2026-02-28",
    "2026-02-28T08:00:00Z",
    "2026-02-20",
    "2025-01-01",
    "2024",
    "2025-12",
    "2026-05-01",
    "x",
    None,
]

results = st.builds(
    lambda code, day, value, unit, status, subject: observation(
        code,
        effectiveDateTime=day,
        status=status,
        subject=subject,
        valueQuantity={"value": value, "unit": unit or UNITS.get(code, "1"), "system": UCUM},
    ),
    st.sampled_from(OFTEN) | st.sampled_from(CODES),
    st.sampled_from(DAYS),
    st.sampled_from([0.8, 1.9, 45, 90.5, 300, None, "1.1"]),
    st.sampled_from([None, None, "furlong"]),
    st.sampled_from(["final", "final", "entered-in-error", "amended"]),
    st.sampled_from([ME, ME, ME, {"reference": "Patient/other"}]),
)


@given(st.lists(results, max_size=12))
@settings(max_examples=60, deadline=None)
def test_what_is_not_read_changes_no_feature(found):
    record = bundle(*found)
    whole = chart_of(read_fhir(record, as_of=AS_OF).case, KNOWLEDGE)
    less = chart_of(read_fhir(record, as_of=AS_OF, judged_by=KNOWLEDGE).case, KNOWLEDGE)
    assert (less.values, less.suspect, less.stale) == (whole.values, whole.suspect, whole.stale)


def test_old_results_and_those_that_nothing_looks_at_are_counted_and_not_read():
    made = [
        observation(
            code, id=f"{code}{day}", effectiveDateTime=day, valueQuantity={"value": 1, "unit": "mg/dL"}
        )
        for code in ("2160-0", "718-7")
        for day in ("2025-01-01", "2026-02-01", "2024-01-01")
    ]
    reading = read_fhir(bundle(*made), as_of=AS_OF, judged_by=KNOWLEDGE)
    assert [(lab.loinc, str(lab.date)) for lab in reading.case.labs] == [("2160-0", "2026-02-01")]
    assert reading.ignored["Observation"] == 5


def test_what_is_not_plainly_a_result_is_read_whole():
    told = {"valueCodeableConcept": coded(SNOMED, "373066001", "Yes")}
    odd = observation("718-7") | {
        "code": {"text": "Creatinine"},
        "valueQuantity": {"value": 1, "unit": "mg/dL"},
    }
    parts = [{"code": coded(LOINC, "29463-7"), "valueQuantity": {"value": 80, "unit": "kg"}}]
    record = bundle(observation("82810-3") | told, odd, observation("718-7", component=parts))
    assert read_fhir(record, as_of=AS_OF, judged_by=KNOWLEDGE).case.model_dump() == (
        read_fhir(record, as_of=AS_OF).case.model_dump()
    )
