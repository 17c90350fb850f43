"""Work that takes the processor for milliseconds to seconds runs in threads, a few at once and none for ever.

Nobody waits any more for work that took too long, or whose client has hung up. Where it has not begun, it never does;
where it has parts, it ends after the one in hand (`go_on`). A thread is never stopped from outside: Python has a way,
but an exception that arrives while the thread starts another one hits that one, and both wait for ever.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from starlette.types import Receive

from eutonia.web.problems import Refusal

T = TypeVar("T")

PATIENCE = 0.25
"""Seconds after which it is watched whether the client is still there; most work is done before."""

CLIENT_GONE = 499
"""The status under which such a request is logged and counted; nobody reads the answer."""

connection: ContextVar[Receive | None] = ContextVar("connection", default=None)
"""What the connection of the request in work says, once its body was read."""


class Abandoned(BaseException):
    """Raised between the parts of work that nobody waits for. Not an Exception: none of the work may catch it."""


class Workers:
    """A few threads. More work than may wait, or work that takes too long, is refused with 503."""

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="work")
        self._most = at_once + waiting
        self._seconds = seconds
        self._pending = 0

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """The result of `work(*args)`."""
        job = _Job(work, args)
        submitted, future = self._begin(job)
        gone: asyncio.Task[None] | None = None
        try:
            await asyncio.wait({future}, timeout=min(PATIENCE, self._seconds))
            receive = connection.get()
            if not future.done() and self._seconds > PATIENCE:
                gone = asyncio.create_task(_hung_up(receive)) if receive else None
                either: list[asyncio.Future[Any]] = [future, gone] if gone else [future]
                left = self._seconds - PATIENCE
                await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if future.done():
                return future.result()
            if gone is not None and gone.done():
                raise Refusal(CLIENT_GONE, "The client has hung up.")
            raise Refusal(503, f"This took longer than {self._seconds:g} s and was given up.")
        finally:
            if not future.done():
                submitted.cancel()
                job.give_up()
            if gone is not None:
                gone.cancel()

    async def finish(self, work: Callable[..., T], *args: Any) -> T:
        """As `run`, for what is done although nobody waits any more: whatever is stored."""
        return await asyncio.shield(self._begin(_Job(work, args))[1])

    def _begin(self, job: _Job[T]) -> tuple[Future[T], asyncio.Future[T]]:
        if self._pending >= self._most:
            raise Refusal(503, "The service is busy. Try again in a few seconds.")
        self._pending += 1
        submitted = self._threads.submit(job)
        future = asyncio.wrap_future(submitted)
        future.add_done_callback(self._done)
        return submitted, future

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # seen here, so that work given up on does not complain

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


async def _hung_up(receive: Receive) -> None:
    """Returns once the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Job(Generic[T]):
    """Work in a thread that can be told to stop."""

    def __init__(self, work: Callable[..., T], args: tuple[Any, ...]) -> None:
        self._work, self._args = work, args
        self.given_up = False

    def __call__(self) -> T:
        _current.job = self
        try:
            go_on()
            return self._work(*self._args)
        finally:
            _current.job = None

    def give_up(self) -> None:
        self.given_up = True


_current = threading.local()


def go_on(*_: Any) -> None:
    """Called between the parts of work: ends it where nobody waits for it any more."""
    job = getattr(_current, "job", None)
    if job is not None and job.given_up:
        raise Abandoned
