"""Where the SQL runs: DuckDB here, Spark in `spark.py`. Both speak the same queries, written in DuckDB's dialect."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from eutonia.errors import InputError

if TYPE_CHECKING:
    import polars as pl


Chunk = tuple[int, int]
"""The lowest and the highest id of its persons."""


class Engine(Protocol):
    """A connection that keeps tables between queries."""

    rows_at_once: int
    """Index dates in a chunk, of whole persons."""
    chunks_at_once: int
    """Chunks that are judged at the same time."""
    columns: dict[str, dict[str, str]]
    """Table of the CDM (lower case) → its columns (lower case → as written)."""
    types: dict[str, dict[str, str]]
    """The same → their SQL types."""

    def read(self, table: str) -> str:
        """What to write after FROM to read a table of the CDM as it lies there."""

    def make(self, name: str, query: str) -> None:
        """Keep the answer of `query` as a table called `name`, in place of any before it."""

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """Keep `frame` as a table."""

    def get(self, query: str) -> pl.DataFrame:
        """Fetch the answer of a query."""

    def over(self, chunk: Chunk, work: Work) -> pl.DataFrame:
        """What `work` makes of the staged tables of the persons of `chunk`.

        It may be given some of the persons at a time, in an engine that holds no others; the order of rows is open.
        """

    def beside(self) -> Engine:
        """A connection to the same tables for a thread, which keeps those that it makes to itself."""

    def stop(self) -> None:
        """Give up the query that runs, from another thread."""

    def end(self) -> None:
        """Close a connection beside another."""

    def close(self) -> None: ...


class DuckDB:
    """DuckDB in one process, spilling to disk beyond `memory`."""

    rows_at_once = 122_880
    """Some 200 features of each row are in memory at once, in every chunk that is judged."""
    most_at_once = 4

    def __init__(
        self, *, memory: str | None = None, threads: int | None = None, spill: Path | None = None
    ) -> None:
        import duckdb

        settings: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": False}
        if memory:
            settings["memory_limit"] = memory
        if threads:
            settings["threads"] = threads
        if spill:
            settings["temp_directory"] = str(spill)
        try:
            self.db = duckdb.connect(config=settings)
        except duckdb.Error as error:
            raise InputError(
                f"DuckDB does not accept these settings: {plain(error)}. Check --memory and --threads."
            ) from None
        ((given,),) = self.db.execute("SELECT current_setting('threads')").fetchall()
        self.chunks_at_once = min(self.most_at_once, int(given))
        self.kept = "TABLE"
        """As what tables are kept: one of a connection beside this one is seen by it alone."""
        self.sources: dict[str, str] = {}
        self.unpacked: TemporaryDirectory[str] | None = None
        """Where a zip was unpacked; it goes with the engine."""
        self.columns: dict[str, dict[str, str]] = {}
        self.types: dict[str, dict[str, str]] = {}

    def add(self, table: str, source: str) -> None:
        """Take `source` (anything that stands after FROM) as the table `table` of the CDM."""
        described = self.db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        self.columns[table] = {str(row[0]).strip().lower(): str(row[0]) for row in described}
        self.types[table] = {str(row[0]).strip().lower(): str(row[1]) for row in described}
        self.sources[table] = source

    def read(self, table: str) -> str:
        return self.sources[table]

    def make(self, name: str, query: str) -> None:
        self.db.execute(f"CREATE OR REPLACE {self.kept} {name} AS {query}")

    def put(self, name: str, frame: pl.DataFrame) -> None:
        self.db.register("_handed_over", _Stream(frame))
        self.make(name, "SELECT * FROM _handed_over")
        self.db.unregister("_handed_over")

    def get(self, query: str) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame(self.db.sql(query))

    def over(self, chunk: Chunk, work: Work) -> pl.DataFrame:
        return work(self, chunk)

    def beside(self) -> DuckDB:
        other = copy(self)
        other.db, other.kept, other.unpacked = self.db.cursor(), "TEMP TABLE", None
        return other

    def stop(self) -> None:
        self.db.interrupt()

    def end(self) -> None:
        self.db.close()

    def close(self) -> None:
        self.db.close()
        if self.unpacked:
            self.unpacked.cleanup()


Work = Callable[[Engine, Chunk], "pl.DataFrame"]


class _Stream:
    """A frame that offers Arrow's stream and nothing else, so that DuckDB takes it without pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


def plain(error: Exception) -> str:
    """What went wrong in a database: the first line of an error without its type, or Java's last cause."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    thrown = [line for line in lines if re.match(r"(\w+\.)*\w+Error: ", line)]
    if "Python worker" in lines[0] and thrown:
        return f"a worker of Spark failed: {thrown[0]}"
    causes = [line for line in lines if line.startswith("Caused by: ")]
    text = causes[-1].removeprefix("Caused by: ") if causes else lines[0]
    return text.removeprefix("IO Error: ").removeprefix("Invalid Input Error: ")
