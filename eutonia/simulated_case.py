"""An item of a plan → what the simulation takes: the item, what is taken beside it, and the facts of the patient.

Nothing here knows any drug; what can be simulated stands in knowledge/substances.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from eutonia.features.chart import Chart
from eutonia.features.taken import Taken, action_of, mg_per_dose
from eutonia.knowledge import Knowledge
from eutonia.patient import Dosage, PlanItem

LEFT_OUT = " is left out of the forecast: "
"""Between a medicine and why it is left out."""


class SimulatedCase(NamedTuple):
    """All that the simulation of an item of a plan depends on, beside the knowledge."""

    own: Sequence[PlanItem]
    """The item by the names that were recognised in it."""
    others: Sequence[PlanItem]
    """What else is taken and matters."""
    left_out: Sequence[str]
    """What else is taken and would matter, and why it is left out."""
    facts: dict[str, Any]


def simulated_case(chart: Chart, place: int) -> SimulatedCase:
    """What is simulated of an item of the plan, of which a forecast `can_be_made`."""
    item, parts = chart.plan[place]
    others, left_out = _others_taken(chart, parts)
    facts = facts_of(chart) | {"regular_user": in_use(chart, parts)}
    return SimulatedCase(_planned(item, parts, chart.knowledge), others, left_out, facts)


def can_be_made(chart: Chart, place: int) -> bool:
    """Whether an item of the plan is of something that is simulated, and begins or goes on with it."""
    item, parts = chart.plan[place]
    goes_on = action_of(item) not in ("stop", "assess")
    known = bool(parts) and not any(part.named_by for part in parts)
    return goes_on and known and _simulated(parts, chart.knowledge)


def _simulated(parts: Sequence[Taken], knowledge: Knowledge) -> bool:
    return any(p.treatment in knowledge.substances or p.treatment in knowledge.therapy_courses for p in parts)


def in_use(chart: Chart, parts: Sequence[Taken]) -> bool:
    return bool({p.treatment for p in parts} & {t.treatment for t in chart.current})


def facts_of(chart: Chart) -> dict[str, Any]:
    """What is known of the patient, as the simulation takes it (knowledge/covariates)."""
    facts = {name: _fact(entry, chart) for name, entry in chart.knowledge.covariates.items()}
    sex = chart.case.patient.sex
    facts["sex"] = sex if sex in ("male", "female") else None
    facts["ancestry"] = _ancestry(chart)
    chronic = chart.known("index_pain_chronic")
    facts["pain"] = None if chronic is None else "persistent" if chronic else "acute"
    return {name: value for name, value in facts.items() if value is not None}


def _fact(entry: Any, chart: Chart) -> Any:
    if entry.feature:
        return chart.known(entry.feature)
    for case in entry.cases:
        answer = chart.known(case.when)
        if answer is not False:
            return case.value if answer else None
    return entry.otherwise


def _ancestry(chart: Chart) -> str | None:
    """The ancestry, where the frequencies of its phenotypes are known."""
    text = (chart.case.patient.ancestry or "").casefold()
    for name, entry in chart.knowledge.ancestries.items():
        if text and text in (name, entry.title.casefold(), *entry.synonyms):
            return name
    return None


def _planned(item: PlanItem, parts: Sequence[Taken], knowledge: Knowledge) -> list[PlanItem]:
    """The item by the names that were recognised in it, one for each ingredient."""
    if len(parts) > 1:
        return [_as_item(part, item, knowledge) for part in parts]
    named: dict[str, Any] = {"text": parts[0].treatment}
    steps = tuple(_in_mg(step, parts[0]) for step in item.steps)
    dosed = {"dose": parts[0].mg_per_dose, "dose_high": None, "unit": "mg"} if parts[0].mg_per_dose else {}
    if parts[0].duration_days is not None and not item.steps:
        named["duration_days"] = parts[0].duration_days  # as stated, from dates, or from what is dispensed
    return [item.model_copy(update={**named, **dosed, "steps": steps})]


def _in_mg(step: PlanItem, part: Taken) -> PlanItem:
    """A step by the name that was recognised, its dose in mg where that is known."""
    mg = mg_per_dose(step, part.strength_mg, 1.0)
    dosed = {"dose": mg, "dose_high": None, "unit": "mg"} if mg is not None else {}
    return step.model_copy(update={"text": part.treatment, **dosed})


def _others_taken(chart: Chart, planned: Sequence[Taken]) -> tuple[list[PlanItem], list[str]]:
    """What else is taken and matters to the simulation; and what had to be left out."""
    own = {p.treatment for p in planned}
    stopped = {t.treatment for t in chart.planned if t.action == "stop"}
    knowledge = chart.knowledge
    items: dict[str, PlanItem] = {}
    alike = _classes_simulated(knowledge)
    left_out = [
        f"{part.treatment}{LEFT_OUT}it is not simulated."
        for part in planned
        if part.treatment not in knowledge.substances and part.classes & alike
    ]
    for entry, parts in chart.listed:
        for part in parts if chart.in_use(entry) else ():
            if part.treatment in own | stopped | items.keys() or part.route == "topical":
                continue
            simulated = part.treatment in knowledge.substances
            if part.named_by:
                left_out.append(f"{part.text}{LEFT_OUT}its code and its text name different drugs.")
            elif part.treatment in knowledge.modulators or (simulated and part.daily_mg is not None):
                items[part.treatment] = _as_item(part, entry, knowledge)
            elif simulated:
                left_out.append(f"{part.text}{LEFT_OUT}its dose is not known.")
            elif part.classes & alike:
                left_out.append(f"{part.text}{LEFT_OUT}it is not simulated.")
    return list(items.values()), list(dict.fromkeys(left_out))


@cache
def _classes_simulated(knowledge: Knowledge) -> frozenset[str]:
    """Classes of everything that is simulated: what else is of them, and is not, is told."""
    from eutonia.formulary import classes_of

    return frozenset(c for name in knowledge.substances for c in classes_of(name, None, knowledge)[0])


def _as_item(part: Taken, entry: Dosage, knowledge: Knowledge) -> PlanItem:
    """One ingredient of a medicine, as an order for it."""
    return PlanItem(
        action="continue",
        text=part.treatment,
        dose=part.mg_per_dose,
        unit="mg" if part.mg_per_dose is not None else None,
        times_per_day=entry.times_per_day,
        every_hours=entry.every_hours,
        clock_times=entry.clock_times,
        as_needed=entry.as_needed,
        duration_days=part.duration_days,
        written=_time_named(entry, knowledge),
    )


def _time_named(entry: Dosage, knowledge: Knowledge) -> str:
    """The word for the time of day at which one dose a day is taken (`diazepam 5 mg nightly`); empty for none."""
    if entry.times_per_day != 1:
        return ""
    said = set(re.findall(r"[a-z]+", f"{entry.text} {getattr(entry, 'written', '')}".casefold()))
    return next((word for word in knowledge.clock_times["usual"].words if word in said), "")
