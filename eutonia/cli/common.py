"""What every command shares: plain errors and JSON."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from eutonia.errors import EutoniaError

NARROWEST = 40

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)

min_confidence_option = click.option(
    "--min-confidence",
    default="recalled",
    show_default=True,
    metavar="MARK",
    help="Leave out figures less sure than: seen, derived, recalled, recalled-low.",
)


def speaks_plainly(command: F) -> F:
    """Turn eutonia's errors into one message on standard error and exit status 2."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except EutoniaError as error:
            click.echo(f"eutonia: {error}", err=True)
            sys.exit(2)

    return run  # type: ignore[return-value]


def to_json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode()


def width() -> int:
    """Columns to write for: the terminal's, or 80 where output goes elsewhere."""
    import shutil

    return max(NARROWEST, shutil.get_terminal_size().columns)
