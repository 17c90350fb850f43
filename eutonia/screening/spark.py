"""Spark, for what outgrows one machine."""

from __future__ import annotations

from pathlib import Path

from eutonia.errors import NotAvailable
from eutonia.screening.engine import Engine


def open_spark(database: str | Path, *, memory: str | None, threads: int | None) -> Engine:
    """Spark with the tables of `database`."""
    raise NotAvailable(
        "Spark is not available in this build. Leave out --engine spark: DuckDB gives the same answers."
    )
