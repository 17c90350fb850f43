"""The value of a feature for one patient, with what in the record gave it."""

from typing import NamedTuple


class Value(NamedTuple):
    """`known` is true, false, a number, a word, or None for unknown; `evidence` says where it comes from."""

    known: bool | float | str | None
    evidence: str = ""


UNKNOWN = Value(None)
YES = Value(True)
NO = Value(False)
