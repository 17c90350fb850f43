"""Who may call and where we call: signed tokens, replay, and servers that a request names."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, OXYCODONE, PATIENT, app_with, call, order, request, searchset

ISSUER = "https://ehr.example"
URL = "http://testserver/cds-services/eutonia-muscle-pain"
EC = ECKey.generate_key("P-384", {"kid": "ec", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
OTHER = ECKey.generate_key("P-384", {"kid": "ec", "use": "sig"})
ALGORITHMS = ["ES384", "RS384"]


def token(key: Any = EC, alg: str = "ES384", header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": URL, "iat": now, "exp": now + 300, "jti": str(uuid4())} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": alg, "kid": key.kid or "ec", "typ": "JWT"} | (header or {})
    return jwt.encode(head, claims, key, algorithms=ALGORITHMS)


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unsigned() -> str:
    head = packed(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    return f"{head}.{token().split('.')[1]}."


def signed_with_the_public_key() -> str:
    """As if our public key were a shared secret: the classic confusion of algorithms."""
    signed = (
        f"{packed(json.dumps({'alg': 'HS384', 'kid': 'ec', 'typ': 'JWT'}).encode())}.{token().split('.')[1]}"
    )
    signature = hmac.digest(EC.as_pem(private=False), signed.encode(), "sha384")
    return f"{signed}.{packed(signature)}"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from eutonia.web.app import create_app
    from eutonia.web.settings import from_environment

    folder = tmp_path_factory.mktemp("trust")
    keys = KeySet([EC, RSA]).as_dict(private=False)
    (folder / "jwks.json").write_text(json.dumps(keys))
    settings = from_environment(
        {
            "EUTONIA_DATA": str(folder / "store"),
            "EUTONIA_BASE_URL": "http://testserver",
            "EUTONIA_JWT_ISSUERS": f"{ISSUER}={folder / 'jwks.json'}",
            "EUTONIA_PER_MINUTE": "0",
        }
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as made:
        yield made


def status_with(client: TestClient, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post(URL, json=request(order("o1", CARISOPRODOL)), headers=headers)
    if answer.status_code == 401:
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert "Bearer" in answer.headers["www-authenticate"]
    return answer.status_code


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES384"), (RSA, "RS384")])
def test_a_good_token_is_let_in_once(client: TestClient, key: Any, alg: str) -> None:
    made = token(key, alg)
    assert status_with(client, f"Bearer {made}") == 200
    assert status_with(client, f"Bearer {made}") == 401, "a token that is used again"


BAD: dict[str, Callable[[], str | None]] = {
    "no token": lambda: None,
    "not a bearer": lambda: f"Basic {token()}",
    "no JWT": lambda: "Bearer abc",
    "alg none": lambda: f"Bearer {unsigned()}",
    "signed with the public key as a secret": lambda: f"Bearer {signed_with_the_public_key()}",
    "another key of the same name": lambda: f"Bearer {token(OTHER)}",
    "issuer not listed": lambda: f"Bearer {token(iss='https://evil.example')}",
    "no issuer": lambda: f"Bearer {token(iss=None)}",
    "for another address": lambda: f"Bearer {token(aud='http://testserver/cds-services')}",
    "expired": lambda: f"Bearer {token(iat=int(time.time()) - 400, exp=int(time.time()) - 120)}",
    "from the future": lambda: f"Bearer {token(iat=int(time.time()) + 600, exp=int(time.time()) + 700)}",
    "lives too long": lambda: f"Bearer {token(exp=int(time.time()) + 3600)}",
    "no jti": lambda: f"Bearer {token(jti=None)}",
    "no exp": lambda: f"Bearer {token(exp=None)}",
    "a jku of its own": lambda: f"Bearer {token(header={'jku': 'https://evil.example/jwks.json'})}",
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_is_refused(client: TestClient, what: str) -> None:
    assert status_with(client, BAD[what]()) == 401


def test_clocks_may_differ_by_a_minute_and_aud_may_be_a_list(client: TestClient) -> None:
    late = token(
        iat=int(time.time()) - 330, exp=int(time.time()) - 30, aud=[URL, "https://elsewhere.example"]
    )
    assert status_with(client, f"Bearer {late}") == 200


def test_discovery_is_open_unless_closed(client: TestClient) -> None:
    assert client.get("/cds-services").status_code == 200


def test_symmetric_algorithms_cannot_be_configured() -> None:
    from eutonia.errors import InputError
    from eutonia.web.settings import from_environment

    for name in ("HS256", "none"):
        with pytest.raises(InputError, match="EUTONIA_JWT_ALGORITHMS"):
            from_environment({"EUTONIA_JWT_ALGORITHMS": name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_ISSUERS", "https://a.example=/no/such/file"),
        ("JWT_ISSUERS", "nonsense"),
        ("BASE_URL", "eutonia.example"),
        ("PER_MINUTE", "many"),
        ("OPEN_DISCOVERY", "perhaps"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    from eutonia.errors import InputError
    from eutonia.web.settings import from_environment

    with pytest.raises(InputError, match=f"EUTONIA_{name}"):
        from_environment({f"EUTONIA_{name}": value})


# --- servers that a request names ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "::1", "fd00::1", "fe80::1%eth0",
     "::ffff:127.0.0.1", "100.64.0.1", "224.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"],
)  # fmt: skip
def test_private_addresses_are_known(address: str) -> None:
    from eutonia.web.outside import is_public

    assert not is_public(address)


def test_public_addresses_are_known() -> None:
    from eutonia.web.outside import is_public

    assert is_public("8.8.8.8")
    assert is_public("2606:4700::1111")


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://h.example/fhir/Patient/1", True),
        ("https://h.example/fhir", True),
        ("https://h.example/fhirx/Patient", False),
        ("https://h.example/fhir/../admin", False),
        ("https://h.example/fhir/%2e%2e/admin", False),
        ("https://user@h.example/fhir/Patient", False),
        ("http://h.example/fhir/Patient", False),
        ("https://h.example:8443/fhir/Patient", False),
        ("https://h.example.evil/fhir/Patient", False),
        ("https://h.example:bad/fhir", False),
    ],
)
def test_only_addresses_below_the_server_are_followed(url: str, inside: bool) -> None:
    from eutonia.web.outside import within

    assert within(url, "https://h.example/fhir") is inside


class FhirServer:
    """A FHIR server on this machine that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answers: dict[str, Any] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization")))
                found = next((a for p, a in outer.answers.items() if self.path.startswith(p)), None)
                body = json.dumps(found).encode()
                self.send_response(302 if found == "away" else 200 if found is not None else 404)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/fhir"
        self.thread = Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[FhirServer]:
    made = FhirServer()
    yield made
    made.close()


