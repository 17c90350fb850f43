"""Damaged records: whatever is dropped, emptied or retyped, the reader answers or says what is wrong."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fhir_making import SNOMED, bundle, coded, condition, dosage, every_day, observation, order, patient
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.errors import InputError
from eutonia.fhir import read_fhir

VALID = bundle(
    condition(onsetAge={"value": 40, "unit": "a"}, bodySite=[coded(SNOMED, "37822005", "lower back")]),
    order(dosageInstruction=every_day(3, 350, text="1 tab tid", asNeededBoolean=True)),
    order(
        id="m2", status="draft", dosageInstruction=dosage("1-2 tabs q4-6h", timing={"code": {"text": "BID"}})
    ),
    order(
        id="m3",
        dispenseRequest={"expectedSupplyDuration": {"value": 30, "unit": "d"}, "numberOfRepeatsAllowed": 1},
    ),
    order(
        resourceType="MedicationDispense",
        status="completed",
        quantity={"value": 30},
        daysSupply={"value": 10},
    ),
    order(resourceType="MedicationStatement", effectivePeriod={"start": "2025-01", "end": "2026"}),
    observation(
        "2160-0", valueQuantity={"value": 1, "unit": "mg/dL"}, referenceRange=[{"high": {"value": 1.2}}]
    ),
    observation("82810-3", id="o2", valueCodeableConcept=coded(SNOMED, "60001007")),
    {
        "resourceType": "Procedure",
        "id": "x",
        "status": "completed",
        "code": {"text": "CABG"},
        "performedDateTime": "2026",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "code": {"text": "aspirin"},
        "reaction": [{"manifestation": []}],
    },
    {"resourceType": "Encounter", "id": "e", "period": {"start": "2026-02-01"}},
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield from places(child, (*path, key))


PLACES = list(places(VALID))
DROP = object()
DAMAGE = st.sampled_from(
    [
        DROP,
        None,
        "",
        "x",
        0,
        -1,
        1e308,
        True,
        [],
        {},
        [None],
        [[]],
        {"a": {}},
        ["x", 1],
        "2026-02-31",
        float("nan"),
        "é" * 99,
    ]
)


def damaged(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    node = record
    for key in path[:-1]:
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            return record
    try:
        if value is DROP:
            del node[path[-1]]
        else:
            node[path[-1]] = copy.deepcopy(value)
    except (KeyError, IndexError, TypeError):
        pass
    return record


def count(record: Any) -> int:
    entries = record.get("entry")
    if not isinstance(entries, list):
        return 0 if entries is None else 1
    return sum(not isinstance(e, dict) or "resource" in e for e in entries if e is not None)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), DAMAGE), min_size=1, max_size=4))
def test_a_damaged_bundle_is_read_or_refused_and_nothing_is_lost(damage):
    record = copy.deepcopy(VALID)
    for path, value in damage:
        record = damaged(record, path, value)
    try:
        reading = read_fhir(record)
    except InputError:
        return
    tally = reading.used.total() + reading.ignored.total() + reading.set_aside.total()
    assert tally == count(record), "each resource is used, ignored by kind, or set aside"
    if reading.set_aside:
        assert any(
            "set aside" in w or "names no medicine" in w or "states no condition" in w
            for w in reading.case.warnings
        )


KEYS = st.sampled_from(["resourceType", "id", "code", "status", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(JSON, max_size=4))
def test_any_json_is_read_or_refused(resources):
    with suppress(InputError):
        read_fhir([patient(), *resources])
