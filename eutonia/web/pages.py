"""The pages: the clinic's form, how the drug acts, and the checking of articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.responses import HTMLResponse

from eutonia import __version__
from eutonia.assessment import Assessment, assess
from eutonia.dosing.text import read_plan
from eutonia.errors import EutoniaError
from eutonia.features.chart import Chart
from eutonia.forecast import DRAWS, forecast
from eutonia.issues import PlanAssessment, Question
from eutonia.judging import judge_cases
from eutonia.knowledge import Knowledge
from eutonia.patient import Case
from eutonia.simulation.plot import TITLES
from eutonia.web.apidocs import bodies, endpoints
from eutonia.web.asking import CONTROLS, STALE, Control, Fields, case_from_form
from eutonia.web.feedback import rates
from eutonia.web.limits import bounded
from eutonia.web.problems import Refusal
from eutonia.web.sliders import Try, tries_of
from eutonia.web.state import State, state_of
from eutonia.web.tapers import can_taper
from eutonia.web.work import go_on

if TYPE_CHECKING:
    from eutonia.simulation.results import Outcome

router = APIRouter(include_in_schema=False)

HERE = Path(__file__).parent
QUESTIONS_SHOWN = 8
MOST_FIELDS = 200
MOST_DAYS, MOST_TIMES = 90, 12
LIVE_DRAWS = 40
"""Virtual patients behind a plot while a slider moves: quick enough to follow. Once it rests, all are drawn."""

LIVE_POINTS = 240
"""Moments of a chart while a slider moves."""


@cache
def environment() -> Environment:
    """The report's templates and style, with the page's own beside them."""
    from eutonia.report.frame import environment as of_the_report

    made = of_the_report().overlay(
        loader=ChoiceLoader([PackageLoader("eutonia.web"), PackageLoader("eutonia.report")])
    )
    made.globals.update(version=__version__)
    return made


def render(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(environment().get_template(name).render(**values), status)


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises Refusal (400)."""
    try:
        text = (await request.body()).decode()
        return dict(
            parse_qsl(text, keep_blank_values=False, max_num_fields=MOST_FIELDS, strict_parsing=False)
        )
    except ValueError:
        raise Refusal(400, "The form cannot be read.") from None


# --- the clinic -------------------------------------------------------------------------------------


@router.get("/")
async def clinic() -> Response:
    return render("clinic.html.j2", page="clinic")


class Shown(NamedTuple):
    """A plan item with its forecast, chart and sliders."""

    place: int
    plan: PlanAssessment
    spec: str
    tries: Sequence[Try]


class Side(NamedTuple):
    """One plan, assessed; or why it could not be."""

    field: str
    assessment: Assessment | None
    unread: Sequence[str] = ()
    error: str = ""
    forecasts: Sequence[Shown] = ()


class Open(NamedTuple):
    """A question with the control that answers it."""

    question: Question
    control: Control


@router.post("/assess")
async def assess_form(request: Request) -> Response:
    """The answer to the form, by the rules: what can be said at once."""
    fields = await fields_of(request)
    return HTMLResponse(await state_of(request).workers.run(_answer, fields, state_of(request)))


def _answer(fields: Fields, state: State) -> str:
    sides = [_side(fields, name, state) for name in _plans(fields)]
    asked = [q for side in sides if side.assessment for q in side.assessment.questions]
    unique = list({q.ask: q for q in asked}.values())
    return (
        environment()
        .get_template("answer.html.j2")
        .render(
            sides=sides,
            open=_open(unique),
            about_dose=[q for q in unique if q.ask not in CONTROLS][:3],
            fields=fields,
            stale=any(s.assessment and s.assessment.as_of < date.today() - STALE for s in sides),
            controls=CONTROLS,
            sources=state.knowledge.sources,
            knowledge=state.knowledge,
            cited=_cited(sides, state.knowledge),
            taperable=_taperable(fields, state),
        )
    )


def _open(questions: Sequence[Question]) -> list[Open]:
    """The most telling questions; those that a field of the form answers take no place from the others."""
    listed = [Open(q, CONTROLS[q.ask]) for q in questions if q.ask in CONTROLS]
    above = [each for each in listed if each.control.field][:4]
    own = [each for each in listed if not each.control.field][:QUESTIONS_SHOWN]
    return [each for each in listed if each in above or each in own]


def _taperable(fields: Fields, state: State) -> str | None:
    try:
        return can_taper(Chart(case_from_form(fields).case, state.knowledge))
    except EutoniaError:
        return None


def _plans(fields: Fields) -> list[str]:
    return ["plan", "plan_b"] if fields.get("plan_b", "").strip() else ["plan"]


def _side(fields: Fields, name: str, state: State) -> Side:
    go_on()
    try:
        asked = case_from_form(fields, name)
        return Side(name, assess(asked.case, state.knowledge, forecast=False), asked.unread)
    except EutoniaError as error:
        return Side(name, None, error=str(error))


