"""SMART App Launch 2: the page opens inside a record system, with the patient who is open there.

The browser makes the secret of the exchange (PKCE, S256) and keeps it for the length of the login; this server trades
the code for a token, reads the record with it, hands the record to the browser, and keeps nothing.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from eutonia.web.bodies import parse_json
from eutonia.web.consulting import PATIENT_ID
from eutonia.web.gathering import PREFETCH, Gathered
from eutonia.web.outside import Unreachable, read_fhir_pages
from eutonia.web.problems import Refusal
from eutonia.web.rendering import render
from eutonia.web.state import State, state_of

router = APIRouter(include_in_schema=False)

SCOPES = "launch openid fhirUser " + " ".join(
    f"patient/{kind}.rs" for kind in dict.fromkeys(key.kind for key in PREFETCH.values())
)


@router.get("/launch")
async def launch() -> Response:
    """Where a record system opens us, with `iss` and `launch`."""
    return render("launch.html.j2", page="launch", step="launch")


@router.get("/smart/callback")
async def callback() -> Response:
    """Where the record system sends the browser back to, with `code` and `state`."""
    return render("launch.html.j2", page="launch", step="callback")


@router.get("/smart/settings")
async def settings(request: Request, iss: Annotated[str, Query(max_length=2000)]) -> dict[str, str]:
    """What the browser needs to ask for a login at a record system that is configured here."""
    state = state_of(request)
    client_id, found = await _configured(state, iss)
    return {
        "authorize": str(found["authorization_endpoint"]),
        "client_id": client_id,
        "scope": SCOPES,
        "redirect_uri": _redirect(request),
    }


class Exchange(BaseModel):
    """A code, to be traded for the record."""

    model_config = ConfigDict(extra="forbid")

    iss: str = Field(max_length=2000)
    code: str = Field(min_length=1, max_length=8000)
    verifier: str = Field(pattern=r"^[A-Za-z0-9._~-]{43,128}$")


@router.post("/smart/record")
async def record(request: Request) -> Response:
    """The record of the patient who is open, as a FHIR Bundle."""
    state = state_of(request)
    body = parse_json(await request.body(), state.settings.deepest)
    try:
        asked = Exchange.model_validate(body)
    except ValueError:
        raise Refusal(400, "iss, code and verifier are needed.") from None
    client_id, found = await _configured(state, asked.iss)
    form = {
        "grant_type": "authorization_code",
        "code": asked.code,
        "redirect_uri": _redirect(request),
        "client_id": client_id,
        "code_verifier": asked.verifier,
    }
    try:
        granted = await state.outside.post_form(str(found["token_endpoint"]), form)
    except Unreachable:
        raise Refusal(
            422, "The record system did not accept the login. Open the page from it again."
        ) from None
    token, patient = granted.get("access_token"), granted.get("patient")
    if not isinstance(token, str) or not isinstance(patient, str) or not PATIENT_ID.fullmatch(patient):
        raise Refusal(422, "The record system names no patient. Open a patient there first.")
    return Response(await _bundle(state, asked.iss, token, patient), media_type="application/fhir+json")


async def _configured(state: State, iss: str) -> tuple[str, dict[str, Any]]:
    """Our client id at a record system, and its endpoints. Only systems of the settings are ever asked."""
    server = iss.rstrip("/")
    client_id = state.settings.smart_clients.get(server)
    if client_id is None:
        raise Refusal(403, "This record system is not configured here (EUTONIA_SMART_CLIENTS).")
    try:
        found = await state.outside.json(f"{server}/.well-known/smart-configuration")
    except Unreachable:
        raise Refusal(503, "The record system's SMART configuration cannot be read.") from None
    names = ("authorization_endpoint", "token_endpoint")
    if not isinstance(found, dict) or not all(_is_address(found.get(name)) for name in names):
        raise Refusal(503, "The record system's SMART configuration names no endpoints.")
    methods = found.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise Refusal(503, "The record system does not support PKCE with S256.")
    return client_id, found


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("https", "http")


async def _bundle(state: State, server: str, token: str, patient: str) -> bytes:
    base = server.rstrip("/")
    wanted = {
        name: f"{base}/{key.query}".replace("{{context.patientId}}", patient)
        for name, key in PREFETCH.items()
    }
    read = await read_fhir_pages(state.outside, base, token, wanted)
    gathered = Gathered()
    for name, (pages, _) in read.items():
        for page in pages:
            gathered.take(name, page)
    if "patient" in gathered.missing:
        raise Refusal(422, "The record system does not let us read the patient.")
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": gathered.entries})


def _redirect(request: Request) -> str:
    base = state_of(request).settings.origin or str(request.base_url).rstrip("/")
    return f"{base}/smart/callback"
