"""Spark, for what outgrows one machine: the same queries stage the facts, and buckets of persons go to its workers.

The queries are written in DuckDB's dialect and transpiled by sqlglot. Each table is written down as Parquet, so
that the plan of a query does not hold those before it. `buckets.py` judges whole persons, as Arrow, in the workers.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia.errors import InputError, NotAvailable
from eutonia.screening.cdm import TABLES, check_tables, check_values, table_of

if TYPE_CHECKING:
    import polars as pl

    from eutonia.screening.engine import Chunk, Work

HOW = "Install it with: pip install 'eutonia[spark]'. Without --engine spark, DuckDB gives the same answers."

ROWS_AT_ONCE = 30_000
"""Index dates of a bucket, which a worker judges at once."""

TYPES = {
    "bigint": "BIGINT",
    "int": "INTEGER",
    "double": "DOUBLE",
    "float": "FLOAT",
    "string": "VARCHAR",
    "date": "DATE",
}


def open_spark(database: str | Path, *, memory: str | None, threads: int | None) -> Spark:
    """A Spark session with the tables of `database`: a folder of Parquet or CSV, or a schema of its catalog.

    Raises NotAvailable without PySpark or Java.
    """
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise NotAvailable(
            "Spark needs Java 17 or later, and neither `java` nor JAVA_HOME was found. Install a Java runtime, or "
            "leave out --engine spark: DuckDB gives the same answers."
        )
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise NotAvailable(f"PySpark is not installed. {HOW}") from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("eutonia screen")
    if "SPARK_MASTER" in os.environ:
        builder = builder.master(os.environ["SPARK_MASTER"])
    else:
        local: dict[str, Any] = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        builder = builder.master(f"local[{threads or '*'}]").config(map=local)
    session = (
        builder.config("spark.driver.memory", (memory or "4g").lower().removesuffix("b"))
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(4 * (threads or os.cpu_count() or 2)))
        .config("spark.sql.warehouse.dir", tempfile.gettempdir())
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    engine = Spark(session)
    try:
        engine.open(str(database))
    except BaseException:
        engine.close()
        raise
    return engine


class Spark:
    """The engine's queries on a Spark session."""

    rows_at_once = 1_000_000
    """The answers of a chunk come to the driver."""
    chunks_at_once = 1

    def __init__(self, session: Any) -> None:
        self.session = session
        self.scratch = tempfile.TemporaryDirectory(prefix="eutonia-spark-")
        self.made = 0
        self.columns: dict[str, dict[str, str]] = {}
        self.types: dict[str, dict[str, str]] = {}

    def open(self, database: str) -> None:
        """Find the tables of the CDM. Raises InputError where there are none."""
        folder = Path(database)
        for table, frame in self._folder(folder) if folder.is_dir() else self._catalog(database):
            frame.createOrReplaceTempView(f"cdm_{table}")
            self.columns[table] = {name.strip().lower(): name for name, _ in frame.dtypes}
            self.types[table] = {name.strip().lower(): _type(kind) for name, kind in frame.dtypes}
        check_tables(database, self)
        check_values(database, self)

    def _folder(self, folder: Path) -> Iterator[tuple[str, Any]]:
        for path in sorted(folder.iterdir()):
            table = table_of(path)
            if table not in TABLES:
                continue
            if ".parquet" in path.name.lower() or path.is_dir():
                yield table, self.session.read.parquet(str(path))
            else:
                separator = "\t" if "\t" in _first_line(path) else ","
                yield table, self.session.read.csv(str(path), header=True, sep=separator)

    def _catalog(self, schema: str) -> Iterator[tuple[str, Any]]:
        if not self.session.catalog.databaseExists(schema):
            raise InputError(
                f"Spark finds neither a folder nor a schema of its catalog called {schema}. Give a folder of Parquet "
                "or CSV tables; a DuckDB file, a zip or an address is read without --engine spark."
            )
        for each in self.session.catalog.listTables(schema):
            if each.name.lower() in TABLES:
                yield each.name.lower(), self.session.table(f"{schema}.{each.name}")

    def read(self, table: str) -> str:
        return f"cdm_{table}"

    def _sql(self, query: str) -> Any:
        import sqlglot

        return self.session.sql(sqlglot.transpile(query, read="duckdb", write="spark")[0])

    def make(self, name: str, query: str) -> None:
        self._keep(name, self._sql(query))

    def _keep(self, name: str, frame: Any) -> None:
        """Write a table down and read it back, so that no plan holds those before it."""
        self.made += 1
        place = f"{self.scratch.name}/{self.made:05d}-{name}"
        frame.write.parquet(place)
        self.session.read.schema(frame.schema).parquet(place).createOrReplaceTempView(name)

    def put(self, name: str, frame: pl.DataFrame) -> None:
        import polars as pl

        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        self._keep(name, self.session.createDataFrame(_plain_text(table)))

    def get(self, query: str) -> pl.DataFrame:
        import polars as pl

        frame = pl.from_arrow(self._sql(query).toArrow())
        assert isinstance(frame, pl.DataFrame)
        return frame

    def over(self, chunk: Chunk, work: Work) -> pl.DataFrame:
        """Apply `work` in the workers, to whole persons at a time."""
        import polars as pl
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyspark.sql.pandas.types import from_arrow_schema

        from eutonia.screening.buckets import BY_PERSON, FOR_ALL, packed, query, unpacked

        tables = packed({name: self.session.table(name).dtypes for name in BY_PERSON})
        for_all = {name: self.get(f"SELECT * FROM {name}") for name in FOR_ALL}
        columns = self.columns
        within = f"person_id BETWEEN {chunk[0]} AND {chunk[1]}"
        dates = self.get(f"SELECT COUNT(*) AS n FROM index_date WHERE {within}")["n"][0]
        buckets = max(1, -(-int(dates) // ROWS_AT_ONCE))

        def judge(table: pa.Table) -> pa.Table:
            rows = pl.from_arrow(table)
            assert isinstance(rows, pl.DataFrame)
            engine = unpacked(rows, tables, for_all)
            engine.columns = columns
            try:
                return _plain_text(work(engine, chunk).to_arrow(compat_level=pl.CompatLevel.oldest()))
            finally:
                engine.close()

        every = self._sql(query(tables, chunk, buckets))
        nobody = pa.Table.from_batches([], every.limit(0).toArrow().schema)
        answer = every.groupBy("bucket").applyInArrow(judge, from_arrow_schema(judge(nobody).schema))
        found = pl.from_arrow(answer.toArrow())
        assert isinstance(found, pl.DataFrame)
        return found

    def beside(self) -> Spark:
        return self

    def stop(self) -> None:
        self.session.sparkContext.cancelAllJobs()

    def end(self) -> None:
        """There is one session, which goes on."""

    def close(self) -> None:
        self.session.stop()
        self.scratch.cleanup()


def _plain_text(table: Any) -> Any:
    """Arrow's large strings and lists as those that Spark declares."""
    import pyarrow as pa

    def plain(kind: Any) -> Any:
        if pa.types.is_large_string(kind):
            return pa.string()
        if pa.types.is_large_list(kind) or pa.types.is_list(kind):
            return pa.list_(plain(kind.value_type))
        return kind

    return table.cast(pa.schema([(field.name, plain(field.type)) for field in table.schema]))


def _type(kind: str) -> str:
    return TYPES.get(kind, kind.upper())


def _first_line(path: Path) -> str:
    import gzip

    with gzip.open(path, "rt") if path.name.endswith(".gz") else path.open() as file:
        return str(file.readline())