def _cited(sides: Sequence[Side], knowledge: Knowledge) -> Sequence[Any]:
    issues = [i for side in sides if side.assessment for plan in side.assessment.plans for i in plan.issues]
    keys = {source.key for issue in issues for source in issue.sources}
    return sorted((knowledge.sources[key] for key in keys), key=lambda s: (s.authors or s.title).casefold())


@router.post("/forecast")
async def forecast_form(request: Request) -> Response:
    """What the plan is expected to do, which takes a moment longer; asked for by the answer."""
    fields = await fields_of(request)
    return HTMLResponse(await state_of(request).workers.run(_forecast, fields, state_of(request)))


def _forecast(fields: Fields, state: State) -> str:
    sides = [_foreseen(fields, name, state) for name in _plans(fields)]
    return environment().get_template("forecasts.html.j2").render(sides=sides, knowledge=state.knowledge)


def _foreseen(fields: Fields, name: str, state: State) -> Side:
    go_on()
    try:
        case = bounded(case_from_form(fields, name).case)
        (judged,) = judge_cases([case], state.knowledge)
    except EutoniaError as error:
        return Side(name, None, error=str(error))
    shown = []
    for place, plan in enumerate(judged.plans[: len(judged.chart.plan)]):
        go_on()
        made = forecast(judged.chart, place)
        if made is not None:
            go_on()
            spec = _spec(made.outcome, state) if made.outcome is not None else ""
            tries = tries_of(judged.chart.plan[place][0], state.knowledge)
            shown.append(Shown(place, plan.model_copy(update={"forecast": made}), spec, tries))
    return Side(name, None, forecasts=shown)


@router.post("/taper")
async def taper_form(request: Request) -> Response:
    """A way off a drug in use, made to measure; asked for at a click, because it is looked for by simulating."""
    fields = await fields_of(request)
    return HTMLResponse(await state_of(request).workers.run(_tapered, fields, state_of(request)))


def _tapered(fields: Fields, state: State) -> str:
    from eutonia.tapering import taper_for
    from eutonia.tapering.settling import QUICK

    template = environment().get_template("tapered.html.j2")
    try:
        case = bounded(case_from_form(fields).case)
        made = taper_for(Chart(case, state.knowledge), budget=QUICK)
    except EutoniaError as error:
        return template.render(error=str(error), t=None)
    return template.render(error="", t=made, taper_chart=None, share=share)


def share(probability: float) -> str:
    """A probability as people count, `3 of 100`."""
    return f"{100 * probability:.0f} of 100" if probability >= 0.005 else "fewer than 1 of 100"


def _spec(outcome: Any, state: State, panels: Sequence[str] = ()) -> str:
    """A chart to stand in a script element: no `<` in it, so that nothing can end the element."""
    from eutonia.simulation.plot import PANELS, chart

    made = chart(outcome, state.knowledge, panels or PANELS)
    return orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY).decode().replace("<", "\\u003c")


# --- sliders ----------------------------------------------------------------------------------------


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
        name = case.plan[place].text
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
    spec = _spec(shown, state, panels)
    head = orjson.dumps({"plan": text, "told": " ".join([f"{text}:", *made.sentences[:3]])})
    return head[:-1] + b',"spec":' + spec.encode() + b"}"


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
            "tries": tries_of(read_plan(lesson.plan, knowledge), knowledge),
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


# --- articles ---------------------------------------------------------------------------------------


@router.get("/check")
async def check_page() -> Response:
    return render("check.html.j2", page="check")


@router.post("/check")
async def check_article(request: Request) -> Response:
    fields = await fields_of(request)
    return HTMLResponse(
        await state_of(request).workers.run(_checked, fields.get("text", ""), state_of(request))
    )


def _checked(text: str, state: State) -> str:
    from eutonia.claims import check
    from eutonia.claims.report import printable, spans, summary

    template = environment().get_template("claims.html.j2")
    try:
        claims = check(text, state.knowledge)
    except EutoniaError as error:
        return template.render(error=str(error), claims=None)
    shown = claims.text or text
    pieces: list[dict[str, Any]] = []
    place = 0
    for start, end, numbers, worst in spans(claims):
        if start > place:
            pieces.append({"text": printable(shown[place:start])})
        pieces.append(
            {"text": printable(shown[max(start, place) : end]), "numbers": numbers, "verdict": worst}
        )
        place = max(place, end)
    pieces.append({"text": printable(shown[place:])})
    return template.render(error="", claims=claims, pieces=pieces, summary=summary(claims))


# --- feedback and documentation ---------------------------------------------------------------------


@router.get("/feedback")
async def feedback(request: Request) -> Response:
    """How often the cards of each rule are overridden, and why."""
    state = state_of(request)
    found = await state.workers.finish(rates, state.store)
    return render("feedback.html.j2", page="feedback", rates=found, rules=state.knowledge.rules)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The HTTP API, from its OpenAPI description."""
    api = request.app.openapi()
    return render("docs.html.j2", page="docs", endpoints=endpoints(api), bodies=bodies(api))
