"""Features as expressions over what was gathered, worked out by polars: over whole columns, three-valued.

They are written in SQL like the queries. DuckDB works out the same two hundred columns several times as slowly, and
Spark, in one plan, hardly at all; each hands its rows over as Arrow, and the answer is the same by either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

KEY = {
    "person_id": "person_id",
    "index_day": "day",
    "therapy": "therapy",
    "episode_first": "episode_first",
    "episode_last": "episode_last",
    "planned": "planned",
}


class Expressions(NamedTuple):
    """What is worked out of a row, level after level: an expression reads only what stands before its level."""

    shared: Sequence[Mapping[str, str]]
    features: Mapping[str, str]

    def work_out(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The features of each row, with the columns that say whose they are."""
        for level in self.shared:
            frame = frame.with_columns(**{name: parsed(sql) for name, sql in level.items()})
        every = {**KEY, **self.features}
        return frame.select(**{name: parsed(sql) for name, sql in every.items()})


@cache
def parsed(sql: str) -> pl.Expr:
    import polars as pl

    return pl.sql_expr(sql)
