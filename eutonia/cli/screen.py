"""eutonia screen: a whole database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width

if TYPE_CHECKING:
    from eutonia.screening import Progress


@click.command("screen", short_help="Everyone in an OMOP database.")
@click.argument("database")
@click.option("--out", metavar="F.parquet", help="Write one row per person, episode and rule.")
@click.option(
    "--as-of", metavar="DATE", help="Judge what is known on this day (default: the last of the data)."
)
@click.option("--since", metavar="DATE", help="Leave out index dates before this day, for a run after a run.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--region", metavar="CODE", help="The country of all persons, such as US.")
@click.option("--report", metavar="F.html", help="Write the summary as a page, with trends and data quality.")
@click.option(
    "--min-cell", type=click.IntRange(0), default=0, metavar="N", help="Do not show counts below N persons."
)
@click.option(
    "--memory", metavar="SIZE", help="Memory for the database engine, such as 4GB; more goes to disk."
)
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads (default: one per core).")
@click.option(
    "--forecast", is_flag=True, help="Simulate every episode; with --out F.parquet into F.forecast.parquet."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of what the forecast draws.")
@click.option("--explain", type=int, metavar="PERSON", help="Show this person as cases, one per index date.")
@json_option
@speaks_plainly
def command(
    database: str, out: str | None, as_of: str | None, since: str | None, engine: Any, region: str | None,
    report: str | None, min_cell: int, memory: str | None, threads: int | None,
    forecast: bool, seed: int, explain: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Find every person of an OMOP CDM DATABASE whose muscle relaxant breaks a rule.

    DATABASE is a DuckDB file, a folder or zip of CSV or Parquet tables, a SQLite file, or a postgres:// address.

    Example: eutonia screen cdm.duckdb --out issues.parquet --report issues.html
    """
    if explain is not None:
        from eutonia.screening.person import explain_person

        click.echo(to_json(explain_person(database, explain, as_of=as_of, region=region)))
        return
    from eutonia.screening import screen

    with _bar() as progress:
        result = screen(
            database, as_of=as_of, since=since, engine=engine, out=out, region=region, min_cell=min_cell,
            memory=memory, threads=threads, forecast=forecast, seed=seed, progress=progress,
        )  # fmt: skip
    if report:
        from eutonia.files import write_file
        from eutonia.screening.page import as_html

        write_file(report, as_html(result))
    if as_json:
        click.echo(to_json(result.model_dump(mode="json")))
    else:
        from eutonia.screening.page import as_text

        click.echo(as_text(result, width=width()))


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on a terminal; silence elsewhere."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("opening", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of or None)
