"""The HTTP API: the functions of the contract as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from eutonia.schemas import MODELS, json_schema
from eutonia.web.bodies import read_json
from eutonia.web.limits import LONGEST_DAYS, read_bounded
from eutonia.web.problems import PROBLEM_SCHEMA, Refusal, described
from eutonia.web.state import State, state_of
from eutonia.web.work import go_on

router = APIRouter(prefix="/api/v1", tags=["API"])

MOST_VIRTUAL = 2000
"""Virtual patients of one request: more is work for the command line."""

ERRORS = described("application/problem+json", PROBLEM_SCHEMA, (400, 405, 408, 413, 415, 422, 429, 500, 503))


def _answers(format_name: str) -> dict[int | str, dict[str, Any]]:
    """What an endpoint may answer, for its description: a format that `eutonia schema` prints, or a problem."""
    address = {"$ref": f"#/components/schemas/{format_name}"}
    return {200: {"description": f"As `eutonia schema {format_name}` says", "content": {
        "application/json": {"schema": address}}}, **ERRORS}  # fmt: skip


FORMATS = ("case", "assessment", "course-summary", "taper", "comparison", "evidence", "claims")
"""Formats of bodies and answers."""

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Name = Annotated[str, Query(min_length=1, max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Facts(_Body):
    """What is known of the patient; the flags of `eutonia simulate`."""

    age: float | None = Field(None, ge=0, le=130)
    sex: str | None = Field(None, pattern="^(male|female)$")
    weight: float | None = Field(None, gt=0, le=700)
    cyp2c19: str | None = Field(None, pattern="^(poor|intermediate|normal|rapid|ultrarapid)$")
    liver: str | None = Field(None, pattern="^(normal|child-pugh-[abc])$")
    egfr: float | None = Field(None, ge=0, le=300)
    pregnant: bool | None = None
    ancestry: str | None = Field(None, max_length=60)
    regular_user: bool | None = None


class Simulation(_Body):
    """A plan to simulate."""

    plan: Annotated[list[Text], Field(min_length=1, max_length=10)]
    patient: Facts = Facts()
    draws: int = Field(200, ge=0, le=MOST_VIRTUAL)
    population: int | None = Field(None, ge=1, le=MOST_VIRTUAL)
    seed: int = Field(0, ge=0, le=2**31)
    adherence: float = Field(1.0, gt=0, le=1)
    until_days: float | None = Field(None, gt=0, le=LONGEST_DAYS)


class Tapering(_Body):
    """A way off the drug of the plan."""

    plan: Text
    patient: Facts = Facts()
    tablets: Annotated[list[Annotated[float, Field(gt=0, le=10_000)]], Field(max_length=10)] | None = None
    max_days: int | None = Field(None, ge=1, le=LONGEST_DAYS)


class Article(_Body):
    """A text to check."""

    text: Annotated[str, Field(min_length=1, max_length=400_000)]


BUNDLE = {
    "type": "object",
    "required": ["resourceType", "entry"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "entry": {"type": "array", "items": {"type": "object"}},
    },
}
CASE_OR_BUNDLE = {
    "description": "A case (eutonia schema case) or a FHIR R4 Bundle.",
    "anyOf": [{"$ref": "#/components/schemas/case"}, BUNDLE],
}


@router.post(
    "/assess",
    response_class=Response,
    responses=_answers("assessment"),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": CASE_OR_BUNDLE}}}
    },
)
async def assess(
    request: Request,
    plan: Annotated[list[Text] | None, Query(max_length=10)] = None,
    patient: Annotated[str | None, Query(max_length=200)] = None,
    as_of: Annotated[str | None, Query(max_length=10)] = None,
    forecast: bool = True,
) -> Response:
    """Judge a plan for the patient of the body; the answer is that of `eutonia assess --json`."""
    document = await read_json(request)
    if not isinstance(document, dict | list):
        raise Refusal(400, "The body is neither a case nor a FHIR R4 Bundle.")

    def work(state: State) -> BaseModel:
        from eutonia.assessment import assess as judge
        from eutonia.reading import read

        return judge(
            read(document, patient=patient, as_of=as_of, plans=plan or ()), state.knowledge, forecast=forecast
        )

    return await _answer(request, work)


@router.post("/simulate", response_class=Response, responses=_answers("course-summary"))
async def simulate(request: Request, asked: Simulation) -> Response:
    """Simulate a plan; the answer is that of `eutonia simulate --json`."""

    def work(state: State) -> BaseModel:
        from eutonia.simulation import outcome, population
        from eutonia.simulation.summary import summarise

        facts = asked.patient.model_dump(exclude_none=True)
        who: Any = facts
        if asked.population is not None:
            who = population(asked.population, seed=asked.seed, **facts)
        plan = read_bounded(asked.plan, state.knowledge)
        result = outcome(
            plan, patients=who, draws=asked.draws, seed=asked.seed, adherence=asked.adherence, courses=False,
            until=None if asked.until_days is None else asked.until_days * 24.0, knowledge=state.knowledge,
            progress=go_on,
        )  # fmt: skip
        return summarise(result.per_patient, result.assumptions, state.knowledge.version)

    return await _answer(request, work)


@router.post("/taper", response_class=Response, responses=_answers("taper"))
async def taper(request: Request, asked: Tapering) -> Response:
    """Find a way off a drug; the answer is that of `eutonia taper --json`."""

    def work(state: State) -> BaseModel:
        from eutonia.tapering import taper as find

        (item,) = read_bounded([asked.plan], state.knowledge)
        facts = asked.patient.model_dump(exclude_none=True)
        return find(
            item, patients=facts, tablets=asked.tablets, max_days=asked.max_days, knowledge=state.knowledge
        )

    return await _answer(request, work)


@router.get("/compare", response_class=Response, responses=_answers("comparison"))
async def compare(
    request: Request,
    therapy: Annotated[list[Name], Query(min_length=2, max_length=6)],
    condition: Name,
    horizon: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Therapies side by side; the answer is that of `eutonia compare --json`."""

    def work(state: State) -> BaseModel:
        from eutonia.appraisal import compare as side_by_side

        return side_by_side(*therapy, condition=condition, horizon=horizon, knowledge=state.knowledge)

    return await _answer(request, work)


