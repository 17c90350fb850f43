"""What features say of a record that holds nothing of what they name.

Of all the drugs and diseases that features ask for, one patient has few. What a feature says where nothing that it
names is there is worked out once, for a patient without any, and taken over by every chart that does not hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from eutonia.features.chart import Chart
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, Medication


def take_over_unsaid(chart: Chart) -> None:
    """Fill in the features of which the chart holds nothing that they name."""
    unread = len(chart.unrecognised) if chart.list_known else None
    empty = _empty(chart.knowledge, unread, chart.conditions_known)
    held = chart.named.union(chart.denied, *(d.value_sets for d in chart.diagnoses))
    naming = _naming(chart.knowledge)
    unsaid = empty.values.keys() - chain.from_iterable(naming.get(name, ()) for name in held)
    chart.take_over(empty, unsaid)
    chart.of_record |= empty.of_record & unsaid


@lru_cache(maxsize=64)
def _empty(knowledge: Knowledge, unread: int | None, conditions_known: bool) -> Chart:
    """A patient without any drug or condition but `unread` medicines that are not understood (None: the list is not
    complete), with the features that would name them."""
    from eutonia.features import value_of

    medications = None if unread is None else tuple(Medication(text=f"? {n}") for n in range(unread))
    conditions = () if conditions_known else None
    chart = Chart(Case(as_of=SOME_DAY, medications=medications, conditions=conditions), knowledge)
    for name in sorted(set(chain.from_iterable(_naming(knowledge).values()))):
        value_of(name, chart)
    return chart


SOME_DAY = date(2000, 1, 1)


@cache
def _naming(knowledge: Knowledge) -> Mapping[str, frozenset[str]]:
    """Drug, class, therapy or value set → the features that name it, of those that look at nothing else."""
    found: dict[str, set[str]] = {}
    for feature in knowledge.features.values():
        for name in _named_by(feature):
            found.setdefault(name, set()).add(feature.id)
    return {name: frozenset(features) for name, features in found.items()}


def _named_by(feature: Any) -> Iterable[str]:
    """All that a feature looks for, where that is drugs, classes and therapies, or one kind of condition, alone."""
    if feature.kind == "condition":
        return tuple(feature.value_sets)
    if feature.kind == "together":
        return chain.from_iterable(feature.all_of)
    if feature.kind in ("medication", "count"):
        return tuple(feature.any_of)
    if feature.kind == "computed" and feature.about and not feature.value_sets and not feature.loinc:
        return (*feature.about, *chain.from_iterable(feature.codes.values()))
    return ()
