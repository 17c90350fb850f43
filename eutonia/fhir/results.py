"""Results that cannot change an answer, told before they are read: most of what a record system sends with an order.

Of a measurement that features look at by its code, only the latest result counts; others count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from eutonia.features.results import NO_RESULT
from eutonia.fhir.bundle import Resource
from eutonia.fhir.elements import SYSTEMS, day_of
from eutonia.knowledge import Knowledge
from eutonia.knowledge.safety import ComputedFeature, MeasurementFeature

Place = tuple[str, Any]


class _Plain(NamedTuple):
    """A measurement as nearly all are written: a number under a LOINC code, of one day."""

    code: str
    day: str
    resource: Resource


def needed(
    places: Sequence[Place], of_patient: Callable[[Resource], bool], as_of: date, knowledge: Knowledge
) -> list[Place]:
    """The places in their order, without results that no feature of `knowledge` reads on the day `as_of`."""
    read, latest_read = _codes(knowledge)
    plain = {n: found for n, (_, resource) in enumerate(places) if (found := _plain(resource))}
    newest: dict[str, tuple[str, int]] = {}
    for n, each in plain.items():
        if each.code in latest_read and _counts(each, as_of) and of_patient(each.resource):
            newest[each.code] = max(newest.get(each.code, ("", 0)), (each.day, -n))

    def is_needed(n: int) -> bool:
        each = plain.get(n)
        if each is None or each.code in read:
            return True
        return each.code in latest_read and (each.day, -n) >= newest.get(each.code, ("", 0))

    return [place for n, place in enumerate(places) if is_needed(n)]


def _plain(resource: Any) -> _Plain | None:
    if not isinstance(resource, dict) or resource.get("resourceType") != "Observation":
        return None
    code, day, value = resource.get("code"), resource.get("effectiveDateTime"), resource.get("valueQuantity")
    if not (isinstance(code, dict) and isinstance(day, str) and isinstance(value, dict)):
        return None
    codings = code.get("coding")
    first = codings[0] if isinstance(codings, list) and codings else None
    if not isinstance(first, dict) or SYSTEMS.get(str(first.get("system"))) != "loinc":
        return None
    named = str(first.get("code") or "").strip()
    if not named or len(day) < 10 or "component" in resource or "focus" in resource:
        return None
    return _Plain(named, day[:10], resource)


def _counts(each: _Plain, as_of: date) -> bool:
    """Whether it is a result that is known at `as_of`, so that older ones need not be read."""
    day, status = day_of(each.day), each.resource.get("status", "")
    return (
        day is not None and day.first <= as_of
        and isinstance(status, str) and status not in NO_RESULT
        and type(each.resource["valueQuantity"].get("value")) in (int, float)
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
