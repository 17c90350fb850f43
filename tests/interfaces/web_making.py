"""Clients, requests and the invariants of CDS Hooks, shared by the tests of the web service."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

SHARED = Path(__file__).parents[3] / "shared" / "data" / "cds_hooks"
SERVICES = {
    "order-select": "eutonia-muscle-pain",
    "order-sign": "eutonia-muscle-pain",
    "patient-view": "eutonia-patient-view",
}
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
JSON = {"Content-Type": "application/json"}
FORM = {
    "plan": "carisoprodol 350 mg three times a day for 14 days",
    "age": "70",
    "sex": "female",
    "pain": "low back pain",
    "since": "2026-10",
    "medications": "oxycodone 5 mg every 6 hours\nsomething nobody knows",
    "no_allergies": "1",
}
"""What a person entered on the page."""


def app_with(folder: Path, **settings: Any) -> TestClient:
    """A client of the service with a store of its own; an error of ours is an answer to it, as to others."""
    from eutonia.web.app import create_app
    from eutonia.web.settings import Settings

    return TestClient(create_app(Settings(data=folder, **settings)), raise_server_exceptions=False)


def shared_files(folder: str) -> list[Path]:
    """Files of real requests; where they are absent, one stand-in whose test skips, saying so."""
    return sorted((SHARED / folder).glob("*.json")) or [SHARED / folder / "absent.json"]


def read_shared(path: Path) -> bytes:
    if not path.exists():
        pytest.skip(f"{path.parent} is not beside the checkout")
    return path.read_bytes()


def medicine(code: str, text: str) -> dict[str, Any]:
    return {"text": text, "coding": [{"system": RXNORM, "code": code, "display": text}]}


CARISOPRODOL = medicine("197446", "Carisoprodol 350 MG Oral Tablet")
OXYCODONE = medicine("1049621", "oxycodone hydrochloride 5 MG Oral Tablet")
IBUPROFEN = medicine("197805", "ibuprofen 400 MG Oral Tablet")


def order(name: str, what: Mapping[str, Any] | None, status: str = "draft", days: int = 7) -> dict[str, Any]:
    """An order of one tablet three times a day."""
    return {
        "resourceType": "MedicationRequest",
        "id": name,
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "authoredOn": datetime.now(UTC).date().isoformat(),
        **({"medicationCodeableConcept": dict(what)} if what else {}),
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            }
        ],
        "dispenseRequest": {"expectedSupplyDuration": {"value": days, "unit": "days", "code": "d"}},
    }


def searchset(*resources: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    entries = [{"resource": dict(r), "search": {"mode": "match"}} for r in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1986-05-01"}
PREFETCH: dict[str, Any] = {
    "patient": PATIENT,
    "medications": searchset(),
    "statements": searchset(),
    "conditions": searchset(),
    "allergies": searchset(),
    "labs": searchset(),
    "vitals": searchset(),
}


def request(*orders: Mapping[str, Any], hook: str = "order-sign", **changes: Any) -> dict[str, Any]:
    """A request of a client that prefetched everything."""
    context: dict[str, Any] = {"userId": "Practitioner/1", "patientId": "p1"}
    if hook != "patient-view":
        context["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": dict(o)} for o in orders]}
    if hook == "order-select":
        context["selections"] = [f"{o['resourceType']}/{o['id']}" for o in orders]
    made = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "prefetch": copy.deepcopy(PREFETCH),
    }
    return made | changes


def call(client: Any, body: Mapping[str, Any], status: int = 200, **options: Any) -> Any:
    """The answer to a hook; its cards are checked against the specification."""
    service = SERVICES[body["hook"]]
    answer = client.post(f"/cds-services/{service}", json=body, **options)
    assert answer.status_code == status, answer.text
    document = answer.json()
    if status == 200:
        check_cards(document)
    return document


# --- invariants of CDS Hooks 2.0.1 ------------------------------------------------------------------


def check_cards(document: Mapping[str, Any]) -> None:
    """Every invariant of the specification on a service's answer."""
    cards = document["cards"]
    assert len(cards) <= 3
    order_of = ["critical", "warning", "info"]
    places = [order_of.index(card["indicator"]) for card in cards]
    assert places == sorted(places), "gravest first"
    uuids = [card["uuid"] for card in cards]
    uuids += [s["uuid"] for card in cards for s in card.get("suggestions", [])]
    assert len(set(uuids)) == len(uuids)
    for uuid in uuids:
        UUID(uuid)
    for card in cards:
        _check_card(card)
    for path, value in _values(document):
        assert value not in (None, "", [], {}) or path == "cards", f"{path} is empty"


def _check_card(card: Mapping[str, Any]) -> None:
    assert 0 < len(card["summary"]) < 140
    assert card["detail"].count("**") % 2 == 0
    assert "<" not in card["detail"].replace("\\<", "")
    assert card["source"]["label"]
    assert card["source"].get("url", "https://").startswith("https://")
    assert set(card["source"].get("topic", {"code": 1, "system": 1})) >= {"code", "system"}
    assert 4 <= len(card["overrideReasons"]) <= 6
    assert all(each["display"] for each in card["overrideReasons"])
    if "suggestions" in card:
        assert card["selectionBehavior"] in ("at-most-one", "any")
    for link in card["links"]:
        assert link["label"]
        assert link["type"] in ("absolute", "smart")
        assert link["url"].startswith(("http://", "https://"))
        assert "appContext" not in link or link["type"] == "smart"
    for suggestion in card.get("suggestions", []):
        assert suggestion["label"]
        for action in suggestion["actions"]:
            _check_action(action)


def _check_action(action: Mapping[str, Any]) -> None:
    assert action["type"] in ("create", "update", "delete")
    assert action["description"]
    if action["type"] == "delete":
        assert "/" in action["resourceId"]
        assert "resource" not in action
        return
    assert "resourceId" not in action
    fhirkit = pytest.importorskip("fhirkit")
    wrong = [i for i in fhirkit.validate(action["resource"]) if i.severity == "error"]
    assert not wrong, [f"{i.path}: {i.message}" for i in wrong]


def _values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if path:
        yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in pairs:
        yield from _values(part, f"{path}.{name}" if path else str(name))


def loads(content: bytes) -> Any:
    return json.loads(content)
