"""A taper as one self-contained page: what to expect, for the clinician, and a sheet to follow, for the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from eutonia import __version__
from eutonia.knowledge import Knowledge, load
from eutonia.report.drawing import Panel, Series, figure
from eutonia.report.frame import environment, style
from eutonia.report.taper_text import share
from eutonia.tapering.models import Dose, Step, Taper


class Row(NamedTuple):
    """One dose of a step on the patient's sheet, with a box to tick for each day."""

    time: str
    what: str
    days: tuple[str, ...]


class Block(NamedTuple):
    """One step on the patient's sheet."""

    title: str
    rows: tuple[Row, ...]


def as_page(taper: Taper, knowledge: Knowledge | None = None) -> str:
    """The page as HTML."""
    knowledge = knowledge or load()
    page = environment().get_template("taper_page.html.j2")
    return page.render(version=__version__, style=style(), **parts(taper, knowledge))


def parts(taper: Taper, knowledge: Knowledge) -> Mapping[str, Any]:
    """What the templates of a taper need."""
    keys = {s.key for s in taper.sources} | {s.key for a in taper.alternatives.values() for s in a.sources}
    return {
        "t": taper,
        "taper_chart": chart_of(taper, knowledge),
        "blocks": [_block(taper, step) for step in taper.steps],
        "share": share,
        "taper_sources": sorted(
            (knowledge.sources[k] for k in keys), key=lambda s: (s.authors or s.title).casefold()
        ),
    }


def _block(taper: Taper, step: Step) -> Block:
    dates = [day.date for day in taper.days if step.first_day <= day.day <= step.last_day]
    title = f"{dates[0]:%A} {dates[0].day} {dates[0]:%B}"
    if len(dates) > 1:
        title += f" to {dates[-1]:%A} {dates[-1].day} {dates[-1]:%B}"
    boxes = tuple(f"{d.day}" for d in dates)
    return Block(title, tuple(Row(d.time, _plain(d), boxes) for d in step.doses))


def _plain(dose: Dose) -> str:
    """“½ tablet of 350 mg”"""
    return dose.tablets.replace(" x ", " tablet of ", 1) if dose.tablets else f"{dose.mg:g} mg"


def chart_of(taper: Taper, knowledge: Knowledge) -> Markup | None:
    """Withdrawal by day of this schedule, of stopping at once, and of the others."""
    shown = [n for n in (taper.chosen, "abrupt", taper.published, "linear-same-length") if n in taper.courses]
    if len(shown) < 2:
        return None
    import numpy as np

    from eutonia.simulation.plot import withdrawal_score

    titles = {n: "this schedule" if n == taper.chosen else _title(n, taper) for n in dict.fromkeys(shown)}
    series = [
        Series(
            title,
            range(1, len(taper.courses[name]) + 1),
            withdrawal_score(np.array(taper.courses[name]), knowledge).tolist(),
            dashed=name != taper.chosen,
        )
        for name, title in titles.items()
    ]
    says = "Withdrawal by day, of this schedule and of other ways; nine of ten patients have less."
    return figure(
        Panel("Withdrawal score of 50: nine of ten patients have less", says, "day of the schedule", series)
    )


def _title(name: str, taper: Taper) -> str:
    other = taper.alternatives.get(name)
    return other.title if other is not None else name
