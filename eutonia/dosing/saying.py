"""What a phrase of a prescription says, once it is matched: amounts, intervals, hours, lengths."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from eutonia.dosing.words import DAYS, NAME_OF

Says = Callable[[re.Match[str]], Any]
CLOCK = (
    r"(?:\d{1,2}:\d{2}\s*(?:[ap]\.?m\.?)?|\d{1,2}\.\d{2}\s*[ap]\.?m\.?"
    r"|\d{1,2}\s*[ap]\.?m\.?|\d{4}\s*h(?:rs|ours)?)"
)
"""A time of the clock."""


def amount(m: re.Match[str]) -> tuple[float, float]:
    """An amount or a range; `350 - 1.5 tablets` is none, for nobody may take one or the other."""
    low, high = pair(m)
    if low and high > 10 * low:
        raise ValueError(m[0])
    return low, high


def length(m: re.Match[str]) -> float:
    """Days in a length, the upper end of a range; none in no time."""
    days = pair(m)[1] * days_in(m[3])
    if not days:
        raise ValueError(m[0])
    return days


def fixed(value: Any) -> Says:
    return lambda _: value


def pair(m: re.Match[str], first: int = 1) -> tuple[float, float]:
    """Lower and upper end; equal where one number is written."""
    low = float(m[first])
    high = float(m[first + 1]) if m[first + 1] else low
    return (low, high) if low <= high else (high, low)


def days_in(word: str) -> float:
    """Days in one `word`: day, night, week, month, 24 hours."""
    return 1.0 if word.startswith("24") else DAYS[word[0].casefold()]


def _hours(word: str) -> float:
    word = word.casefold()
    return 1 / 60 if word.startswith("mi") else 24 * DAYS[word[0]]


def often(m: re.Match[str]) -> tuple[float, float]:
    low, high = pair(m)
    if not high:
        raise ValueError(m[0])
    return low / days_in(m[3]), high / days_in(m[3])


def every(m: re.Match[str]) -> tuple[float, float]:
    """Shortest and longest interval, in hours."""
    low, high = pair(m)
    return low * _hours(m[3]), high * _hours(m[3])


def time_of_day(text: str) -> str:
    """`8 am`, `20:00`, `0800 h` as `08:00`; empty where there is no such time."""
    digits = re.sub(r"\D", "", text)
    hour, minute = (int(digits), 0) if len(digits) < 3 else (int(digits[:-2]), int(digits[-2:]))
    half = re.search(r"[ap](?=\.?m)", text, re.IGNORECASE)
    if half:
        hour = hour % 12 + (12 if half[0].casefold() == "p" else 0)
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else ""


def clocks(m: re.Match[str]) -> tuple[str, ...]:
    return tuple(sorted({time_of_day(t) for t in re.findall(CLOCK, m[0], re.IGNORECASE)}))


def limit(m: re.Match[str]) -> tuple[float, str, float]:
    """How much, of what, in how many days; `max 3 weeks` is a length."""
    unit = (m[2] or "").casefold()
    if not unit and re.search(rf"{m[1]}\s*(?!daily|nightly|weekly|monthly)[a-z]+$", m[0], re.IGNORECASE):
        raise ValueError(m[0])
    return float(m[1]), NAME_OF.get(unit, "times"), days_in(m[3])


def strengths(m: re.Match[str]) -> str:
    """The strengths of a combination, `5/325 mg`, `5-325 mg`; a dose range, `350-700 mg`, is none."""
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", m[0])]
    if "-" in m[0] and len(numbers) == 2 and numbers[1] < 8 * numbers[0]:
        raise ValueError(m[0])
    return m[0]
