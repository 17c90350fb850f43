"""eutonia schema: the formats, as JSON Schema."""

import click

from eutonia.cli.common import speaks_plainly, to_json


@click.command("schema", short_help="JSON Schema of a format.")
@click.argument("name")
@speaks_plainly
def command(name: str) -> None:
    """Print the JSON Schema of one of eutonia's formats.

    Example: eutonia schema assessment
    """
    from eutonia.schemas import json_schema

    click.echo(to_json(json_schema(name)))
