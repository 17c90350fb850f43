"""The feature table as SQL: what each query over the facts has to gather, and each feature as an expression over it.

A feature's function asks for what it needs (`columns.taken(...)`) and gets the name of a column back; the queries
are written once all features have asked. Names in expressions: `i` the index date, and the gathered columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from eutonia.knowledge import Knowledge
from eutonia.screening.groups import Groups

LIST_KNOWN = "i.observed"
CONDITIONS_KNOWN = "i.conditions_known"
ALL_RECOGNISED = "(i.observed AND COALESCE(u.n, 0) = 0)"

FROM = {
    "taken": "taken AS t JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bit",
    "past": "past_use AS t JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bit",
    "listed": "line AS t JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bit",
    "mixed": "mixed AS t JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bits",
    "runs": "run AS t",
    "conditions": "condition_line AS t JOIN condition_flag AS b ON b.condition = t.condition",
    "readings": "reading_line AS t",
    "latest": "(SELECT * FROM reading_line WHERE back = 1) AS t",
}
"""What is gathered from → the tables behind it. `t` is the row, `b` what its code means."""


class Columns:
    """What the queries gather, each once however many features ask for it."""

    def __init__(
        self, knowledge: Knowledge, treatments: Sequence[str] = (), region: str | None = None
    ) -> None:
        self.knowledge = knowledge
        self.treatments = tuple(treatments)
        """Every ingredient that the database names."""
        self.region = region
        self.groups = Groups(knowledge)
        self.value_sets: dict[str, str] = {}
        self.gathered: dict[str, dict[str, str]] = {source: {} for source in FROM}

    def gather(self, source: str, aggregate: str) -> str:
        """The name of the column that holds `aggregate` over the rows of `source`."""
        known = self.gathered[source]
        return known.setdefault(aggregate, f"{source}.a{len(known)}")

    def any(self, source: str, condition: str) -> str:
        """Whether a row holds `condition`."""
        return f"COALESCE({self.gather(source, f'BOOL_OR(COALESCE({condition}, FALSE))')}, FALSE)"

    def count(self, source: str, condition: str) -> str:
        return f"COALESCE({self.gather(source, f'SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)')}, 0)"

    def max(self, source: str, value: str, condition: str = "TRUE") -> str:
        """The greatest `value` of the rows that hold `condition`; null where none does."""
        return self.gather(source, f"MAX(CASE WHEN {condition} THEN {value} END)")

    def sum(self, source: str, value: str, condition: str) -> str:
        return f"COALESCE({self.gather(source, f'SUM(CASE WHEN {condition} THEN {value} END)')}, 0)"

    def of_latest(self, source: str, value: str, rank: str, condition: str) -> str:
        """`value` of the row with the greatest `rank` among those that hold `condition`."""
        return self.gather(source, f"MAX_BY({value}, CASE WHEN {condition} THEN {rank} END)")

    # --- what features speak of -------------------------------------------------------------------

    def group(self, names: Sequence[str]) -> str:
        """The column of `b` that tells whether an ingredient is one of `names`."""
        return f"b.{self.groups.column(names)}"

    def in_sets(self, value_sets: Iterable[str]) -> str:
        """Whether a condition `b` is in one of the value sets."""
        names = list(dict.fromkeys(value_sets))
        columns = [self.value_sets.setdefault(name, f"v{len(self.value_sets)}") for name in names]
        return f"({' OR '.join(f'b.{column}' for column in columns) or 'FALSE'})"

    def having(self, *value_sets: str, active: bool = True, days: float | None = None, also: str = "") -> str:
        """Whether a condition of the value sets is on record (`Chart.having`), begun at most `days` before."""
        return self.any(
            "conditions", self.held(value_sets, active=active, days=days) + (f" AND {also}" if also else "")
        )

    def held(self, value_sets: Iterable[str], *, active: bool = True, days: float | None = None) -> str:
        """The condition on a row for `having`."""
        terms = [self.in_sets(value_sets)]
        if active:
            terms.append("t.active")
        if days is not None:
            terms.append(f"t.day - t.since <= {number(days)}")
        return " AND ".join(terms)

    def since(self, value_sets: Iterable[str], *, active: bool = True, also: str = "TRUE") -> str:
        """The latest day on which one of the value sets began."""
        return self.max("conditions", "t.since", f"{self.held(value_sets, active=active)} AND {also}")

    # --- sets of ingredients ----------------------------------------------------------------------

    def fills(self, groups: Sequence[Sequence[str]], moment: str) -> str:
        """Whether distinct ingredients fill every group (Hall's theorem: every few groups have as many)."""
        return self._hall(groups, moment, sure=True, spare="0")

    def could_fill(self, groups: Sequence[Sequence[str]], moment: str, spare: str) -> str:
        """Whether they could, with `spare` further medicines of any kind."""
        return self._hall(groups, moment, sure=False, spare=spare)

    def _hall(self, groups: Sequence[Sequence[str]], moment: str, *, sure: bool, spare: str) -> str:
        terms = []
        for size in range(1, len(groups) + 1):
            for chosen in combinations(groups, size):
                terms.append(f"{self.distinct(chosen, moment, sure=sure)} + {spare} >= {size}")
        return f"({' AND '.join(terms)})"

    def distinct(self, groups: Iterable[Sequence[str]], moment: str, *, sure: bool) -> str:
        """How many distinct ingredients belong (or, not `sure`, may belong) to one of the groups."""
        columns = [self.group(names) for names in groups]
        terms = columns if sure else [f"COALESCE({column}, TRUE)" for column in columns]
        return self.count("mixed", f"t.moment = '{moment}' AND ({' OR '.join(terms)})")

    # --- the queries ------------------------------------------------------------------------------

    def queries(self) -> dict[str, str]:
        """Source → the query that gathers its columns, one row per index date."""
        return {source: _query(source, wanted) for source, wanted in self.gathered.items() if wanted}


def _query(source: str, wanted: Mapping[str, str]) -> str:
    columns = ", ".join(f"{sql} AS {name.removeprefix(f'{source}.')}" for sql, name in wanted.items())
    return f"SELECT t.index_id, {columns} FROM {FROM[source]} GROUP BY t.index_id"


def number(value: float) -> str:
    """A number as SQL writes it."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def no_if(known: str) -> str:
    """False where `known`, else null."""
    return f"CASE WHEN {known} THEN FALSE END"
