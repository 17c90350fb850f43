"""Forest, funnel, effect-over-time and network plots of an answer, as Vega-Lite for `eutonia.charts`."""

import re
from math import cos, log, pi, sin
from typing import Any

from eutonia.appraisal.models import Evidence, EvidenceRow, Summary
from eutonia.appraisal.question import group, lowered, members, title
from eutonia.appraisal.rows import Z95
from eutonia.appraisal.searching import bears_on
from eutonia.appraisal.wording import interval, number
from eutonia.charts import CATEGORIES
from eutonia.errors import NotAvailable
from eutonia.knowledge import Knowledge, load

WIDTH = 380
BLUE, ORANGE = CATEGORIES[:2]
GREY = "#8a94a0"


def forest(answer: Evidence, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """Each trial with its interval and weight, the pool, and where a new trial would lie."""
    knowledge = knowledge or load()
    if answer.estimate is None or answer.ci is None:
        raise NotAvailable(
            "There is nothing to draw: no usable data. " + (answer.say[0] if answer.say else "")
        )
    values = _forest_rows(answer)
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"domain": False, "ticks": False},
    }
    x = _effect_axis(answer, [v for part in values for v in (part["low"], part["high"])])
    ends = {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}}
    at = {"y": y, "x": {**x, "field": "estimate"}}
    weight = {
        "field": "weight",
        "type": "quantitative",
        "scale": {"domain": [0, 100], "range": [20, 420]},
        "legend": None,
    }
    square = {"type": "point", "shape": "square", "filled": True, "color": BLUE, "opacity": 1}
    diamond = {
        "type": "point",
        "shape": "diamond",
        "filled": True,
        "color": ORANGE,
        "size": 240,
        "opacity": 1,
    }
    text = {"type": "text", "fontSize": 12}
    layers = [
        _nil_line(answer),
        _layer("trial", {"type": "rule", "color": BLUE, "strokeWidth": 1.5}, ends),
        _layer("trial", square, {**at, "size": weight}),
        _layer("pool", {"type": "rule", "color": ORANGE, "strokeWidth": 3}, ends),
        _layer("pool", diamond, at),
        _layer("new", {"type": "rule", "color": ORANGE, "strokeDash": [4, 3], "strokeWidth": 1.5}, ends),
        {
            "mark": {**text, "align": "left"},
            "encoding": {"y": y, "x": {"value": WIDTH + 14}, "text": {"field": "told"}},
        },
        {
            "mark": {**text, "align": "right"},
            "encoding": {"y": y, "x": {"value": WIDTH + 210}, "text": {"field": "share"}},
        },
    ]
    return {
        "title": {"text": _headline(knowledge, answer), "subtitle": _subtitle(answer)},
        "width": WIDTH,
        "height": {"step": 26},
        "data": {"values": values},
        "layer": layers,
    }


def _forest_rows(answer: Evidence) -> list[dict[str, Any]]:
    """The rows of a forest: trials, their pool, and a new trial."""
    assert answer.estimate is not None
    assert answer.ci is not None
    names = _names(answer)
    trials = [
        {
            "name": f"{names[row.trial]} ({row.n[0]} v {row.n[1]})",
            "estimate": row.effect, "low": row.ci[0], "high": row.ci[1], "weight": row.weight,
            "told": f"{number(row.effect, answer.measure)} ({interval(row.ci, answer.measure)})",
            "share": f"{row.weight:.0f} %", "trial": row.trial, "mark": row.mark, "kind": "trial",
        }
        for row in answer.rows
    ]  # fmt: skip
    pool = {
        "name": f"Pool ({answer.trials} trial{'s' if answer.trials != 1 else ''}, {answer.patients} people)",
        "estimate": answer.estimate, "low": answer.ci[0], "high": answer.ci[1], "kind": "pool",
        "told": f"{number(answer.estimate, answer.measure)} ({interval(answer.ci, answer.measure)})", "share": "100 %",
    }  # fmt: skip
    values: list[dict[str, Any]] = [*trials, pool]
    if answer.prediction_interval is not None:
        low, high = answer.prediction_interval
        told = interval(answer.prediction_interval, answer.measure)
        values.append(
            {
                "name": "A similar new trial",
                "low": low,
                "high": high,
                "kind": "new",
                "told": told,
                "share": "",
            }
        )
    return values


