"""Courses that follow a reader's hand: a plan with another dose or timing, and how a drug acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, Request, Response

from eutonia.dosing.text import read_plan
from eutonia.features.chart import Chart
from eutonia.features.taken import ingredients_of
from eutonia.forecast import DRAWS, Forecast, forecast
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, PlanItem
from eutonia.report.frame import figure
from eutonia.simulation.plot import TITLES
from eutonia.web.asking import Fields, case_from_form
from eutonia.web.limits import bounded
from eutonia.web.problems import Refusal
from eutonia.web.rendering import fields_of, people, render
from eutonia.web.sliders import Try, name_of, tries_of
from eutonia.web.state import State, state_of

if TYPE_CHECKING:
    from eutonia.simulation.results import Outcome

router = APIRouter(include_in_schema=False)

MOST_DAYS, MOST_TIMES = 90, 12
LIVE_DRAWS = 40
"""Virtual patients behind a plot while a slider moves: quick enough to follow. Once it rests, all are drawn."""

LIVE_POINTS = 240
"""Moments of a chart while a slider moves."""

PAGE_PANELS = ("relief", "impairment", "ventilation", "withdrawal", "levels")
"""Panels of a forecast, in the order in which a clinician asks for them."""


def spec_of(outcome: Any, state: State, panels: Sequence[str]) -> str:
    """A chart to stand in a script element: no `<` in it, so that nothing can end the element."""
    from eutonia.simulation.plot import chart

    made = chart(outcome, state.knowledge, panels)
    return orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY).decode().replace("<", "\\u003c")


@router.post("/course")
async def course(request: Request) -> Response:
    """The course of a plan with another dose or timing, as a chart (Vega-Lite) and in words."""
    fields = await fields_of(request)
    made = await state_of(request).workers.run(_course, fields, state_of(request))
    return Response(made, media_type="application/json")


def _course(fields: Fields, state: State) -> bytes:
    changed = {name: _positive(fields, name) for name in ("dose", "times", "days")}
    if changed["days"] > MOST_DAYS or changed["times"] > MOST_TIMES:
        raise Refusal(422, f"Choose at most {MOST_DAYS} days and {MOST_TIMES} doses a day.")
    if "drug" in fields:
        case, place, name = Case(as_of=date.today()), 0, fields["drug"]
    else:
        case = bounded(case_from_form(fields, fields.get("plan_field", "plan")).case)
        place = int(fields["place"]) if fields.get("place", "").isdigit() else 0
        if place >= len(case.plan):
            raise Refusal(422, "The plan has no such item.")
        _, parts = Chart(case, state.knowledge).plan[place]
        name = name_of(parts[0].treatment, state.knowledge) if parts else case.plan[place].text
    text = f"{name} {changed['dose']:g} mg {changed['times']:g} times a day for {changed['days']:g} days"
    plan = [*case.plan[:place], read_plan(text), *case.plan[place + 1 :]]
    chart = Chart(case.model_copy(update={"plan": tuple(plan)}), state.knowledge)
    made = forecast(chart, place, draws=LIVE_DRAWS if "moving" in fields else DRAWS)
    if made is None or made.outcome is None:
        raise Refusal(422, "; ".join(made.sentences) if made else f"“{name}” cannot be simulated.")
    panels = [p for p in fields.get("panels", "").split() if p in TITLES]
    shown = made.outcome
    if panels and not {"tolerance", "withdrawal"} & set(panels):
        shown = _until(shown, (changed["days"] + 2.0) * 24.0)  # nothing more happens in these
    if "moving" in fields:
        shown = _thinned(shown)
    spec = spec_of(shown, state, panels or PAGE_PANELS)
    told = _plainly(text, made) if "drug" in fields else f"{text}: {' '.join(made.sentences[:3])}"
    head = orjson.dumps({"plan": text, "told": told})
    return head[:-1] + b',"spec":' + spec.encode() + b"}"


def _plainly(text: str, made: Forecast) -> str:
    """A forecast for who is no clinician."""
    if made.summary is None:
        return " ".join(made.sentences)
    effects, withdrawal = made.summary.effects, made.summary.withdrawal
    relief, drowsy = figure(effects.peak_relief.median), people(effects.probability_drowsy)
    return (
        f"{text}: at its best it takes {relief} points of 100 off the pain. Of people on it, {drowsy} become drowsy, "
        f"and {people(withdrawal.probability_any)} have withdrawal when it stops."
    )


def _until(outcome: Outcome, end: float) -> Outcome:
    """The first hours of a course."""
    return _at(outcome, outcome.times <= end)


def _thinned(outcome: Outcome) -> Outcome:
    """A course at fewer moments, for a chart that is replaced in a moment."""
    return _at(outcome, slice(None, None, -(-len(outcome.times) // LIVE_POINTS)))


def _at(outcome: Outcome, kept: Any) -> Outcome:
    return replace(
        outcome,
        times=outcome.times[kept],
        level=outcome.level[:, :, kept],
        courses={name: course[:, kept] for name, course in outcome.courses.items()},
    )


def _positive(fields: Fields, name: str) -> float:
    try:
        value = float(fields.get(f"try.{name}", ""))
    except ValueError:
        value = 0.0
    if not 0.0 < value < 100_000.0:
        raise Refusal(422, f"try.{name} is not a positive number.")
    return value


@router.get("/learn")
async def learn(request: Request, drug: str = "") -> Response:
    """How a drug acts; where none is named, the one that there are most lessons on."""
    knowledge = state_of(request).knowledge
    lessons = sorted(knowledge.section("lessons").values(), key=lambda lesson: lesson.place)
    taught = [lesson.drug for lesson in lessons]
    chosen = drug or max(taught, key=taught.count)
    if chosen not in taught:
        raise Refusal(404, "There is no lesson on this drug.")
    chapters = [
        {
            "title": lesson.title,
            "text": lesson.text,
            "panels": lesson.panels,
            "tries": _tries(read_plan(lesson.plan, knowledge), knowledge),
        }
        for lesson in lessons
        if lesson.drug == chosen
    ]
    return render(
        "learn.html.j2",
        page="learn",
        drug=knowledge.drugs[chosen],
        chapters=chapters,
        advice=knowledge.advice.get(chosen),
    )


def _tries(item: PlanItem, knowledge: Knowledge) -> list[Try]:
    return tries_of(item, ingredients_of(0, item, knowledge), knowledge)
