"""The feedback store on a real PostgreSQL server, started for these tests where its programs are installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

SERVICE = "/cds-services/eutonia-muscle-pain/feedback"


def programs() -> Path | None:
    """The folder of initdb and postgres: on the path, or where Debian puts it."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((p for p in reversed(places) if (p / "initdb").exists()), None)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a server of our own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install eutonia[postgresql]")
    pytest.importorskip(
        "psycopg_pool", reason="psycopg_pool is not installed: pip install eutonia[postgresql]"
    )
    where = programs()
    if where is None:
        pytest.skip("no PostgreSQL server is installed here (apt install postgresql)")
    who: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="eutonia-pg-"))
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "nobody")
        who = {"user": "nobody"}
    made = subprocess.run(
        [where / "initdb", "-D", folder / "data", "-U", "eutonia", "-A", "trust", "-E", "UTF8", "--no-sync"],
        capture_output=True, text=True, check=False, cwd=folder, **who,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [where / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **who,
    )  # fmt: skip
    address = f"postgresql://eutonia@127.0.0.1:{port}/postgres"
    try:
        _wait_for(address)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(address: str) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    pytest.fail("PostgreSQL did not start in half a minute")


def cards_in(address: str) -> set[str]:
    import psycopg

    with psycopg.connect(address) as connection:
        return {card for (card,) in connection.execute("SELECT card FROM feedback")}


def test_feedback_is_kept_once_and_counted(url: str) -> None:
    from eutonia.web.feedback import PostgresStore, Row, rates

    one, other = PostgresStore(url), PostgresStore(url)  # two machines
    rows = [Row(str(uuid4()), "overridden", "2026-11-25T10:00:00+00:00", "s", "a-rule", "why"),
            Row(str(uuid4()), "accepted", "2026-11-25T10:00:00+00:00", "s", "a-rule", "")]  # fmt: skip
    one.add(rows)
    other.add(rows)
    (rate,) = (r for r in rates(other) if r.rule == "a-rule")
    assert (rate.accepted, rate.overridden, rate.reasons) == (1, 1, {"why": 1})
    one.close()
    other.close()


def test_a_token_counts_once_for_all_machines(url: str) -> None:
    from eutonia.web.feedback import PostgresStore

    one, other, now = PostgresStore(url), PostgresStore(url), time.time()
    assert one.first_sight("https://ehr.example", "t1", now + 60, now)
    assert not other.first_sight("https://ehr.example", "t1", now + 60, now)
    assert other.first_sight("https://other.example", "t1", now + 60, now)
    assert one.first_sight("https://ehr.example", "t2", now - 1, now)  # expired: forgotten at the next look
    later = now + 1000
    assert other.first_sight("https://ehr.example", "t1", later + 60, later)
    one.close()
    other.close()


def test_a_database_that_cannot_be_used_is_told_in_one_line(url: str) -> None:
    from eutonia.errors import InputError
    from eutonia.web.feedback import open_store

    nowhere = url.replace("/postgres", "/absent") + "?connect_timeout=2"
    with pytest.raises(InputError, match="EUTONIA_FEEDBACK_URL"):
        open_store(Path(), nowhere)


def test_what_was_answered_survives_a_kill(url: str, tmp_path: Path) -> None:
    """kill -9 of the service in the middle of a stream of feedback loses nothing that was answered 200."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "EUTONIA_DATA": str(tmp_path),
        "EUTONIA_PER_MINUTE": "0",
        "EUTONIA_FEEDBACK_URL": url,
    }
    served = subprocess.Popen(
        [sys.executable, "-m", "eutonia", "serve", "--port", str(port)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    answered = set()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            for _ in range(1200):
                try:
                    assert http.get("/readyz").status_code == 200
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            for n in range(40):
                card = str(uuid4())
                said = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-25T10:00:00Z"}
                if http.post(SERVICE, json={"feedback": [said]}).status_code == 200:
                    answered.add(card)
                if n == 30:
                    served.kill()
                    break
    finally:
        served.kill()
        served.wait()
    assert len(answered) > 25
    assert answered <= cards_in(url)
