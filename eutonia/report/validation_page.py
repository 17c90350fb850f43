"""Published observations beside the model as one self-contained page: no script, no network, for screen and phone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import log
from typing import TYPE_CHECKING, NamedTuple

from eutonia import __version__
from eutonia.report.frame import environment, style

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.simulation.validation import Compared, Validation

FURTHEST = 5.0
"""A strip runs from the published figure divided by this to the figure times this."""


class Strip(NamedTuple):
    """Where the model's figure and its band lie, in percent of a strip; the published figure lies in its middle."""

    low: float
    middle: float
    high: float


def as_page(validation: Validation, knowledge: Knowledge) -> str:
    """The whole comparison as HTML, an observation after the other."""
    from eutonia.simulation.validation import named, summed_up

    return (
        environment()
        .get_template("validation.html.j2")
        .render(
            v=validation,
            style=style(),
            summary=summed_up(validation),
            observations=[(title, list(found)) for title, found in groupby(validation.findings, _title)],
            named=named,
            strip=strip,
            cited=lambda found: list(dict.fromkeys(_cited(found, knowledge))),
            version=__version__,
        )
    )


def strip(each: Compared) -> Strip | None:
    """The model's figure by the published one; None where they have no ratio."""
    if each.model is None or not each.published:
        return None
    low, middle, high = (
        _place((value or 0.0) / each.published) for value in (each.model_p5, each.model, each.model_p95)
    )
    return Strip(low, middle, high)


def _place(ratio: float) -> float:
    within = min(max(ratio, 1.0 / FURTHEST), FURTHEST)
    return round(50.0 * (1.0 + log(within) / log(FURTHEST)), 1)


def _title(each: Compared) -> str:
    return each.title


def _cited(found: list[Compared], knowledge: Knowledge) -> Iterator[str]:
    for each in found:
        for source in each.sources:
            where = f", {source['at']}" if source["at"] else ""
            mark = "" if source["mark"] == "seen" else f" ({source['mark']})"
            yield f"{knowledge.sources[source['key']].title}{where}{mark}"
