"""Has the compiled simulation at hand before somebody waits for it.

It is compiled once for each version and machine, which takes half a minute or more of a processor: by a process of
its own (`python -m eutonia.web.warming`) that gives way to the service. Each worker loads it when it is there; until
then it simulates with the slower engine, and refuses nothing.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from eutonia.knowledge import Knowledge, load
from eutonia.simulation import compiled

log = logging.getLogger("eutonia.web")

PATIENTS, HOURS = 300, 240.0
"""Enough for the engine to be compiled and loaded, and done in a moment once it is."""

LONGEST_WAIT = 900.0


def compile_beside() -> None:
    """Start to compile, unless that has been done, in a process that ends with this one. Nothing waits for it."""
    if not _done().exists():
        subprocess.Popen([sys.executable, "-m", "eutonia.web.warming"], stdin=subprocess.DEVNULL)


def load_when_compiled(knowledge: Knowledge) -> None:
    """Load the compiled engine into this process, in a thread, as soon as it is there."""
    threading.Thread(target=_load, args=(knowledge,), name="warming", daemon=True).start()


def _load(knowledge: Knowledge) -> None:
    end = time.monotonic() + LONGEST_WAIT
    while not _done().exists():
        if time.monotonic() > end:
            return
        time.sleep(1.0)
    try:
        _run(knowledge)
        compiled.keep_at_hand()
    except Exception as error:
        log.warning(
            "the compiled simulation cannot be loaded (%s): the slower one is used", type(error).__name__
        )


def _run(knowledge: Knowledge) -> None:
    """A plan of the lessons, in enough patients."""
    from eutonia.simulation import outcome

    lesson = next(iter(knowledge.section("lessons").values()))
    outcome(lesson.plan, patients=PATIENTS, until=HOURS, courses=False, knowledge=knowledge)


def _done() -> Path:
    """Stands beside the compiled engine once all of it is compiled."""
    return compiled.folder() / "all"


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def main() -> None:
    with suppress(OSError):  # where a sandbox forbids it, it compiles all the same
        os.nice(15)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _run(load())
    _done().touch()


if __name__ == "__main__":
    main()
