"""Cases → a table of features, one row per case; null where the record does not tell.

What each feature means, which codes it looks for and what absence means stands in its file under
knowledge/features/. Those of kind `computed` have a function of the same name here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import polars as pl

from eutonia.conditions import features_of, schema
from eutonia.features import dosing, kinds, organs, pain, person
from eutonia.features.chart import Chart
from eutonia.features.value import Value
from eutonia.knowledge import Knowledge
from eutonia.patient import Case

MODULES: Sequence[ModuleType] = (person, organs, dosing, pain)


class Features(NamedTuple):
    """The table (one row per case) and the charts behind its rows."""

    table: pl.DataFrame
    charts: Sequence[Chart]

    def evidence(self, row: int, feature: str) -> str:
        return self.charts[row].values[feature].evidence


def tabulate(cases: Iterable[Case], knowledge: Knowledge) -> Features:
    """Work out every feature of every case."""
    charts = charts_of(cases, knowledge)
    columns = schema(knowledge.features[name] for name in _of_the_record(knowledge))
    data = {name: [chart.values[name].known for chart in charts] for name in columns}
    return Features(pl.DataFrame(data, schema=columns, strict=False), charts)


def charts_of(cases: Iterable[Case], knowledge: Knowledge, like: Chart | None = None) -> list[Chart]:
    """The charts of cases, every feature of the record worked out; they differ from `like` by their plan alone."""
    charts = [Chart(case, knowledge) if like is None else like.with_plan(case) for case in cases]
    for chart in charts:
        for name in _of_the_record(knowledge):
            value_of(name, chart)
    return charts


@cache
def _of_the_record(knowledge: Knowledge) -> tuple[str, ...]:
    """Every feature that the record tells, those last that speak of what the others set aside."""
    names = schema(f for f in knowledge.features.values() if f.kind != "simulated")
    return tuple(sorted(names, key=lambda name: name in ("unit_suspect", "lab_stale")))


def row_of(chart: Chart) -> Mapping[str, bool | float | str | None]:
    """The features of a chart that were worked out, as a row."""
    return {name: value.known for name, value in chart.values.items()}


def value_of(name: str, chart: Chart) -> Value:
    """One feature of one case; worked out once."""
    if name not in chart.values:
        feature = chart.knowledge.features[name]
        chart.values[name] = _work_out(feature)(feature, chart)
    return chart.values[name]


BY_KIND: Mapping[str, Callable[[Any, Chart], Value]] = {
    "condition": kinds.condition,
    "measurement": kinds.measurement,
    "medication": kinds.medication,
    "together": kinds.together,
    "count": kinds.count,
    "allergy": kinds.allergy,
}


def _work_out(feature: Any) -> Callable[[Any, Chart], Value]:
    return BY_KIND[feature.kind] if feature.kind in BY_KIND else function_of(feature.id)


@cache
def function_of(name: str) -> Callable[[Any, Chart], Value]:
    """The function of a computed feature. Raises LookupError where none has its name."""
    for module in MODULES:
        if hasattr(module, name):
            found: Callable[[Any, Chart], Value] = getattr(module, name)
            return found
    raise LookupError(
        f"knowledge/features/{name}.yaml is computed, but no function in eutonia/features is called {name}."
    )


def subjects(feature: Any) -> tuple[tuple[str, ...], ...]:
    """The drugs, classes and therapies that a feature speaks of: one of each group."""
    if feature.kind == "together":
        return tuple(feature.all_of)
    named = getattr(feature, "any_of", ()) if feature.kind != "allergy" else ()
    return (named or getattr(feature, "about", ()),)


@cache
def needed_results(knowledge: Knowledge) -> Mapping[str, frozenset[str]]:
    """Drug, class or therapy → the measured features that rules about it ask for."""
    needed: dict[str, set[str]] = {}
    for rule in knowledge.rules.values():
        features = [knowledge.features[name] for name in features_of(rule)]
        measured = {f.id for f in features if getattr(f, "loinc", ())}
        for subject in (name for f in features for group in subjects(f) for name in group):
            needed.setdefault(subject, set()).update(measured)
    return {subject: frozenset(names) for subject, names in needed.items()}
