"""JSON from outside, within limits: size, depth and form."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from fastapi import Request

from eutonia.web.problems import Refusal
from eutonia.web.state import state_of

LARGE = 256_000
"""Bytes from which a body is parsed in a thread, so that no other request waits for it."""


async def read_json(request: Request) -> Any:
    """The JSON of a request. Raises Refusal (400) for what is no JSON or nested too deep."""
    content, state = await request.body(), state_of(request)
    if len(content) < LARGE:
        return parse_json(content, state.settings.deepest)
    return await state.workers.run(parse_json, content, state.settings.deepest)


def parse_json(content: bytes, deepest: int) -> Any:
    if depth(content) > deepest:
        raise Refusal(400, f"The body is nested more than {deepest} levels deep.")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refusal(
            400, f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None


NOT_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
STEP = np.zeros(256, np.int8)
STEP[list(b"{[")], STEP[list(b"}]")] = 1, -1


def depth(content: bytes) -> int:
    """How deep brackets are nested; those in strings do not count. Of what is no JSON it says nothing.

    In C all the way, and in proportion to the body: it stands before the parser, in front of whoever sends.
    """
    if b"\\" in content:  # what may hide the end of a string
        content = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Without pairs of quotes, which are most of them, the rest still stays in a string or out of it.
    marks = content.translate(None, NOT_STRUCTURE).replace(b'""', b"")
    outside = b"".join(marks.split(b'"')[::2])
    if not outside:
        return 0
    return int(STEP[np.frombuffer(outside, np.uint8)].cumsum(dtype=np.int32).max())
