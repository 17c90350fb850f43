"""What stands around every request: its id, limits, logs, counts, and errors of ours."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, FORM, app_with, call, order, request


def test_a_request_id_is_kept_or_made(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = client.get("/healthz", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)


def test_bodies_have_a_limit_whether_announced_or_not(tmp_path: Path) -> None:
    with app_with(tmp_path, most_bytes=1000) as client:
        assert client.post("/assess", content=b"x" * 1001).status_code == 413
        assert client.post("/assess", content=(b"x" * 100 for _ in range(11))).status_code == 413
        assert client.post("/assess", content=b"plan=heat").status_code == 200


def test_an_address_that_asks_too_often_waits(tmp_path: Path) -> None:
    with app_with(tmp_path, per_minute=5) as client:
        answers = [client.get("/healthz") for _ in range(7)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"]


def test_a_person_who_asks_too_often_reads_a_page(tmp_path: Path) -> None:
    """With its style; a script or a program is told in JSON, a record system in an OperationOutcome."""
    as_browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    with app_with(tmp_path, per_minute=1) as client:
        client.get("/")
        page = client.get("/", headers=as_browser)
        style = client.get("/static/style.css")
        script = client.post("/assess", data=FORM, headers=as_browser | {"HX-Request": "true"})
        hook = client.get("/cds-services", headers=as_browser)
    assert page.status_code == script.status_code == hook.status_code == 429
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>Too many requests</h1>" in page.text
    assert page.headers["retry-after"] == script.headers["retry-after"]
    assert style.status_code == 200
    assert script.json()["status"] == 429
    assert hook.json()["resourceType"] == "OperationOutcome"


def test_work_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with app_with(tmp_path, seconds=0.001) as client:
        answer = client.post("/forecast", data=FORM)
    assert answer.status_code == 503
    assert "given up" in answer.json()["detail"]


def test_alive_ready_and_counted(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ready"
    call(client, request(order("o1", CARISOPRODOL, days=60)))
    text = client.get("/metrics").text
    assert 'eutonia_cards_total{rule="car-' in text
    assert "eutonia_request_seconds_bucket" in text


SECRETS = ("Zweistein", "p1-secret", "1986-05-01", "secret-token", "lower-back-secret")


def test_nothing_of_the_patient_is_logged_or_counted(
    client: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests that work, that are refused, and that break."""
    caplog.set_level(logging.DEBUG)
    body = request(order("o1", CARISOPRODOL, days=60))
    body["context"]["patientId"] = "p1-secret"
    body["prefetch"]["patient"] |= {"id": "p1-secret", "name": [{"family": "Zweistein"}]}
    client.post("/cds-services/eutonia-muscle-pain", json=body)
    client.post("/cds-services/eutonia-muscle-pain/p1-secret", json=body)
    client.post("/cds-services/eutonia-muscle-pain", json=body | {"hook": "Zweistein"})
    body["prefetch"]["patient"]["birthDate"] = {"Zweistein": 1}
    client.post("/cds-services/eutonia-muscle-pain", json=body)
    client.post("/api/v1/assess?patient=p1-secret", json={"resourceType": "Zweistein"})
    client.post("/assess", data=FORM | {"pain": "lower-back-secret", "age": "Zweistein"})
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]  # the test's own client
    said = "\n".join(ours) + "".join(capsys.readouterr()) + client.get("/metrics").text
    assert "cds-services" in said
    for secret in SECRETS:
        assert secret not in said


def test_an_error_of_ours_tells_where_and_not_what(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eutonia.web import pages

    def broken(*_: Any) -> Any:
        raise RuntimeError("Zweistein")

    monkeypatch.setattr(pages, "_answer", broken)
    answer = client.post("/assess", data=FORM)
    assert answer.status_code == 500
    assert answer.json()["request_id"] in caplog.text
    assert "Zweistein" not in answer.text + caplog.text
    assert "test_web_around.py" in caplog.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    server = TestClient(client.app)
    assert server.post("/assess", data=FORM).status_code == 500, "nothing is left for the server to log"
