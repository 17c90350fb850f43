"""Which drugs a medicine holds, and to which classes they belong.

A code counts before the text; where its code is not known, the text is read. Nothing is guessed: what names no
known drug is None, and the nearest name is only suggested.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache, lru_cache

from eutonia.knowledge import Knowledge
from eutonia.knowledge.medicines import (
    Ingredient,
    MedicineIndex,
    Recognised,
    build_index,
    wider,
)
from eutonia.knowledge.spelling import key, tokens

__all__ = ["Ingredient", "Recognised", "class_called", "classes_of", "recognise", "suggest"]

UNNAMED = "class:"
"""How a treatment begins of which only the class is told: `class:nsaid`."""
OUTSIDE = "other:"
"""How a treatment begins that is recognised and that no rule knows: `other:loratadine 10 mg`."""


@lru_cache(maxsize=8192)
def recognise(
    text: str, rxcui: str | None, knowledge: Knowledge, atc: str | None = None
) -> Recognised | None:
    """The ingredients of a medicine; None where neither code nor text names any.

    “Percocet 5/325” is oxycodone 5 mg and acetaminophen 325 mg.
    """
    index = medicine_index(knowledge)
    coded = index.codes.get((rxcui or "").strip())
    if coded is None:
        coded = index.atc.get((atc or "").strip().upper())
    read = index.read(text or "")
    if coded is None or read is None:
        return coded or read
    return _both(coded, read)


def _both(coded: Recognised, read: Recognised) -> Recognised:
    """A code and a text together: the fuller list of ingredients, or both where they contradict each other."""
    by_code = {i.drug: i for i in coded.ingredients}
    by_text = {i.drug: i for i in read.ingredients}
    if by_text.keys() >= by_code.keys():
        kept = list(by_text)
    elif by_code.keys() >= by_text.keys():
        kept = list(by_code)
    else:
        kept = list(by_code | by_text)
    contradict = bool(by_code and by_text) and not by_code.keys() & by_text.keys()
    return Recognised(
        ingredients=tuple(_filled(by_text.get(d), by_code.get(d)) for d in kept),
        is_other=not kept,
        route=read.route or coded.route,
        brand=read.brand or coded.brand,
        unapproved_name=read.unapproved_name,
        unread=read.unread,
        coded=frozenset(by_code) if contradict else frozenset(),
    )


def _filled(first: Ingredient | None, second: Ingredient | None) -> Ingredient:
    """An ingredient as the text tells it, completed from its code."""
    if first is None or second is None:
        return first or second  # type: ignore[return-value]
    if first.mg is None and first.mg_per_hour is None:
        return second
    return first


def classes_of(
    treatment: str, daily_mg: float | None, knowledge: Knowledge
) -> tuple[frozenset[str], frozenset[str]]:
    """The classes a treatment certainly belongs to, and those it may belong to where its dose is not known."""
    if treatment.startswith(UNNAMED):
        return wider((treatment.removeprefix(UNNAMED),), knowledge.classes), frozenset()
    index = medicine_index(knowledge)
    certain, possible = index.classes.get(treatment, frozenset()), frozenset[str]()
    for names, up_to, above in index.dose_classes.get(treatment, ()):
        if daily_mg is None:
            possible |= names
        elif (up_to is None or daily_mg <= up_to) and (above is None or daily_mg > above):
            certain |= names
    return certain, possible - certain


def suggest(name: str, knowledge: Knowledge) -> str | None:
    """The known name nearest to a misspelt one; None where none is near."""
    index = medicine_index(knowledge)
    words = [token.text for token in tokens(name) if token.kind == "word" and len(token.text) > 3]
    for wanted in (key(name), *sorted(words, key=len, reverse=True)):
        close = get_close_matches(wanted, index.spelled, n=1, cutoff=0.8)
        if close:
            return index.spelled[close[0]]
    return None


def class_called(text: str, knowledge: Knowledge) -> str | None:
    """The class that a text names in place of a drug (“muscle relaxer”); None where none, or where it is denied."""
    index = medicine_index(knowledge)
    words = [token.text for token in tokens(text) if token.kind == "word"]
    if index.words is not None and set(index.words.not_before) & set(words):
        return None
    written = f" {' '.join(words)} "
    return next((name for called, name in _classes_called(knowledge) if f" {called} " in written), None)


@cache
def _classes_called(knowledge: Knowledge) -> tuple[tuple[str, str], ...]:
    """Each way to call a class, longest first, with the class."""
    pairs = ((" ".join(t.text for t in tokens(n) if t.kind == "word"), c.id)
             for c in knowledge.classes.values() for n in c.called)  # fmt: skip
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))


def medicine_index(knowledge: Knowledge) -> MedicineIndex:
    """The index made when the knowledge was built, or made now."""
    made: MedicineIndex | None = knowledge.section("medicine_index").get("all")
    return made or _index(knowledge)


@cache
def _index(knowledge: Knowledge) -> MedicineIndex:
    return build_index(
        knowledge.drugs,
        knowledge.products,
        knowledge.recognised,
        knowledge.classes,
        knowledge.therapies,
        next(iter(knowledge.section("medicine_words").values()), None),
    )
