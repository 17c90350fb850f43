"""Small charts of a page, drawn as SVG by hand: lines with bands over time.

A page may hold a dozen of them, and a general renderer takes two seconds for what is some paths and labels. They are
text in the page: its font, its colours in light and dark, sharp on paper, readable on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 320.0, 178.0
LEFT, RIGHT, TOP, BOTTOM = 38.0, 8.0, 8.0, 34.0
"""Margins within which the axes are labelled; px at the size of a phone."""
WHOLE_FROM = 10.0
MOST_LABELS = 7


class Series(NamedTuple):
    """One course: its middle, and bands about it, the widest first."""

    name: str
    x: Sequence[float]
    middle: Sequence[float]
    bands: Sequence[tuple[Sequence[float], Sequence[float]]] = ()
    dashed: bool = False


class Panel(NamedTuple):
    """One chart. Its vertical axis begins at zero."""

    title: str
    says: str
    """The same for who cannot see it: what is shown, from what to what."""
    x_title: str
    series: Sequence[Series]
    top: float | None = None
    """The end of the vertical axis; None: the next round number above everything that is drawn."""
    mark: tuple[float, str] | None = None
    """A level from which something is felt or counts."""
    step: float | None = None
    """Between the labels of the horizontal axis; None: whatever reads as round."""
    nights: Sequence[tuple[float, float]] = ()
    doses: Sequence[float] = ()


def figure(panel: Panel) -> Markup:
    """The chart with its title and key, as a figure of a page."""
    key = ""
    if len(panel.series) > 1:
        entries = (
            f'<span class="s{n}"><svg width="22" height="10" aria-hidden="true"><path class="line{_dash(s)}" '
            f'd="M1 5H21"/></svg> {escape(s.name)}</span>'
            for n, s in enumerate(panel.series)
        )
        key = f'<span class="key small">{" ".join(entries)}</span>'
    return Markup(
        f'<figure class="chart"><figcaption>{escape(panel.title)}{key}</figcaption>{_svg(panel)}</figure>'
    )


def _svg(panel: Panel) -> str:
    top = panel.top or _round_up(max(_highest(panel), 1e-6))
    first = min(float(s.x[0]) for s in panel.series)
    last = max(float(s.x[-1]) for s in panel.series)
    across = (WIDTH - LEFT - RIGHT) / max(last - first, 1e-9)
    up = (HEIGHT - TOP - BOTTOM) / top

    def x(value: float) -> float:
        return round(LEFT + (min(max(value, first), last) - first) * across, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - min(max(value, 0.0), top) * up, 1)

    def path(xs: Sequence[float], ys: Sequence[float]) -> str:
        return " ".join(f"{x(a):g},{y(b):g}" for a, b in zip(xs, ys, strict=True))

    parts = [f'<svg role="img" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" aria-label="{escape(panel.says)}">']
    for begin, end in panel.nights:
        if end > first and begin < last:
            parts.append(
                f'<rect class="night" x="{x(begin):g}" y="{TOP:g}" width="{max(x(end) - x(begin), 0):.1f}" '
                f'height="{HEIGHT - TOP - BOTTOM:g}"/>'
            )
    for value in _steps(0.0, top, 5):
        parts.append(f'<path class="grid" d="M{LEFT:g} {y(value):g}H{WIDTH - RIGHT:g}"/>')
        parts.append(f'<text x="{LEFT - 5:g}" y="{y(value) + 4:g}" text-anchor="end">{_label(value)}</text>')
    for value in _steps(first, last, MOST_LABELS, panel.step):
        parts.append(
            f'<text x="{x(value):g}" y="{HEIGHT - BOTTOM + 15:g}" text-anchor="middle">{_label(value)}</text>'
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 4:g}" text-anchor="middle">'
        f"{escape(panel.x_title)}</text>"
    )
    for n, s in enumerate(panel.series):
        for low, high in s.bands:
            around = f"{path(s.x, high)} {path(s.x[::-1], low[::-1])}"
            parts.append(f'<path class="band s{n}" d="M{around}Z"/>')
    for n, s in enumerate(panel.series):
        parts.append(f'<path class="line s{n}{_dash(s)}" d="M{path(s.x, s.middle)}"/>')
    if panel.mark is not None and panel.mark[0] <= top:
        level, name = panel.mark
        parts.append(f'<path class="mark" d="M{LEFT:g} {y(level):g}H{WIDTH - RIGHT:g}"/>')
        parts.append(
            f'<text class="mark" x="{WIDTH - RIGHT:g}" y="{y(level) - 4:g}" text-anchor="end">{escape(name)}</text>'
        )
    parts += [
        f'<path class="dose" d="M{x(dose):g} {HEIGHT - BOTTOM:g}v-6"/>'
        for dose in panel.doses
        if first <= dose <= last
    ]
    return "".join([*parts, "</svg>"])


def _dash(series: Series) -> str:
    return " dashed" if series.dashed else ""


def _highest(panel: Panel) -> float:
    return max(
        float(max(values)) for s in panel.series for values in (s.middle, *(high for _, high in s.bands))
    )


def _round_up(value: float) -> float:
    """The next number that reads as one: 1, 1.5, 2, 3, 4, 5, 6, 8 by powers of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if n * power >= value * (1 - 1e-9))


def _steps(first: float, last: float, most: int, step: float | None = None) -> Iterator[float]:
    """Round numbers from `first` to `last`: every `step`, or about so many."""
    if step is None:
        rough = (last - first) / most
        power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
        step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9))
    number = math.ceil(first / step - 1e-9)
    while number * step <= last + 1e-9 * step:
        yield number * step
        number += 1


def _label(value: float) -> str:
    return f"{value:g}" if abs(value) < WHOLE_FROM else f"{value:.0f}"
