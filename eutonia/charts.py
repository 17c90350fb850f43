"""Pictures: one style for every chart, light and dark, as PNG, SVG or a page of their own.

A chart is a Vega-Lite specification (a plain mapping): the same one is drawn by the browser and, through
vl-convert (Vega's own renderer, bundled, no browser and no network), into files.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Literal

from eutonia.errors import InputError

Theme = Literal["light", "dark"]

CATEGORIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, told apart by every kind of colour vision."""

INK = {"light": ("#1b1f24", "#5b6570", "#dfe3e8"), "dark": ("#e8eaed", "#a3adb8", "#3a424c")}
"""Text, secondary text, and rules, for each theme."""

GROUND = {"light": "#ffffff", "dark": "#14171b"}


def config(theme: Theme = "light") -> dict[str, Any]:
    """The Vega-Lite config that every chart shares."""
    ink, soft, rule = INK[theme]
    axis = {
        "labelColor": soft,
        "titleColor": ink,
        "gridColor": rule,
        "domainColor": rule,
        "tickColor": rule,
        "labelFontSize": 12,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelLimit": 280,
    }
    return {
        "background": "transparent" if theme == "dark" else GROUND[theme],
        "font": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
        "view": {"stroke": None},
        "axis": axis,
        "legend": {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "orient": "top", "title": None},
        "header": {"labelColor": ink, "titleColor": ink, "labelFontSize": 13},
        "title": {"color": ink, "subtitleColor": soft, "fontSize": 15, "anchor": "start", "fontWeight": 600},
        "text": {"color": ink},
        "range": {"category": list(CATEGORIES)},
    }


def themed(spec: Mapping[str, Any], theme: Theme = "light") -> dict[str, Any]:
    """`spec` with the shared style."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **spec,
        "config": {**config(theme), **spec.get("config", {})},
    }


def draw(spec: Mapping[str, Any], kind: Literal["png", "svg", "html"], theme: Theme = "light") -> bytes:
    """Render a Vega-Lite `spec` to the bytes of a PNG, SVG or self-contained HTML page."""
    import vl_convert

    chart = themed(spec, theme)
    if kind == "png":
        return bytes(vl_convert.vegalite_to_png(chart, scale=2))
    if kind == "svg":
        return str(vl_convert.vegalite_to_svg(chart)).encode()
    return _page(str(vl_convert.vegalite_to_html(chart, bundle=True)), spec, theme).encode()


def _page(page: str, spec: Mapping[str, Any], theme: Theme) -> str:
    """The page of a chart on the ground of its theme; on a narrow screen the chart scrolls and the page does not."""
    given = spec.get("title", "Chart")
    title = given if isinstance(given, str) else given["text"]
    head = f"""<title>{escape(title if isinstance(title, str) else " ".join(title))}</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>
      body {{ margin: 1rem; background: {GROUND[theme]}; }}
      #vega-chart {{ overflow-x: auto; max-width: 100%; }}
    </style>"""
    return page.replace("<title>Chart</title>", head, 1)


def save(spec: Mapping[str, Any], path: str | Path, theme: Theme = "light") -> None:
    """Write a chart to a .png, .svg or .html file. Raises InputError for any other ending."""
    kind = Path(path).suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "html"):
        raise InputError(f"Cannot draw to {path}: its name must end in .png, .svg or .html.")
    from eutonia.files import write_file

    write_file(path, draw(spec, kind, theme))  # type: ignore[arg-type]
