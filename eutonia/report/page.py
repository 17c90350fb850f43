"""An assessment as one self-contained page: no script, no network, for screen, phone and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eutonia.assessment import Assessment
from eutonia.knowledge import Knowledge, Source, load

WORDS: Mapping[str, str] = {
    "urgent-referral": "refer today",
    "contraindicated": "contraindicated",
    "avoid": "avoid",
    "caution": "caution",
    "insufficient-data": "not enough is known",
    "acceptable": "acceptable",
}


@cache
def environment() -> Environment:
    """The templates, with everything escaped that is not marked as safe here."""
    made = Environment(
        loader=PackageLoader("eutonia.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals["word"] = lambda verdict: WORDS.get(verdict, verdict)
    return made


def style() -> Markup:
    """The style sheet of every page."""
    return Markup(environment().loader.get_source(environment(), "style.css")[0])  # type: ignore[union-attr]


def as_page(assessment: Assessment, knowledge: Knowledge | None = None) -> str:
    """The whole report as HTML."""
    knowledge = knowledge or load()
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            a=assessment,
            style=style(),
            verdict_word=WORDS[assessment.verdict],
            plans_title="; ".join(plan.plan for plan in assessment.plans),
            urgent=any(issue.urgent for plan in assessment.plans for issue in plan.issues),
            sources=knowledge.sources,
            cited=_cited(assessment, knowledge),
            version=version("eutonia"),
            assumptions=_assumptions(assessment),
            sheet=None,
        )
    )


def _cited(assessment: Assessment, knowledge: Knowledge) -> Sequence[Source]:
    keys = {s.key for plan in assessment.plans for issue in plan.issues for s in issue.sources}
    keys |= {s["key"] for option in assessment.options for s in option.sources}
    return sorted((knowledge.sources[key] for key in keys), key=lambda s: (s.authors or s.title).casefold())


def _assumptions(assessment: Assessment) -> Sequence[Any]:
    return ()
