"""Persons in buckets on Spark: all that is staged of a bucket's persons goes to one worker, which judges them.

A worker holds a bucket in a DuckDB of its own and runs there what is run for a chunk without Spark: so a plan of Spark
never holds the feature table, and its memory is that of one bucket a worker. Tables travel together as rows of one
shape: which table, which bucket, and the cells by kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from eutonia.screening.engine import DuckDB

BY_PERSON = (
    "index_date", "known_person", "exposure", "condition_fact", "denial_fact", "allergy_fact", "slot_fact", "course",
)  # fmt: skip
"""Staged tables with a person_id."""

FOR_ALL = (
    "drug", "part", "kind", "blend", "follower", "lasting", "condition_flag", "denial_flag", "allergy_flag",
)  # fmt: skip
"""Staged tables that every worker needs."""

CELLS = {"bigint": "BIGINT", "int": "INTEGER", "double": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN"}
"""Kind of a cell, as Spark calls it → as SQL casts it."""


class Packed(NamedTuple):
    """One table as rows of the common shape."""

    name: str
    columns: Mapping[str, str]
    """Column → the cell that holds it."""
    types: Mapping[str, str]
    """Column → its kind."""


def packed(tables: Mapping[str, Sequence[tuple[str, str]]]) -> list[Packed]:
    """Where the cells of each table go, from the names and kinds of its columns."""
    found = []
    for name, columns in tables.items():
        number: dict[str, int] = defaultdict(int)
        cells = {}
        for column, declared in columns:
            kind = declared if declared in CELLS else "bigint"
            cells[column] = f"{kind}_{number[kind]}"
            number[kind] += 1
        found.append(Packed(name, cells, dict(columns)))
    return found


def query(tables: Sequence[Packed], chunk: tuple[int, int], buckets: int) -> str:
    """All rows of the persons of `chunk`, in DuckDB's dialect."""
    every = sorted({cell for each in tables for cell in each.columns.values()})
    parts = []
    for number, each in enumerate(tables):
        held = {cell: column for column, cell in each.columns.items()}
        cells = ", ".join(
            f"CAST({held.get(cell, 'NULL')} AS {CELLS[cell.split('_')[0]]}) AS {cell}" for cell in every
        )
        parts.append(
            f"SELECT {number} AS of_table, CAST(person_id % {buckets} AS INTEGER) AS bucket, {cells} "
            f"FROM {each.name} WHERE person_id BETWEEN {chunk[0]} AND {chunk[1]}"
        )
    return " UNION ALL ".join(parts)


def unpacked(rows: pl.DataFrame, tables: Sequence[Packed], for_all: Mapping[str, pl.DataFrame]) -> DuckDB:
    """A DuckDB with the tables of one bucket."""
    import polars as pl

    from eutonia.screening.engine import DuckDB

    kinds: dict[str, Any] = {
        "bigint": pl.Int64, "int": pl.Int32, "double": pl.Float64, "string": pl.String, "boolean": pl.Boolean,
    }  # fmt: skip
    engine = DuckDB(threads=1)
    for number, each in enumerate(tables):
        some = rows.filter(pl.col("of_table") == number)
        columns = {
            column: pl.col(cell).cast(kinds.get(each.types[column], pl.Int64))
            for column, cell in each.columns.items()
        }
        engine.put(each.name, some.select(**columns))
    for name, frame in for_all.items():
        engine.put(name, frame)
    return engine
