"""What is taken now: drug, doses by the clock, how long, in which tablets. From a chart, however it came to be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eutonia.errors import InputError
from eutonia.features.chart import Chart
from eutonia.features.taken import Taken
from eutonia.features.value import Value
from eutonia.formulary import OUTSIDE
from eutonia.patient import Case, Dosage, Medication, Patient, PlanItem
from eutonia.tapering.models import clock

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge


@dataclass(frozen=True)
class Use:
    """How a drug is taken today."""

    drug: str
    doses: Mapping[float, float]
    """Hour of the clock → mg."""
    tablets: tuple[float, ...]
    """Strengths of the tablets in hand, as far as they are told."""
    as_needed: bool

    @property
    def daily_mg(self) -> float:
        return sum(self.doses.values())


def chart_of(
    plan: str | PlanItem, facts: Mapping[str, Any], start: date, knowledge: Knowledge
) -> tuple[Chart, str]:
    """The chart of someone of whom a plan and a few facts are known, and the drug to be stopped.

    The plan says what has been taken until now: its length lies before `start`. Facts are stated as features, as if
    they had been read from a record; of the rest of the record nothing is known.
    """
    from eutonia.dosing.text import read_plan

    item = read_plan(plan, knowledge) if isinstance(plan, str) else plan
    if item.action in ("stop", "stop-therapy") or item.dose is None:
        raise InputError(
            f"“{item.written or item.text}” does not say what is taken now. Write it with dose, how often and for how "
            "long, such as “carisoprodol 350 mg four times a day for 90 days”."
        )
    case = Case(
        as_of=start,
        patient=Patient(
            age_years=facts.get("age"), sex=facts.get("sex") or ("female" if facts.get("pregnant") else None),
            weight_kg=facts.get("weight"), ancestry=facts.get("ancestry"),
        ),
        medications=tuple(_entries(item, start, knowledge)),
        plan=(PlanItem(action="taper", text=item.text, dose=item.dose, unit=item.unit, written=item.written),),
        not_seen=("medications",),
    )  # fmt: skip
    chart = Chart(case, knowledge)
    _state(chart, facts)
    drugs = [t.treatment for t in chart.current]
    if not drugs or drugs[0].startswith(OUTSIDE):
        raise InputError(f"“{item.text}” is not a drug that is known. Check the spelling.")
    drug = _tapered(drugs, knowledge)
    policy = policy_of(drug, knowledge)
    chart.values |= {name: Value(value) for name, value in policy.in_words.items()} if policy else {}
    return chart, drug


def _entries(item: PlanItem, start: date, knowledge: Knowledge) -> list[Medication]:
    """What the plan says has been taken, as one entry: parts side by side add up, of parts in a row the last counts."""
    began = None if item.duration_days is None else start - timedelta(days=round(item.duration_days))
    now = item
    if item.steps:
        last = max(step.start_day or 0.0 for step in item.steps)
        together = [step for step in item.steps if (step.start_day or 0.0) == last]
        number = sum(step.times_per_day or 1.0 for step in together)
        daily = sum((step.dose_high or step.dose or 0.0) * (step.times_per_day or 1.0) for step in together)
        now = item.model_copy(
            update={"dose": daily / number, "dose_high": None, "times_per_day": number, "clock_times": ()}
        )
    fields: dict[str, Any] = {name: getattr(now, name) for name in Dosage.model_fields if name != "text"}
    hour = _time_named(item.written, knowledge)
    if now.times_per_day == 1 and not now.clock_times and hour is not None:
        fields["clock_times"] = (clock(hour),)
    return [Medication(text=item.text, status="active", start=began, **fields)]


def _state(chart: Chart, facts: Mapping[str, Any]) -> None:
    """Enter facts as values of the features that tell them (knowledge/covariates, read backwards)."""
    for name, covariate in chart.knowledge.covariates.items():
        value = facts.get(name)
        if value is None:
            continue
        if covariate.feature:
            chart.values[covariate.feature] = Value(value, "as stated")
            continue
        graver = True
        for case in covariate.cases:
            graver = graver and case.value != value
            chart.values[case.when] = Value(value != covariate.otherwise and not graver, "as stated")


def _tapered(drugs: Sequence[str], knowledge: Knowledge) -> str:
    """Of the ingredients of one product, the one that eutonia knows how to stop."""
    known = [d for d in drugs if policy_of(d, knowledge) is not None]
    return known[0] if known else drugs[0]


def policy_of(drug: str, knowledge: Knowledge) -> Any | None:
    """How eutonia tapers a drug, or its class; None where nothing is said of it."""
    from eutonia.formulary import classes_of

    policies = knowledge.taper_policies
    if drug in policies:
        return policies[drug]
    certain, _ = classes_of(drug, None, knowledge)
    return next((policies[name] for name in sorted(certain) if name in policies), None)


def use_of(drug: str, chart: Chart) -> Use | None:
    """How `drug` is taken now; None where it is not, or a dose is not known."""
    taken = [t for t in chart.current if t.treatment == drug]
    if not taken or any(t.daily_mg is None or t.mg_per_dose is None for t in taken):
        return None
    entries = {number: entry for number, (entry, _) in enumerate(chart.listed)}
    doses: dict[float, float] = {}
    for t in taken:
        for hour, mg in _by_clock(t, entries[t.entry], chart.knowledge):
            doses[hour] = doses.get(hour, 0.0) + mg
    strengths = sorted({s for t in taken for s in [_strength(t, entries[t.entry])] if s is not None})
    return Use(
        drug=drug,
        doses=dict(sorted(doses.items())),
        tablets=tuple(strengths),
        as_needed=any(entries[t.entry].as_needed for t in taken),
    )


def _by_clock(taken: Taken, entry: Dosage, knowledge: Knowledge) -> list[tuple[float, float]]:
    """Hours of the clock with mg. What is taken more often than once an hour, or not daily, is shared out."""
    usual = knowledge.clock_times["usual"]
    daily = taken.daily_mg or 0.0
    if entry.clock_times:
        hours = [int(t[:2]) + int(t[3:5]) / 60 for t in entry.clock_times]
    else:
        number = max(1, min(round(entry.times_per_day or 1), 24))
        if number == 1:
            named = _time_named(f"{entry.text} {getattr(entry, 'written', '')}", knowledge)
            hours = [named if named is not None else usual.times[1][0]]
        else:
            hours = list(usual.times.get(number, [24.0 / number * n for n in range(number)]))
    return [(float(hour), daily / len(hours)) for hour in hours]


def _time_named(text: str, knowledge: Knowledge) -> float | None:
    """The hour of the time of day that a text names ("at bedtime")."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return next((h for word, h in knowledge.clock_times["usual"].words.items() if word in words), None)


def _strength(taken: Taken, entry: Dosage) -> float | None:
    """mg of one tablet, where it is told."""
    if taken.strength_mg is not None:
        return taken.strength_mg
    if entry.unit in ("tablet", "tablets", "capsule", "capsules") and entry.dose and taken.mg_per_dose:
        return taken.mg_per_dose / entry.dose
    return None
