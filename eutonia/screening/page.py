"""The summary of a screen in words, and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from eutonia.knowledge import SEVERITIES, load
from eutonia.report.frame import style

if TYPE_CHECKING:
    from eutonia.screening.summary import Count, Screen


def as_text(result: Screen, width: int = 100) -> str:
    """What was found, gravest first, then what could not be told and what is wrong with the data."""
    return "\n".join(_lines(result, width))


def _lines(result: Screen, width: int) -> Iterator[str]:
    yield (
        f"{told(result.exposed, result)} of {told(result.persons, result)} persons take or took a muscle relaxant "
        f"({told(result.episodes, result)} episodes), as of {result.as_of}."
    )
    yield (
        f"A warning (caution or graver) about it applies to {of_whole(result.warned)} of them; for "
        f"{of_whole(result.clear)} no rule applies and none is open."
    )
    yield ""
    yield click.style("THE GRAVEST RULE OF EACH PERSON", bold=True)
    for name, n in result.gravest.items():
        yield f"{of_whole(n):>9}  {rate(n, result):>8}  {GRAVEST[name]}"[:width]
    rules = load().rules
    for severity in SEVERITIES:
        found = {rule: n for rule, n in result.issues.items() if rules[rule].severity == severity}
        if found:
            yield ""
            yield click.style(severity.upper(), bold=True)
            for rule, n in found.items():
                yield f"{told(n, result):>9}  {rate(n, result):>8}  {rule}: {rules[rule].title}"[:width]
    yield ""
    yield "Persons, and how many of 1,000 exposed."
    if result.asks:
        yield ""
        yield click.style("CANNOT BE TOLD", bold=True)
        for ask, n in list(result.asks.items())[:12]:
            yield f"{told(n, result):>9}  persons, for lack of: {ask}"
    yield from _forecast_lines(result, width)
    if result.quality:
        yield ""
        yield click.style("DATA QUALITY", bold=True)
        for oddity in result.quality:
            share = 100 * oddity.rows / max(oddity.of, 1)
            yield f"{oddity.rows:>9,}  {share:5.1f} %  {oddity.table}: {oddity.what} ({oddity.done})"[:width]
    for warning in result.warnings:
        yield from textwrap.wrap(f"! {warning}", width, subsequent_indent="  ")
    if result.unmapped:
        yield ""
        yield click.style("NOT MAPPED", bold=True)
        for each in result.unmapped[:10]:
            yield f"{each.rows:>9,}  {each.table}: {each.name}"[:width]
        if len(result.unmapped) > 10:
            yield f"           and {len(result.unmapped) - 10} more names"
    yield ""
    yield from textwrap.wrap(result.notice, width)


GRAVEST = {
    "contraindicated": "contraindicated",
    "avoid": "avoid",
    "caution": "caution",
    "monitor": "monitoring only",
    "info": "standard advice only, given to everyone on the drug",
    "other": "only rules about other treatment in use",
    "open": "nothing found, and something cannot be told",
    "clear": "nothing found and nothing open",
}
"""Parts of the exposed persons (`Screen.gravest`) in words."""


def _forecast_lines(result: Screen, width: int) -> Iterator[str]:
    if result.forecast is None:
        return
    yield ""
    yield click.style("FORECAST", bold=True)
    for name, each in result.forecast.therapies.items():
        words = (
            f"withdrawal if stopped at its end {_share(each.probability_any_withdrawal)}, a seizure "
            f"{_share(each.probability_seizure)}; peak impairment {each.peak_impairment:.0f} of 100"
            if each.peak_impairment is not None
            else "not shown"
        )
        yield f"{told(each.persons, result):>9}  {name}: {words}"[:width]
    for why, n in result.forecast.left_out.items():
        yield f"{told(n, result):>9}  left out: {why}"[:width]


def _share(probability: float | None) -> str:
    return "unknown" if probability is None else f"{100 * probability:.2g} %"


def told(count: Count, result: Screen) -> str:
    return f"<{result.min_cell}" if count is None else f"{count:,}"


def of_whole(count: Count) -> str:
    """A part of the exposed persons: one that is not shown need not be small (`Shown.parts`)."""
    return "not shown" if count is None else f"{count:,}"


def rate(count: Count, result: Screen) -> str:
    """Per 1,000 exposed persons."""
    return "" if count is None or not result.exposed else f"{1000 * count / result.exposed:,.1f}"


# --- the page ---------------------------------------------------------------------------------------


def as_html(result: Screen) -> str:
    """The summary as one self-contained page: no script, no network."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("eutonia.screening"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    years = sorted({each.year for each in result.years})
    return pages.get_template("screen.html.j2").render(
        s=result,
        style=style(),
        rows=_rows(result, years),
        span=f"from {years[0]} to {years[-1]}" if years else "",
        questions={f.id: f.ask for f in load().features.values() if f.ask},
        gravest=[(name, GRAVEST[name], n, rate(n, result)) for name, n in result.gravest.items()],
        told=lambda count: told(count, result),
        of_whole=of_whole,
        percent=_percent,
        share=_share_of,
        chance=_share,
    )


def _rows(result: Screen, years: list[int]) -> list[dict[str, Any]]:
    rules = load().rules
    rates = {(each.rule, each.year): each.per_1000 for each in result.years}
    return [
        {
            "rule": rule,
            "title": rules[rule].title,
            "severity": rules[rule].severity,
            "persons": n,
            "rate": rate(n, result),
            "share": _share_of(n, result.exposed),
            "unknown": result.unknown.get(rule, 0),
            **_trend([(year, rates.get((rule, year))) for year in years]),
        }
        for rule, n in result.issues.items()
    ]


def _trend(rates: list[tuple[int, float | None]]) -> dict[str, Any]:
    """Bars of a small chart (x, y, width, height), and the same in words."""
    top = max((value for _, value in rates if value), default=0.0)
    if not top:
        return {"trend": [], "trend_text": ""}
    wide, high = 100 / len(rates), [round(24 * (value or 0) / top, 2) for _, value in rates]
    bars = [(round(n * wide, 2), 24 - h, round(wide * 0.85, 2), h) for n, h in enumerate(high)]
    words = "; ".join(f"{year}: {value:g} per 1,000" for year, value in rates if value)
    return {"trend": bars, "trend_text": words}


def _percent(part: Count, whole: Count) -> str:
    return "" if part is None or not whole else f"{100 * part / whole:.1f} %"


def _share_of(part: Count, whole: Count) -> float:
    """The length of a bar, of 100."""
    return 0 if part is None or not whole else round(100 * part / whole, 1)
