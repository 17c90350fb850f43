"""Distinct codes → what they mean to the rules: the small tables that the facts are joined to.

`drug_meanings` reads those of drugs, `fact_meanings` those of conditions and results: by the very code that reads a
single case (`Chart`, the code index, `latest`), so that a code means the same in a million rows as in one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from eutonia.features.taken import Taken
from eutonia.knowledge.codes import Match
from eutonia.screening.allergies import Statement
from eutonia.screening.signs import Denial
from eutonia.screening.slots import Slot
from eutonia.screening.vocabulary import Codes

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge

SOME_DAY = date(2000, 1, 1)
"""Any day: a code means the same on each."""

RELAXANT = "muscle-relaxant"
"""The class whose courses are screened (contract, section 1)."""


class DrugMeaning(NamedTuple):
    """One distinct way of naming a drug."""

    number: int
    codes: Codes
    name: str
    route: str | None
    parts: tuple[Taken, ...]
    how: str
    """code, ingredient or name: by what it was recognised; none; or not-a-drug."""
    whole: bool
    """Every ingredient of it is known."""
    rows: int


class ConditionMeaning(NamedTuple):
    """One distinct code of a condition, procedure or observation."""

    number: int
    codes: Codes
    value_sets: frozenset[str]
    history: bool
    rows: int


class ReadingMeaning(NamedTuple):
    """One distinct kind of result, with its value where that had to be read."""

    number: int
    codes: Codes
    unit: str | None
    value: float | str | None
    """None: the number that stands in the row, in the unit that the slots want."""


class Unmapped(NamedTuple):
    """A code that means nothing here, and how many rows have it."""

    table: str
    name: str
    rows: int


@dataclass
class Meanings:
    """All meanings, by number."""

    drugs: list[DrugMeaning] = field(default_factory=list)
    conditions: list[ConditionMeaning] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    readings: list[ReadingMeaning] = field(default_factory=list)
    allergies: list[Statement] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """The slots for which there is a result."""
    unmapped: list[Unmapped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add_condition(self, codes: Codes, match: Match, rows: int) -> int:
        """Returns its number."""
        number = len(self.conditions)
        self.conditions.append(ConditionMeaning(number, codes, match.value_sets, match.history, rows))
        return number

    @property
    def value_sets(self) -> frozenset[str]:
        return frozenset().union(*(each.value_sets for each in self.conditions))

    @property
    def treatments(self) -> tuple[str, ...]:
        return tuple(sorted({part.treatment for drug in self.drugs for part in drug.parts}))

    @property
    def relaxants(self) -> frozenset[str]:
        parts = (part for drug in self.drugs for part in drug.parts)
        return frozenset(t.treatment for t in parts if t.belongs((RELAXANT,)))


REGIONAL = {"fracture_in_treated_region": "fracture_regions", "skin_infection_or_wound": "skin_regions"}
"""Feature that compares places of the body → the column that says where a condition or plan is."""


def regions(name: str, code: str, text: str, knowledge: Knowledge) -> int:
    """The parts of the body that a code or text names to a feature, one bit each."""
    from eutonia.features.pain import _regions

    feature = knowledge.features.get(name)
    if feature is None:
        return 0
    named = _regions(feature, code, text)  # type: ignore[arg-type]
    return sum(1 << bit for bit, region in enumerate(feature.codes) if region in named)  # type: ignore[union-attr,misc]
