"""eutonia validate: published observations beside what the model gives for them."""

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json


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
        f"{result.held_apart}. {result.note}"
    )
