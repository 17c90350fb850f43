"""What an opened record holds, in a few lines: so that its reader sees that it is the right patient, read rightly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from eutonia.dosing.ordered import as_ordered
from eutonia.features.chart import Chart
from eutonia.patient_summary import illnesses, untagged, who


class Opened(NamedTuple):
    """A record in lines; a list is None where the record does not tell."""

    who: str
    as_of: date
    taken: Sequence[str] | None
    conditions: Sequence[str] | None
    """Those that rules know."""
    others: Sequence[str]
    """Conditions that no rule speaks of."""
    allergies: Sequence[str] | None


def opened(chart: Chart) -> Opened:
    """The record as it is judged, with what the form added."""
    case = chart.case
    known, others = illnesses(chart)
    allergies = [f"{a.substance}{f': {a.reaction}' if a.reaction else ''}" for a in case.allergies or ()]
    return Opened(
        who(chart),
        case.as_of,
        _told((as_ordered(entry) for entry, _ in chart.used), chart.list_known),
        _told((untagged(str(each)) for each in known), chart.conditions_known),
        others,
        _told(allergies, bool(case.no_known_allergies) or case.allergies is not None),
    )


def _told(lines: Iterable[str], known: bool) -> Sequence[str] | None:
    found = list(dict.fromkeys(lines))
    return found if found or known else None
