"""The feature table as SQL: what each query over the facts has to gather, and each feature as an expression over it.

A feature's function asks for what it needs (`columns.any(...)`) and gets an expression back: over the index date
and what was gathered for it. What several features share is kept as a column of its own (`columns.keep`), worked out
once. The queries are written once all features have asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from eutonia.knowledge import Knowledge
from eutonia.screening.groups import Bit, Groups, numbered
from eutonia.screening.meanings import Meanings

LIST_KNOWN = "observed"
CONDITIONS_KNOWN = "conditions_known"
UNRECOGNISED = "unrecognised"
ALL_RECOGNISED = "all_recognised"

_EARLY = "(i.birth_exact AND (i.month < i.birth_month OR (i.month = i.birth_month AND i.dom < i.birth_day)))"

OF_THE_DATE = {
    "age": f"CAST(i.year - i.birth_year - CASE WHEN {_EARLY} THEN 1 ELSE 0 END AS DOUBLE)",
    "unrecognised": "COALESCE(u.n, 0)",
    "all_recognised": "(i.observed AND COALESCE(u.n, 0) = 0)",
}
"""Columns of an index date → SQL over it and its list of medicines `u`.

Age is in completed years; the age reached in the year where the day of birth is not known.
"""

_MEANT = "JOIN part AS p ON p.part = t.part JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bit"

FROM = {
    "taken": f"taken AS t {_MEANT}",
    "past": f"past_use AS t {_MEANT}",
    "listed": "line AS t JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bit",
    "mixed": "mixed AS t JOIN blend AS b ON b.treatment = t.treatment AND b.bits = t.bits",
    "runs": "run AS t",
    "conditions": "condition_line AS t JOIN condition_flag AS b ON b.condition = t.condition",
    "readings": "reading_line AS t",
    "denials": "denial_line AS t JOIN denial_flag AS b ON b.denial = t.denial",
    "allergies": "allergy_line AS t JOIN allergy_flag AS b ON b.statement = t.statement",
    "latest": "(SELECT * FROM reading_line WHERE newest) AS t",
}
"""What is gathered from → the tables behind it: `t` the row, `p` its ingredient, `b` what its code means."""


class Columns:
    """What the queries gather, each once however many features ask for it."""

    def __init__(self, knowledge: Knowledge, meanings: Meanings, region: str | None = None) -> None:
        self.knowledge = knowledge
        self.region = region
        self.treatments = meanings.treatments
        self.present = meanings.value_sets
        """Every value set that a code of the database is in."""
        self.deniable = frozenset().union(*(denial.value_sets for denial in meanings.denials))
        """Every value set that someone in the database is said not to be in."""
        self.denied_groups: dict[tuple[str, ...], int] = {}
        self.slots = {slot.id: n for n, slot in enumerate(meanings.slots) if slot.id in meanings.read}
        """The look-ups that find a result in it."""
        self.groups = Groups(knowledge, meanings.treatments)
        self.set_groups: dict[tuple[str, ...], int] = {}
        self.gathered: dict[str, dict[str, str]] = {source: {} for source in FROM}
        self.kept: dict[str, int] = {}
        """Expression that is shared → how many others have to be worked out before it, at most."""

    def gather(self, source: str, aggregate: str) -> str:
        """The name of the column that holds `aggregate` over the rows of `source`."""
        known = self.gathered[source]
        return known.setdefault(aggregate, f"{source}_a{len(known)}")

    def keep(self, expression: str) -> str:
        """A column that holds `expression`: for what more than one feature reads."""
        if re.fullmatch(r"[\w.]+", expression):
            return expression
        if expression not in self.kept:
            every = list(self.kept.values())
            within = [every[int(number)] for number in KEPT.findall(expression)]
            self.kept[expression] = max(within, default=-1) + 1
        return f"k{list(self.kept).index(expression)}"

    def any(self, source: str, bit: Bit | None, where: str = "TRUE") -> str:
        """Whether a row that holds `where` has the bit."""
        if bit is None:
            return "FALSE"
        word = self.gather(source, f"BIT_OR(CASE WHEN {where} THEN {bit.word} END)")
        return f"(({self.keep(f'COALESCE({word}, 0)')} & {bit.bit}) <> 0)"

    def before(self, names: Sequence[str], where: str = "TRUE", *, sure: bool = True) -> str:
        """Whether one of `names` was taken in the past and is so no more, in a row that holds `where`."""
        self.groups.remember(names)
        return self.any("past", self.groups.sure(names) if sure else self.groups.maybe(names), where)

    def no_if(self, known: str) -> str:
        """False where `known`, else null."""
        return UNKNOWN if known == "FALSE" else self.keep(f"CASE WHEN {known} THEN FALSE END")

    def exists(self, source: str, where: str) -> str:
        """Whether a row holds `where`."""
        return f"COALESCE({self.gather(source, f'BOOL_OR(COALESCE({where}, FALSE))')}, FALSE)"

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

    def belongs(self, names: Sequence[str]) -> str:
        """Whether the ingredient of a row is one of `names`."""
        bit = self.groups.sure(names)
        return bit.row if bit else "FALSE"

    def in_sets(self, value_sets: Iterable[str]) -> Bit | None:
        """The bit of being in one of the value sets; None where no code of the database is."""
        names = tuple(name for name in dict.fromkeys(value_sets) if name in self.present)
        if not names:
            return None
        return numbered("v", self.set_groups.setdefault(names, len(self.set_groups)))

    def is_in(self, value_sets: Iterable[str]) -> str:
        """Whether the condition of a row is in one of the value sets."""
        bit = self.in_sets(value_sets)
        return bit.row if bit else "FALSE"

    def having(self, *value_sets: str, active: bool = True, days: float | None = None, also: str = "") -> str:
        """Whether a condition of the value sets is on record (`Chart.having`), begun at most `days` before."""
        where = _held(active=active, days=days) + (f" AND {also}" if also else "")
        return self.any("conditions", self.in_sets(value_sets), where)

    def denied(self, *value_sets: str) -> str:
        """Whether one of the value sets is said to be absent (`Chart.denied`)."""
        names = tuple(name for name in dict.fromkeys(value_sets) if name in self.deniable)
        if not names:
            return "FALSE"
        return self.any(
            "denials", numbered("d", self.denied_groups.setdefault(names, len(self.denied_groups)))
        )

    def held(self, value_sets: Iterable[str], *, active: bool = True, days: float | None = None) -> str:
        """The condition on a row for `having`."""
        return f"{self.is_in(value_sets)} AND {_held(active=active, days=days)}"

    def since(self, value_sets: Iterable[str], *, active: bool = True, also: str = "TRUE") -> str:
        """The latest day on which one of the value sets began."""
        return self.max("conditions", "t.since", f"{self.held(value_sets, active=active)} AND {also}")

    def slot(self, name: str) -> str:
        """Whether a reading is of the slot."""
        return f"t.slot = {self.slots[name]}" if name in self.slots else "FALSE"

    # --- sets of ingredients ----------------------------------------------------------------------

    def fills(self, groups: Sequence[Sequence[str]], moment: str) -> str:
        """Whether distinct ingredients fill every group."""
        if any(self.groups.sure(names) is None for names in groups):
            return "FALSE"
        if self._apart(groups):
            return f"({' AND '.join(self._filled(names, moment, sure=True) for names in groups)})"
        return self._hall(groups, moment, sure=True, spare="0")

    def could_fill(self, groups: Sequence[Sequence[str]], moment: str, spare: str) -> str:
        """Whether they could, with `spare` further medicines of any kind."""
        if self._apart(groups):
            filled = (f"CAST({self._filled(names, moment, sure=False)} AS INTEGER)" for names in groups)
            return f"({' + '.join(filled)} + {spare} >= {len(groups)})"
        return self._hall(groups, moment, sure=False, spare=spare)

    def _apart(self, groups: Sequence[Sequence[str]]) -> bool:
        """Whether no ingredient of the database is in two of the groups: then each fills its own."""
        members = [self.groups.members(names) for names in groups]
        return sum(map(len, members)) == len(frozenset().union(*members))

    def _filled(self, names: Sequence[str], moment: str, *, sure: bool) -> str:
        where = f"t.moment = '{moment}'"
        certain = self.any("mixed", self.groups.sure(names), where)
        possible = "FALSE" if sure else self.any("mixed", self.groups.maybe(names), where)
        return f"({certain} OR {possible})" if possible != "FALSE" else certain

    def _hall(self, groups: Sequence[Sequence[str]], moment: str, *, sure: bool, spare: str) -> str:
        """Hall's theorem: groups can be filled if every few of them have as many ingredients."""
        terms = []
        for size in range(1, len(groups) + 1):
            for chosen in combinations(groups, size):
                terms.append(f"{self.distinct(chosen, moment, sure=sure)} + {spare} >= {size}")
        return f"({' AND '.join(terms)})"

    def distinct(self, groups: Iterable[Sequence[str]], moment: str, *, sure: bool) -> str:
        """How many distinct ingredients belong (or, not `sure`, may belong) to one of the groups."""
        every = list(groups)
        bits = [self.groups.sure(names) for names in every]
        bits += [] if sure else [self.groups.maybe(names) for names in every]
        terms = [bit.row for bit in bits if bit]
        return self.count("mixed", f"t.moment = '{moment}' AND ({' OR '.join(terms)})") if terms else "0"

    # --- the queries ------------------------------------------------------------------------------

    def queries(self) -> dict[str, str]:
        """Source → the query that gathers its columns, one row per index date."""
        return {source: _query(source, wanted) for source, wanted in self.gathered.items() if wanted}

    def shared(self) -> list[dict[str, str]]:
        """The columns that are kept, level by level."""
        levels: list[dict[str, str]] = [{} for _ in range(max(self.kept.values(), default=-1) + 1)]
        for n, (sql, level) in enumerate(self.kept.items()):
            levels[level][f"k{n}"] = sql
        return levels


