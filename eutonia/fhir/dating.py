"""The day on which a record is taken as known: the bundle's own date, else that of its latest entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from eutonia.dates import Span
from eutonia.errors import InputError
from eutonia.fhir.elements import Note, day_of, part, when

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
    found = latest_entry(resource for _, resource in places)
    if found is None:
        raise InputError(
            "The record holds no date at all, so it is not known when it was true. Give the day with --as-of (as_of=)."
        )
    return found.first, f"The record is taken as known on {found.first}, the date of its latest entry."


def latest_entry(resources: Iterable[Any]) -> Span | None:
    """The latest of the dates on which resources happened or were written."""
    dates = set(_dates(resources))
    newest = day_of(max(dates, default=""))  # ISO dates sort as text, the month before its days
    return newest or max((day for text in dates if (day := day_of(text))), default=None)


def _dates(resources: Iterable[Any]) -> Iterator[str]:
    """When each resource happened or was written, as text."""
    for resource in resources:
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        for name in DATED.get(kind, ()) if isinstance(kind, str) else ():
            value = resource.get(name)
            if isinstance(value, dict):
                value = value.get("start")
            if isinstance(value, str) and value[:2] in ("19", "20"):
                yield value[:10]
