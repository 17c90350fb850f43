"""The draws as a knowledge file, and docs/reference/calibration.md with its figures."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import eutonia
from calibration.effects import kind, unscaled
from calibration.fit import Fitted
from calibration.kinetics import QUANTITIES
from calibration.plan import Figure
from calibration.recover import Recovery
from eutonia import charts
from eutonia.files import write_file
from eutonia.simulation.population import Column

LEARNED = 0.1
"""Share of the prior's standard deviation by which the data must narrow a figure to count as seen by them."""

TOGETHER = 0.4
"""Correlation from which it is named."""

TEMPLATE = Path(__file__).with_name("page.md")

WORDS = {"cmax_mg_l": "highest level, mg/L", "auc_mg_h_l": "area, mg·h/L", "tmax_h": "time of the peak, h",
         "half_life_h": "half-life, h"}  # fmt: skip


def written(fitted: Fitted, made: date) -> str:
    """The draws as YAML."""
    plans = (fitted.table.plan, fitted.reports.plan)
    sources = {(s["key"], s["at"], s["mark"]): None for plan in plans for s in plan["sources"]}
    lines = [
        "# Written by `python -m calibration`; do not edit. See docs/reference/calibration.md.",
        'title: "Carisoprodol, its metabolite, and the brain: what the fitted studies leave possible"',
        f"fitted_to: [{', '.join(fitted.fitted_to)}]",
        'method: "NUTS on a synthetic likelihood (kinetics), then importance sampling (effects)"',
        f"seed: {fitted.seed}",
        f"made: {made.isoformat()}",
        f'eutonia: "{eutonia.__version__}"',
        "sources:",
        *(f'  - {{key: {key}, at: "{at}", mark: {mark}}}' for key, at, mark in sources),
        "figures:",
        *(f"  {f.name}: {f.value:g}" for f in fitted.figures),
        "draws:",
    ]
    for n, f in enumerate(fitted.figures):
        numbers = ", ".join(f"{x:.3f}".replace("-0.000", "0.000") for x in fitted.shipped[:, n])
        lines.append(f"  {f.name}: [{numbers}]")
    return "\n".join(lines) + "\n"


def write_pages(fitted: Fitted, folder: Path) -> None:
    cells = table_cells(fitted)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, chart in (("figures", figures_chart(fitted)), ("fit", fit_chart(cells))):
        write_file(folder / "figures" / f"calibration-{name}.svg", charts.draw(chart, "svg"))
    write_file(folder / "calibration.md", page(fitted, cells).encode())


def simulated(fitted: Fitted, proposals: Column) -> tuple[Column, Column]:
    """Logarithms of what studies print for each proposal: [proposals, studies, doses, mean or sd, cells], and of the
    ratios, [proposals, studies, 2]; with what sampling leaves and what else a study is off by."""
    import jax

    table, chance = fitted.table, np.random.default_rng(fitted.seed)
    run = jax.jit(lambda proposal: (*table.simulate(proposal), table.of(proposal)[3]))
    assumed = table.plan["assumed"]
    tables, ratios = [], []
    with jax.enable_x64(True):
        for proposal in proposals:
            of_studies, of_ratios, off = (np.asarray(x) for x in run(proposal))
            size = off * np.array([1.0, assumed["study_of_sd"]])[:, None]
            each = of_studies[:, None] + table.growth
            tables.append(each + size * chance.standard_normal(each.shape))
            error = np.hypot(off, assumed["rounding_of_ratios"])
            ratios.append(of_ratios + error * chance.standard_normal(of_ratios.shape))
    return np.array(tables), np.array(ratios)


def table_cells(fitted: Fitted, rows: int = 150, each: int = 8) -> list[dict[str, Any]]:
    """Each printed cell beside what simulated studies of that size print, over the posterior."""
    table = fitted.table
    tables, ratios = (
        part[:, :each].reshape(-1, *part.shape[2:]) for part in simulated(fitted, fitted.proposals[:rows])
    )
    simulated_table, printed = np.exp(tables), np.exp(table.printed[0])
    found = []
    for d, dose in enumerate(table.doses):
        for s, substance in enumerate(table.substances):
            for q, quantity in enumerate(QUANTITIES):
                for m, what in enumerate(("mean", "SD")):
                    at = (d, m, s * len(QUANTITIES) + q)
                    found.append(_cell(f"{dose:g} mg", f"{substance}, {WORDS[quantity]}", what, printed[at],
                                       simulated_table[(slice(None), *at)]))  # fmt: skip
    for s, substance in enumerate(table.substances):
        found.append(_cell("poor by normal", f"{substance}, area", "ratio", float(np.exp(table.printed[1][s])),
                           np.exp(ratios[:, s])))  # fmt: skip
    return found


def of_many(fitted: Fitted, proposals: Column) -> list[tuple[str, Column]]:
    """Ratios of areas in poor by normal metabolisers, of as many as one likes instead of five."""
    ratios = np.exp(simulated(fitted, proposals)[1].mean(1))
    return [
        (f"area of {s}, poor by normal metabolisers", ratios[:, n])
        for n, s in enumerate(fitted.table.substances)
    ]


