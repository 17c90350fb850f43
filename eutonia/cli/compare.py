"""eutonia compare: therapies side by side."""

import click

from eutonia.cli.common import json_option, min_confidence_option, speaks_plainly, to_json, width


@click.command("compare", short_help="Therapies side by side.")
@click.argument("therapies", nargs=-1, required=True, metavar="THERAPY THERAPY...")
@click.option("--condition", required=True, metavar="ID", help="Such as chronic-low-back-pain.")
@click.option("--horizon", metavar="T", help="The time that matters, such as “2 weeks”.")
@min_confidence_option
@json_option
@speaks_plainly
def command(
    therapies: tuple[str, ...], condition: str, horizon: str | None, min_confidence: str, as_json: bool
) -> None:
    """Set therapies side by side: speed, size of relief, harms, long-term use, dependence.

    They are ranked only where trials connect them.

    Example: eutonia compare myofascial-release carisoprodol --condition chronic-low-back-pain
    """
    from eutonia.appraisal import compare

    found = compare(*therapies, condition=condition, horizon=horizon, min_confidence=min_confidence)
    if as_json:
        click.echo(to_json(found.model_dump(mode="json", by_alias=True)))
    else:
        from eutonia.appraisal.text import comparison_text
        from eutonia.knowledge import load

        click.echo(comparison_text(found, load(), width()))
