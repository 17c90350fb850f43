"""No answer is an error of ours: whatever the API's description allows, and whatever a record may hold."""

from __future__ import annotations

import copy
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, OXYCODONE, check_cards, order, request, searchset

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["2026-11-25", "Patient/p1", "MedicationRequest", "Bundle", "draft", "mg", "#a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


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


@pytest.mark.slow
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


CHECKS = {
    "checks": {
        # A plan that fits the schema may still name no drug: such an answer is 422, and it is documented.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "412", "422", "429", "503"]
        }
    },
    "operations": [
        {
            "include-path-regex": "^/cds-services/",  # a service refuses the hook of the other one with 400
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "400", "401", "404", "412", "422", "429", "503"]
                }
            },
        }
    ],
}


@pytest.mark.parametrize("examples", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_the_api_keeps_to_its_description(client: TestClient, examples: int) -> None:
    """schemathesis, all its checks: status, content type and form of every answer are those that are described."""
    schemathesis = pytest.importorskip("schemathesis")
    from schemathesis.config import SchemathesisConfig

    config = SchemathesisConfig.from_dict(CHECKS)
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app, config=config)
    called = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            deadline=None, max_examples=examples, suppress_health_check=list(HealthCheck), database=None
        )
        @given(case=operation.as_strategy())
        def as_described(case: Any) -> None:
            nonlocal called
            called += 1
            case.call_and_validate()

        as_described()
    assert called > 10


@pytest.mark.slow
def test_a_whole_run_of_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Also what fits no schema: wrong methods, wrong types, missing parts, every boundary."""
    pytest.importorskip("schemathesis")
    config = tmp_path / "schemathesis.toml"
    config.write_text(as_toml(CHECKS))
    with serving(tmp_path) as base:
        run = [Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run", f"{base}/openapi.json",
               "--checks", "all", "--max-examples", "25", "--suppress-health-check", "all"]  # fmt: skip
        found = subprocess.run(run, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=900)
    assert found.returncode == 0, found.stdout[-6000:]


def as_toml(settings: dict[str, Any]) -> str:
    """The settings as schemathesis reads them from a file."""

    def table(of: dict[str, Any]) -> str:
        (statuses,) = of["checks"].values()
        return f"[{{}}checks.positive_data_acceptance]\nexpected-statuses = {statuses['expected-statuses']}\n"

    (operation,) = settings["operations"]
    path = operation["include-path-regex"]
    ours = table(operation).format("operations.")
    return table(settings).format("") + f'[[operations]]\ninclude-path-regex = "{path}"\n' + ours


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of our own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "EUTONIA_DATA": str(folder / "data"), "EUTONIA_PER_MINUTE": "0"}
    command = [sys.executable, "-m", "eutonia", "serve", "--port", str(port)]
    served = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait()
