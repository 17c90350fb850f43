"""eutonia check: is this article true?"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width

WORTH_A_BAR = 200_000
"""Characters of a text that takes some seconds."""


@click.command("check", short_help="The claims of an article, true or not.")
@click.argument("file")
@json_option
@click.option("--report", metavar="OUT.html", help="Write the text with its claims marked as one HTML page.")
@speaks_plainly
def command(file: str, as_json: bool, report: str | None) -> None:
    """Check the claims of an article: FILE is text, Markdown or HTML, or - for standard input.

    Each claim found is supported, misleading, wrong or unproven, with the correction and its source. What an honest
    article would have said and this one leaves out is listed. Sentences without a known claim are not judged.

    Example: eutonia check article.txt
    """
    from eutonia.claims import check
    from eutonia.claims.report import as_page, as_text

    text = _read(file)
    with _bar(len(text)) as progress:
        claims = check(text, progress=progress)
    if report:
        from eutonia.files import write_file

        write_file(report, as_page(claims, text))
        click.echo(f"Wrote {report}.", err=True)
    if as_json:
        click.echo(to_json(claims.model_dump(mode="json", by_alias=True)))
    elif not report:
        click.echo(as_text(claims, text, width=width()))


@contextmanager
def _bar(characters: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while a long text is read, on a terminal only."""
    if characters < WORTH_A_BAR or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _read(file: str) -> str:
    """The text of a file in UTF-8, UTF-16 or Windows-1252."""
    from eutonia.claims import decode
    from eutonia.errors import InputError

    if file == "-":
        return decode(sys.stdin.buffer.read())
    try:
        return decode(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise InputError(
            f"Cannot read {file}: {reason}. Give a text, Markdown or HTML file, or - for standard input."
        ) from None
