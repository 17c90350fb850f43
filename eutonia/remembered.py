"""Results that follow from the knowledge alone, worked out once and kept beside its cached copy.

A result is kept under a name made from the version of the knowledge and the code that works it out, so that it is
exact or not found. A cache that cannot be written is no loss: then it is worked out anew.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from eutonia.knowledge import Knowledge
from eutonia.knowledge.load import cache_folder, is_ours

T = TypeVar("T")

ROOT = Path(__file__).parent


def remembered(name: str, knowledge: Knowledge, code: Sequence[str], work_out: Callable[[], T]) -> T:
    """What `work_out` gives, kept between runs. `code` are the folders and files below eutonia/ that it runs."""
    place = cache_folder() / "results" / f"{name}-{_digest(knowledge.version, tuple(code))}.pickle"
    with suppress(OSError, EOFError, pickle.UnpicklingError):
        if is_ours(place):
            found: T = pickle.loads(place.read_bytes())
            return found
    made = work_out()
    with suppress(OSError):
        place.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        draft = place.with_name(f"{place.name}.{os.getpid()}")
        draft.write_bytes(pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
        draft.chmod(0o600)
        draft.replace(place)
    return made


@cache
def _digest(version: str, code: tuple[str, ...]) -> str:
    digest = hashlib.blake2b(version.encode(), digest_size=10)
    for part in code:
        for file in sorted((ROOT / part).rglob("*.py")) if (ROOT / part).is_dir() else [ROOT / part]:
            digest.update(file.read_bytes())
    return digest.hexdigest()
