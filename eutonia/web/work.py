"""Work that takes the processor for milliseconds to seconds runs in threads, a few at once and none for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from eutonia.web.problems import Refusal

T = TypeVar("T")


class Workers:
    """A few threads. More work than may wait, or work that takes too long, is refused with 503."""

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="work")
        self._most = at_once + waiting
        self._seconds = seconds
        self._pending = 0

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """The result of `work(*args)`."""
        if self._pending >= self._most:
            raise Refusal(503, "The service is busy. Try again in a few seconds.")
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        # A thread cannot be stopped: work that takes too long still counts until it ends.
        future.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._seconds)
        except TimeoutError:
            raise Refusal(503, f"This took longer than {self._seconds:g} s and was given up.") from None

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # seen here, so that work given up on does not complain

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
