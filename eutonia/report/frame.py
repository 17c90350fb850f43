"""What every page shares: templates, style sheet, and how numbers and verdicts are put."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eutonia.summaries import Spread

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
    made.globals.update(figure=figure, between=between)
    made.filters["within"] = within
    made.globals["word"] = lambda verdict: WORDS.get(verdict, verdict)
    return made


def within(title: str) -> str:
    """A title as it stands within a sentence: `kidney function (eGFR)`, `CYP2C19 phenotype`."""
    return title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] == " " else title


def style() -> Markup:
    """The style sheet of every page."""
    return Markup(environment().loader.get_source(environment(), "style.css")[0])  # type: ignore[union-attr]


def figure(value: float | None) -> str:
    """A number as people read it: whole from ten on, one decimal below."""
    if value is None:
        return "not known"
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}"


def between(s: Spread) -> str:
    """The interval that holds 90 of 100 draws."""
    return f"{figure(s.p5)} to {figure(s.p95)}"
