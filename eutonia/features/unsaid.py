"""What features say of a record that holds nothing of what they name.

Of all the drugs, diseases and results that features ask for, one patient has few. What a feature says where nothing
that it names is there is worked out once, for a patient without any, and taken over by every chart that holds none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from eutonia.features.chart import Chart
from eutonia.features.results import UNCODED, measured
from eutonia.features.value import BY_ITS_NAMES
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, Medication


def take_over_unsaid(chart: Chart) -> None:
    """Fill in the features of which the chart holds nothing that they name."""
    unread = len(chart.unrecognised) if chart.list_known else None
    empty = _empty(chart.knowledge, unread, chart.conditions_known)
    naming = _naming(chart.knowledge)
    unsaid = empty.values.keys() - chain.from_iterable(naming.get(name, ()) for name in _held(chart))
    chart.values.update({name: empty.values[name] for name in unsaid})
    chart.of_record |= empty.of_record & unsaid
    chart.of_names |= empty.of_names & unsaid


DENIED = "a denial"
"""Stands for anything that is denied, as `UNCODED` for any result without a code: those are not told apart."""


def _held(chart: Chart) -> set[str]:
    """All that features may name and the chart holds: treatments and classes, value sets, codes of results."""
    codes = {UNCODED if key.startswith(UNCODED) else key for key in measured(chart)}
    return codes.union(
        chart.named, chart.denied, [DENIED] if chart.denied else (), *(d.value_sets for d in chart.diagnoses)
    )


@lru_cache(maxsize=64)
def _empty(knowledge: Knowledge, unread: int | None, conditions_known: bool) -> Chart:
    """A patient of whom nothing is known but `unread` medicines that are not understood (None: the list is not
    complete), with the features whose names would have to be there to say anything else."""
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
    """Drug, class, therapy, value set or code of a result → the features that name it, of those that look at nothing
    but what they name."""
    from eutonia.features import names, way_of

    found: dict[str, set[str]] = {}
    for feature in map(knowledge.features.__getitem__, names(knowledge)):
        for name in _named_by(feature, way_of(feature)):
            found.setdefault(name, set()).add(feature.id)
    return {name: frozenset(features) for name, features in found.items()}


def _named_by(feature: Any, way: Any) -> Iterator[str]:
    if way not in BY_ITS_NAMES and not getattr(feature, "about", ()):
        return
    for part in ("any_of", "about", "value_sets", "loinc"):
        yield from getattr(feature, part, ())
    yield from chain.from_iterable(getattr(feature, "all_of", ()))
    codes = getattr(feature, "codes", {})
    yield from chain.from_iterable(codes.values())
    if codes or getattr(feature, "loinc", ()):
        yield UNCODED
    if getattr(feature, "value_sets", ()):
        yield DENIED
