"""The small parts of FHIR resources, read leniently: what has the wrong shape is noted and left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from eutonia.dates import Span, span

Note = Callable[[str], None]
"""Says that something in the resource being read is odd."""

SYSTEMS: Mapping[str, str] = {
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10",
    "urn:oid:2.16.840.1.113883.6.90": "icd10",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-us": "icd10",
    "http://fhir.de/codesystem/bfarm/icd-10-gm": "icd10",
    "http://loinc.org": "loinc",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "http://www.whocc.no/atc": "atc",
    "http://fhir.de/codesystem/bfarm/atc": "atc",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
}
"""Addresses of code systems, in small letters → the name used here. The national ICD-10s share the letters that value
sets look at."""


def part(resource: Mapping[str, Any], name: str, note: Note) -> dict[str, Any]:
    """An element that is an object; empty where it is missing or something else."""
    value = resource.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    note(f"{name} is {_kind(value)}, not an object")
    return {}


def parts(resource: Mapping[str, Any], name: str, note: Note) -> list[dict[str, Any]]:
    """A list of objects; a single object counts as a list of one."""
    value = resource.get(name)
    if value is None:
        return []
    if isinstance(value, dict):
        note(f"{name} is one object, not a list")
        return [value]
    if not isinstance(value, list):
        note(f"{name} is {_kind(value)}, not a list")
        return []
    found = [each for each in value if isinstance(each, dict)]
    if len(found) < len(value):
        note(f"{name} holds something that is not an object")
    return found


def word(resource: Mapping[str, Any], name: str, note: Note) -> str:
    """A text or code; empty where there is none."""
    value = resource.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    note(f"{name} is {_kind(value)}, not text")
    return ""


def truth(resource: Mapping[str, Any], name: str, note: Note) -> bool | None:
    value = resource.get(name)
    if value is None or isinstance(value, bool):
        return value
    note(f"{name} is {_kind(value)}, not true or false")
    return None


def amount(resource: Mapping[str, Any], name: str, note: Note) -> float | None:
    """A number; digits written as text count too."""
    value = resource.get(name)
    if value is None:
        return None
    if type(value) in (int, float) and isfinite(value):
        return float(value)
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        number = None
    note(f"{name} is {_kind(value)}, not a number")
    return number if number is not None and isfinite(number) else None


def _kind(value: Any) -> str:
    kinds = {
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "something else")


def when(resource: Mapping[str, Any], name: str, note: Note) -> Span | None:
    """A date, dateTime or instant, to the day, month or year."""
    value = word(resource, name, note)
    if not value:
        return None
    found = day_of(value)
    if found is None:
        note(f"{name} “{value[:30]}” is no date")
    return found


def day_of(value: str) -> Span | None:
    """The day, month or year of a date, dateTime or instant; None where it is none."""
    return _span(value[:10])


@lru_cache(maxsize=20_000)
def _span(text: str) -> Span | None:
    try:
        return span(text)
    except ValueError:
        return None


def period(resource: Mapping[str, Any], name: str, note: Note) -> tuple[Span | None, Span | None]:
    """First and last day of a Period."""
    if name not in resource:
        return None, None
    value = part(resource, name, note)
    return when(value, "start", note), when(value, "end", note)


class Concept(NamedTuple):
    """A CodeableConcept: its words, and its codes by code system."""

    text: str
    codes: tuple[tuple[str, str], ...]
    """(system, code) in the order given; a system unknown here keeps its address."""

    def code(self, system: str) -> str | None:
        """The first code of `system`."""
        for name, code in self.codes:
            if name == system:
                return code
        return None

    def all(self, system: str) -> list[str]:
        return [code for name, code in self.codes if name == system]

    def __bool__(self) -> bool:
        return bool(self.text or self.codes)


NOTHING = Concept("", ())


def concept(resource: Mapping[str, Any], name: str, note: Note) -> Concept:
    """A CodeableConcept; a bare Coding is taken for one."""
    value = resource.get(name)
    if value is None:
        return NOTHING
    return as_concept(part(resource, name, note), note)


def as_concept(value: Mapping[str, Any], note: Note) -> Concept:
    codings = parts(value, "coding", note) if "coding" in value else [dict(value)] if "code" in value else []
    codes, shown = [], ""
    for coding in codings:
        system, code = coding.get("system"), coding.get("code")
        if (
            type(system) is not str or type(code) is not str
        ):  # seldom: the plain way is half the time of a bundle
            system, code = word(coding, "system", note), word(coding, "code", note)
        if code:
            codes.append((SYSTEMS.get(system) or _system(system), code.strip()))
        if not shown and "display" in coding:
            shown = word(coding, "display", note)
    return Concept((word(value, "text", note) if "text" in value else "") or shown, tuple(codes))


@lru_cache(maxsize=2000)
def _system(address: str) -> str:
    """A code system whose address is not written as it should be (https, a slash at its end, capitals)."""
    plain = address.strip().rstrip("/").casefold().replace("https://", "http://", 1)
    return SYSTEMS.get(plain, address)


def written(found: Concept) -> str:
    """The codes of a concept as they are written, for a message: `icd-9-cm 277.1`."""
    return ", ".join(
        f"{system.rstrip('/').rpartition('/')[2]} {code}".strip() for system, code in found.codes
    )


def concepts(resource: Mapping[str, Any], name: str, note: Note) -> list[Concept]:
    return [as_concept(each, note) for each in parts(resource, name, note)]


def status_code(resource: Mapping[str, Any], name: str, note: Note) -> str | None:
    """The code of a status that is a CodeableConcept, `clinicalStatus`."""
    found = concept(resource, name, note)
    return (found.codes[0][1] if found.codes else found.text).casefold() or None


def status_word(resource: Mapping[str, Any], note: Note) -> str:
    """A status that is a code, in small letters: some systems write `Active`."""
    return word(resource, "status", note).casefold()


class Quantity(NamedTuple):
    """A number with its unit."""

    value: float
    unit: str | None
    comparator: str = ""

    @property
    def written(self) -> float | str:
        """The number, or with its `<` or `>` as text."""
        return f"{self.comparator}{self.value:g}" if self.comparator else self.value


def quantity(resource: Mapping[str, Any], name: str, note: Note) -> Quantity | None:
    """A Quantity; the UCUM code of its unit is preferred to the unit as shown."""
    if name not in resource:
        return None
    value = part(resource, name, note)
    number = amount(value, "value", note)
    if number is None:
        return None
    unit = (word(value, "code", note) if "code" in value else "") or word(value, "unit", note)
    return Quantity(number, unit or None, word(value, "comparator", note) if "comparator" in value else "")


def days(resource: Mapping[str, Any], name: str, note: Note) -> float | None:
    """A Duration in days."""
    length = quantity(resource, name, note)
    if length is None:
        return None
    per = DAYS_PER.get((length.unit or "d").casefold().rstrip("s"))
    if per is None:
        note(f"{name} is in “{length.unit}”, which is no unit of time")
        return None
    return length.value * per


DAYS_PER: Mapping[str, float] = {
    "": 1 / 86400, "s": 1 / 86400, "sec": 1 / 86400, "second": 1 / 86400, "min": 1 / 1440, "minute": 1 / 1440,
    "h": 1 / 24, "hr": 1 / 24, "hour": 1 / 24, "d": 1.0, "day": 1.0, "wk": 7.0, "week": 7.0, "mo": 30.0, "month": 30.0,
    "a": 365.0, "y": 365.0, "yr": 365.0, "year": 365.0,
}  # fmt: skip
"""Days in a unit of time, without its plural s (so that the second, `s`, is left with nothing)."""
