"""Around every request: an id, limits, headers, one line of log, counts. Plain ASGI, for speed."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eutonia.web.metrics import Metrics
from eutonia.web.rendering import error_answer
from eutonia.web.settings import Settings
from eutonia.web.work import connection

log = logging.getLogger("eutonia.web")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
BODY_SECONDS = 15.0
CORS_PATHS = "/cds-services"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, X-Request-ID",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers of every answer. Scripts, styles and pictures come from us alone; nothing inline, no eval."""
    ancestors = " ".join(settings.frame_ancestors) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-store",
    }
    if not settings.frame_ancestors:
        headers["X-Frame-Options"] = "DENY"
    if settings.origin.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


class Around:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.headers = security_headers(settings)
        self.rate = Rate(settings.per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        answer: dict[str, Any] = {"status": 500}
        hooks = scope["path"].startswith(CORS_PATHS)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    out.setdefault(name, value)
                out["X-Request-ID"] = request_id
                if hooks:
                    out.update(CORS)
            await send(message)

        try:
            await self._limited(scope, receive, sending, headers, hooks)
        finally:
            took = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(route, scope["method"], str(answer["status"])).inc()
            self.metrics.seconds.labels(route).observe(took)
            # The route, not the path: an address may hold what a log must not.
            log.info("%s %s %d %.1f ms %s", scope["method"], route, answer["status"], took * 1000, request_id)

    async def _limited(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, hooks: bool
    ) -> None:
        refuse = self._refusal(scope, headers, hooks)
        if refuse is not None:
            answer = error_answer(Request(scope), *refuse)
            if answer.status_code == 429:
                answer.headers["Retry-After"] = "10"
            await answer(scope, receive, send)
            return
        if hooks and scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": [
                (name.lower().encode(), value.encode()) for name, value in PREFLIGHT.items()]})  # fmt: skip
            await send({"type": "http.response.body", "body": b""})
            return
        limit = self.settings.most_bytes
        body = await _body(receive, limit) if scope["method"] in ("POST", "PUT", "PATCH", "DELETE") else b""
        if isinstance(body, int):
            said = (
                f"The body is larger than {limit:,} bytes."
                if body == 413
                else "The body took too long to arrive."
            )
            await error_answer(Request(scope), body, said)(scope, receive, send)
            return
        connection.set(receive)
        await self.app(scope, _replay(body, receive), send)

    def _refusal(self, scope: Scope, headers: Headers, hooks: bool) -> tuple[int, str] | None:
        client = scope.get("client")
        # A page's own style and scripts are not counted: without them its words cannot be read, those of a 429 either.
        counted = not scope["path"].startswith("/static/")
        if counted and not self.rate.allows(client[0] if client else ""):
            return 429, "Too many requests from this address. Wait a little."
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400, "Content-Length is no number."
        if int(length) > self.settings.most_bytes:
            return 413, f"The body is larger than {self.settings.most_bytes:,} bytes."
        kind = headers.get("content-type", "").partition(";")[0].strip().casefold()
        if (
            scope["method"] == "POST"
            and hooks
            and kind not in ("", "application/json", "application/fhir+json")
        ):
            return 415, "Send JSON: Content-Type application/json."
        return None


async def _body(receive: Receive, limit: int) -> bytes | int:
    """The whole body; or the status to refuse it with, because it is too large or too slow."""
    import asyncio

    content = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return bytes(content)
                content += message.get("body", b"")
                if len(content) > limit:
                    return 413
                if not message.get("more_body"):
                    return bytes(content)
    except TimeoutError:
        return 408


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, as a message; then what the connection says."""
    pending = [body]

    async def again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again


class Rate:
    """At most so many requests of one address in a minute: a bucket that refills as time passes."""

    MOST_ADDRESSES = 50_000

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: MutableMapping[str, tuple[float, float]] = {}

    def allows(self, address: str) -> bool:
        if not self._per_minute:
            return True
        now = time.monotonic()
        left, then = self._buckets.get(address, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - then) * self._per_minute / 60.0)
        if len(self._buckets) > self.MOST_ADDRESSES:
            self._buckets.clear()
        self._buckets[address] = (left - 1.0 if left >= 1.0 else left, now)
        return left >= 1.0
