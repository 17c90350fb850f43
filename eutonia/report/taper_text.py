"""A taper in words: the answer, the table, what to expect beside other ways, what to watch, what to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from eutonia.summaries import Spread, in_people
from eutonia.tapering.models import Predicted, Taper
from eutonia.terminal import bold, listed, table, wrapped

LEAST_NAME, MOST_NAME = 24, 36
"""Columns for the name of a way off the drug beside its figures; with fewer it stands above them."""


def as_text(taper: Taper, width: int = 80) -> str:
    """The taper as text with terminal colours; a printer that is no terminal drops them."""
    return "\n".join(lines(taper, min(width, 120)))


def lines(taper: Taper, width: int) -> Iterator[str]:
    yield from _heading(taper, width)
    if taper.refer is None:
        yield from _first(taper, width)
        yield from _table(taper, width)
        yield from _predicted(taper, width)
        yield from _watch(taper, width)
    yield from _list("Ask; the answer may change the schedule", [q.text for q in taper.ask], width)
    yield from _list("Assumptions", taper.assumptions, width)
    marks = sorted({s.mark for s in taper.sources} & {"assumed", "recalled"})
    caveat = f" Its figures are {' and '.join(marks)} in part." if marks else ""
    yield ""
    yield from wrapped(f"{taper.notice}{caveat} Knowledge {taper.knowledge_version}.", width)


def brief(taper: Taper, width: int) -> Iterator[str]:
    """The answer and the table, as part of an assessment."""
    yield from _heading(taper, width)
    if taper.refer is None:
        yield from _first(taper, width)
        yield from _table(taper, width)


def _heading(taper: Taper, width: int) -> Iterator[str]:
    yield from map(bold, wrapped(taper.title, width))
    if taper.adapted is not None:
        a = taper.adapted
        yield from wrapped(f"Day {a.today}, score {a.score:g} ({a.band}): {a.action}.", width)
    if taper.refer is not None:
        yield from wrapped(taper.refer.do, width, click.style("REFER  ", fg="bright_red", bold=True))
        yield from listed(taper.refer.why, width)
        return
    yield from wrapped(taper.says, width)


def _first(taper: Taper, width: int) -> Iterator[str]:
    if taper.first:
        yield ""
        yield click.style("Before the first day", fg="red", bold=True)
        yield from listed(dict.fromkeys(taper.first), width)


def _table(taper: Taper, width: int) -> Iterator[str]:
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
    head, *body = table(rows, "<" * (len(rows[0]) - 1) + ">", width, "  ")
    yield from (bold(head), *body)


def _predicted(taper: Taper, width: int) -> Iterator[str]:
    if taper.predicted is None:
        return
    yield ""
    beside = ", and beside other ways" if taper.alternatives else " from here"
    yield bold(f"Withdrawal to expect{beside}")
    yield from _ways(taper, taper.predicted, width)
    starred = [a for a in taper.alternatives.values() if a.suits]
    if starred:
        yield from wrapped(f"* meant for a patient like this one: {starred[0].says}", width, "  ", "  ")
    recalled = [f"“{a.title}”" for a in taper.alternatives.values() if "recalled" in a.marks]
    if recalled:
        told = f"From memory, to be checked against the original: {', '.join(recalled)}."
        yield from wrapped(told, width, "  ", "  ")
    if taper.continuing is not None:
        on = taper.continuing
        withdrawn = share(on.then_stopped.probability_any)
        told = f"Going on for {on.days} days and stopping then: {withdrawn} have withdrawal."
        yield from wrapped(told, width, "  ", "  ")
    yield "  Score: median (95th percentile) of the highest, on a scale like CIWA."
    if taper.made is not None:
        titles = {name: f"“{a.title}”" for name, a in taper.alternatives.items()}
        lost = [titles.get(name, name) for name, won in taper.made.beats.items() if not won]
        if lost:
            told = f"Held to the length of {', '.join(lost)}, the search found nothing better than it."
            yield from wrapped(told, width, "  ", "  ")


def _ways(taper: Taper, predicted: Predicted, width: int) -> Iterator[str]:
    """What to expect of this schedule and of each other way, in columns."""
    ways: list[tuple[str, int, Predicted]] = [
        (f"{'* ' if way.suits else ''}{way.title}", way.length_days, way)
        for way in taper.alternatives.values()
    ]
    if taper.chosen not in taper.alternatives:
        ways.insert(0, ("This schedule, made to measure", len(taper.days), predicted))
    rows = [["days", "score of 50", "felt on days", "have any", "seizure"]]
    for _, days, p in ways:
        chances = share(p.probability_any), share(p.probability_seizure)
        rows.append([str(days), _span(p.peak_score), _span(p.days_felt), *chances])
    head, *body = table(rows, "<<<<>", width)
    room = min(MOST_NAME, width - len(head) - 4)
    if room < LEAST_NAME:
        yield bold(f"      {head}")
        for (way, *_), figures in zip(ways, body, strict=True):
            yield from wrapped(way, width, "  ", "    ")
            yield f"      {figures}"
        return
    yield bold(f"  {'':<{room}}  {head}")
    for (way, *_), figures in zip(ways, body, strict=True):
        name, *rest = wrapped(way, room, rest="  ")
        yield f"  {name:<{room}}  {figures}"
        yield from (f"  {line}" for line in rest)


def _span(s: Spread) -> str:
    return "not known" if s.median is None or s.p95 is None else f"{s.median:.1f} ({s.p95:.1f})"


def share(probability: float) -> str:
    """A probability as people count, in the room of a table."""
    return in_people(probability).replace("fewer than", "<")


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
        yield bold(title)
        yield from listed(items, width)
