"""The summary of a screen in words, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eutonia.knowledge import SEVERITIES, load
from eutonia.report.frame import style
from eutonia.terminal import bold, wrapped

if TYPE_CHECKING:
    from eutonia.screening.summary import Count, Screen


def as_text(result: Screen, width: int = 80) -> str:
    """What was found, gravest first, then what could not be told and what is wrong with the data."""
    return "\n".join(_lines(result, width))


def _lines(result: Screen, width: int) -> Iterator[str]:
    yield from wrapped(
        f"{told(result.exposed, result)} of {told(result.persons, result)} persons take or took a muscle relaxant "
        f"({told(result.episodes, result)} episodes), as of {result.as_of}.",
        width,
    )
    yield from wrapped(
        f"A warning (caution or graver) about it applies to {of_whole(result.warned)} of them; for "
        f"{of_whole(result.clear)} no rule applies and none is open.",
        width,
    )
    yield ""
    yield bold("THE GRAVEST RULE OF EACH PERSON")
    for name, n in result.gravest.items():
        yield from _counted(of_whole(n), GRAVEST[name], width, rate(n, result))
    rules = load().rules
    for severity in SEVERITIES:
        found = {rule: n for rule, n in result.issues.items() if rules[rule].severity == severity}
        if found:
            yield ""
            yield bold(severity.upper())
            for rule, n in found.items():
                yield from _counted(told(n, result), f"{rule}: {rules[rule].title}", width, rate(n, result))
    yield ""
    yield "Persons, and how many of 1,000 exposed."
    if result.asks:
        yield ""
        yield bold("CANNOT BE TOLD")
        for ask, n in list(result.asks.items())[:12]:
            yield from _counted(told(n, result), f"persons, for lack of: {ask}", width)
    yield from _forecast_lines(result, width)
    if result.quality:
        yield ""
        yield bold("DATA QUALITY")
        for oddity in result.quality:
            share = f"{100 * oddity.rows / max(oddity.of, 1):.1f} %"
            what = f"{oddity.table}: {oddity.what} ({oddity.done})"
            yield from _counted(f"{oddity.rows:,}", what, width, share)
    for warning in result.warnings:
        yield from wrapped(warning, width, "! ", "  ")
    if result.unmapped:
        yield ""
        yield bold("NOT MAPPED")
        for each in result.unmapped[:10]:
            yield from _counted(f"{each.rows:,}", f"{each.table}: {each.name}", width)
        if len(result.unmapped) > 10:
            yield f"           and {len(result.unmapped) - 10} more names"
    yield ""
    yield from wrapped(result.notice, width)


def _counted(count: str, what: str, width: int, share: str = "") -> list[str]:
    """A count, its share where it is known, and what was counted."""
    lead = f"{count:>9}  {share:>8}  " if share else f"{count:>9}  "
    return wrapped(what, width, lead, " " * len(lead))


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
    yield bold("FORECAST")
    for name, each in result.forecast.therapies.items():
        words = (
            f"withdrawal if stopped at its end {_share(each.probability_any_withdrawal)}, a seizure "
            f"{_share(each.probability_seizure)}; peak impairment {each.peak_impairment:.0f} of 100"
            if each.peak_impairment is not None
            else "not shown"
        )
        yield from _counted(told(each.persons, result), f"{name}: {words}", width)
    for why, n in result.forecast.left_out.items():
        yield from _counted(told(n, result), f"left out: {why}", width)


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
