"""Feedback on cards: kept once, kept through a crash, counted by rule, and nothing of the patient in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, app_with, call, order, request

WHEN = "2026-11-25T10:00:00Z"
SERVICE = "/cds-services/eutonia-muscle-pain/feedback"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return app_with(tmp_path, per_minute=0)


def overridden(card: str, reason: str = "cds-not-applicable", **more: Any) -> dict[str, Any]:
    said = {"reason": {"code": reason, "system": "http://x"}, "userComment": "Mrs Example asked for it"}
    return {"card": card, "outcome": "overridden", "overrideReason": said, "outcomeTimestamp": WHEN} | more


def test_feedback_is_counted_by_the_rule_of_its_card(client: TestClient, tmp_path: Path) -> None:
    from eutonia.web.feedback import SqliteStore, rates

    (card,) = call(client, request(order("o1", CARISOPRODOL, days=60)))["cards"]
    rule = card["source"]["topic"]["code"]
    accepted = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": WHEN,
                "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}  # fmt: skip
    sent = {"feedback": [overridden(card["uuid"]), accepted]}
    for _ in range(3):  # repeats count once
        assert client.post(SERVICE, json=sent).status_code == 200
    later = overridden(card["uuid"], outcomeTimestamp="2026-11-25T12:00:00+01:00")
    assert client.post(SERVICE, json={"feedback": [later]}).status_code == 200
    (rate,) = rates(SqliteStore(tmp_path))
    assert (rate.rule, rate.accepted, rate.overridden) == (rule, 1, 2)
    assert rate.reasons == {"cds-not-applicable": 2}
    page = client.get("/feedback").text
    assert rule in page
    assert "67 %" in page


def test_no_comment_and_no_name_reaches_the_disk(client: TestClient, tmp_path: Path) -> None:
    client.post(SERVICE, json={"feedback": [overridden(str(uuid4()))]})
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"cds-not-applicable" in kept
    assert b"Mrs Example" not in kept


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"feedback": []},
        {"feedback": [{"card": "1", "outcome": "overridden", "outcomeTimestamp": WHEN}]},
        {"feedback": [{"card": str(uuid4()), "outcome": "ignored", "outcomeTimestamp": WHEN}]},
        {"feedback": [{"card": str(uuid4()), "outcome": "accepted", "outcomeTimestamp": WHEN}]},
        {"feedback": [{"card": str(uuid4()), "outcome": "overridden"}]},
        {"feedback": [{"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": "yesterday"}]},
        {"feedback": [{"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": 0}]},
        {
            "feedback": [
                {
                    "card": str(uuid4()),
                    "outcome": "overridden",
                    "outcomeTimestamp": "0001-01-01T00:00:00+01:00",
                }
            ]
        },
    ],
)
def test_what_is_no_feedback_is_refused(client: TestClient, wrong: Any) -> None:
    answer = client.post(SERVICE, json=wrong)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert client.post("/cds-services/nothing/feedback", json=wrong).status_code == 404


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """kill -9 in the middle of a stream of feedback: everything answered 200 is there afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "EUTONIA_DATA": str(tmp_path), "EUTONIA_PER_MINUTE": "0"}
    served = subprocess.Popen(
        [sys.executable, "-m", "eutonia", "serve", "--port", str(port)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    answered = []
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            _wait(http)
            for n in range(60):
                card = str(uuid4())
                if http.post(SERVICE, json={"feedback": [overridden(card)]}).status_code == 200:
                    answered.append(card)
                if n == 40:
                    os.kill(served.pid, signal.SIGKILL)
                    break
    finally:
        served.kill()
        served.wait()
    assert len(answered) > 30
    assert set(answered) <= _cards_in(tmp_path)


def _wait(http: httpx.Client) -> None:
    for _ in range(1200):
        try:
            http.get("/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server did not start in two minutes")


def _cards_in(folder: Path) -> set[str]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "feedback.sqlite3")) as file:
        return {card for (card,) in file.execute("SELECT card FROM feedback")}
