"""Charts of the report that no other part of eutonia draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from eutonia.simulation.engine import Outcome

MOST_POINTS = 120


def pain_chart(outcome: Outcome) -> dict[str, Any]:
    """Pain with the plan, as a band, beside the same patients without it: what the plan adds to the natural course."""
    thin = max(1, len(outcome.times) // MOST_POINTS)
    days = outcome.times[::thin] / 24.0
    with_plan = outcome.courses["pain"][:, ::thin]
    without = with_plan + outcome.courses["relief"][:, ::thin]
    rows = [*_rows(days, without, "without it"), *_rows(days, with_plan, "with the plan")]
    x = {"field": "day", "type": "quantitative", "title": "days", "axis": {"grid": False}}
    colour = {"field": "of", "type": "nominal", "sort": ["without it", "with the plan"]}
    pain = {"type": "quantitative", "title": "Pain, 0–100", "scale": {"domain": [0, 100]}}
    return {
        "title": {"text": "Pain with the plan and without it", "subtitle": "median and middle 50 % of draws"},
        "width": 620,
        "height": 170,
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.2},
                "encoding": {"x": x, "y": {"field": "p25", **pain}, "y2": {"field": "p75"}, "color": colour},
            },
            {
                "mark": {"type": "line", "strokeWidth": 1.8},
                "encoding": {"x": x, "y": {"field": "p50", **pain}, "color": colour},
            },
        ],
    }


def _rows(days: Any, values: Any, name: str) -> list[dict[str, Any]]:
    quartiles = np.percentile(values, (25, 50, 75), axis=0)
    return [
        {"day": round(float(d), 3), "of": name, "p25": round(a, 2), "p50": round(b, 2), "p75": round(c, 2)}
        for d, (a, b, c) in zip(days, quartiles.T.tolist(), strict=True)
    ]
