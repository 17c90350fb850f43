"""Cases → features, each with what in the record it rests on; None where the record does not tell.

What each feature means, which codes it looks for and what absence means stands in its file under
knowledge/features/. Those of kind `computed` have a function of the same name here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from eutonia.conditions import features_of
from eutonia.features import dosing, kinds, organs, pain, person
from eutonia.features.chart import Chart
from eutonia.features.taken import Taken
from eutonia.features.unsaid import take_over_unsaid
from eutonia.features.value import Value
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, PlanItem

MODULES: Sequence[ModuleType] = (person, organs, dosing, pain)


def chart_of(case: Case, knowledge: Knowledge) -> Chart:
    """A case with every feature worked out."""
    return complete(Chart(case, knowledge))


def complete(chart: Chart) -> Chart:
    """The chart with every feature worked out that was not yet."""
    take_over_unsaid(chart)
    for name in names(chart.knowledge):
        if name not in chart.values:
            value_of(name, chart)
    return chart


def with_plan(chart: Chart, plan: tuple[PlanItem, ...]) -> tuple[Chart, Collection[str]]:
    """A worked-out chart with another plan, and the features that were worked out anew.

    What names treatments that only orders to start bring or take away is kept where it names none of them: a feature
    that says what it is about looks at the plan for that alone.
    """
    other = chart.instead(plan)
    anew: set[str] = set(chart.values)
    changed = [*_missing_from(other.case.plan, chart), *_missing_from(chart.case.plan, other)]
    alike = other.unrecognised == chart.unrecognised
    if alike and all(t.action == "start" for t in changed):
        held = {name for t in changed for name in (t.treatment, *t.classes, *t.possible)}
        about = _about(chart.knowledge)
        anew = chart.leaning.union(about[""], *(about.get(name, ()) for name in held))
    anew -= chart.of_record
    if alike:
        anew -= chart.of_names
    other.forget(anew)
    for name in sorted(anew, key=LAST.__contains__):
        value_of(name, other)
    return other, anew


def _missing_from(plan: tuple[PlanItem, ...], chart: Chart) -> Iterator[Taken]:
    """What a chart plans that is not in `plan`."""
    return (taken for item, parts in chart.plan if not any(item is each for each in plan) for taken in parts)


@cache
def _about(knowledge: Knowledge) -> Mapping[str, frozenset[str]]:
    """Drug, class or therapy → the features that speak of it; under “” those that name nothing."""
    found: dict[str, set[str]] = {"": set()}
    for name in names(knowledge):
        named = [subject for group in subjects(knowledge.features[name]) for subject in group]
        for subject in named or [""]:
            found.setdefault(subject, set()).add(name)
    return {subject: frozenset(about) for subject, about in found.items()}


LAST = ("unit_suspect", "lab_stale")
"""Features that speak of what the others set aside."""


@cache
def names(knowledge: Knowledge) -> Sequence[str]:
    """Every feature of the record."""
    found = [f.id for f in knowledge.features.values() if f.kind not in ("simulated", "question")]
    return sorted(found, key=LAST.__contains__)


def value_of(name: str, chart: Chart) -> Value:
    """One feature of one case; worked out once, and noted where it does not depend on the plan."""
    found = chart.values.get(name)
    if found is None:
        feature, way = _ways(chart.knowledge)[name]
        before = chart.plan_asked, chart.names_asked, chart.leans
        chart.plan_asked = chart.names_asked = chart.leans = False
        found = chart.values[name] = way(feature, chart)
        if chart.plan_asked:
            if chart.leans:
                chart.leaning.add(name)
        elif chart.names_asked:
            chart.of_names.add(name)
        else:
            chart.of_record.add(name)
        chart.plan_asked, chart.names_asked, chart.leans = before
    if name in chart.of_names:
        chart.names_asked = True
    elif name not in chart.of_record:
        chart.plan_asked = chart.leans = True
    return found


BY_KIND: Mapping[str, Callable[[Any, Chart], Value]] = {
    "condition": kinds.condition,
    "measurement": kinds.measurement,
    "medication": kinds.medication,
    "together": kinds.together,
    "count": kinds.count,
    "allergy": kinds.allergy,
}


@cache
def _ways(knowledge: Knowledge) -> Mapping[str, tuple[Any, Callable[[Any, Chart], Value]]]:
    """Every feature, and what works it out."""
    return {name: (knowledge.features[name], way_of(knowledge.features[name])) for name in names(knowledge)}


def way_of(feature: Any) -> Callable[[Any, Chart], Value]:
    """What works a feature out."""
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
