"""A taper in words: the answer, the table, what to expect beside other ways, what to watch, what to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from textwrap import fill as wrap
from textwrap import wrap as lines_of

import click

from eutonia.summaries import Spread
from eutonia.tapering.models import Predicted, Taper

fill = partial(wrap, break_on_hyphens=False)

ROOMY = 96
"""Width from which the table of withdrawal has a column for the days on which it is felt."""


def as_text(taper: Taper, width: int = 100) -> str:
    """The taper as text with terminal colours; a printer that is no terminal drops them."""
    return "\n".join(lines(taper, min(width, 120)))


def lines(taper: Taper, width: int) -> Iterator[str]:
    yield from _heading(taper, width)
    if taper.refer is None:
        yield from _first(taper, width)
        yield from _table(taper)
        yield from _predicted(taper, width)
        yield from _watch(taper, width)
    yield from _list("Ask; the answer may change the schedule", [q.text for q in taper.ask], width)
    yield from _list("Assumptions", taper.assumptions, width)
    marks = sorted({s.mark for s in taper.sources} & {"assumed", "recalled"})
    caveat = f" Its figures are {' and '.join(marks)} in part." if marks else ""
    yield ""
    yield fill(f"{taper.notice}{caveat} Knowledge {taper.knowledge_version}.", width)


def brief(taper: Taper, width: int) -> Iterator[str]:
    """The answer and the table, as part of an assessment."""
    yield from _heading(taper, width)
    if taper.refer is None:
        yield from _first(taper, width)
        yield from _table(taper)


def _heading(taper: Taper, width: int) -> Iterator[str]:
    yield click.style(taper.title, bold=True)
    if taper.adapted is not None:
        a = taper.adapted
        yield fill(f"Day {a.today}, score {a.score:g} ({a.band}): {a.action}.", width)
    if taper.refer is not None:
        yield click.style("REFER", fg="bright_red", bold=True) + f"  {taper.refer.do}"
        for why in taper.refer.why:
            yield fill(f"- {why}", width, initial_indent="  ", subsequent_indent="    ")
        return
    yield fill(taper.says, width)


def _first(taper: Taper, width: int) -> Iterator[str]:
    if taper.first:
        yield ""
        yield click.style("Before the first day", fg="red", bold=True)
        for what in dict.fromkeys(taper.first):
            yield fill(f"- {what}", width, initial_indent="  ", subsequent_indent="    ")


def _table(taper: Taper) -> Iterator[str]:
    if not taper.steps:
        return
    times = list(dict.fromkeys(dose.time for step in taper.steps for dose in step.doses))
    times.sort()
    rows = [["days", "from", *times, "mg a day"]]
    for step in taper.steps:
        given = {dose.time: dose.tablets or f"{dose.mg:g} mg" for dose in step.doses}
        span = f"{step.first_day}" if step.first_day == step.last_day else f"{step.first_day}–{step.last_day}"
        begins = next(day.date for day in taper.days if day.day == step.first_day)
        rows.append([span, f"{begins:%a %d %b}", *(given.get(t, "–") for t in times), f"{step.total_mg:g}"])
    after = taper.steps[-1].last_day + 1
    rows.append([f"{after}", "", *("–" for _ in times), "0"])
    yield ""
    yield from aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as columns; the first row is the heading and the last column is numbers."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [cell.ljust(w) for cell, w in zip(row[:-1], widths, strict=False)]
        line = ("  " + "   ".join([*cells, row[-1].rjust(widths[-1])])).rstrip()
        yield click.style(line, bold=True) if number == 0 else line


def _predicted(taper: Taper, width: int) -> Iterator[str]:
    if taper.predicted is None:
        return
    yield ""
    title = (
        "Withdrawal to expect, and beside other ways"
        if taper.alternatives
        else "Withdrawal to expect from here"
    )
    yield click.style(title, bold=True)
    ways: list[tuple[str, bool | None, int, Predicted]] = [
        (each.title, each.suits, each.length_days, each) for each in taper.alternatives.values()
    ]
    if taper.chosen not in taper.alternatives:
        ways.insert(0, ("This schedule, made to measure", False, len(taper.days), taper.predicted))
    roomy = width >= ROOMY
    rows = [["", "days", "score of 50", *(["felt on days"] if roomy else []), "have any", "seizure"]]
    for way, suits, days, each in ways:
        name, *rest = lines_of(f"{'* ' if suits else ''}{way}", 36 if roomy else 24, subsequent_indent="  ")
        rows.append(_row(name, days, each, roomy))
        rows += [[line, *("" for _ in rows[0][1:])] for line in rest]
    yield from aligned(rows)
    starred = [a for a in taper.alternatives.values() if a.suits]
    if starred:
        yield fill(
            f"* meant for a patient like this one: {starred[0].says}",
            width,
            initial_indent="  ",
            subsequent_indent="  ",
        )
    recalled = [f"“{a.title}”" for a in taper.alternatives.values() if "recalled" in a.marks]
    if recalled:
        yield fill(
            f"From memory, to be checked against the original: {', '.join(recalled)}.",
            width,
            initial_indent="  ",
            subsequent_indent="  ",
        )
    if taper.continuing is not None:
        on = taper.continuing
        yield fill(
            f"Going on for {on.days} days and stopping then: {share(on.then_stopped.probability_any)} have withdrawal.",
            width,
            initial_indent="  ",
            subsequent_indent="  ",
        )
    yield "  Score: median (95th percentile) of the highest, on a scale like CIWA."
    if taper.made is not None:
        titles = {name: f"“{a.title}”" for name, a in taper.alternatives.items()}
        lost = [titles.get(name, name) for name, won in taper.made.beats.items() if not won]
        if lost:
            yield fill(
                f"Held to the length of {', '.join(lost)}, the search found nothing better than it.",
                width,
                initial_indent="  ",
                subsequent_indent="  ",
            )


def _row(name: str, days: int, p: Predicted, roomy: bool) -> list[str]:
    return [
        name,
        str(days),
        _span(p.peak_score),
        *([_span(p.days_felt)] if roomy else []),
        share(p.probability_any),
        share(p.probability_seizure),
    ]


def _span(s: Spread) -> str:
    return "not known" if s.median is None or s.p95 is None else f"{s.median:.1f} ({s.p95:.1f})"


def share(probability: float) -> str:
    """A probability as people count."""
    if probability >= 0.005:
        return f"{100 * probability:.0f} of 100"
    rare = 10_000 * probability
    return "< 1 of 10,000" if rare < 1 else f"{rare:.0f} of 10,000"


def _watch(taper: Taper, width: int) -> Iterator[str]:
    if taper.monitoring:
        days = ", ".join(f"{v.date:%d %b} (day {v.day})" for v in taper.monitoring)
        yield from _list("Visits", [days, f"Each time: {', '.join(taper.watch)}."], width)
    if taper.scale is not None:
        bands, low = [], 0
        for band in taper.scale["bands"]:
            upto = f"{low}–{band['up_to']:g}" if band["up_to"] is not None else f"above {low - 1}"
            bands.append(f"{upto} {band['name']}: {band['says']}")
            low = int(band["up_to"] or 0) + 1
        yield from _list(f"{taper.scale['name']} score", bands, width)
    if taper.emergency and (taper.steps or taper.chosen):
        yield from _list("Emergency", taper.emergency, width)
    yield from _list("Never", taper.never, width)
    yield from _list("Law", taper.legal, width)


def _list(title: str, items: Sequence[str], width: int) -> Iterator[str]:
    if items:
        yield ""
        yield click.style(title, bold=True)
        for item in items:
            yield fill(f"- {item}", width, initial_indent="  ", subsequent_indent="    ")
