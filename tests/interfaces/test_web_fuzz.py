"""No answer is an error of ours: whatever the API's description allows, and whatever a record may hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, OXYCODONE, check_cards, order, request, searchset

pytestmark = pytest.mark.slow

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["2026-11-25", "Patient/p1", "MedicationRequest", "Bundle", "draft", "mg", "#a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from eutonia.web.app import create_app
    from eutonia.web.settings import Settings

    app = create_app(Settings(data=tmp_path_factory.mktemp("store"), per_minute=0, seconds=60))
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in pairs:
        yield (*path, name)
        yield from places(part, (*path, name))


def whole() -> dict[str, Any]:
    body = request(order("o1", CARISOPRODOL, days=60))
    condition = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"},
                 "code": {"text": "low back pain"}, "onsetDateTime": "2026-10"}  # fmt: skip
    lab = {"resourceType": "Observation", "id": "l1", "status": "final", "effectiveDateTime": "2026-09-01",
           "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
           "valueQuantity": {"value": 1.1, "unit": "mg/dL"}}  # fmt: skip
    allergy = {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p1"},
               "code": {"text": "aspirin"}}  # fmt: skip
    body["prefetch"] |= {
        "medications": searchset(order("m1", OXYCODONE, status="active")),
        "conditions": searchset(condition),
        "labs": searchset(lab),
        "allergies": searchset(allergy),
    }
    return body


PLACES = list(places(whole()))


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_a_broken_request_is_answered_or_refused(
    client: TestClient, breaks: list[tuple[tuple[Any, ...], Any]]
) -> None:
    body: Any = copy.deepcopy(whole())
    for path, value in breaks:
        holder = body
        for name in path[:-1]:
            try:
                holder = holder[name]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(holder, dict | list) and (
                isinstance(holder, dict) or path[-1] in range(len(holder))
            ):
                holder[path[-1]] = value
    answer = client.post("/cds-services/eutonia-muscle-pain", json=body)
    assert answer.status_code in (200, 400, 412, 422), answer.text
    if answer.status_code == 200:
        check_cards(answer.json())
    else:
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_the_api_keeps_to_its_description(client: TestClient) -> None:
    """schemathesis: every endpoint with what its description allows, and with what it forbids."""
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    called = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def no_error_of_ours(case: Any) -> None:
            nonlocal called
            called += 1
            answer = case.call()
            assert answer.status_code < 500 or answer.status_code == 503, (
                f"{case.method} {case.path}: {answer.text}"
            )

        no_error_of_ours()
    assert called > 100
