"""eutonia validate: published observations beside what the model gives for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json

if TYPE_CHECKING:
    from eutonia.simulation.validation import Coverage


@click.command("validate")
@click.option("--report", metavar="FILE", help="Draw all findings to an .html, .png or .svg file.")
@json_option
@speaks_plainly
def command(report: str | None, as_json: bool) -> None:
    """Hold the model against published observations: each figure as printed, as simulated, and whether it was fitted.

    Example: eutonia validate --report validation.html
    """
    from eutonia.knowledge import load
    from eutonia.simulation.validation import chart, validate

    result = validate(load())
    if report:
        from eutonia import charts

        charts.save(chart(result), report)
    if as_json:
        click.echo(to_json(result.model_dump(mode="json")))
        return
    click.echo(f"{'':44}{'published':>18}{'model (5 to 95 % of studies)':>34}")
    title = ""
    for each in result.findings:
        if each.title != title:
            title = each.title
            click.echo(click.style(title, bold=True))
        unit = "" if each.unit == "1" else each.unit
        spread = f" ± {each.published_sd:g}" if each.published_sd is not None else ""
        model = "–"
        if each.model is not None:
            model = f"{each.model:.3g} ({each.model_p5:.3g} to {each.model_p95:.3g})"
        mark = click.style("agrees", fg="green") if each.agrees else click.style("differs", fg="red")
        fitted = "fitted" if each.used_for_fitting else "held apart"
        name = f"{each.quantity} {'' if each.statistic == 'mean' else each.statistic}"
        click.echo(f"  {name:<42}{f'{each.published:g}{spread} {unit}':>18}{model:>34}  {mark}, {fitted}")
    click.echo(
        f"\n{result.agree} of {len(result.findings)} agree; of those held apart {result.held_apart_agree} of "
        f"{result.held_apart}.\nThe middle half and the middle 90 % of simulated studies hold "
        f"{_share(result.coverage)} of all figures, {_share(result.held_apart_coverage)} of those held apart. "
        f"{result.note}"
    )


def _share(coverage: Coverage) -> str:
    return f"{coverage.half or 0.0:.0%} and {coverage.ninety or 0.0:.0%}"