def _cell(study: str, quantity: str, what: str, printed: float, values: Column) -> dict[str, Any]:
    low, middle, high = np.percentile(values, (2.5, 50, 97.5))
    return {"study": study, "quantity": quantity, "what": what, "printed": float(printed), "median": middle, "low": low,
            "high": high, "inside": bool(low <= printed <= high)}  # fmt: skip


def page(fitted: Fitted, cells: list[dict[str, Any]]) -> str:
    chains, chance = fitted.chains, np.random.default_rng(0)
    outside = [c for c in cells if not c["inside"]]
    missed = "; ".join(f"{c['study']}, {c['quantity']}, {c['what']}" for c in outside)
    prior = chance.standard_normal((4000, len(fitted.figures)))
    before = derived(fitted, prior * [f.prior for f in fitted.figures])
    before += of_many(fitted, chance.standard_normal((100, fitted.table.size)))
    after = derived(fitted, fitted.whole) + of_many(fitted, fitted.proposals[:150])
    off = np.asarray(fitted.table.of(fitted.proposals.T)[3])
    recovered, of_reports = fitted.recovered, fitted.recovered_reports
    return TEMPLATE.read_text(encoding="utf-8").format(
        draws=len(fitted.shipped),
        rhat=chains.rhat.max(),
        effective=chains.effective.min(),
        all_draws=chains.draws.shape[0] * chains.draws.shape[1],
        diverged=chains.diverged,
        seed=fitted.seed,
        off=_band(*(100.0 * x for x in np.percentile(off, (50, 2.5, 97.5)))),
        worlds=fitted.budget.worlds,
        worth=fitted.worth,
        people=fitted.reports.plan["people"],
        different=len(np.unique(fitted.shipped, axis=0)),
        truths=len(recovered.below),
        half=_share(recovered, 0.5),
        ninety=_share(recovered, 0.9),
        report_truths=len(of_reports.below),
        report_half=_share(of_reports, 0.5),
        report_ninety=_share(of_reports, 0.9),
        beyond=beyond(fitted),
        inside=len(cells) - len(outside),
        cells=len(cells),
        missed=f" Outside: {missed}." if outside else "",
        table="\n".join(
            f"| {c['study']} | {c['quantity']} | {c['what']} | {c['printed']:.3g} "
            f"| {_band(c['median'], c['low'], c['high'])} |"
            for c in cells
        ),
        reports="\n".join(reports(fitted)),
        figures="\n".join(_row(f, fitted.whole[:, n]) for n, f in enumerate(fitted.figures)),
        derived="\n".join(
            f"| {name} | {low:.3g} to {high:.3g} | {_band(*np.percentile(values, (50, 2.5, 97.5)))} |"
            for (name, values), (_, old) in zip(after, before, strict=True)
            for low, high in [np.percentile(old, (2.5, 97.5))]
        ),
        together_from=TOGETHER,
        together="\n".join(together(fitted) or ["None."]),
        least=LEARNED,
        blind=", ".join(f"`{n}`" for n in unseen(fitted)),
    )


def _share(recovery: Recovery, share: float) -> str:
    if len(recovery.below) < 2:
        return "(not looked at this time)"
    return f"{recovery.held(share):.0%} (± {recovery.unsure(share):.0%})"


def beyond(fitted: Fitted) -> str:
    """Which figures in the files the posterior would move."""
    found = []
    for n, f in enumerate(fitted.figures):
        low, high = np.percentile(fitted.whole[:, n], (2.5, 97.5))
        if not low <= 0.0 <= high:
            found.append(f"`{f.name}`")
    if not found:
        return "Every figure in the files lies within its posterior's 95 %."
    return f"Outside their posterior's 95 % lie the figures in the files of {', '.join(found)}."


def unseen(fitted: Fitted) -> list[str]:
    return [f.name for n, f in enumerate(fitted.figures) if learned(f, fitted.whole[:, n]) < LEARNED]


def learned(figure: Figure, draws: Column) -> float:
    return float(max(1.0 - draws.std(ddof=1) / figure.prior, 0.0))


def _row(f: Figure, draws: Column) -> str:
    unit = "" if f.unit == "1" else f" {f.unit}"
    low, high = np.sort(f.of(np.array([-1.96, 1.96]) * f.prior))
    star = "\\*" if f.widened else ""
    band = _band(*np.percentile(f.of(draws), (50, 2.5, 97.5)))
    return (
        f"| {f.name}{star} | {f.value:g}{unit} | {low:.3g} to {high:.3g} | {band} | {learned(f, draws):.0%} |"
    )


