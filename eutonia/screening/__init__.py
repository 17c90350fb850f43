"""A whole health system: every person of an OMOP database whose muscle relaxant breaks a rule.

cdm          where the tables lie, typed
vocabulary   concepts → codes;  slots  results that features read
meanings, drug_meanings, fact_meanings   codes → drugs, value sets, results
staging      the facts of exposed persons;  allergies, signs  those among them;  courses  episodes and index dates
groups, pools, columns, by_kind, *_columns   what is gathered of each index date, by SQL
expressions, features_table   what was gathered → features
findings     features → rules;  forecasts  episodes → simulated risks
chunks       persons by the thousand → parts;  parts  → Parquet;  summary, quality, page  → what is told
person       one person as a case: the judge of it all
engine, spark, buckets   where the SQL runs
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eutonia.dates import as_day
from eutonia.errors import InputError
from eutonia.screening.parts import Parts
from eutonia.screening.summary import (
    OTHERWISE,
    WARNINGS,
    Forecasts,
    Screen,
    Shown,
    Tally,
    Unmapped,
    forecasts_of,
)

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine
    from eutonia.screening.preparing import Prepared

__all__ = ["Screen", "screen"]

Progress = Callable[[str, int, int], None]
"""Hears what is being done, and how many chunks of how many are finished."""


def screen(
    database: str | Path,
    *,
    as_of: date | str | None = None,
    since: date | str | None = None,
    engine: Literal["duckdb", "spark"] = "duckdb",
    out: str | Path | None = None,
    region: str | None = None,
    min_cell: int = 0,
    memory: str | None = None,
    threads: int | None = None,
    persons_at_once: int | None = None,
    forecast: bool = False,
    seed: int = 0,
    knowledge: Knowledge | None = None,
    progress: Progress = lambda *_: None,
) -> Screen:
    """Screen an OMOP CDM 5.3 or 5.4 database: a DuckDB file, a folder or zip of CSV or Parquet, or an address.

    Each course of a muscle relaxant is judged on its first and last day, on each day in it on which another
    medicine is begun, and at `as_of` (default: the last day of the data); nothing after `as_of` is known. `since`
    leaves out earlier index dates. `out` receives one row per person, episode and rule that applies or cannot be
    told; an interrupted run takes up its finished chunks. Counts of persons from 1 to `min_cell` - 1 are not shown.
    `forecast` simulates every episode, into a file beside `out` (issues.forecast.parquet), the same for one `seed`.

    Raises InputError where the database cannot be read or the output not written, NotAvailable without Spark.
    """
    from eutonia.knowledge import load
    from eutonia.screening.chunks import chunks_of, judge_chunks
    from eutonia.screening.parts import name_of_code, name_of_database, name_of_run

    started = time.monotonic()
    knowledge = knowledge or load()
    with (
        tempfile.TemporaryDirectory(prefix="eutonia-parts-") as scratch,
        prepared_database(
            database,
            knowledge,
            as_of=as_of,
            since=since,
            region=region,
            progress=progress,
            engine=engine,
            memory=memory,
            threads=threads,
        ) as (runs, prepared),
    ):
        folder = _parts_folder(out, Path(scratch))
        chunks = chunks_of(runs, persons_at_once)
        asked = (knowledge.version, str(database), prepared.as_of, since, region)
        name = name_of_run(*asked, name_of_code(), name_of_database(str(database)), chunks)
        parts = Parts(folder, name)
        courses = Parts(folder.with_name(f"{folder.name}.episodes"), name) if forecast else None
        judge_chunks(runs, prepared, knowledge, chunks, parts, courses, partial(progress, "judging"))
        count = len(chunks)
        tally = Tally.of(parts.frames(count))
        forecasts = _forecasts(courses, count, out, knowledge, seed, min_cell, progress) if courses else None
        if out is not None:
            progress("writing", count, count)
            parts.join(count, Path(out))
        return _summary(runs, prepared, tally, forecasts, knowledge, engine, min_cell, started)


@contextmanager
def prepared_database(
    database: str | Path,
    knowledge: Knowledge,
    *,
    as_of: date | str | None = None,
    since: date | str | None = None,
    region: str | None = None,
    engine: str = "duckdb",
    memory: str | None = None,
    threads: int | None = None,
    progress: Progress = lambda *_: None,
) -> Iterator[tuple[Engine, Prepared]]:
    """A database opened and staged, with its errors explained; closed at the end."""
    from eutonia.screening.preparing import prepare

    days = as_day(as_of, "as_of"), as_day(since, "since")
    with tempfile.TemporaryDirectory(prefix="eutonia-spill-") as spill:
        runs = open_engine(database, engine, memory=memory, threads=threads, spill=Path(spill))
        try:
            tell = lambda what: progress(what, 0, 0)  # noqa: E731
            yield runs, prepare(runs, knowledge, as_of=days[0], since=days[1], region=region, tell=tell)
        except Exception as error:
            raise explained(error, database) from None
        finally:
            runs.close()


def open_engine(
    database: str | Path, engine: str, *, memory: str | None, threads: int | None, spill: Path
) -> Engine:
    """The engine with the tables of the CDM in it."""
    if engine == "spark":
        from eutonia.screening.spark import open_spark

        return open_spark(database, memory=memory, threads=threads)
    if engine != "duckdb":
        raise InputError(f"There is no engine “{engine}”. There are: duckdb, spark.")
    from eutonia.screening.cdm import open_database
    from eutonia.screening.engine import DuckDB

    opened = DuckDB(memory=memory, threads=threads, spill=spill)
    try:
        open_database(database, opened)
    except BaseException:
        opened.close()
        raise
    return opened


def explained(error: Exception, database: str | Path) -> Exception:
    """An error of a database as one that says what to do; any other as it is."""
    from eutonia.screening.engine import plain

    module = type(error).__module__.lstrip("_")
    if not module.startswith(("duckdb", "pyspark", "py4j")):
        return error
    text = plain(error)
    if "No space left" in text or "temp directory" in text.lower():
        return InputError(f"The disk is full: {text}. Free some space, or set TMPDIR to a larger disk.")
    if "Out of Memory" in str(error) or "out of memory" in text:
        return InputError(
            f"The memory does not suffice: {text}. Give more with --memory, or fewer --threads."
        )
    return InputError(f"{database} cannot be read: {text}. Is every file whole and every column of its kind?")


def _parts_folder(out: str | Path | None, scratch: Path) -> Path:
    if out is None:
        return scratch / "parts"
    target = Path(out)
    if not target.parent.exists():
        raise InputError(f"There is no folder {target.parent} to write {target.name} into. Make it first.")
    return target.with_name(f".{target.name}.parts")


def _forecasts(
    courses: Parts,
    count: int,
    out: str | Path | None,
    knowledge: Knowledge,
    seed: int,
    min_cell: int,
    progress: Progress,
) -> Forecasts:
    """Simulate all episodes together; written beside `out`."""
    import polars as pl

    from eutonia.screening.forecasts import DRAWS, forecast

    every = pl.concat(list(courses.frames(count)))
    found = forecast(every, knowledge, seed=seed, progress=partial(progress, "forecasting"))
    if out is not None:
        parts = Parts(courses.folder.with_name(f"{courses.folder.name}.made"), "forecast")
        parts.write(0, found)
        parts.join(1, Path(out).with_suffix(".forecast.parquet"))
    courses.drop()
    return forecasts_of(found, Shown(min_cell), seed, DRAWS)


def _summary(
    engine: Engine,
    prepared: Prepared,
    tally: Tally,
    forecasts: Forecasts | None,
    knowledge: Knowledge,
    name: str,
    min_cell: int,
    started: float,
) -> Screen:
    from eutonia.knowledge import SEVERITIES
    from eutonia.screening.cdm import view
    from eutonia.screening.quality import look_over

    shown = Shown(min_cell)
    persons = engine.get(
        f"SELECT COUNT(DISTINCT person_id) AS n FROM {view('person', engine, columns=('person_id',))} AS p"
    )
    gravest = shown.parts(tally.gravest, (*SEVERITIES, *OTHERWISE))
    hidden = None in gravest.values()
    order = _gravest_first(tally.issues, knowledge, shown)
    return Screen(
        persons=shown(persons["n"][0]),
        exposed=shown(tally.exposed),
        episodes=shown(tally.episodes),
        clear=None if gravest["clear"] is None else shown(tally.clear),
        warned=None if hidden else sum(tally.gravest[name] for name in WARNINGS),
        gravest=gravest,
        issues=shown.all(tally.issues, order),
        unknown=shown.all(tally.unknown),
        asks=shown.all(tally.asks),
        therapies=shown.all(tally.therapies),
        years=tally.by_year(shown),
        quality=look_over(engine),
        unmapped=[
            Unmapped(table=u.table, name=u.name, rows=u.rows)
            for u in sorted(prepared.meanings.unmapped, key=lambda u: (-u.rows, u.table, u.name))
        ],
        warnings=prepared.warnings,
        forecast=forecasts,
        as_of=prepared.as_of,
        engine=name,
        knowledge_version=knowledge.version,
        min_cell=min_cell,
        seconds=round(time.monotonic() - started, 2),
    )


def _gravest_first(counts: Mapping[str, int], knowledge: Knowledge, shown: Shown) -> Sequence[str]:
    """Rules by severity, then the most persons; the order of counts that are not shown tells nothing."""
    from eutonia.knowledge import SEVERITIES

    rules = knowledge.rules
    return sorted(counts, key=lambda r: (SEVERITIES.index(rules[r].severity), -(shown(counts[r]) or 0), r))
