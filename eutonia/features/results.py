"""Measurements: the latest result that can be used, in the unit that is wanted."""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from eutonia.dates import Span, within
from eutonia.features.chart import Chart
from eutonia.patient import Lab, Observation
from eutonia.units import UnitError, convert


@dataclass(frozen=True, slots=True)
class Result:
    """A measured value in the unit asked for, and how it was written."""

    value: float
    when: Span | None
    written: str
    reference_high: float | None = None

    def __str__(self) -> str:
        return self.written


class _Reading(NamedTuple):
    code: str | None
    name: str
    value: float | str | bool | None
    unit: str | None
    when: Span | None
    reference_high: float | None


def readings(chart: Chart, codes: Collection[str], names: Collection[str] = ()) -> list[_Reading]:
    """Results and observations under one of `codes` (or `names`, where uncoded), latest first, none of the future."""
    by_code, keys = measured(chart), _keys(tuple(codes), tuple(names))
    found = [each for key in by_code if key in keys for each in by_code[key]]
    return [_reading(each) for each in (sorted(found, key=_newest_first) if len(found) > 1 else found)]


@lru_cache(maxsize=1024)
def _keys(codes: tuple[str, ...], names: tuple[str, ...]) -> frozenset[str]:
    """Under what the results of these codes and names are kept."""
    return frozenset(codes).union(f"{UNCODED}{named(name)}" for name in names)


@lru_cache(maxsize=4096)
def named(text: str) -> str:
    """The name of a test or question as names are compared: its words, without marks and what goes without saying."""
    words = re.findall(r"[a-z0-9]+", text.casefold())
    return " ".join([word for word in words if word not in UNSAID] or words)


UNSAID = (
    "serum",
    "plasma",
    "blood",
    "level",
    "value",
    "result",
    "test",
    "measured",
    "current",
    "currently",
    "s",
    "p",
)


class _Entry(NamedTuple):
    """A result that counts, with its place in the record."""

    number: int
    entry: Lab | Observation
    value: float | str | bool


def _newest_first(each: _Entry) -> tuple[int, int]:
    when = each.entry.date
    return -(when.last if when else date.min).toordinal(), each.number


def _reading(each: _Entry) -> _Reading:
    entry, value = each.entry, each.value
    if isinstance(entry, Lab):
        return _Reading(entry.loinc, entry.name, value, entry.unit, entry.date, entry.reference_high)
    return _Reading(entry.code, entry.text, value, entry.unit, entry.date, None)


UNCODED = "name: "
"""How the key of a result begins that has no code."""

NO_RESULT = ("entered-in-error", "cancelled", "registered")
"""Statuses of what says nothing of the patient, or nothing yet."""


def measured(chart: Chart) -> dict[str, list[_Entry]]:
    """What is known at as_of, by code, or by name where uncoded."""
    if chart.results:
        return chart.results
    for number, (code, name, entry, value) in enumerate(_all(chart)):
        if value is not None and (entry.date is None or entry.date.first <= chart.as_of):
            key = code if code is not None else f"{UNCODED}{named(name)}"
            chart.results.setdefault(key, []).append(_Entry(number, entry, value))
    chart.results.setdefault("", [])  # also where there is nothing: it has been looked through
    return chart.results


def _all(chart: Chart) -> Iterator[tuple[str | None, str, Lab | Observation, float | str | bool | None]]:
    for lab in chart.case.labs or ():
        if lab.status not in NO_RESULT:
            yield lab.loinc, lab.name, lab, lab.value
    for o in chart.case.observations or ():
        if o.status not in NO_RESULT:
            yield o.code, o.text, o, o.value
            if o.value_code and o.value_code != o.value:
                yield o.code, o.text, o, o.value_code


def latest(
    chart: Chart,
    feature: str,
    codes: Collection[str],
    unit: str,
    plausible: tuple[float, float],
    *,
    days: float | None = None,
    names: Collection[str] = (),
    molar_mass: float | None = None,
    valence: int = 1,
    title: str = "",
) -> Result | None:
    """The latest result in `unit`, or None: none there, too old, or its unit missing or wrong.

    A suspect or stale result is noted on the chart; an older one is never taken in its place.
    """
    found = readings(chart, codes, names)
    if not found:
        return None
    reading = found[0]
    number, bound, inside = number_in(reading.value)
    written = f"{title or reading.name} {_in_words(reading.value)}" + (
        "" if inside and not reading.unit else f" {_in_words(reading.unit or '(no unit)')}"
    )
    written += f" ({reading.when})" if reading.when else ""
    if number is None:
        chart.suspect[feature] = f"{written}: not a number"
        return None
    try:
        spellings = chart.knowledge.units["spellings"].spellings
        value = convert(
            number, reading.unit or inside, unit, spellings=spellings, molar_mass=molar_mass, valence=valence
        )
    except UnitError as error:
        chart.suspect[feature] = f"{written}: {error}"
        return None
    if not plausible[0] <= value <= plausible[1]:
        chart.suspect[feature] = f"{written}: cannot be right in this unit"
        return None
    if days is not None and within(reading.when, days, chart.as_of) is False:
        chart.stale[feature] = written
        return None
    value = math.nextafter(value, math.inf * bound) if bound else value
    return Result(value, reading.when, written, reading.reference_high)


def _in_words(value: object) -> str:
    """A value or unit for reading: whole numbers without a point, UCUM's remarks without their braces."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    text = str(value)
    return re.sub(r"\{([^}]*)\}", lambda m: m[1].replace("_", " "), text) if "{" in text else text


def number_in(value: object) -> tuple[float | None, int, str | None]:
    """The number in a result, the side on which a `<` or `>` leaves it open, and the unit that is written with it."""
    if isinstance(value, bool) or value is None:
        return None, 0, None
    if isinstance(value, int | float):
        return float(value), 0, None
    match = re.fullmatch(r"\s*([<>]?)=?\s*(\d+(?:[.,]\d+)?)\s*([^\d\s].*?)?\s*", str(value))
    if not match:
        return None, 0, None
    return float(match[2].replace(",", ".")), {"<": -1, ">": 1, "": 0}[match[1]], match[3]
