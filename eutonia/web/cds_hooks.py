"""CDS Hooks 2.0.1: discovery, services and feedback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ValidationError

from eutonia import __version__
from eutonia.web import feedback as kept
from eutonia.web.bodies import read_json
from eutonia.web.cards import cards, places_told, rule_of, rules_in
from eutonia.web.consulting import HookRequest, check_context, consult
from eutonia.web.gathering import PREFETCH, Gathered, from_prefetch, require
from eutonia.web.hook_schemas import CARDS, FEEDBACK, REQUEST, SERVICES, answers, sent
from eutonia.web.outside import read_fhir_pages
from eutonia.web.problems import Refusal
from eutonia.web.state import State, state_of

router = APIRouter(prefix="/cds-services", tags=["CDS Hooks"])
log = logging.getLogger("eutonia.web")

MUSCLE_PAIN, PATIENT_VIEW = "eutonia-muscle-pain", "eutonia-patient-view"
HOOKS: Mapping[str, tuple[str, ...]] = {
    MUSCLE_PAIN: ("order-select", "order-sign"),
    PATIENT_VIEW: ("patient-view",),
}
"""Service → hooks that it answers."""

TEXTS: Mapping[str, tuple[str, str]] = {
    MUSCLE_PAIN: (
        "Carisoprodol and muscle pain: is this order safe?",
        "Checks an order against the rest of the record: carisoprodol, other muscle relaxants and pain treatments, "
        "with what else is taken. Offers alternatives that are safe for this patient.",
    ),
    PATIENT_VIEW: (
        "Carisoprodol and muscle pain: what is taken now",
        "Tells when the treatment in use should be changed, or when a pain needs to be seen the same day.",
    ),
}

JSON = "application/json"
Service = Annotated[str, Path(json_schema_extra={"enum": list(HOOKS)})]
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

SMALL = 64_000
"""Bytes of a request that is judged within milliseconds."""


@router.get("", response_class=Response, responses=answers("services", SERVICES))
async def discovery(request: Request) -> Response:
    """The services offered, and what each needs to know."""
    state = state_of(request)
    if not state.settings.open_discovery:
        await state.trust.check(request.headers.get("authorization"), _called(request))
    services = [
        {
            "hook": hook,
            "id": name,
            "title": TEXTS[name][0],
            "description": TEXTS[name][1],
            "prefetch": {key: each.query for key, each in PREFETCH.items()},
            "usageRequirements": "FHIR R4. Without prefetch, a fhirAuthorization that may read the same resources.",
            "version": __version__,
            "hookVersion": "1.0",
        }
        for name, hooks in HOOKS.items()
        for hook in hooks
    ]
    return Response(orjson.dumps({"services": services}), media_type=JSON)


@router.post(
    "/{service}",
    response_class=Response,
    responses=answers("cards", CARDS),
    openapi_extra=sent(REQUEST),
)
async def call(service: Service, request: Request) -> Response:
    """Judge what the hook is about; at most three cards."""
    state = state_of(request)
    if service not in HOOKS:
        raise Refusal(404, "There is no such service. GET /cds-services lists those that there are.")
    await state.trust.check(request.headers.get("authorization"), _called(request))
    asked = _model(HookRequest, await read_json(request))
    if asked.hook not in HOOKS[service]:
        raise Refusal(400, _other_hook(service, asked.hook), where=("hook",))
    check_context(asked)
    gathered = await _gather(asked, state)
    require(gathered)
    made = await _made(asked, gathered, request)
    for rule in rules_in(made):
        state.metrics.cards.labels(rule).inc()
    return Response(orjson.dumps({"cards": made}), media_type=JSON)


@router.post(
    "/{service}/feedback", response_class=Response, responses=answers(), openapi_extra=sent(FEEDBACK)
)
async def feedback(service: Service, request: Request) -> Response:
    """Keep what became of cards. Once it is answered 200, it is on the disk."""
    state = state_of(request)
    if service not in HOOKS:
        raise Refusal(404, "There is no such service. GET /cds-services lists those that there are.")
    await state.trust.check(request.headers.get("authorization"), _called(request))
    given = _model(kept.FeedbackRequest, await read_json(request))
    rows = [
        kept.Row(
            card=str(each.card),
            outcome=each.outcome,
            at=_utc(each.outcomeTimestamp),
            service=service,
            rule=rule_of(str(each.card), state.knowledge) or "",
            reason=each.reason,
        )
        for each in given.feedback
    ]
    await state.workers.finish(state.store.add, rows)
    return Response(b"{}", media_type=JSON)


def _other_hook(service: str, hook: str) -> str:
    """What is wrong with a hook that a service does not answer, and where it is answered."""
    elsewhere = [name for name, hooks in HOOKS.items() if hook in hooks]
    hint = f"; {elsewhere[0]} answers {hook}" if elsewhere else ""
    if hook == "medication-prescribe":
        hint = "; medication-prescribe of CDS Hooks 1.0 became order-select and order-sign"
    return f"{service} answers {' and '.join(HOOKS[service])}, not this hook{hint}."


async def _made(asked: HookRequest, gathered: Gathered, request: Request) -> list[dict[str, Any]]:
    """The cards. What takes milliseconds is done here: a thread and back would disturb the others for as long."""
    state = state_of(request)
    small = asked.fhirAuthorization is None and len(await request.body()) <= SMALL
    today = datetime.now(UTC).astimezone().date()

    async def run(work: Callable[..., T], *args: Any) -> T:
        return work(*args) if small else await state.workers.run(work, *args)

    consultation = await run(consult, asked, gathered, state.knowledge, today)
    if consultation is None:
        return []
    told = places_told(consultation, state.knowledge)
    consultation = consultation._replace(foreseen=await state.forecasts.of(consultation.judged.chart, told))
    smart = asked.fhirServer is not None and asked.fhirServer.rstrip("/") in state.settings.smart_clients
    return await run(cards, consultation, state.knowledge, _base(request), smart)


async def _gather(asked: HookRequest, state: State) -> Gathered:
    """The record: what was sent, and what may be fetched of the rest."""
    gathered, pages = from_prefetch(asked.prefetch or {})
    if asked.fhirAuthorization is None or not asked.fhirServer:
        gathered.partial.update(pages)
        return gathered
    server, token = asked.fhirServer.rstrip("/"), asked.fhirAuthorization.access_token
    queries = {n: f"{server}/{PREFETCH[n].query}" for n in gathered.missing}
    wanted = {name: url.replace("{{context.patientId}}", asked.patient_id) for name, url in queries.items()}
    wanted |= {name: more[0] for name, more in pages.items()}
    read = await read_fhir_pages(state.outside, server, token, wanted)
    for name in wanted:
        found, complete = read.get(name, ([], False))
        for page in found:
            gathered.take(name, page)
        gathered.partial.discard(name)
        if name in gathered.looked and not complete:
            gathered.partial.add(name)
    return gathered


def _model(model: type[M], document: Any) -> M:
    """`document` as a model. Raises Refusal (400) that names the places, and repeats nothing of the content."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_input=False)[:5]]
        said = "; ".join(f"{place or 'body'}: {_plain(message)}" for place, message in wrong)
        raise Refusal(400, said, where=[place for place, _ in wrong if place]) from None


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:160]


def _utc(moment: datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _base(request: Request) -> str:
    return state_of(request).settings.origin or str(request.base_url).rstrip("/")


def _called(request: Request) -> str:
    """The exact address that was called, as the client knows it."""
    return _base(request) + request.url.path
