"""eutonia why: the basis of anything eutonia says."""

from collections.abc import Iterator

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width
from eutonia.terminal import wrapped


@click.command("why", short_help="The basis of a rule, drug, number or claim.")
@click.argument("id_", metavar="ID")
@json_option
@speaks_plainly
def command(id_: str, as_json: bool) -> None:
    """Explain a rule, drug, number, feature, value set, therapy, source or claim by its ID.

    Example: eutonia why car-opioid
    """
    from eutonia.explanation import explain, explanation_text

    entry = explain(id_)
    click.echo(to_json(entry) if as_json else "\n".join(_filled(explanation_text(entry), width())))


def _filled(text: str, columns: int) -> Iterator[str]:
    """Each line as wide as the terminal, with what follows it indented below it."""
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        yield from wrapped(line, columns, rest=indent)
