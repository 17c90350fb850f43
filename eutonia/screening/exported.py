"""SQLite files and PostgreSQL databases without DuckDB's extension for them: their tables, written out as CSV.

SQLite is read by Python itself; PostgreSQL copies each table out in one stream, all of them as of one moment, so that
neither needs more memory the larger it is. Only the columns that screening reads are taken.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia.errors import InputError, NotAvailable

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS_AT_ONCE = 10_000


def export_sqlite(path: Path, folder: Path, wanted: Mapping[str, Sequence[str]]) -> None:
    """Write the tables `wanted` (with their columns) into `folder`. Raises InputError."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            named = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
            for (table,) in database.execute(named).fetchall():
                if table.lower() in wanted:
                    there = [row[1] for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]
                    columns = _shared(there, wanted[table.lower()])
                    rows = database.execute(
                        f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)}"
                    )
                    with open(folder / f"{table.lower()}.csv", "w", encoding="utf-8", newline="") as file:
                        writer = csv.writer(file)
                        writer.writerow(columns)
                        while some := rows.fetchmany(ROWS_AT_ONCE):
                            writer.writerows(some)
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read: {error}. Is the SQLite file whole?") from None


TABLES_OF_POSTGRES = """
    SELECT DISTINCT ON (LOWER(c.table_name)) c.table_schema, c.table_name
    FROM information_schema.tables AS c
    WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema') AND LOWER(c.table_name) = ANY(%s)
    ORDER BY LOWER(c.table_name), ARRAY_POSITION(CURRENT_SCHEMAS(FALSE), c.table_schema::name) NULLS LAST,
             c.table_schema
"""
"""Facts and vocabulary often lie in different schemas; those of the search path go first."""


def export_postgres(url: str, shown: str, folder: Path, wanted: Mapping[str, Sequence[str]]) -> None:
    """The same for PostgreSQL; `shown` is the address without its password. Raises InputError, NotAvailable."""
    try:
        import psycopg
        from psycopg import sql
    except ImportError:
        raise NotAvailable(
            "PostgreSQL is read by psycopg or by DuckDB's extension “postgres”; neither is installed. Install one: "
            "pip install 'eutonia[postgresql]', or python -c \"import duckdb; duckdb.execute('INSTALL postgres')\". "
            "Or export the tables as Parquet and give the folder."
        ) from None
    try:
        with psycopg.connect(url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            for schema, table in connection.execute(TABLES_OF_POSTGRES, [list(wanted)]).fetchall():
                place = sql.Identifier(schema, table)
                described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(place)).description
                columns = _shared([column.name for column in described or ()], wanted[table.lower()])
                query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, HEADER)").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), place
                )
                with (
                    connection.cursor().copy(query) as rows,
                    open(folder / f"{table.lower()}.csv", "wb") as file,
                ):
                    for some in rows:
                        file.write(some)
    except psycopg.Error as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"{shown} cannot be read: {said[-1]}. Is the address right, and may its user read the tables? "
            "A schema is named as in postgres://user@host/base?options=-csearch_path%3Dcdm."
        ) from None


def _shared(there: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Columns that are there and wanted; all of them where none is, so that what lacks can be named."""
    return [name for name in there if name.strip().lower() in wanted] or list(there)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
