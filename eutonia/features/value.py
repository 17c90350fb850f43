"""The value of a feature for one patient, with what in the record gave it."""

import math
from typing import NamedTuple


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
