"""The application: pages, HTTP API and CDS Hooks behind one set of limits."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eutonia import __version__
from eutonia.errors import EutoniaError
from eutonia.knowledge import load
from eutonia.web import api, cds_hooks, courses, pages, smart
from eutonia.web.apidocs import with_formats
from eutonia.web.feedback import open_store
from eutonia.web.foreseen import Forecasts
from eutonia.web.metrics import CONTENT_TYPE, Metrics
from eutonia.web.middleware import Around
from eutonia.web.outside import Outside
from eutonia.web.problems import PROBLEM_SCHEMA, Refusal, described, problem
from eutonia.web.rendering import error_answer
from eutonia.web.settings import Settings, from_environment
from eutonia.web.state import State, state_of
from eutonia.web.trust import Trust
from eutonia.web.warming import load_when_compiled
from eutonia.web.work import Workers

log = logging.getLogger("eutonia.web")


def create_app(settings: Settings) -> FastAPI:
    """The application with its state. Raises InputError for settings that cannot work."""
    store = open_store(settings.data, settings.feedback_url)
    outside = Outside(settings.fhir_servers, settings.only_listed_servers, settings.fhir_seconds)
    knowledge, workers = load(), Workers(settings.at_once, settings.waiting, settings.seconds)
    state = State(
        settings=settings,
        knowledge=knowledge,
        store=store,
        outside=outside,
        trust=Trust(settings, outside, store),
        workers=workers,
        forecasts=Forecasts(knowledge, workers, settings.forecast_seconds),
        metrics=Metrics(),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        state.workers.close()
        await outside.close()
        store.close()

    app = FastAPI(
        title="eutonia",
        version=__version__,
        description="Carisoprodol and its alternatives: safety, simulation, evidence, tapering, claims.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.eutonia = state
    app.include_router(pages.router)
    app.include_router(courses.router)
    app.include_router(smart.router)
    app.include_router(api.router)
    app.include_router(cds_hooks.router)
    _serve_files(app)
    _answer_errors(app)
    _watch(app)
    _describe(app)
    app.add_middleware(Around, settings=settings, metrics=state.metrics)
    return app


def from_the_environment() -> FastAPI:
    """What each worker process of `eutonia serve` runs."""
    # What answers use is imported now, so that the first of them does not wait for it.
    for name in USED:
        import_module(f"eutonia.{name}")
    app = create_app(from_environment())
    # What is loaded by now stays: the collector need not look through all the knowledge in the middle of a request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    sys.setswitchinterval(SWITCH)
    load_when_compiled(app.state.eutonia.knowledge)
    return app


def _serve_files(app: FastAPI) -> None:
    """The page's files, and the style that it shares with the report."""

    @app.get("/static/style.css", include_in_schema=False)
    async def style() -> Response:
        from eutonia.report.frame import style as of_the_report

        return Response(str(of_the_report()), media_type="text/css", headers=KEEP)

    app.mount("/static", Files(directory=Path(__file__).parent / "static"))


class Files(StaticFiles):
    """Files that a browser may keep for an hour."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers.update(KEEP)
        return response


USED = (
    "assessment",
    "appraisal",
    "claims",
    "reading",
    "report",
    "simulation.extremes",
    "simulation.marching",
    "simulation.summary",
    "tapering",
)
SWITCH = 0.001
"""Seconds after which a thread at work lets the one go on that answers."""
COLLECT = (50_000, 20, 50)
"""When the collector looks: an answer makes some ten thousand objects, and all but a few go by themselves."""
PROBLEMS = "application/problem+json"
KEEP = {"Cache-Control": "public, max-age=3600"}


def _describe(app: FastAPI) -> None:
    """The OpenAPI description, with the formats that `eutonia schema` prints."""
    made = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = with_formats(made(), api.FORMATS)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _watch(app: FastAPI) -> None:
    """Health, readiness and counts."""

    @app.get("/healthz", tags=["running"], responses=described(PROBLEMS, PROBLEM_SCHEMA, (405, 429)))
    async def healthz() -> dict[str, str]:
        """Alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["running"], responses=described(PROBLEMS, PROBLEM_SCHEMA, (405, 429, 503)))
    async def readyz(request: Request) -> Response:
        """Ready: the knowledge is loaded and the store can be read."""
        state = state_of(request)
        try:
            await state.workers.finish(state.store.counts)
        except Refusal:
            raise
        except Exception:
            log.exception("the feedback store cannot be read")
            return problem(503, "The feedback store cannot be read.")
        return Response(
            f'{{"status":"ready","knowledge":"{state.knowledge.version}"}}', media_type="application/json"
        )

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        return Response(state_of(request).metrics.text(), media_type=CONTENT_TYPE)


def _answer_errors(app: FastAPI) -> None:
    """Every error in the form that its caller reads."""

    @app.exception_handler(Refusal)
    async def refusal(request: Request, error: Refusal) -> Response:
        return error_answer(request, error.status, error.detail, error.where)

    @app.exception_handler(EutoniaError)
    async def input_error(request: Request, error: EutoniaError) -> Response:
        return error_answer(request, 422, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        return error_answer(request, 422, "; ".join(wrong))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        made = error_answer(request, error.status_code, str(error.detail))
        made.headers.update(error.headers or {})
        return made

    def ours(request: Request, error: Exception) -> Response:
        # The type and place of the error, never its text: that may hold words of the record.
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "?"
        log.error("%s at %s, request %s", type(error).__name__, place, request.state.request_id)
        return error_answer(request, 500, "An error of ours. Tell us the request id, not the record.")

    app.add_middleware(Caught, answer=ours)


class Caught:
    """Answers what no handler expected. The server is told nothing of it: it would log the text of the error."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Response]) -> None:
        self.app, self.answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http":
                raise
            made = self.answer(Request(scope), error)
            if not begun:
                await made(scope, receive, send)
