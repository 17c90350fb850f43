"""CDS Hooks: every real request answered, the specification kept, unknown never read as none, the rest refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from web_making import (
    CARISOPRODOL,
    JSON,
    OXYCODONE,
    SERVICES,
    call,
    check_cards,
    loads,
    order,
    read_shared,
    request,
    searchset,
    shared_files,
)

# --- discovery ----------------------------------------------------------------------------------------


def test_discovery_lists_each_hook_with_what_it_needs(client: TestClient) -> None:
    services = client.get("/cds-services").json()["services"]
    assert {(s["hook"], s["id"]) for s in services} == set(SERVICES.items())
    for service in services:
        assert service["description"]
        assert "{{context.patientId}}" in service["prefetch"]["patient"]


@pytest.mark.parametrize(
    "path", ["/cds-services", "/cds-services/eutonia-muscle-pain", "/cds-services/x/feedback"]
)
def test_a_browser_of_another_origin_may_call(client: TestClient, path: str) -> None:
    asked = {"Origin": "https://ehr.example", "Access-Control-Request-Method": "POST"}
    answer = client.options(path, headers=asked)
    assert answer.is_success
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].casefold()
    assert "authorization" in allowed
    assert "content-type" in allowed
    assert client.get("/cds-services").headers["access-control-allow-origin"] == "*"


# --- real requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", shared_files("opioid_cds_r4/requests"), ids=lambda p: p.stem)
def test_each_repaired_request_is_answered(client: TestClient, path: Path) -> None:
    body = loads(read_shared(path))
    answer = client.post(f"/cds-services/{SERVICES[body['hook']]}", json=body)
    if not body["prefetch"]:
        assert answer.status_code == 412
        assert answer.json()["issue"][0]["expression"] == ["prefetch.patient", "prefetch.medications"]
        return
    assert answer.status_code == 200
    check_cards(answer.json())
    warns = any(card["indicator"] in ("warning", "critical") for card in answer.json()["cards"])
    assert warns == any(with_it in path.stem for with_it in ("with-benzo", "with-opioid", "on-benzo"))
    if "without" in path.stem:
        assert answer.json()["cards"] == []


@pytest.mark.parametrize("path", shared_files("opioid_cds_r4/raw_requests"), ids=lambda p: p.stem)
def test_each_malformed_request_is_refused(client: TestClient, path: Path) -> None:
    content = read_shared(path)
    try:
        hook = json.loads(content)["hook"]
    except ValueError:
        answer = client.post("/cds-services/eutonia-muscle-pain", content=content, headers=JSON)
        assert answer.status_code == 400
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert "line" in outcome["issue"][0]["diagnostics"]
    else:
        assert client.post(f"/cds-services/{SERVICES[hook]}", content=content, headers=JSON).status_code in (
            200,
            412,
        )


@pytest.mark.parametrize("path", shared_files("sandbox_capture"), ids=lambda p: p.stem)
def test_each_captured_request_is_answered(client: TestClient, path: Path) -> None:
    body = loads(read_shared(path))
    cards = call(client, body)["cards"]
    assert bool(cards) == ("no-medication" not in path.stem)
    draft = body["context"]["draftOrders"]["entry"][0]["resource"]
    draft["medicationCodeableConcept"] = CARISOPRODOL
    (card, *_) = call(client, body)["cards"]
    assert card["source"]["topic"]["code"].startswith("car-")
    assert card["suggestions"][0]["actions"][0]["resourceId"] == f"MedicationRequest/{draft['id']}"


@pytest.mark.parametrize(
    "path", shared_files("spec_examples") + shared_files("davinci_crd"), ids=lambda p: p.stem
)
def test_documents_of_the_specification_do_not_break_it(client: TestClient, path: Path) -> None:
    content = read_shared(path)
    for service in set(SERVICES.values()):
        assert client.post(f"/cds-services/{service}", content=content, headers=JSON).status_code < 500


# --- prefetch -----------------------------------------------------------------------------------------

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}


@pytest.mark.parametrize("key", ["medications", "statements", "conditions", "allergies", "labs", "vitals"])
@pytest.mark.parametrize("how", ["missing", "refused", "cut short"])
def test_what_was_not_seen_is_named(client: TestClient, key: str, how: str) -> None:
    from eutonia.web.gathering import PREFETCH

    body = request(order("o1", CARISOPRODOL, days=60))
    if how == "missing":
        del body["prefetch"][key]
    elif how == "refused":
        body["prefetch"][key] = OUTCOME
    else:
        body["prefetch"][key] = searchset(total=500)
    (card,) = call(client, body)["cards"]
    words = PREFETCH[key].words

    assert f"**Not seen:** {words}" in card["detail"]


def test_none_is_not_missing(client: TestClient) -> None:
    body = request(order("o1", CARISOPRODOL, days=60))
    body["prefetch"] = dict.fromkeys(body["prefetch"]) | {"patient": body["prefetch"]["patient"]}
    (card,) = call(client, body)["cards"]
    assert "Not seen" not in card["detail"]


@pytest.mark.parametrize(
    "prefetch", [None, {}, {"patient": OUTCOME, "medications": OUTCOME}, {"conditions": None}]
)
def test_nothing_to_go_by_is_a_failed_precondition(client: TestClient, prefetch: Any) -> None:
    body = request(order("o1", CARISOPRODOL), prefetch=prefetch)
    document = call(client, body, status=412)
    assert document["issue"][0]["expression"] == ["prefetch.patient", "prefetch.medications"]


def test_one_of_patient_and_medicines_is_enough(client: TestClient) -> None:
    for key in ("patient", "medications"):
        body = request(order("o1", CARISOPRODOL, days=60))
        body["prefetch"] = {key: body["prefetch"][key]}
        assert call(client, body)["cards"]


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["hook", "hookInstance", "context", "context.userId", "context.patientId",
                                   "context.draftOrders"])  # fmt: skip
def test_a_missing_field_is_named(client: TestClient, place: str) -> None:
    body = copy.deepcopy(request(order("o1", CARISOPRODOL)))
    holder = body["context"] if "." in place else body
    del holder[place.rpartition(".")[2]]
    answer = client.post("/cds-services/eutonia-muscle-pain", json=body)
    assert answer.status_code == 400
    assert place in answer.json()["issue"][0]["expression"]


def test_other_refusals(client: TestClient) -> None:
    good = request(order("o1", CARISOPRODOL))
    assert client.post("/cds-services/nothing", json=good).status_code == 404
    assert client.post("/cds-services/eutonia-patient-view", json=good).status_code == 400
    authorised = good | {"fhirAuthorization": {"access_token": "t", "token_type": "Bearer"}}
    assert client.post("/cds-services/eutonia-muscle-pain", json=authorised).status_code == 400
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    assert client.post("/cds-services/eutonia-muscle-pain", content=deep, headers=JSON).status_code == 400
    big = b"[" + b"1," * 3_000_000 + b"1]"
    assert client.post("/cds-services/eutonia-muscle-pain", content=big, headers=JSON).status_code == 413
    pieces = (b"1," * 500_000 for _ in range(9))
    assert client.post("/cds-services/eutonia-muscle-pain", content=pieces, headers=JSON).status_code == 413
    assert client.put("/cds-services/eutonia-muscle-pain", json=good).status_code == 405


JSON_VALUES = st.recursive(
    st.none() | st.integers() | st.text('a{[]}"\\', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('{["\\a', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=100)
@given(JSON_VALUES)
def test_the_depth_of_a_body_is_that_of_its_values(value: Any) -> None:
    """Brackets, quotes and backslashes in strings do not count."""
    from eutonia.web.bodies import depth

    def plain(part: Any) -> int:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else None
        return 0 if inner is None else 1 + max(map(plain, inner), default=0)

    assert depth(json.dumps(value).encode()) == plain(value)
    assert depth(json.dumps(value, ensure_ascii=False, indent=1).encode()) == plain(value)


@pytest.mark.parametrize("broken", [b"[" * 100_000, b'"' * 99_999, b"\\" * 99_999, b"]" * 9, b'{"', b""])
def test_a_broken_body_is_refused_before_it_is_parsed(client: Any, broken: bytes) -> None:
    answer = client.post("/cds-services/eutonia-muscle-pain", content=broken, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


# --- drafts in other shapes ---------------------------------------------------------------------------


def test_a_draft_may_refer_to_a_medicine_beside_it(client: TestClient) -> None:
    named = {"resourceType": "Medication", "id": "m9", "code": CARISOPRODOL}
    asked = order("o1", None) | {"medicationReference": {"reference": "Medication/m9"}}
    body = request(asked, named)
    body["prefetch"]["medications"] = searchset(order("m1", OXYCODONE, status="active"))
    assert [card["source"]["topic"]["code"] for card in call(client, body)["cards"]] == ["car-opioid"]


def test_a_draft_of_another_version_of_fhir_is_refused_by_name(client: TestClient) -> None:
    old = {"resourceType": "MedicationOrder", "status": "draft", "medicationCodeableConcept": CARISOPRODOL}
    said = call(client, request(old), status=422)["issue"][0]
    assert "DSTU2" in said["diagnostics"]
    assert said["expression"] == ["context.draftOrders"]


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("medication-prescribe", "became order-select and order-sign"),
        ("patient-view", "eutonia-patient-view answers patient-view"),
    ],
)
def test_a_hook_of_another_service_or_age_is_told_where_it_went(
    client: TestClient, hook: str, said: str
) -> None:
    body = request(order("o1", CARISOPRODOL)) | {"hook": hook}
    answer = client.post("/cds-services/eutonia-muscle-pain", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["issue"][0]["diagnostics"]
