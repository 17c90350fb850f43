"""eutonia evidence: what trials say on one question."""

import click

from eutonia.cli.common import json_option, min_confidence_option, speaks_plainly, to_json, width


@click.command("evidence", short_help="What the trials say, pooled.")
@click.argument("therapy")
@click.option(
    "--vs", "comparator", metavar="COMPARATOR", help="Compared with what; by default its usual control."
)
@click.option("--condition", required=True, metavar="ID", help="Such as acute-low-back-pain.")
@click.option(
    "--outcome", default="pain", show_default=True, metavar="ID", help="Such as pain, disability, drowsiness."
)
@click.option("--day", type=int, metavar="N", help="Days from the start of treatment.")
@min_confidence_option
@click.option(
    "--forest", metavar="FILE", help="Draw the trials and their pool to a .png, .svg or .html file."
)
@click.option("--funnel", metavar="FILE", help="Draw effects against their precision.")
@click.option("--over-time", metavar="FILE", help="Draw the effect in each time window.")
@click.option("--network", metavar="FILE", help="Draw what was compared with what in this condition.")
@click.option("--dark", is_flag=True, help="Draw for a dark background.")
@json_option
@speaks_plainly
def command(
    therapy: str,
    comparator: str | None,
    condition: str,
    outcome: str,
    day: int | None,
    min_confidence: str,
    forest: str | None,
    funnel: str | None,
    over_time: str | None,
    network: str | None,
    dark: bool,
    as_json: bool,
) -> None:
    """Pool what trials say about THERAPY, and say how sure that is.

    Example: eutonia evidence carisoprodol --condition acute-low-back-pain --outcome pain --day 3
    """
    from eutonia.appraisal import evidence

    answer = evidence(
        therapy, comparator, condition=condition, outcome=outcome, day=day, min_confidence=min_confidence
    )
    if forest or funnel or over_time or network:
        from eutonia.appraisal import pictures
        from eutonia.charts import Theme, save
        from eutonia.errors import NotAvailable

        theme: Theme = "dark" if dark else "light"
        for path, draw in (
            (forest, pictures.forest),
            (funnel, pictures.funnel),
            (over_time, pictures.over_time),
            (network, pictures.network),
        ):
            if path:
                try:
                    save(draw(answer), path, theme)
                    click.echo(f"Wrote {path}", err=True)
                except NotAvailable as nothing:  # no data is an answer, not an error
                    click.echo(f"Did not write {path}: {nothing}", err=True)
    if as_json:
        click.echo(to_json(answer.model_dump(mode="json", by_alias=True)))
    else:
        from eutonia.appraisal.text import as_text

        click.echo(as_text(answer, width()))