@router.get("/evidence", response_class=Response, responses=_answers("evidence"))
async def evidence(
    request: Request,
    therapy: Name,
    condition: Name,
    vs: Annotated[str | None, Query(max_length=100)] = None,
    outcome: Name = "pain",
    day: Annotated[int | None, Query(ge=0, le=3650)] = None,
) -> Response:
    """What trials say on one question; the answer is that of `eutonia evidence --json`."""

    def work(state: State) -> BaseModel:
        from eutonia.appraisal import evidence as pooled

        return pooled(therapy, vs, condition=condition, outcome=outcome, day=day, knowledge=state.knowledge)

    return await _answer(request, work)


@router.post("/check", response_class=Response, responses=_answers("claims"))
async def check(request: Request, article: Article) -> Response:
    """The checkable claims of an article; the answer is that of `eutonia check --json`."""

    def work(state: State) -> BaseModel:
        from eutonia.claims import check as claims_of

        return claims_of(article.text, state.knowledge)

    return await _answer(request, work)


@router.get("/schema/{name}", responses=ERRORS)
async def schema(name: Annotated[str, Path(json_schema_extra={"enum": list(MODELS)})]) -> dict[str, Any]:
    """The JSON Schema of a format."""
    return json_schema(name)


async def _answer(request: Request, work: Any) -> Response:
    state = state_of(request)

    def run() -> bytes:
        answer: BaseModel = work(state)
        return answer.model_dump_json(by_alias=True).encode()

    return Response(await state.workers.run(run), media_type="application/json")
