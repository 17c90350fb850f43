"""The course as a chart: bands, doses, thresholds, day and night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.simulation import readouts

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.simulation.results import Outcome

TITLES = {
    "levels": "Level in plasma, mg/L",
    "drive": "Drive on the brake, kT",
    "sedation": "Sedation, of 100",
    "impairment": "Impairment, of 100",
    "relief": "Relief, points of 100",
    "tolerance": "Tolerance, kT",
    "withdrawal": "Withdrawal, score of 50",
    "ventilation": "Breathing, % of resting",
}
PANELS = ("levels", "impairment", "relief", "withdrawal", "ventilation")

MOST_POINTS = 700
MOST_TICKS = 60
"""Doses from which their ticks run together and are drawn faint."""
BREATHES = 0.97
"""Ventilation of which nothing below is drawn: nothing is to be seen."""

KEY = {"symbolOpacity": 1.0, "symbolType": "stroke", "symbolStrokeWidth": 3}
"""How the key of a chart shows the colours of its lines."""


def chart(outcome: Outcome, knowledge: Knowledge, shown: Sequence[str] = PANELS) -> dict[str, Any]:
    """A Vega-Lite chart: levels above, effects below, each as median with the middle 50 and 90 % of patients."""
    thin = max(1, len(outcome.times) // MOST_POINTS)
    days = outcome.times[::thin] / 24.0
    dark = nights(outcome, knowledge, float(days[-1]))
    doses = [
        {"day": t / 24.0, "dose": f"{a:g} mg {r.substance}"}
        for r in outcome.schedule.regimens
        for t, a in zip(r.times, r.amounts, strict=True)
        if 0.0 <= t <= outcome.times[-1]
    ]
    parameters = knowledge.model["readouts"].parameters
    felt = withdrawal_score(np.array([knowledge.model["withdrawal"].parameters["felt"].value]), knowledge)
    lines = {
        "impairment": (parameters["impaired"].value, "impaired above"),
        "relief": (parameters["noticeable"].value, "noticed above"),
        "withdrawal": (float(felt[0]), "felt above"),
    }
    panels: list[dict[str, Any]] = []
    for name in shown if "levels" in shown else ("levels", *shown):
        if name == "levels":
            panels += [_levels(outcome, names, days, thin, dark, doses) for names in of_a_size(outcome)]
            continue
        values = outcome.courses[name][:, ::thin]
        if name == "withdrawal":
            values = withdrawal_score(values, knowledge)
        if name == "ventilation":
            if values.min() > BREATHES:
                continue
            values = 100.0 * values
        panels.append(_panel(_bands(days, values, name), TITLES[name], dark, doses, line=lines.get(name)))
    patients = len(outcome.courses["drive"])
    who = (
        "the typical patient"
        if patients == 1
        else f"line: median; bands: the middle 50 and 90 of 100 of {patients:,} virtual patients"
    )
    return {
        "title": {"text": _title(outcome), "subtitle": [who, "small ticks: doses; shaded: night"]},
        "vconcat": panels,
        "resolve": {"legend": {"color": "independent"}},
        "spacing": 12,
    }


def withdrawal_score(severity: Any, knowledge: Knowledge) -> Any:
    """Severity of withdrawal (kT) on the scale of its scores: what tables and schedules speak of."""
    p = knowledge.model["withdrawal"].parameters
    return p["score_most"].value / 100.0 * readouts.score(severity, p["score_half"].value, 2.0)


def _levels(
    outcome: Outcome, names: list[str], days: Any, thin: int, dark: Any, doses: Any
) -> dict[str, Any]:
    rows = [
        row for name in names
        for row in _bands(days, outcome.level[:, outcome.substances.index(name), ::thin], name)
    ]  # fmt: skip
    title = "Level in plasma, mg/L" if len(names) > 1 else f"{names[0].capitalize()}, mg/L"
    return _panel(rows, title, dark, doses, coloured=names if len(names) > 1 else ())


def of_a_size(outcome: Outcome) -> list[list[str]]:
    """Substances that share a scale: one far below the highest of a group begins its own."""
    tops = {name: float(outcome.level[:, n].max()) for n, name in enumerate(outcome.substances)}
    groups: list[list[str]] = []
    for name in sorted(tops, key=lambda name: -tops[name]):
        if groups and tops[name] > 0.05 * tops[groups[-1][0]]:
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _title(outcome: Outcome) -> str:
    names = [r.substance for r in outcome.schedule.regimens] + [s.therapy for s in outcome.schedule.sessions]
    names += [name for name, _ in outcome.schedule.modulators]
    first, *others = dict.fromkeys(names)
    if not others:
        return first
    *most, last = others
    return f"{first} with {', '.join(most)}{' and ' if most else ''}{last}"


def _bands(days: Any, values: Any, name: str) -> list[dict[str, Any]]:
    p5, p25, p50, p75, p95 = np.percentile(values, (5, 25, 50, 75, 95), axis=0)
    return [
        {"day": round(float(d), 4), "of": name, **{k: float(f"{v:.4g}") for k, v in zip(
            ("p5", "p25", "p50", "p75", "p95"), row, strict=True)}}
        for d, *row in zip(days, p5, p25, p50, p75, p95, strict=True)
    ]  # fmt: skip


def nights(outcome: Outcome, knowledge: Knowledge, last: float) -> list[dict[str, float]]:
    begins, ends = knowledge.clock_times["usual"].day
    clock = outcome.schedule.clock
    found = []
    for day in range(-1, int(last) + 2):
        start, end = day + (ends - clock) / 24.0, day + 1 + (begins - clock) / 24.0
        if end > 0.0 and start < last:
            found.append({"start": max(start, 0.0), "end": min(end, last)})
    return found


def _panel(
    rows: list[dict[str, Any]], title: str, nights: list[dict[str, float]], doses: list[dict[str, Any]],
    *, line: tuple[float, str] | None = None, coloured: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    x = {
        "field": "day",
        "type": "quantitative",
        "title": "days",
        "axis": {"grid": False, "labelFlush": False},
    }
    colour: dict[str, Any] = (
        {"field": "of", "type": "nominal", "sort": None, "legend": KEY | {"values": coloured}}
        if coloured
        else {"value": "#0072b2"}
    )
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": nights},
            "mark": {"type": "rect", "color": "#7a869a", "opacity": 0.13},
            "encoding": {"x": {"field": "start", "type": "quantitative"}, "x2": {"field": "end"}},
        }
    ]
    for low, high, opacity in (("p5", "p95", 0.18), ("p25", "p75", 0.3)):
        layers.append(
            {
                "mark": {"type": "area", "opacity": opacity},
                "encoding": {
                    "x": x,
                    "y": {"field": low, "type": "quantitative", "title": title},
                    "y2": {"field": high},
                    "color": colour,
                },
            }
        )
    layers.append(
        {
            "mark": {"type": "line", "strokeWidth": 1.6},
            "encoding": {
                "x": x,
                "y": {"field": "p50", "type": "quantitative", "title": title},
                "color": colour,
            },
        }
    )
    if doses:
        layers.append(_ticks(doses))
    if line is not None:
        layers += _level(*line)
    return {"data": {"values": rows}, "width": 760, "height": 130, "layer": layers}


def _ticks(doses: list[dict[str, Any]]) -> dict[str, Any]:
    """A mark on the axis for each dose."""
    return {
        "data": {"values": doses},
        "mark": {
            "type": "tick",
            "orient": "vertical",
            "size": 7,
            "thickness": 1,
            "yOffset": -3,
            "color": "#5b6570",
            "opacity": 1.0 if len(doses) <= MOST_TICKS else 0.3,
        },
        "encoding": {
            "x": {"field": "day", "type": "quantitative"},
            "y": {"value": "height"},
            "tooltip": {"field": "dose"},
        },
    }


def _level(level: float, name: str) -> list[dict[str, Any]]:
    """A line across the panel, and its name."""
    at = {"values": [{"level": level, "name": name}]}
    return [
        {
            "data": at,
            "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#d55e00"},
            "encoding": {"y": {"field": "level", "type": "quantitative"}},
        },
        {
            "data": at,
            "mark": {
                "type": "text",
                "align": "right",
                "baseline": "bottom",
                "dy": -2,
                "color": "#d55e00",
            },
            "encoding": {
                "x": {"value": "width"},
                "y": {"field": "level", "type": "quantitative"},
                "text": {"field": "name"},
            },
        },
    ]
