"""What every page shares: its templates, how numbers are put, the fields of a form, and errors as a page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.responses import HTMLResponse, Response

from eutonia import __version__
from eutonia.web.problems import TITLES, Refusal, outcome, problem

MOST_FIELDS = 200


@cache
def environment() -> Environment:
    """The report's templates and style, with the page's own beside them."""
    from eutonia.report.frame import environment as of_the_report

    made = of_the_report().overlay(
        loader=ChoiceLoader([PackageLoader("eutonia.web"), PackageLoader("eutonia.report")])
    )
    made.globals.update(version=__version__, people=people, hours=hours, basis=BASIS.__getitem__)
    return made


BASIS = {
    "label": "the label",
    "regulator": "a regulator",
    "guideline": "a guideline",
    "consensus": "agreement of experts",
    "evidence": "studies",
    "policy": "our own judgement",
}


def people(probability: float) -> str:
    """A probability as people count."""
    return "fewer than 1 of 100" if 0 < probability < 0.005 else f"{100 * probability:.0f} of 100"


def hours(value: float | None) -> str:
    """Hours in whole numbers, as far as a reader acts on them."""
    if value is None:
        return "not known"
    return "less than 1 h" if 0.05 <= value < 0.95 else f"{value:.0f} h"


def render(name: str, code: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(environment().get_template(name).render(**values), code)


def error_answer(request: Request, status: int, detail: str, where: Sequence[str] = ()) -> Response:
    """An error as OperationOutcome to a CDS Hooks client, as a page to who reads one, and else as problem+json."""
    if request.url.path.startswith("/cds-services"):
        return outcome(status, detail, where)
    if "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers:
        return error_page(status, detail, request.state.request_id)
    return problem(status, detail, request_id=request.state.request_id)


def error_page(status: int, detail: str, request_id: str) -> HTMLResponse:
    """An error for a person who reads it in a browser."""
    said = NOTHING_HERE if status == 404 and detail == "Not Found" else detail
    title = TITLES.get(status, "Error")
    return render(
        "error.html.j2", status, page="", title=title, detail=said, status=status, request_id=request_id
    )


NOTHING_HERE = "There is no page at this address. It may have been mistyped, or be a link of another version."


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises Refusal (400)."""
    try:
        text = (await request.body()).decode()
        return dict(
            parse_qsl(text, keep_blank_values=False, max_num_fields=MOST_FIELDS, strict_parsing=False)
        )
    except ValueError:
        raise Refusal(400, "The form cannot be read.") from None
