"""JSON from outside, within limits: size, depth and form."""

from __future__ import annotations

import re
from typing import Any

import orjson
from starlette.requests import Request

from eutonia.web.problems import Refusal


async def read_json(request: Request, deepest: int) -> Any:
    """The JSON of a request. Raises Refusal (400) for what is no JSON or nested too deep."""
    return parse_json(await request.body(), deepest)


def parse_json(content: bytes, deepest: int) -> Any:
    if depth(content) > deepest:
        raise Refusal(400, f"The body is nested more than {deepest} levels deep.")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refusal(
            400, f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None


STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))


def depth(content: bytes) -> int:
    """How deep brackets are nested; those in strings do not count."""
    level = deepest = 0
    for bracket in STRING.sub(b"", content).translate(None, NOT_BRACKETS):
        level += 1 if bracket in b"{[" else -1
        deepest = max(deepest, level)
    return deepest
