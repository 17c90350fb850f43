"""How fast an order is answered: order-sign with a full request beside an endpoint that does nothing.

Run on an idle machine:  python benchmarks/serve.py [--seconds 30] [--clients 1 4] [--workers 2] [--tokens] [--simulate]

The server and the clients share this machine, over loopback. Each client is a thread with one connection that is kept
open, and sends its next request when the last one is answered; requests are written, and tokens signed (ES384, each
for one call), before the clock starts, so that the clients cost the machine next to nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

ISSUER = "https://benchmark.example"
SERVICE = "/cds-services/eutonia-muscle-pain"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
MOST_A_SECOND = 450
"""Calls of all clients for which tokens are signed beforehand; a faster service ends its run early, and says so."""


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


# --- clients ------------------------------------------------------------------------------------------


def request(path: str, content: bytes | None, token: str | None) -> bytes:
    """An HTTP request as it goes over the wire."""
    head = [f"{'GET' if content is None else 'POST'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    if content is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*head, "", ""]).encode() + (content or b"")


def answer(connection: socket.socket) -> int:
    """The status of one answer, read to its end."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        got += piece
    head, _, rest = got.partition(b"\r\n\r\n")
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
    while len(rest) < length:
        rest += connection.recv(65536)
    return int(head[9:12])


def client(port: int, requests: Iterable[bytes], end: float, times: list[float], failed: list[int]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for each in requests:
            if time.perf_counter() >= end:
                return
            began = time.perf_counter()
            connection.sendall(each)
            status = answer(connection)
            times.append((time.perf_counter() - began) * 1000)
            if status != 200:
                failed.append(status)


def load(port: int, requests: Sequence[Iterable[bytes]], seconds: float) -> tuple[list[float], list[int]]:
    """Times to answer in ms, and the statuses of errors; one client for each list of requests."""
    times: list[float] = []
    failed: list[int] = []
    end = time.perf_counter() + seconds
    clients = [threading.Thread(target=client, args=(port, each, end, times, failed)) for each in requests]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if time.perf_counter() < end:
        print("the tokens that were signed beforehand are used up: this run ended early", file=sys.stderr)
    return times, failed


def forever(one: bytes) -> Iterable[bytes]:
    while True:
        yield one


def told(name: str, times: list[float], failed: list[int], seconds: float) -> str:
    cuts = statistics.quantiles(times, n=1000)
    return (
        f"{name:32} {len(times) / seconds:8.1f} /s   p50 {cuts[499]:7.2f} ms   p99 {cuts[989]:7.2f} ms   "
        f"most {max(times):7.1f} ms   errors {len(failed)} of {len(times)}"
    )


# --- server -------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tokens", action="store_true", help="sign every call, ES384")
    given = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "EUTONIA_DATA": folder, "EUTONIA_PER_MINUTE": "0", "EUTONIA_BASE_URL": base,
        }  # fmt: skip
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
            wait(port, given.workers)
            measure(port, token, given)
        finally:
            server.terminate()
            server.wait()


def measure(port: int, token: Any, given: argparse.Namespace) -> None:
    content = body()

    def calls(seconds: float, clients: int) -> list[Iterable[bytes]]:
        if token is None:
            return [forever(request(SERVICE, content, None))] * clients
        number = int(MOST_A_SECOND * seconds / clients)
        tokens = [[token() for _ in range(number)] for _ in range(clients)]
        return [(request(SERVICE, content, each) for each in own) for own in tokens]

    nothing = request("/healthz", None, None)
    load(port, calls(2, max(given.clients)), 2)  # to warm up
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(content):,} bytes, "
          f"{given.workers} workers, tokens {'on' if token else 'off'}")  # fmt: skip
    for clients in given.clients:
        name = f"{clients} client{'s' if clients > 1 else ''}"
        print(told(f"nothing (/healthz), {name}", *load(port, [forever(nothing)] * clients, 5), 5))
        prepared = calls(given.seconds, clients)
        print(told(f"order-sign, {name}", *load(port, prepared, given.seconds), given.seconds), flush=True)


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


def wait(port: int, workers: int) -> None:
    """Until the server answers, with every worker process that it starts."""
    for _ in range(600):
        try:
            for _ in range(20 * workers):
                client(port, [request("/readyz", None, None)], time.perf_counter() + 60, [], [])
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start in two minutes")


if __name__ == "__main__":
    main()
