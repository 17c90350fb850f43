"""The patient in a line: what the answer rests on, so that its reader sees that it is the right one, read rightly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from eutonia.features.chart import Chart
from eutonia.features.diagnosis import Diagnosis
from eutonia.formulary import OUTSIDE, UNNAMED
from eutonia.knowledge import Knowledge
from eutonia.simulated_case import facts_of

TAGS = re.compile(r" \((?:disorder|finding|situation|person|procedure|event)\)")
"""What SNOMED CT adds to a name to say of what kind it is."""


def in_a_line(chart: Chart) -> str:
    """Who it is, what is taken, which illnesses rules know, allergies. What is not known is said to be unknown."""
    case = chart.case
    none = (
        "no known allergies"
        if case.no_known_allergies or case.allergies is not None
        else "allergies not known"
    )
    return "; ".join(
        [
            who(chart),
            _listed("takes", _taken(chart))
            or ("takes nothing" if chart.list_known else "medicines not known"),
            _has(chart),
            _listed("allergic to", (allergy.substance for allergy in case.allergies or ())) or none,
        ]
    )


def who(chart: Chart) -> str:
    """Sex, age, and what else the simulation takes of the patient, as far as it is known."""
    facts = facts_of(chart)
    age = [] if "age" in facts else ["age not known"]
    return ", ".join([facts.get("sex", "sex not known"), *age, *_said(facts, chart.knowledge)])


def illnesses(chart: Chart) -> tuple[Sequence[Diagnosis], Sequence[str]]:
    """Those of the list of conditions that rules know, and the names of the others."""
    of_the_list = set(map(id, chart.case.conditions or ()))
    active = [each for each in chart.diagnoses if each.active and id(each.condition) in of_the_list]
    others = (untagged(each.condition.text) for each in active if not each.value_sets and each.condition.text)
    return [each for each in active if each.value_sets], list(dict.fromkeys(others))


def untagged(name: str) -> str:
    return TAGS.sub("", name)


def _said(facts: Mapping[str, Any], knowledge: Knowledge) -> Iterator[str]:
    for name, covariate in knowledge.covariates.items():
        if covariate.says and facts.get(name) not in (None, False):
            yield covariate.says.format(facts[name])


def _taken(chart: Chart) -> Iterator[str]:
    """Each medicine by its ingredients; by the record's own words where they are not recognised."""
    for entry, parts in chart.used:
        known = [part.treatment for part in parts if not part.treatment.startswith((UNNAMED, OUTSIDE))]
        yield " + ".join(known) or entry.text


def _has(chart: Chart) -> str:
    known, others = illnesses(chart)
    told = _listed("has", (untagged(each.condition.text or str(each)) for each in known))
    if not others:
        return told or ("no illnesses" if chart.conditions_known else "illnesses not known")
    return (
        f"{told} and {len(others)} more that no rule knows"
        if told
        else f"has {len(others)} illnesses that no rule knows"
    )


def _listed(lead: str, names: Iterable[str]) -> str:
    found = list(dict.fromkeys(filter(None, names)))
    return f"{lead} {', '.join(found)}" if found else ""
