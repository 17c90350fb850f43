"""Work in threads: it ends where nobody waits for it any more, and what is stored is stored all the same."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from eutonia.web.problems import Refusal
from eutonia.web.work import CLIENT_GONE, Abandoned, Workers, connection, go_on


class Endless:
    """Work of many parts, that notes how it was stopped."""

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        try:
            while True:
                go_on()
                time.sleep(0.001)
        except Exception:  # as some work does
            raise AssertionError("it must not be mistaken for an error of its own") from None
        except Abandoned:
            self.stopped.set()
            raise


def run(scene: Callable[[Workers], Awaitable[Any]], seconds: float = 5.0, at_once: int = 1) -> Any:
    async def played() -> Any:
        workers = Workers(at_once, 1, seconds)
        try:
            return await scene(workers)
        finally:
            workers.close()

    return asyncio.run(played())


def test_what_takes_too_long_is_stopped_and_its_thread_is_free_again() -> None:
    work = Endless()

    async def scene(workers: Workers) -> int:
        with pytest.raises(Refusal) as refused:
            await workers.run(work)
        assert refused.value.status == 503
        assert work.stopped.wait(5)
        return await workers.run(lambda: 7)

    assert run(scene, seconds=0.3) == 7


def test_what_a_client_no_longer_waits_for_is_stopped() -> None:
    work = Endless()

    async def scene(workers: Workers) -> int:
        hung_up = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await hung_up.wait()
            return {"type": "http.disconnect"}

        connection.set(receive)  # type: ignore[arg-type]
        asked = asyncio.create_task(workers.run(work))
        await asyncio.sleep(0.4)
        assert not work.stopped.is_set()
        hung_up.set()
        with pytest.raises(Refusal) as refused:
            await asked
        assert work.stopped.wait(5)
        return refused.value.status

    assert run(scene, seconds=60) == CLIENT_GONE


def test_what_waits_for_a_thread_is_not_begun_once_nobody_wants_it() -> None:
    first, begun = Endless(), []

    async def scene(workers: Workers) -> None:
        asked = asyncio.create_task(workers.run(first))
        await asyncio.to_thread(first.begun.wait)
        waiting = asyncio.create_task(workers.run(begun.append, 1))
        await asyncio.sleep(0.05)
        with pytest.raises(Refusal, match="busy"):
            await workers.run(begun.append, 2)
        waiting.cancel()
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, waiting, return_exceptions=True)
        assert first.stopped.wait(5)
        await workers.run(lambda: None)

    run(scene, seconds=60)
    assert begun == []


def test_what_is_stored_is_finished_although_the_client_is_gone() -> None:
    done = threading.Event()

    def store() -> None:
        time.sleep(0.2)
        done.set()

    async def scene(workers: Workers) -> None:
        asked = asyncio.create_task(workers.finish(store))
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    run(scene)
    assert done.is_set()


def test_giving_up_late_or_early_never_reaches_the_next_work() -> None:
    """Work that ends at about the moment at which it is given up, again and again."""

    async def scene(workers: Workers) -> int:
        right = 0
        for n in range(300):
            asked = asyncio.create_task(workers.run(time.sleep, 0.001))
            await asyncio.sleep(0.0005 + (n % 10) * 0.0001)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            right += await workers.run(lambda: sum(1 for _ in range(200)) == 200)
        return right

    assert run(scene) == 300