def _band(middle: float, low: float, high: float) -> str:
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def reports(fitted: Fitted) -> list[str]:
    lines = []
    for n, (key, f) in enumerate(fitted.reports.findings):
        printed, error = fitted.reports.printed[n], fitted.reports.error[n]
        unit = "" if f.unit == "1" else f" {f.unit}"
        ends = unscaled(f, np.array([printed - error, printed + error]))
        band = _band(*np.percentile(unscaled(f, fitted.given[:, n]), (50, 2.5, 97.5)))
        title = fitted.knowledge.observations[key].title
        what = (
            f.quantity.replace("_", " ").removesuffix(" h")
            if kind(f) == "times"
            else f.quantity.replace("_", " ")
        )
        lines.append(f"| {title} | {what} | {f.value:g}{unit} | {ends[0]:.3g} to {ends[1]:.3g} | {band} |")
    return lines


def derived(fitted: Fitted, members: Column) -> list[tuple[str, Column]]:
    """Combinations that the data see better than their parts."""
    at = {f.name: f.of(members[:, n]) for n, f in enumerate(fitted.figures)}
    dosed, product = fitted.table.substances
    paths = fitted.knowledge.substances[dosed].kinetics.pathways
    parts = {path.by: path.share * at[f"{dosed}/{path.by}"] for path in paths}
    whole = np.sum(list(parts.values()), axis=0)
    formed = np.sum([part * at[f"{dosed}/yield_{by}"] for by, part in parts.items()], axis=0) / whole
    return [
        (f"intrinsic clearance of {dosed}, L/h", at[f"{dosed}/clearance"] * whole),
        *((f"share of {by} in it", part / whole) for by, part in parts.items() if by != "other"),
        (f"{product} formed from it, mole by mole", formed),
        *((f"volume of {s}, both compartments, L", at[f"{s}/volume"] + at[f"{s}/peripheral_volume"])
          for s in (dosed, product)),
    ]  # fmt: skip


def together(fitted: Fitted) -> list[str]:
    correlation = np.corrcoef(fitted.whole, rowvar=False)
    names = [f.name for f in fitted.figures]
    pairs = [(i, j) for i in range(len(names)) for j in range(i) if abs(correlation[i, j]) >= TOGETHER]
    return [
        f"- `{names[j]}` and `{names[i]}`: {correlation[i, j]:+.2f}"
        for i, j in sorted(pairs, key=lambda p: -abs(correlation[p]))
    ]


def figures_chart(fitted: Fitted) -> dict[str, Any]:
    """Prior and posterior of each figure as a factor on the value in the files (of linear ones, e to the deviation)."""
    rows: list[dict[str, Any]] = []
    for n, f in enumerate(fitted.figures):
        low, middle, high = np.exp(np.percentile(fitted.whole[:, n], (2.5, 50, 97.5)))
        prior = float(np.exp(1.96 * f.prior))
        rows.append({"figure": f.name, "kind": "prior", "low": 1 / prior, "middle": 1.0, "high": prior})
        rows.append({"figure": f.name, "kind": "posterior", "low": low, "middle": middle, "high": high})
    title = "Prior and posterior: middle and 95 %, as a factor on the figure in the files"
    return _bands(rows, "figure", title, "factor", [0.35, 2.8])


def fit_chart(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Simulated by printed, for each cell."""
    rows = [
        {
            "figure": f"{c['study']}: {c['quantity'].split(', ')[0]}, {c['quantity'].split(', ')[1]}, {c['what']}",
            "kind": "inside" if c["inside"] else "outside",
            **{
                key: c[name] / c["printed"]
                for key, name in (("low", "low"), ("middle", "median"), ("high", "high"))
            },
        }
        for c in cells
    ]
    return _bands(rows, "cell", "Simulated studies of the same size by the printed figure: median and 95 %",
                  "simulated by printed", [0.3, 3.5])  # fmt: skip


def _bands(
    rows: list[dict[str, Any]], what: str, title: str, axis: str, domain: list[float]
) -> dict[str, Any]:
    for row in rows:
        row |= {key: round(float(row[key]), 3) for key in ("low", "middle", "high")}
    y = {"field": "figure", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 420}}
    x = {"type": "quantitative", "title": axis, "scale": {"type": "log", "domain": domain, "clamp": True},
         "axis": {"values": [0.25, 0.5, 0.7, 1, 1.4, 2, 3], "format": "~g"}}  # fmt: skip
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    colors = {"prior": "#9aa4af", "posterior": charts.CATEGORIES[0], "inside": charts.CATEGORIES[0],
              "outside": charts.CATEGORIES[1]}  # fmt: skip
    color = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": kinds, "range": [colors[k] for k in kinds]},
    }
    apart = (
        {"yOffset": {"field": "kind", "type": "nominal", "sort": kinds}}
        if len(rows) > len({r["figure"] for r in rows})
        else {}
    )
    shared = {"y": y, "color": color, **apart}
    one = {"x": {"datum": 1, "type": "quantitative"}}
    ends = {**shared, "x": {**x, "field": "low"}, "x2": {"field": "high"}}
    middle = {**shared, "x": {**x, "field": "middle"}}
    return {
        "title": title,
        "description": f"{axis} for each {what}",
        "data": {"values": rows},
        "width": 380,
        "height": {"step": 9, "for": "offset"} if apart else {"step": 15},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": one},
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": ends},
            {"mark": {"type": "point", "filled": True, "size": 28}, "encoding": middle},
        ],
    }
