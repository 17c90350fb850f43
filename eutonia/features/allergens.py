"""What the allergy list speaks of: the drugs and classes that each entry is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from eutonia.formulary import class_called, classes_of, medicine_index, recognise
from eutonia.knowledge import Knowledge
from eutonia.patient import Allergy, Case


class Allergen(NamedTuple):
    """An entry that stands."""

    entry: Allergy
    understood: bool
    named: frozenset[str]
    """Drugs and classes that it is about."""
    possible: frozenset[str]
    """Drugs and classes of the members of a class that it names in place of a drug."""

    def concerns(self, wanted: Collection[str]) -> bool | None:
        """Whether it speaks of one of `wanted`; None where it names nothing known, or a class with members of both
        kinds."""
        if not self.understood:
            return None
        if not self.named.isdisjoint(wanted):
            return True
        return False if self.possible.isdisjoint(wanted) else None


def allergens_of(case: Case, knowledge: Knowledge) -> Iterator[Allergen]:
    """The entries that still say something, each with what it is about."""
    for entry in case.allergies or ():
        if _stands(entry):
            yield _allergen(entry, knowledge)


def _stands(entry: Allergy) -> bool:
    """Whether the entry still says something: `resolved` is an allergy that a new test or exposure did not find."""
    wrong = (entry.verification_status or "") in ("refuted", "entered-in-error")
    return not wrong and (entry.clinical_status or "") != "resolved"


def _allergen(entry: Allergy, knowledge: Knowledge) -> Allergen:
    name = WORDS_AROUND.sub(" ", entry.substance.casefold()).strip()
    substance = recognise(name, entry.rxcui, knowledge)
    drugs = {i.drug for i in substance.ingredients} if substance else set()
    classes = {c for d in drugs for part in classes_of(d, None, knowledge) for c in part}
    called = class_called(name, knowledge) if substance is None else None
    members = medicine_index(knowledge).classes.items() if called else ()
    return Allergen(
        entry,
        understood=substance is not None or bool(name),
        named=frozenset(drugs | classes | _classes_listed_as(name, knowledge)),
        possible=frozenset(each for drug, of in members if called in of for each in (drug, *of)),
    )


WORDS_AROUND = re.compile(
    r"\b(?:(?:allergy|allergic|hypersensitivity|intolerance|sensitivity)(?: reaction)?(?: to)?|adverse reaction to)\b"
    r"|\((?:substance|product|disorder|finding)\)"
)
"""Words around the name of a substance in allergy lists."""


def _classes_listed_as(name: str, knowledge: Knowledge) -> set[str]:
    """The classes that an allergy list calls by this name ("nonsteroidal anti-inflammatory drugs")."""
    return {c.id for c in knowledge.classes.values() if any(word in name for word in c.allergens)}
