"""Three-valued logic on single values: true, false, and None for unknown."""

from collections.abc import Iterable


def some(values: Iterable[bool | None]) -> bool | None:
    """True if one is true; false if all are false; otherwise unknown."""
    unknown = False
    for value in values:
        if value:
            return True
        unknown = unknown or value is None
    return None if unknown else False


def every(values: Iterable[bool | None]) -> bool | None:
    """False if one is false; true if all are true; otherwise unknown."""
    unknown = False
    for value in values:
        if value is False:
            return False
        unknown = unknown or value is None
    return None if unknown else True


def negate(value: bool | None) -> bool | None:
    return None if value is None else not value