def _held(*, active: bool, days: float | None) -> str:
    terms = ["t.active"] if active else []
    if days is not None:
        terms.append(f"t.day - t.since <= {number(days)}")
    return " AND ".join(terms) or "TRUE"


def _query(source: str, wanted: Mapping[str, str]) -> str:
    columns = ", ".join(f"{sql} AS {name}" for sql, name in wanted.items())
    return f"SELECT t.index_id, {columns} FROM {FROM[source]} GROUP BY t.index_id"


KEPT = re.compile(r"\bk(\d+)\b")
"""The name of a column that is kept."""


def number(value: float) -> str:
    """A number as SQL writes it."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def rounded(value: str, digits: int) -> str:
    """As `features.value.rounded`: engines that round by themselves differ near a half.

    Polars divides by a constant by way of its reciprocal, which leaves the last digit to be rounded off.
    """
    return f"ROUND(FLOOR(({value}) * {10.0**digits} + 0.5) / {10.0**digits}, {digits})"


def yes_or(found: str, otherwise: str) -> str:
    """True where `found`, which is never null; else `otherwise`.

    By Kleene's OR, which is worked out faster than a CASE.
    """
    return otherwise if found == "FALSE" else f"({found} OR {otherwise})"


UNKNOWN = "CAST(NULL AS BOOLEAN)"


def unknown_if(possible: str) -> str:
    """Null where `possible`, else false."""
    return "FALSE" if possible == "FALSE" else f"CASE WHEN {possible} THEN NULL ELSE FALSE END"
