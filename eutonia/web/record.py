"""What an opened record holds, in a few lines: so that its reader sees that it is the right patient, read rightly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from eutonia.dosing.ordered import as_ordered
from eutonia.features.chart import Chart

TAGS = re.compile(r" \((?:disorder|finding|situation|person|procedure|event)\)")
"""What SNOMED CT adds to a name to say of what kind it is."""


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
    of_the_list = set(map(id, case.conditions or ()))
    active = [each for each in chart.diagnoses if each.active and id(each.condition) in of_the_list]
    known = [TAGS.sub("", str(each)) for each in active if each.value_sets]
    others = [
        TAGS.sub("", each.condition.text) for each in active if not each.value_sets and each.condition.text
    ]
    allergies = [f"{a.substance}{f': {a.reaction}' if a.reaction else ''}" for a in case.allergies or ()]
    return Opened(
        _who(chart),
        case.as_of,
        _told((as_ordered(entry) or f"RxNorm {entry.rxcui}" for entry, _ in chart.used), chart.list_known),
        _told(known, chart.conditions_known),
        list(dict.fromkeys(others)),
        _told(allergies, bool(case.no_known_allergies) or case.allergies is not None),
    )


def _told(lines: Iterable[str], known: bool) -> Sequence[str] | None:
    found = list(dict.fromkeys(lines))
    return found if found or known else None


def _who(chart: Chart) -> str:
    patient = chart.case.patient
    age, weight = chart.known("age"), chart.known("weight_kg")
    told = [
        patient.sex if patient.sex in ("female", "male") else None,
        f"{age:.0f} years" if isinstance(age, int | float) else None,
        f"{weight:.0f} kg" if isinstance(weight, int | float) else None,
    ]
    return ", ".join(each for each in told if each) or "age and sex not told"
