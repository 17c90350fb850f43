"""What CDS Hooks clients send and are answered, for the description of the API (OpenAPI).

The description is what a client may rely on; what is sent is checked by the models in `consulting` and `feedback`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eutonia.web.consulting import CONTEXT, PATIENT_ID
from eutonia.web.problems import OUTCOME_SCHEMA, described

JSON = "application/json"
Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
UUID: Schema = {"type": "string", "format": "uuid"}


def _object(required: str, **properties: Schema) -> Schema:
    """An object; what `properties` does not name is allowed."""
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(items: Schema, **more: int) -> Schema:
    return {"type": "array", "items": items, **more}


def _or_null(schema: Schema) -> Schema:
    """Some clients send null for what they leave out."""
    return {"anyOf": [schema, {"type": "null"}]}


def _of_hook(hook: str) -> Schema:
    """What one hook sends."""
    kinds: Mapping[type, Schema] = {
        str: TEXT,
        list: _list({"type": "string"}),
        dict: {"type": "object"},
    }
    context = {name: kinds[kind] for name, kind in CONTEXT[hook].items()}
    context["patientId"] = {"type": "string", "pattern": f"^{PATIENT_ID.pattern}$"}
    request = _object(
        "hook hookInstance context",
        hook={"const": hook},
        hookInstance={"type": "string", "minLength": 1, "maxLength": 128},
        context=_object(" ".join(context), **context),
        prefetch=_or_null({"type": "object"}),
        fhirServer=_or_null({"type": "string", "maxLength": 2000}),
        fhirAuthorization=_or_null(_object("access_token", access_token=TEXT)),
    )
    return {**request, "dependentRequired": {"fhirAuthorization": ["fhirServer"]}}


REQUEST: Schema = {"anyOf": [_of_hook(hook) for hook in CONTEXT]}


def _outcome(outcome: str, required: str, **more: Schema) -> Schema:
    """One thing that was done with one card."""
    moment = {"type": "string", "format": "date-time"}
    return _object(
        f"card outcome outcomeTimestamp {required}",
        card=UUID,
        outcome={"const": outcome},
        outcomeTimestamp=moment,
        **more,
    )


ACCEPTED = _outcome(
    "accepted", "acceptedSuggestions", acceptedSuggestions=_list(_object("id", id=UUID), minItems=1)
)
OVERRIDDEN = _outcome("overridden", "", overrideReason=_or_null({"type": "object"}))
FEEDBACK = _object("feedback", feedback=_list({"anyOf": [ACCEPTED, OVERRIDDEN]}, minItems=1, maxItems=1000))

SERVICES = _list(_object("hook id title description prefetch"))

CARDS = _list(
    _object(
        "uuid summary indicator source",
        uuid=UUID,
        summary={"type": "string", "maxLength": 139},
        detail=TEXT,
        indicator={"enum": ["info", "warning", "critical"]},
        source=_object("label", label=TEXT),
        suggestions=_list(_object("label uuid actions")),
        overrideReasons=_list(_object("code system display")),
        links=_list(_object("label url type")),
    ),
    maxItems=3,
)

OUTCOMES = described(JSON, OUTCOME_SCHEMA, (400, 401, 404, 405, 408, 412, 413, 415, 422, 429, 500, 503))


def answers(name: str = "", inside: Schema | None = None) -> dict[int | str, dict[str, Any]]:
    """An object that holds `name`, or an OperationOutcome."""
    schema = _object(name, **{name: inside or {}}) if name else _object("")
    return {200: {"description": "Answered", "content": {JSON: {"schema": schema}}}, **OUTCOMES}


def sent(schema: Schema) -> dict[str, Any]:
    """A body that must be sent."""
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}
