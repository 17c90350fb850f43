"""The feature table of a chunk of index dates: gathered by SQL, worked out by expressions over what was gathered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from eutonia.knowledge import Knowledge
from eutonia.screening import dosing_columns, organ_columns, pain_columns, person_columns
from eutonia.screening.allergies import make_allergy_lines
from eutonia.screening.by_kind import KINDS
from eutonia.screening.columns import OF_THE_DATE, Columns
from eutonia.screening.expressions import Expressions
from eutonia.screening.meanings import Meanings
from eutonia.screening.pools import make_lines, make_pools, make_runs

if TYPE_CHECKING:
    import polars as pl

    from eutonia.screening.engine import Chunk, Engine

MODULES: Sequence[ModuleType] = (person_columns, organ_columns, dosing_columns, pain_columns)

TYPES = {"boolean": "BOOLEAN", "number": "DOUBLE", "category": "VARCHAR"}


class FeatureTable:
    """The queries and expressions that make every feature, written once for a knowledge and a database."""

    def __init__(self, knowledge: Knowledge, meanings: Meanings, region: str | None) -> None:
        self.columns = Columns(knowledge, meanings, region)
        found: dict[str, str] = {}
        self.by_case: list[str] = []
        """Features without a counterpart here: worked out person by person."""
        for feature in knowledge.features.values():
            if feature.kind in ("question", "simulated"):
                continue
            expression = _expression(feature)
            if expression is None:
                self.by_case.append(feature.id)
            else:
                found[feature.id] = f"CAST({expression(feature, self.columns)} AS {TYPES[feature.type]})"
        self.expressions = Expressions(self.columns.shared(), found)

    def put_groups(self, engine: Engine) -> None:
        """Leave the tables that say what belongs to which group."""
        for name, frame in self.columns.groups.tables().items():
            engine.put(name, frame)

    def rows(self, engine: Engine, chunk: Chunk) -> pl.DataFrame:
        """The feature table of the persons of `chunk`, one row per index date in any order."""
        make_index(engine, chunk)
        make_lines(engine)
        make_pools(engine)
        make_runs(engine)
        make_condition_lines(engine)
        make_denial_lines(engine)
        make_allergy_lines(engine)
        make_reading_lines(engine)
        of_the_date = ", ".join(f"{sql} AS {name}" for name, sql in OF_THE_DATE.items())
        frame = engine.get(
            f"SELECT i.*, p.planned, {of_the_date} "
            "FROM idx AS i JOIN planned_kinds AS p ON p.index_id = i.index_id "
            "LEFT JOIN unrecognised AS u ON u.index_id = i.index_id"
        )
        for query in self.columns.queries().values():
            frame = frame.join(engine.get(query), on="index_id", how="left", maintain_order="left")
        return self.expressions.work_out(frame)


def _expression(feature: Any) -> Callable[[Any, Columns], str] | None:
    if feature.kind in KINDS:
        found: Callable[[Any, Columns], str] = KINDS[feature.kind]
        return found
    return next((getattr(m, feature.id) for m in MODULES if hasattr(m, feature.id)), None)


def make_index(engine: Engine, chunk: Chunk) -> None:
    """The index dates of the chunk with what is known of the person and the calendar."""
    conditions = "TRUE" if "condition_occurrence" in engine.columns else "FALSE"
    engine.make(
        "idx",
        f"""
        SELECT CAST(ROW_NUMBER() OVER () AS INTEGER) AS index_id, d.*,
               d.observed AND {conditions} AS conditions_known, p.sex, p.birth_year, p.birth_month, p.birth_day,
               p.birth_exact, YEAR(d.calendar) AS year, MONTH(d.calendar) AS month, DAY(d.calendar) AS dom
        FROM (
            SELECT *, CAST(DATE '1970-01-01' + day AS DATE) AS calendar FROM index_date
            WHERE person_id BETWEEN {chunk[0]} AND {chunk[1]}
        ) AS d JOIN known_person AS p ON p.person_id = d.person_id
        """,
    )


def make_condition_lines(engine: Engine) -> None:
    engine.make(
        "condition_line",
        "SELECT i.index_id, i.day, c.condition, c.since, "
        "NOT m.history AND (c.until IS NULL OR c.until >= i.day) AS active "
        "FROM idx AS i JOIN condition_fact AS c ON c.person_id = i.person_id AND c.since <= i.day "
        "JOIN condition_flag AS m ON m.condition = c.condition",
    )


def make_denial_lines(engine: Engine) -> None:
    engine.make(
        "denial_line",
        "SELECT i.index_id, d.denial FROM idx AS i "
        "JOIN denial_fact AS d ON d.person_id = i.person_id AND d.day <= i.day",
    )


def make_reading_lines(engine: Engine) -> None:
    """Results known at each index date; one is the latest of its slot until the day of the next."""
    engine.make(
        "reading_line",
        "SELECT i.index_id, i.day, s.slot, s.word, s.day AS reading_day, s.high, s.value, s.sound, "
        "s.next_day IS NULL OR s.next_day > i.day AS newest "
        "FROM idx AS i JOIN slot_fact AS s ON s.person_id = i.person_id AND s.day <= i.day",
    )
