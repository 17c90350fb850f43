"""The day on which a record is taken as known: the bundle's own date, else that of its latest entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from eutonia.dates import Span
from eutonia.errors import InputError
from eutonia.fhir.elements import Note, part, when

DATED = {
    "Encounter": ("period",),
    "Condition": ("recordedDate", "onsetDateTime"),
    "Observation": ("effectiveDateTime", "issued"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("dateAsserted", "effectiveDateTime"),
    "MedicationDispense": ("whenHandedOver",),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod"),
    "AllergyIntolerance": ("recordedDate",),
}
"""Where each resource says when it happened or was written; periods count by their start."""


def date_of_record(about: Mapping[str, Any], places: Iterable[tuple[str, Any]]) -> tuple[date, str]:
    """The day the record is taken as known: the bundle's own date, else its latest dated event. Never today."""
    quiet: Note = lambda _: None  # noqa: E731
    stamped = when(about, "timestamp", quiet) or when(part(about, "meta", quiet), "lastUpdated", quiet)
    if stamped:
        return stamped.last, f"The record is taken as known on {stamped.last}, the date of the bundle."
    newest = max(_dates(places), default="")  # ISO dates sort as text, the month before its days
    found = when({"date": newest}, "date", quiet) or _latest(places)
    if found is None:
        raise InputError(
            "The record holds no date at all, so it is not known when it was true. Give the day with --as-of (as_of=)."
        )
    return found.first, f"The record is taken as known on {found.first}, the date of its latest entry."


def _dates(places: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """When each resource happened or was written, as text."""
    for _, resource in places:
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        for name in DATED.get(kind, ()) if isinstance(kind, str) else ():
            value = resource.get(name)
            if isinstance(value, dict):
                value = value.get("start")
            if isinstance(value, str) and value[:2] in ("19", "20"):
                yield value[:10]


def _latest(places: Iterable[tuple[str, Any]]) -> Span | None:
    """The latest of the dates that are dates, where the last in order of text is none."""
    found = [d for text in _dates(places) if (d := when({"date": text}, "date", lambda _: None))]
    return max(found, default=None)
