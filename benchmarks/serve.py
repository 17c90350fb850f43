"""How fast an order is answered: order-sign with a full request beside an endpoint that does nothing.

Run on an idle machine:  python benchmarks/serve.py [--seconds 30] [--clients 4] [--workers 1] [--tokens]

The server and the clients share this machine, over loopback. Each client sends its next request when the last one is
answered. With `--tokens` every request carries a token signed with ES384.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

ISSUER = "https://benchmark.example"
SERVICE = "/cds-services/eutonia-muscle-pain"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def order(name: str, code: str, text: str, status: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": name, "status": status, "intent": "order",
        "subject": {"reference": "Patient/p"}, "authoredOn": time.strftime("%Y-%m-%d"),
        "medicationCodeableConcept": {"text": text, "coding": [{"system": RXNORM, "code": code, "display": text}]},
        "dosageInstruction": [{"timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
                               "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}],
        "dispenseRequest": {"expectedSupplyDuration": {"value": 14, "unit": "days", "code": "d"}},
    }  # fmt: skip


def body(size: int = 30_000) -> bytes:
    """A request of about `size` bytes: an opioid in use, carisoprodol ordered, a long list of old results."""
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-03-01"}
    opioid = order("m1", "1049621", "oxycodone hydrochloride 5 MG Oral Tablet", "active")
    draft = order("o1", "197446", "Carisoprodol 350 MG Oral Tablet", "draft")
    labs: list[dict[str, Any]] = []
    made: dict[str, Any] = {
        "hook": "order-sign", "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": "p",
                    "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft}]}},
        "prefetch": {"patient": patient, "medications": bundle(opioid), "statements": bundle(), "conditions": bundle(),
                     "allergies": bundle(), "labs": None, "vitals": bundle()},
    }  # fmt: skip
    while len(json.dumps(made)) < size:
        labs.append({
            "resourceType": "Observation", "id": f"l{len(labs)}", "status": "final",
            "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}]},
            "effectiveDateTime": f"20{10 + len(labs) % 14}-05-01", "valueQuantity": {"value": 0.9, "unit": "mg/dL"},
        })  # fmt: skip
        made["prefetch"]["labs"] = bundle(*labs)
    return json.dumps(made).encode()


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources]}


async def load(
    url: str, content: bytes | None, seconds: float, clients: int, token: Any
) -> tuple[list[float], int]:
    """Times to answer in ms, and errors."""
    times: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds
    headers = {"Content-Type": "application/json"}

    async def client() -> None:
        nonlocal errors
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while time.perf_counter() < end:
                more = {"Authorization": f"Bearer {token()}"} if token else {}
                began = time.perf_counter()
                if content is None:
                    answer = await http.get(url)
                else:
                    answer = await http.post(url, content=content, headers=headers | more)
                times.append((time.perf_counter() - began) * 1000)
                errors += answer.status_code != 200

    await asyncio.gather(*(client() for _ in range(clients)))
    return times, errors


def told(name: str, times: list[float], errors: int, seconds: float) -> str:
    cuts = statistics.quantiles(times, n=100)
    return (
        f"{name:24} {len(times) / seconds:8.1f} /s   p50 {cuts[49]:7.1f} ms   p99 {cuts[98]:7.1f} ms   "
        f"errors {errors} of {len(times)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tokens", action="store_true")
    given = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "EUTONIA_DATA": folder,
            "EUTONIA_PER_MINUTE": "0",
            "EUTONIA_BASE_URL": base,
        }
        token = signer(Path(folder), base, environment) if given.tokens else None
        command = [
            sys.executable,
            "-m",
            "eutonia",
            "serve",
            "--port",
            str(port),
            "--workers",
            str(given.workers),
        ]
        server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait(base)
            content = body()
            asyncio.run(load(base + SERVICE, content, 3, given.clients, token))  # to warm up
            machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
            print(f"{machine}; "
                  f"{len(content):,} bytes, {given.clients} clients, {given.workers} workers, "
                  f"tokens {'on' if token else 'off'}")  # fmt: skip
            for name, path, sent in (
                ("nothing (/healthz)", "/healthz", None),
                ("order-sign", SERVICE, content),
            ):
                times, errors = asyncio.run(load(base + path, sent, given.seconds, given.clients, token))
                print(told(name, times, errors, given.seconds))
        finally:
            server.terminate()
            server.wait()


def signer(folder: Path, base: str, environment: dict[str, str]) -> Any:
    from joserfc import jwt
    from joserfc.jwk import ECKey, KeySet

    key = ECKey.generate_key("P-384", {"kid": "k"})
    (folder / "jwks.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    environment["EUTONIA_JWT_ISSUERS"] = f"{ISSUER}={folder / 'jwks.json'}"

    def token() -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": base + SERVICE, "iat": now, "exp": now + 300, "jti": str(uuid4())}
        return jwt.encode({"alg": "ES384", "kid": "k", "typ": "JWT"}, claims, key, algorithms=["ES384"])

    return token


def wait(base: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{base}/healthz", trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("the server did not start in two minutes")


if __name__ == "__main__":
    main()