def _layer(kind: str, mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    return {"transform": [{"filter": f"datum.kind == '{kind}'"}], "mark": mark, "encoding": encoding}


def _cited(text: str, trial: str) -> str:
    """The first author of a citation; the trial's id where it names none."""
    author = re.match(r"([A-Z][\w'’-]+(?: [A-Z][a-z][\w-]+)?) [A-Z]{1,3}\b", text)
    return author[1] if author else trial


def _labelled(row: EvidenceRow) -> str:
    within = re.match(r"([A-Z].{2,40}? \d{4}),? in ", row.title)
    if within:  # known by its place in a review
        return within[1]
    author = _cited(row.title, row.trial)
    return author if author == row.trial else f"{author} {row.year or ''}".strip()


def _names(answer: Evidence) -> dict[str, str]:
    """Trial → its label; the trial's id where two would read alike."""
    labels = {row.trial: _labelled(row) for row in answer.rows}
    alike = list(labels.values())
    return {trial: label if alike.count(label) == 1 else trial for trial, label in labels.items()}


def _headline(knowledge: Knowledge, answer: Evidence) -> str:
    asked = answer.question
    outcome = knowledge.outcomes[asked.outcome].title
    window = f", {asked.window}" if asked.window else ""
    return (
        f"{outcome}: {title(knowledge, asked.therapy)} against {lowered(knowledge, asked.comparator)}{window}"
    )


def _subtitle(answer: Evidence) -> str:
    return f"{answer.method}; certainty {answer.certainty.level}"


def _effect_axis(answer: Evidence, values: list[float]) -> dict[str, Any]:
    scale: dict[str, Any] = (
        {"type": "log", "nice": False} if answer.measure == "RR" else {"nice": True, "zero": True}
    )
    if answer.measure == "RR":
        positive = [value for value in values if value > 0]
        scale["domain"] = [min(0.8, *positive), max(1.25, *positive)]
    return {"type": "quantitative", "title": answer.scale, "scale": scale}


def _nil_line(answer: Evidence) -> dict[str, Any]:
    nil = 1 if answer.measure == "RR" else 0
    return {
        "data": {"values": [{"nil": nil}]},
        "mark": {"type": "rule", "color": GREY},
        "encoding": {"x": {"field": "nil", "type": "quantitative"}},
    }


def funnel(answer: Evidence, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """Effects against their standard errors, with the 95 % funnel around the pool."""
    knowledge = knowledge or load()
    if answer.estimate is None or len(answer.rows) < 2:
        raise NotAvailable("A funnel plot needs at least two trials with a figure.")
    ratio = answer.measure == "RR"
    centre = log(answer.estimate) if ratio else answer.estimate
    points: list[dict[str, Any]] = []
    for row in answer.rows:
        low, high = (log(row.ci[0]), log(row.ci[1])) if ratio else row.ci
        se = (high - low) / 3.919928
        points.append({"effect": log(row.effect) if ratio else row.effect, "se": se, "trial": _labelled(row)})
    top = max(p["se"] for p in points) * 1.1
    sides = [{"se": s, "low": centre - Z95 * s, "high": centre + Z95 * s} for s in (0, top)]
    y = {
        "field": "se",
        "type": "quantitative",
        "title": "standard error",
        "scale": {"reverse": True, "domain": [0, top]},
    }
    name = "log risk ratio" if ratio else answer.scale
    line = {"type": "line", "color": GREY, "strokeDash": [4, 3]}
    return {
        "title": {"text": _headline(knowledge, answer), "subtitle": "Funnel: 95 % of trials of one effect lie inside"},
        "width": WIDTH,
        "height": 280,
        "layer": [
            *(
                {"data": {"values": sides}, "mark": line,
                 "encoding": {"y": y, "x": {"field": side, "type": "quantitative", "title": name}}}
                for side in ("low", "high")
            ),
            {"data": {"values": [{"x": centre}]}, "mark": {"type": "rule", "color": ORANGE},
             "encoding": {"x": {"field": "x", "type": "quantitative"}}},
            {"data": {"values": points}, "mark": {"type": "point", "filled": True, "color": BLUE, "size": 70},
             "encoding": {"y": y, "x": {"field": "effect", "type": "quantitative", "title": name,
                                        "scale": {"zero": False}},
                          "tooltip": {"field": "trial"}}},
        ],
    }  # fmt: skip


def over_time(answer: Evidence, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """The pooled effect in each time window that has data."""
    knowledge = knowledge or load()
    if not answer.over_time:
        raise NotAvailable("There is nothing to draw: no time window has usable data.")
    values = [_window(part, answer) for part in answer.over_time]
    y = _effect_axis(answer, [v for part in values for v in (part["low"], part["high"])])
    x = {
        "field": "window",
        "type": "ordinal",
        "sort": ["days 1 to 4", "days 5 to 14", "2 to 13 weeks", "over 13 weeks"],
        "title": "time from the start of treatment",
        "scale": {"domain": ["days 1 to 4", "days 5 to 14", "2 to 13 weeks", "over 13 weeks"]},
        "axis": {"labelAngle": 0},
    }
    nil = 1 if answer.measure == "RR" else 0
    headline = _headline(
        knowledge, answer.model_copy(update={"question": answer.question.model_copy(update={"window": None})})
    )
    return {
        "title": {"text": headline, "subtitle": "Different trials stand behind different times"},
        "width": 440,
        "height": 260,
        "data": {"values": values},
        "layer": [
            {"data": {"values": [{"nil": nil}]}, "mark": {"type": "rule", "color": GREY},
             "encoding": {"y": {"field": "nil", "type": "quantitative"}}},
            {"mark": {"type": "rule", "color": BLUE, "strokeWidth": 2},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}},
            {"mark": {"type": "point", "filled": True, "color": BLUE, "size": 110, "opacity": 1},
             "encoding": {"x": x, "y": {**y, "field": "estimate"}}},
            {"mark": {"type": "text", "dx": 12, "align": "left", "fontSize": 12},
             "encoding": {"x": x, "y": {**y, "field": "estimate"}, "text": {"field": "told"}}},
        ],
    }  # fmt: skip


def _window(part: Summary, answer: Evidence) -> dict[str, Any]:
    return {
        "window": part.what, "estimate": part.estimate, "low": part.ci[0], "high": part.ci[1],
        "told": f"{number(part.estimate, answer.measure)} ({part.trials} trial{'s' if part.trials != 1 else ''})",
    }  # fmt: skip


def network(answer: Evidence, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """What trials of the condition compared with what, in a circle; lines are as thick as trials are many."""
    knowledge = knowledge or load()
    edges = compared(knowledge, answer.question.condition)
    if not edges:
        raise NotAvailable(f"There is nothing to draw: no trial of {answer.question.condition} is known.")
    names = sorted({name for edge in edges for name in edge})
    place = {name: 2 * pi * i / len(names) for i, name in enumerate(names)}
    lines = [
        {"x": cos(place[a]), "y": sin(place[a]), "x2": cos(place[b]), "y2": sin(place[b]), "trials": n}
        for (a, b), n in edges.items()
    ]
    asked = members(knowledge, answer.question.therapy) | members(knowledge, answer.question.comparator)
    points = [
        {"x": cos(angle), "y": sin(angle), "tx": 1.07 * cos(angle), "ty": _off(angle, i) * sin(angle),
         "name": title(knowledge, name), "side": "left" if cos(angle) >= 0 else "right",
         "asked": "asked about" if name in asked else "other"}
        for i, (name, angle) in enumerate(place.items())
    ]  # fmt: skip
    axis = {"type": "quantitative", "axis": None, "scale": {"domain": [-1.25, 1.25]}}
    labels = [
        {"transform": [{"filter": f"datum.side == '{side}'"}], "data": {"values": points},
         "mark": {"type": "text", "align": side, "baseline": "middle", "fontSize": 11, "limit": 210},
         "encoding": {"x": {**axis, "field": "tx"}, "y": {**axis, "field": "ty"}, "text": {"field": "name"}}}
        for side in ("left", "right")
    ]  # fmt: skip
    return {
        "title": {
            "text": f"Trials of {knowledge.populations[answer.question.condition].title.lower()}",
            "subtitle": "Only treatments that lines connect can be compared",
        },
        "width": 480,
        "height": 480,
        "layer": [
            {"data": {"values": lines}, "mark": {"type": "rule", "color": GREY, "opacity": 0.7},
             "encoding": {"x": {**axis, "field": "x"}, "y": {**axis, "field": "y"}, "x2": {"field": "x2"},
                          "y2": {"field": "y2"},
                          "strokeWidth": {"field": "trials", "type": "quantitative", "legend": None,
                                          "scale": {"domain": [1, 10], "range": [1.2, 7], "clamp": True}}}},
            {"data": {"values": points}, "mark": {"type": "point", "filled": True, "size": 130, "opacity": 1},
             "encoding": {"x": {**axis, "field": "x"}, "y": {**axis, "field": "y"},
                          "color": {"field": "asked", "type": "nominal", "legend": None,
                                    "scale": {"domain": ["asked about", "other"], "range": [ORANGE, BLUE]}}}},
            *labels,
        ],
    }  # fmt: skip


def _off(angle: float, place: int) -> float:
    """How far out a label stands: in turn nearer and farther where names lie one above another."""
    return 1.07 + 0.13 * (place % 2) if abs(cos(angle)) < 0.5 else 1.07


def compared(knowledge: Knowledge, condition: str) -> dict[tuple[str, str], int]:
    """Pairs of treatments that trials of `condition` compare, with the number of trials; controls by their group."""

    def node(name: str) -> str:
        return group(knowledge, name) if knowledge.interventions[name].kind == "control" else name

    found: dict[tuple[str, str], set[str]] = {}
    for trial in knowledge.trials.values():
        if not bears_on(knowledge, trial, condition):
            continue
        names = sorted({node(arm.treatment) for arm in trial.arms.values()})
        for i, one in enumerate(names):
            for two in names[i + 1 :]:
                found.setdefault((one, two), set()).add(trial.id)
    return {pair: len(trials) for pair, trials in found.items()}
