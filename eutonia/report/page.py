"""An assessment as one self-contained page: no script, no network, for screen, phone and paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from eutonia import __version__
from eutonia.assessment import Assessment
from eutonia.issues import PlanAssessment
from eutonia.knowledge import Knowledge, Source, load
from eutonia.knowledge.treatments import Advice
from eutonia.options import unchecked
from eutonia.report.drawing import figure
from eutonia.report.frame import WORDS, environment, style
from eutonia.report.taper_page import parts


def as_page(assessment: Assessment, knowledge: Knowledge | None = None) -> str:
    """The whole report as HTML."""
    knowledge = knowledge or load()
    page = environment().get_template("report.html.j2")
    return page.render(
        a=assessment,
        style=style(),
        verdict_word=WORDS[assessment.verdict],
        plans_title="; ".join(p.plan for p in assessment.plans if p.action != "assess") or "Treatment now",
        rules=knowledge.rules,
        urgent=any(issue.urgent for plan in assessment.plans for issue in plan.issues),
        sources=knowledge.sources,
        cited=_cited(assessment, knowledge),
        version=__version__,
        charts=[_charts(plan, knowledge) for plan in assessment.plans],
        assumptions=_assumptions(assessment),
        sheet=_sheet(assessment, knowledge),
        unchecked=unchecked(assessment.options),
        **_taper(assessment, knowledge),
    )


def _taper(assessment: Assessment, knowledge: Knowledge) -> Mapping[str, Any]:
    if assessment.taper is None:
        return {}
    return parts(assessment.taper, knowledge)


def _charts(plan: PlanAssessment, knowledge: Knowledge) -> list[Markup]:
    """Pain, effects and levels over time; nothing where there is no forecast."""
    if plan.forecast is None or plan.forecast.outcome is None:
        return []
    from eutonia.report.pictures import charts

    return [figure(panel) for panel in charts(plan.forecast.outcome, knowledge)]


def _cited(assessment: Assessment, knowledge: Knowledge) -> Sequence[Source]:
    keys = {s.key for plan in assessment.plans for issue in plan.issues for s in issue.sources}
    keys |= {s["key"] for option in assessment.options for s in option.sources}
    if assessment.taper is not None:
        taper = assessment.taper
        keys |= {
            s.key for each in (taper.sources, *(a.sources for a in taper.alternatives.values())) for s in each
        }
    return sorted((knowledge.sources[key] for key in keys), key=lambda s: (s.authors or s.title).casefold())


def _assumptions(assessment: Assessment) -> Sequence[str]:
    made = [line for plan in assessment.plans if plan.forecast for line in plan.forecast.assumptions]
    return list(dict.fromkeys(made))


class Part(NamedTuple):
    """What the patient reads about one treatment: general advice, and lines of this forecast."""

    advice: Advice
    lines: Sequence[str]


def _sheet(assessment: Assessment, knowledge: Knowledge) -> Sequence[Part]:
    """The patient's page: the treatments of the plan in plain words, then the pain itself."""
    sheets: dict[str, Part] = {}
    for plan in assessment.plans:
        for advice in _advice(plan.therapy, knowledge):
            drugs = (plan.therapy or "").split("+")
            long_taken = assessment.taper is not None and assessment.taper.drug in drugs
            sheets[advice.id] = Part(advice, list(_for_patient(plan, long_taken, knowledge)))
    general = knowledge.advice["muscle-pain"]
    return [*sheets.values(), Part(general, ())]


def _advice(therapy: str | None, knowledge: Knowledge) -> Iterator[Advice]:
    """The advice on each ingredient: its own, else that of its class."""
    for name in (therapy or "").split("+"):
        drug = knowledge.drugs.get(name)
        names = [name, *(drug.classes if drug else ())]
        found = next((knowledge.advice[n] for n in names if n in knowledge.advice), None)
        if found:
            yield found


def _for_patient(plan: PlanAssessment, long_taken: bool, knowledge: Knowledge) -> Iterator[str]:
    against = plan.verdict in ("contraindicated", "avoid", "urgent-referral")
    if against and long_taken:
        yield (
            "You have taken this medicine for long, and to go on with it is not advised. Do not stop it from one day "
            "to the next: that can make you ill. Ask your pharmacist or doctor for a plan to come off it step by step."
        )
    elif against:
        yield "For you, this medicine is not advised. Talk to your pharmacist or doctor before you take any of it."
    if plan.forecast is None or plan.forecast.summary is None:
        return
    effects = plan.forecast.summary.effects
    yield f"Of 100 people like you, about {100 * effects.probability_drowsy:.0f} become drowsy."
    morning = effects.morning_impairment.median
    if morning is not None and morning >= knowledge.model["readouts"].parameters["slow_morning"].value:
        yield "You may still be slowed on the morning after a dose. Do not drive to work on it."
