"""The value of a feature for one patient, with what in the record gave it."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar


class Value(NamedTuple):
    """`known` is true, false, a number, a word, or None for unknown; `evidence` says where it comes from."""

    known: bool | float | str | None
    evidence: str = ""


UNKNOWN = Value(None)
YES = Value(True)
NO = Value(False)


def rounded(value: float, digits: int) -> float:
    """Halves go up, by arithmetic that every engine carries out alike: a database must give the same number."""
    scale = 10.0**digits
    return math.floor(value * scale + 0.5) / scale


Way = TypeVar("Way", bound=Callable[..., Value])

BY_ITS_NAMES: set[Callable[..., Any]] = set()


def by_its_names(way: Way) -> Way:
    """Marks how a feature is worked out that looks at the drugs, conditions and results that its file names, and at
    nothing else of the patient: all who have none of them have the same answer (`unsaid.py`)."""
    BY_ITS_NAMES.add(way)
    return way