def unfetched(server: str) -> dict[str, Any]:
    token = {
        "access_token": "secret-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
    }
    body = request(order("o1", CARISOPRODOL, days=60), fhirServer=server, fhirAuthorization=token)
    body["prefetch"] = {"conditions": None}
    return body


def test_what_was_not_prefetched_is_read_page_by_page(server: FhirServer, tmp_path: Path) -> None:
    more = {"relation": "next", "url": f"{server.url}/MedicationRequest?page=2"}
    server.answers = {
        "/fhir/Patient/p1": PATIENT,
        "/fhir/MedicationRequest?patient=p1": searchset(link=[more]),
        "/fhir/MedicationRequest?page=2": searchset(order("m1", OXYCODONE, status="active")),
        "/fhir/": searchset(),
    }
    with app_with(tmp_path, fhir_servers=(server.url,), per_minute=0) as client:
        (card, *_) = call(client, unfetched(server.url))["cards"]
    assert "oxycodone" in card["detail"]
    assert "Not seen" not in card["detail"]
    assert {authorization for _, authorization in server.asked} == {"Bearer secret-token"}
    assert not any("Condition" in path for path, _ in server.asked), "null is an answer"


def test_pages_elsewhere_are_not_followed_and_named(server: FhirServer, tmp_path: Path) -> None:
    away = {"relation": "next", "url": "https://elsewhere.example/fhir/MedicationRequest?page=2"}
    server.answers = {
        "/fhir/Patient/p1": PATIENT,
        "/fhir/MedicationRequest": searchset(link=[away]),
        "/fhir/AllergyIntolerance": "away",
        "/fhir/": searchset(),
    }
    with app_with(tmp_path, fhir_servers=(server.url,), per_minute=0) as client:
        (card, *_) = call(client, unfetched(server.url))["cards"]
    assert "**Not seen:** prescriptions and allergies." in card["detail"]


@pytest.mark.parametrize("listed", [True, False])
def test_a_server_on_this_machine_is_not_knocked_at_unless_listed(
    server: FhirServer, tmp_path: Path, listed: bool
) -> None:
    server.answers = {"/fhir/Patient/p1": PATIENT, "/fhir/": searchset()}
    with app_with(tmp_path, fhir_servers=(server.url,) if listed else (), per_minute=0) as client:
        call(client, unfetched(server.url), status=200 if listed else 412)
    assert bool(server.asked) is listed


def test_a_patient_id_cannot_leave_its_place(server: FhirServer, tmp_path: Path) -> None:
    body = unfetched(server.url)
    body["context"]["patientId"] = "../../admin?x=1#"
    with app_with(tmp_path, fhir_servers=(server.url,), per_minute=0) as client:
        call(client, body, status=400)
    assert server.asked == []
