"""eutonia validate: published observations beside what the model gives for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.simulation.validation import Compared, Coverage, Validation


ROOMY = 118
"""Columns in which a finding has one line."""


@click.command("validate", short_help="The model beside published figures.")
@click.option("--report", metavar="FILE", help="All findings as a page (.html) or a picture (.png, .svg).")
@json_option
@speaks_plainly
def command(report: str | None, as_json: bool) -> None:
    """Hold the model against published observations: each figure as printed, as simulated, and whether it was fitted.

    Example: eutonia validate --report validation.html
    """
    from eutonia.knowledge import load
    from eutonia.simulation.validation import named, summed_up, validate
    from eutonia.terminal import bold, wrapped

    knowledge = load()
    result = validate(knowledge)
    if report:
        _write(result, knowledge, report)
        click.echo(f"Wrote {report}", err=True)
    if as_json:
        click.echo(to_json(result.model_dump(mode="json")))
        return
    columns = width()
    held = (
        f"The middle half and the middle 90 % of simulated studies hold {_share(result.coverage)} of all figures, "
        f"{_share(result.held_apart_coverage)} of those held apart. {result.note}"
    )
    click.echo("\n".join([*map(bold, wrapped(summed_up(result), columns)), *wrapped(held, columns)]))
    title = ""
    for each in result.findings:
        if each.title != title:
            title = each.title
            click.echo(f"\n{bold(title)}")
        click.echo(_line(each, named(each), columns >= ROOMY))


def _write(result: Validation, knowledge: Knowledge, path: str) -> None:
    """A page where HTML is asked for; else a picture."""
    if path.lower().endswith(".html"):
        from eutonia.files import write_file
        from eutonia.report.validation_page import as_page

        write_file(path, as_page(result, knowledge))
    else:
        from eutonia.charts import save
        from eutonia.simulation.validation import chart

        save(chart(result), path)


def _line(each: Compared, name: str, wide: bool) -> str:
    """Published, then the model's with the middle 90 % of studies; on a narrow terminal in two lines."""
    unit = "" if each.unit == "1" else f" {each.unit}"
    spread = f" ± {each.published_sd:g}" if each.published_sd is not None else ""
    printed = f"published {each.published:g}{spread}{unit}"
    model = "model –"
    if each.model is not None:
        model = f"model {each.model:.3g} ({each.model_p5:.3g} to {each.model_p95:.3g})"
    mark = click.style("agrees", fg="green") if each.agrees else click.style("differs", fg="red")
    fitted = "fitted" if each.used_for_fitting else "held apart"
    if wide and len(name) <= 42:
        return f"  {name:<42} {printed:<24} {model:<34} {mark}, {fitted}"
    return f"  {name}\n    {printed}; {model}; {mark}, {fitted}"


def _share(coverage: Coverage) -> str:
    return f"{coverage.half or 0.0:.0%} and {coverage.ninety or 0.0:.0%}"
