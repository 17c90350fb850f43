"""Results that cannot change an answer, told before they are read: most of what a record system sends with an order.

Of a measurement that features look at by its code, only the latest result counts; others count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from math import isfinite
from typing import Any

from eutonia.features.results import NO_RESULT
from eutonia.fhir.bundle import Resource
from eutonia.fhir.elements import SYSTEMS, day_of
from eutonia.knowledge import Knowledge
from eutonia.knowledge.safety import ComputedFeature, MeasurementFeature

Place = tuple[str, Any]


def needed(
    places: Sequence[Place], of_patient: Callable[[Resource], bool], as_of: date, knowledge: Knowledge
) -> list[Place]:
    """The places in their order, without results that no feature of `knowledge` reads on the day `as_of`."""
    read, latest_read = _codes(knowledge)
    unneeded: set[int] = set()
    by_code: dict[str, list[tuple[str, int]]] = {}
    for n, (_, resource) in enumerate(places):
        code = _measured(resource)
        if code in latest_read:
            by_code.setdefault(code, []).append((resource["effectiveDateTime"][:10], -n))
        elif code and code not in read:
            unneeded.add(n)
    for found in by_code.values():
        counting = [each for each in found if _counts(places[-each[1]][1], of_patient, as_of)]
        newest = max(counting, default=("", 0))
        unneeded.update(-each[1] for each in found if each < newest)
    return [place for n, place in enumerate(places) if n not in unneeded]


def _measured(resource: Any) -> str:
    """The LOINC code of a measurement as nearly all are written: a number of one day; empty for anything else."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Observation":
        return ""
    code, day = resource.get("code"), resource.get("effectiveDateTime")
    codings = code.get("coding") if isinstance(code, dict) else None
    first = codings[0] if isinstance(codings, list) and codings else None
    if not isinstance(first, dict) or not isinstance(day, str) or len(day) < 10:
        return ""
    plain = isinstance(resource.get("valueQuantity"), dict) and "component" not in resource
    if not plain or "focus" in resource or SYSTEMS.get(str(first.get("system"))) != "loinc":
        return ""
    return str(first.get("code") or "").strip()


def _counts(resource: Resource, of_patient: Callable[[Resource], bool], as_of: date) -> bool:
    """Whether it is a result of the patient that is known at `as_of`, so that older ones need not be read."""
    day, status = day_of(resource["effectiveDateTime"]), resource.get("status", "")
    number = resource["valueQuantity"].get("value")
    return (
        day is not None and day.first <= as_of
        and isinstance(status, str) and status not in NO_RESULT
        and type(number) in (int, float) and isfinite(number)
        and of_patient(resource)
    )  # fmt: skip


@cache
def _codes(knowledge: Knowledge) -> tuple[frozenset[str], frozenset[str]]:
    """Codes of which every result is read, and those of which the latest is."""
    features = knowledge.features.values()
    latest = {
        code for f in features if isinstance(f, MeasurementFeature | ComputedFeature) for code in f.loinc
    }
    computed = [f for f in features if isinstance(f, ComputedFeature)]
    every = {code for f in computed for group in f.codes.values() for code in group if code not in f.loinc}
    return frozenset(every), frozenset(latest - every)
