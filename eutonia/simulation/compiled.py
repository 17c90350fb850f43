"""Where the compiled engine is kept, and whether it is there: without loading the compiler.

It lies in the user's cache, never in the package, which may be read-only; its folder is named after the source
that it is made from, and where that lies.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

SOURCES = ("adaptation", "kinetics", "layout", "rows", "steps", "lane_states", "lane_folds", "lanes")
"""Modules of this package that are compiled."""


@cache
def folder() -> Path:
    """Where the compiled engine of this very source is kept."""
    digest = hashlib.blake2b(digest_size=8)
    for name in SOURCES:
        source = Path(__file__).with_name(f"{name}.py")
        digest.update(source.read_bytes())
        digest.update(f"{source}{source.stat().st_mtime_ns}".encode())  # the compiler asks for these as well
    home = Path(os.environ.get("EUTONIA_CACHE") or user_cache_path("eutonia"))
    return home.with_name(f"{home.name}-compiled") / digest.hexdigest()


def ready() -> bool:
    """Whether it has been compiled before, so that nobody waits for it."""
    return any(folder().rglob("*.nbi"))


def announce() -> None:
    """Tell a person at a terminal why the first simulation of many patients takes so long."""
    if not ready() and sys.stderr.isatty():
        print("Compiling the simulation once for this machine: about a minute.", file=sys.stderr)


_at_hand: list[bool] = []


def keep_at_hand() -> None:
    """From now on, in this process, even one patient is simulated by the compiled engine: it has been loaded."""
    _at_hand.append(True)


def at_hand() -> bool:
    """Whether `keep_at_hand` was called: a service answers many, and loads it once."""
    return bool(_at_hand)
