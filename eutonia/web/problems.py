"""What is said when a request cannot be answered: problem+json (RFC 9457), and OperationOutcome for CDS Hooks.

No message repeats what the patient's record holds: messages are logged and shown to others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Not authorised",
    403: "Not allowed",
    404: "There is nothing here",
    405: "This method is not offered here",
    408: "The request took too long to arrive",
    412: "Needed data are missing",
    413: "The request is too large",
    415: "This kind of content cannot be read",
    422: "The request cannot be answered",
    429: "Too many requests",
    500: "An error of ours",
    503: "Busy",
}

FHIR_CODES: Mapping[int, str] = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 412: "not-found",
    413: "too-long", 415: "not-supported", 422: "processing", 429: "throttled", 500: "exception", 503: "transient",
}  # fmt: skip
"""HTTP status → issue type of an OperationOutcome."""


PROBLEM_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
}

OUTCOME_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "diagnostics"],
                "properties": {
                    "severity": {"const": "error"},
                    "code": {"type": "string"},
                    "diagnostics": {"type": "string"},
                    "expression": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


def described(kind: str, schema: Mapping[str, Any], codes: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    """Answers with an error, for the description of the API."""
    return {
        code: {"description": TITLES[code], "content": {kind: {"schema": dict(schema)}}} for code in codes
    }


class Refusal(Exception):
    """The request is refused with `status`, in words that the caller may see."""

    def __init__(self, status: int, detail: str, *, where: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.where = tuple(where)
        """FHIRPath-like places in the request, such as `prefetch.patient`."""


def problem(
    status: int, detail: str, *, request_id: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """A problem+json answer."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    if request_id:
        body["request_id"] = request_id
    return Response(
        orjson.dumps(body), status, media_type="application/problem+json", headers=dict(headers or {})
    )


def outcome(status: int, detail: str, where: Sequence[str] = ()) -> Response:
    """An OperationOutcome answer."""
    issue: dict[str, Any] = {
        "severity": "error", "code": FHIR_CODES.get(status, "processing"), "diagnostics": detail,
    }  # fmt: skip
    if where:
        issue["expression"] = list(where)
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if status == 401 else {}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return Response(orjson.dumps(body), status, media_type="application/json", headers=headers)
