"""The pages: the clinic's form with its answer, the checking of articles, feedback, and the description of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from eutonia.assessment import Assessment, assess
from eutonia.errors import EutoniaError
from eutonia.features.chart import Chart
from eutonia.forecast import forecast
from eutonia.issues import PlanAssessment, Question
from eutonia.judging import judge_cases
from eutonia.knowledge import Knowledge
from eutonia.options import unchecked
from eutonia.web.apidocs import bodies, endpoints
from eutonia.web.asking import CONTROLS, Control, Fields, case_from_form
from eutonia.web.courses import PAGE_PANELS, spec_of
from eutonia.web.feedback import rates
from eutonia.web.limits import bounded
from eutonia.web.record import Opened, opened
from eutonia.web.rendering import environment, fields_of, render
from eutonia.web.sliders import Try, tries_of
from eutonia.web.state import State, state_of
from eutonia.web.tapers import can_taper
from eutonia.web.work import go_on

router = APIRouter(include_in_schema=False)

QUESTIONS_SHOWN = 8


# --- the clinic -------------------------------------------------------------------------------------


@router.get("/")
async def clinic() -> Response:
    return render("clinic.html.j2", page="clinic", **UNASKED)


@router.post("/")
async def clinic_answered(request: Request) -> Response:
    """The whole page with its answer, for a browser without scripts: nothing of the form stands in the address."""
    fields = await fields_of(request)
    made = await state_of(request).workers.run(_answered, fields, state_of(request))
    return render("clinic.html.j2", page="clinic", **made)


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
    return environment().get_template("answered.html.j2").render(**_answered(fields, state))


UNASKED: dict[str, Any] = {"sides": (), "fields": {}, "open": (), "about_dose": (), "given": ()}
"""What the page shows before anything was asked."""


def _answered(fields: Fields, state: State) -> dict[str, Any]:
    """What the templates of the answer and of its questions show."""
    sides = [_side(fields, name, state) for name in _plans(fields)]
    first = next((side.assessment for side in sides if side.assessment), None)
    asked = [q for side in sides if side.assessment for q in side.assessment.questions]
    unique = list({q.ask: q for q in asked}.values())
    given = [
        ask for ask, control in CONTROLS.items() if any(fields.get(f) for f in _own_fields(ask, control))
    ]
    return {
        "sides": sides,
        "open": [each for each in _open(unique) if each.question.ask not in given],
        "about_dose": [q for q in unique if q.ask not in CONTROLS][:3],
        "given": given,
        "fields": fields,
        "controls": CONTROLS,
        "knowledge": state.knowledge,
        "cited": _cited(sides, state.knowledge),
        "unchecked": unchecked(first.options) if first else (),
        **_of_record(fields, state),
    }


def _own_fields(ask: str, control: Control) -> list[str]:
    """The fields of the form that answer a question and nothing else."""
    if control.field:
        return []
    if control.kind == "results":
        return [f"answer.{name}" for name, _ in control.choices]
    return [f"answer.{ask}"]


def _open(questions: Sequence[Question]) -> list[Open]:
    """The most telling questions; those that a field of the form answers take no place from the others."""
    listed = [Open(q, CONTROLS[q.ask]) for q in questions if q.ask in CONTROLS]
    above = [each for each in listed if each.control.field][:4]
    own = [each for each in listed if not each.control.field][:QUESTIONS_SHOWN]
    return [each for each in listed if each in above or each in own]


def _of_record(fields: Fields, state: State) -> dict[str, Opened | str | None]:
    """What an opened record holds, and a drug in use that can be tapered."""
    try:
        chart = Chart(case_from_form(fields).case, state.knowledge)
    except EutoniaError:
        return {"taperable": None, "record": None}
    return {"taperable": can_taper(chart), "record": opened(chart) if fields.get("record") else None}


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
            spec = spec_of(made.outcome, state, PAGE_PANELS) if made.outcome is not None else ""
            tries = tries_of(*judged.chart.plan[place], state.knowledge)
            shown.append(Shown(place, plan.model_copy(update={"forecast": made}), spec, tries))
    return Side(name, None, forecasts=shown)


@router.post("/taper")
async def taper_form(request: Request) -> Response:
    """A way off a drug in use, made to measure; asked for at a click, because it is looked for by simulating."""
    fields = await fields_of(request)
    return HTMLResponse(await state_of(request).workers.run(_tapered, fields, state_of(request)))


def _tapered(fields: Fields, state: State) -> str:
    from eutonia.report.taper_page import parts
    from eutonia.tapering import taper_for
    from eutonia.tapering.settling import QUICK

    template = environment().get_template("tapered.html.j2")
    try:
        case = bounded(case_from_form(fields).case)
        made = taper_for(Chart(case, state.knowledge), budget=QUICK)
    except EutoniaError as error:
        return template.render(error=str(error))
    return template.render(error="", **parts(made, state.knowledge))


# --- articles ---------------------------------------------------------------------------------------


@router.get("/check")
async def check_page() -> Response:
    return render("check.html.j2", page="check", text="", error="", claims=None)


@router.post("/check")
async def check_article(request: Request) -> Response:
    """The claims of an article: a part of the page for its script, the whole page for a browser without."""
    text = (await fields_of(request)).get("text", "")
    made = await state_of(request).workers.run(_checked, text, state_of(request))
    if "hx-request" in request.headers:
        return render("claims.html.j2", **made)
    return render("check.html.j2", page="check", text=text, **made)


def _checked(text: str, state: State) -> dict[str, Any]:
    from eutonia.claims import check
    from eutonia.claims.report import printable, spans, summary

    try:
        claims = check(text, state.knowledge)
    except EutoniaError as error:
        return {"error": str(error), "claims": None}
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
    return {"error": "", "claims": claims, "pieces": pieces, "summary": summary(claims)}


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
