"""Dates as records write them: to the day, the month or the year.

A date known to the month is the span of its days, and a comparison with it may be unknown.
"""

from calendar import monthrange
from datetime import date, datetime
from typing import NamedTuple

from eutonia.errors import InputError


class Span(NamedTuple):
    """The first and last day a thing may have happened on."""

    first: date
    last: date

    def __str__(self) -> str:
        if self.first == self.last:
            return self.first.isoformat()
        if (self.first.month, self.last.month) == (1, 12):
            return f"{self.first.year}"
        return f"{self.first.year}-{self.first.month:02d}"


def span(value: str | date) -> Span:
    """Read `2026`, `2026-02`, `2026-02-14` or a date with a time.

    Raises ValueError on anything else.
    """
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return Span(value, value)
    text = value.strip()
    if len(text) == 4:
        return Span(date(int(text), 1, 1), date(int(text), 12, 31))
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        return Span(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    day = date.fromisoformat(text[:10])
    return Span(day, day)


def days_ago(when: Span | None, as_of: date) -> tuple[int, int] | None:
    """Fewest and most days between `when` and `as_of`; negative for the future."""
    if when is None:
        return None
    return (as_of - when.last).days, (as_of - when.first).days


def within(when: Span | None, days: float, as_of: date) -> bool | None:
    """Whether `when` lies at most `days` before `as_of`; None where that cannot be told."""
    ago = days_ago(when, as_of)
    if ago is None:
        return None
    if ago[1] <= days:
        return True
    return False if ago[0] > days else None


def as_day(value: date | str | None, name: str) -> date | None:
    """A day as an argument gives it. Raises InputError, which names the argument, where it is none."""
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError(f"{name} “{value}” is not a date. Write it like 2026-03-01.") from None
