"""eutonia why: the basis of anything eutonia says."""

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json


@click.command("why")
@click.argument("id_", metavar="ID")
@json_option
@speaks_plainly
def command(id_: str, as_json: bool) -> None:
    """Explain a rule, drug, number, feature, value set, therapy, source or claim by its ID.

    Example: eutonia why car-opioid
    """
    from eutonia.explanation import explain, explanation_text

    entry = explain(id_)
    click.echo(to_json(entry) if as_json else explanation_text(entry))
