"""How fast an order is answered: order-sign with a full request beside an endpoint that does nothing.

Run on an idle machine:

    python benchmarks/serve.py [--seconds 30] [--clients 1 2 4] [--workers 2] [--tokens] [--selected | --same]

Every order is another one (`orders.py`): another patient, dose and list of medicines, so that no simulation has been
made before. With --selected each is first sent as order-select, as record systems do while an order is written, and
only the signing is timed. With --same one order is signed again and again.

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
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from orders import Order, orders

ISSUER = "https://benchmark.example"
SERVICE = "/cds-services/eutonia-muscle-pain"
WARM_SECONDS = 6.0


# --- clients ------------------------------------------------------------------------------------------


class Told(NamedTuple):
    """What came of the calls of one run."""

    times: list[float]
    """Milliseconds to each answer."""
    failed: list[int]
    """Statuses that are errors."""
    simulated: list[bytes]
    """Of each answer whose card speaks of a simulation: what it says of it first."""


class Call(NamedTuple):
    """An HTTP request as it goes over the wire, in pieces, and whether its answer is timed."""

    pieces: Sequence[bytes]
    timed: bool = True


def request(path: str, content: Sequence[bytes] = (), token: str | None = None, timed: bool = True) -> Call:
    head = [f"{'POST' if content else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    if content:
        head += ["Content-Type: application/json", f"Content-Length: {sum(map(len, content))}"]
    return Call(["\r\n".join([*head, "", ""]).encode(), *content], timed)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """The status and body of one answer, read to its end."""
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
    return int(head[9:12]), rest


SIMULATED, LATE = b"*Simulated:* ", b"not ready in time"


def client(port: int, requests: Iterable[Call], end: float, told: Told) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for each in requests:
            if time.perf_counter() >= end:
                return
            whole = b"".join(each.pieces)
            began = time.perf_counter()
            connection.sendall(whole)
            status, content = answer(connection)
            if status != 200:
                told.failed.append(status)
            if not each.timed:
                continue
            told.times.append((time.perf_counter() - began) * 1000)
            at = content.find(SIMULATED)
            if at >= 0:
                told.simulated.append(content[at + len(SIMULATED) :][: len(LATE)])


def load(port: int, requests: Sequence[Iterable[Call]], seconds: float) -> Told:
    """One client for each list of requests, all at once."""
    told = Told([], [], [])
    end = time.perf_counter() + seconds
    clients = [threading.Thread(target=client, args=(port, each, end, told)) for each in requests]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if time.perf_counter() < end:
        print("the requests that were made beforehand are used up: this run ended early", file=sys.stderr)
    return told


def line(name: str, told: Told, seconds: float) -> str:
    cuts, late = statistics.quantiles(told.times, n=1000), told.simulated.count(LATE)
    said = (
        f"{name:32} {len(told.times) / seconds:8.1f} /s   p50 {cuts[499]:7.2f} ms   p99 {cuts[989]:7.2f} ms   "
        f"most {max(told.times):7.1f} ms   errors {len(told.failed)} of {len(told.times)}"
    )
    return said + (f"   simulated {len(told.simulated) - late}, late {late}" if told.simulated else "")


# --- server -------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tokens", action="store_true", help="sign every call, ES384")
    parser.add_argument("--selected", action="store_true", help="select each order before it is signed")
    parser.add_argument("--same", action="store_true", help="send one order again and again")
    parser.add_argument(
        "--most", type=int, default=300,
        help="calls a second that are made beforehand; a faster service ends its run early, and says so",
    )  # fmt: skip
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
        subprocess.run([sys.executable, "-m", "eutonia.web.warming"], check=True)  # a minute, once
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
    most, warm = int(given.most * given.seconds), int(given.most * WARM_SECONDS)
    every = orders(len(given.clients) * most + warm)
    bodies = iter(repeat(every[0]) if given.same else every)

    def calls(seconds: float, clients: int) -> list[Iterable[Call]]:
        number = int(given.most * seconds / clients)
        return [
            [each for order in islice(bodies, number) for each in signing(order, token, given.selected)]
            for _ in range(clients)
        ]

    nothing = request("/healthz")
    load(port, calls(WARM_SECONDS, max(given.clients)), WARM_SECONDS)
    size = sum(len(each.head) + len(each.rest) for each in every) // len(every)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {size:,} bytes, "
        f"{given.workers} workers, tokens {'on' if token else 'off'}, "
        f"{'one order again and again' if given.same else 'no order twice'}"
        f"{', each selected before' if given.selected else ''}"
    )
    for clients in given.clients:
        name = f"{clients} client{'s' if clients > 1 else ''}"
        print(line(f"nothing (/healthz), {name}", load(port, [repeat(nothing)] * clients, 5), 5))
        prepared = calls(given.seconds, clients)
        print(line(f"order-sign, {name}", load(port, prepared, given.seconds), given.seconds), flush=True)


def signing(order: Order, token: Any, selected: bool) -> Iterator[Call]:
    """The call that signs an order, after the one that selects it."""
    if selected:
        head = order.head.replace(b'"hook": "order-sign"', b'"hook": "order-select"', 1)
        head = head.replace(b'"context": {', b'"context": {"selections": ["MedicationRequest/o1"], ', 1)
        yield request(SERVICE, (head, order.rest), token() if token else None, timed=False)
    yield request(SERVICE, order, token() if token else None)


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
                client(port, [request("/readyz")], time.perf_counter() + 60, Told([], [], []))
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start in two minutes")


if __name__ == "__main__":
    main()
