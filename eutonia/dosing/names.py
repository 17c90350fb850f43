"""The name of the drug or therapy in a plan: where it stands, and what it is."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from eutonia.dosing.spelling import tidy
from eutonia.dosing.words import DRINKS
from eutonia.errors import UnreadableText
from eutonia.formulary import medicine_index, recognise, suggest
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.spelling import key
from eutonia.patient import PlanItem
from eutonia.units import is_counted

MOST_WORDS = 8
"""Words of the longest name."""
_WORD = re.compile(r"[^\W_]+")
_INSIDE = re.compile(r"[\s.'’#&-]*")
"""What may stand between the words of one name."""
_BETWEEN = re.compile(r"\s*(?:\bw/|/|,|\+|&|-|\(|\[|\band\b|\bwith\b|\bplus\b)*\s*", re.IGNORECASE)
"""What may stand between the names of one product."""
_STRENGTH = re.compile(
    r"\s*\d+(?:\.\d+)?(?:\s*(?:mg|mcg|g)(?=\s*(?:/|\+|&|\band\b))|(?=\s*[/+]\s*[a-z]))", re.IGNORECASE
)
"""A strength with another name behind it: `carisoprodol 200/ASA 325`."""
_LAST_STRENGTH = re.compile(r"\s*\d+(?:\.\d+)?\s*(?:(?:mg|mcg|g)\b|(?=\)))", re.IGNORECASE)
_HOURS = re.compile(r"\s*(?:8|12|24)\s*-?\s*(?:hr|hour)s?\b", re.IGNORECASE)
"""Behind a brand, how long one dose is meant to last: `Tylenol 8 HR`, `Aleve 12 Hour`."""
_RELEASE = re.compile(
    r"\s*\b(?:er|xr|sr|cr|xl|la|ir|dr|ec|odt|es|retard|generic|(?:extra|regular|maximum)[\s-]strength|(?:extended|immediate|delayed|sustained)[\s-]release)\b",
    re.IGNORECASE,
)
_SPREAD = re.compile(
    r"\s*(?:\d+(?:\.\d+)?\s*%\s*)?(?:topical\s+)?(?:gel|emulgel|cream|ointment|lotion|foam)\b", re.IGNORECASE
)
"""A form that is spread on skin: it belongs to the name, for it tells the route."""
_REGION = re.compile(
    r"(?:\s*,?\s*\b(?:(?:to|on|for|of|with)\s+)?(?:(?:the|my|both|left|right|lower|upper|low|deep|light|gentle|regular)\s+)*"
    r"(?:back|neck|limbs?|legs?|arms?|shoulders?|hips?|knees?|calf|calves|thighs?|foot|feet|hands?|jaw|head|spine|"
    r"lumbar|cervical|thoracic|muscles?|tissue|area|region|therapy|program(?:me)?|class(?:es)?)\b)*",
    re.IGNORECASE,
)
"""Words around a therapy that say where or how, and belong to its name."""


class FoundName(NamedTuple):
    """Where a name stands, how it is written, and the therapy that it is (None for a drug)."""

    start: int
    end: int
    text: str
    therapy: str | None


def find(text: str, knowledge: Knowledge) -> FoundName | None:
    """The first known name in a text: the longest from its first word on, with the names it is joined to."""
    words = list(_WORD.finditer(text))
    for at, word in enumerate(words):
        hit = _longest(text, words, at, knowledge)
        if hit is None or word[0].isdigit():
            continue
        last, therapy = hit
        start, end = word.start(), words[last].end()
        if therapy is not None:
            end += len(_REGION.match(text, end)[0])  # type: ignore[index]
            return FoundName(start, end, text[start:end].strip(" ,"), therapy)
        brand = medicine_index(knowledge).names.get(key(text[start:end]))
        lasting = _HOURS.match(text, end) if brand and brand.brand else None
        if lasting:
            last = max(n for n, w in enumerate(words) if w.end() <= lasting.end())
        end = _whole_product(text, words, last, knowledge)
        return FoundName(start, end, text[start:end], None)
    return None


def _longest(
    text: str, words: list[re.Match[str]], first: int, knowledge: Knowledge
) -> tuple[int, str | None] | None:
    """The last word of the longest name that begins at `first`, and the therapy it names; a drug wins a tie."""
    drugs, therapies = medicine_index(knowledge), _therapies(knowledge)
    best: tuple[int, str | None] | None = None
    spelled = ""
    for last in range(first, min(first + MOST_WORDS, len(words))):
        if last > first and not _INSIDE.fullmatch(text, words[last - 1].end(), words[last].start()):
            break
        spelled += key(words[last][0])
        if spelled in drugs.names or (last == first and drugs.called(spelled)):
            best = last, None
        elif spelled in therapies:
            best = last, therapies[spelled]
    return best


def _whole_product(text: str, words: list[re.Match[str]], last: int, knowledge: Knowledge) -> int:
    """The end of a product that is named by several names, `oxycodone and acetaminophen`, with its salts."""
    salts = medicine_index(knowledge).words
    end = words[last].end()
    while True:
        release = _RELEASE.match(text, end) or _SPREAD.match(text, end)
        if release:
            end = release.end()
            last = max(n for n, w in enumerate(words) if w.end() <= end)
        strength = _STRENGTH.match(text, end)
        joined = _BETWEEN.match(text, strength.end() if strength else end)
        at = next((n for n, w in enumerate(words) if joined and w.start() == joined.end()), None)
        if at is None or at == last:
            return end
        hit = _longest(text, words, at, knowledge)
        if hit is not None and hit[1] is None:
            last = hit[0]
        elif salts is not None and words[at][0].casefold() in salts.salts and not joined[0].strip():  # type: ignore[index]
            last = at
        else:
            return end
        end = words[last].end()
        if strength:  # each name with its own strength: the last one belongs to the product, too
            own = _LAST_STRENGTH.match(text, end)
            end = own.end() if own else end
        if text[end : end + 1] in (")", "]") and "(" in text[words[0].start() : end]:
            end += 1


@cache
def _therapies(knowledge: Knowledge) -> dict[str, str]:
    """Names of therapies without spaces and marks → id."""
    return {
        key(name): therapy.id
        for therapy in knowledge.therapies.values()
        for name in (therapy.id, therapy.title, *therapy.synonyms)
    }


def therapy_named(text: str, knowledge: Knowledge | None = None) -> str | None:
    """The therapy without a drug that a text names."""
    found = find(text, knowledge or load())
    return found.therapy if found else None


def strengths_of(found: FoundName | None, knowledge: Knowledge) -> tuple[float, ...]:
    """The strengths, in mg, of the one drug that a name names; empty where it is none, or they are not known."""
    known = recognise(found.text, None, knowledge) if found is not None and found.therapy is None else None
    if known is None or len(known.ingredients) != 1:
        return ()
    return tuple(medicine_index(knowledge).strengths.get(known.ingredients[0].drug, ()))


def same(name: str, other: str, knowledge: Knowledge) -> bool:
    """Whether two names mean the same ingredients, and neither a product that was never approved."""
    a, b = (recognise(each, None, knowledge) for each in (name, other))
    if a is None or b is None or a.unapproved_name or b.unapproved_name:
        return False
    return {i.drug for i in a.ingredients} == {i.drug for i in b.ingredients}


LEAST_MASS = 10
"""A dose without a unit from here on is no number of tablets."""


def judge(item: PlanItem, found: FoundName | None, written: str, knowledge: Knowledge) -> PlanItem:
    """The item with its therapy, and its unit where the drug's strengths tell it.

    Raises UnreadableText for a name that is not known, with the nearest one that is.
    """
    if found is not None and found.therapy is not None:
        action = item.action if item.action in ("taper", "assess") else f"{item.action}-therapy"
        return item.model_copy(update={"therapy": found.therapy, "action": action})
    if item.action == "assess":
        return item
    if item.unit in DRINKS or key(item.text) in _drunk(knowledge):
        return _as_drinks(item, written, knowledge)
    if not item.text:
        return item
    if found is None and recognise(item.text, None, knowledge) is None:
        close = suggest(item.text, knowledge)
        hint = f"Did you mean {close}?" if close else "It is no drug or therapy that is known here."
        raise UnreadableText(written, (item.text,), hint)
    whole = _as_product(_of_total(_of_strength(item, knowledge), written, knowledge), knowledge)
    return _with_unit(whole, written, knowledge)


@cache
def _drunk(knowledge: Knowledge) -> frozenset[str]:
    """Names of what is taken in drinks, with the empty one: `2 beers` names nothing else."""
    drunk = [s for s in knowledge.substances.values() if "drink" in s.units]
    return frozenset(key(name) for s in drunk for name in (s.id, s.title, *s.synonyms))


def _as_drinks(item: PlanItem, written: str, knowledge: Knowledge) -> PlanItem:
    """`a beer at 18:00`, `3 vodkas`: what is drunk, in drinks where no other unit is stated."""
    if item.text and key(item.text) not in _drunk(knowledge):
        raise UnreadableText(written, (item.text,), "It is no drink that is known here.")
    drunk = next(s for s in knowledge.substances.values() if "drink" in s.units)
    stated = item.unit in (*drunk.units, "mg", "g", "ug", "mL")
    changes = {
        "text": drunk.title.lower(),
        "unit": item.unit if stated else "drink",
        "dose": item.dose or 1.0,
    }
    return item.model_copy(update=changes)


def _of_strength(item: PlanItem, knowledge: Knowledge) -> PlanItem:
    """`2 tabs of carisoprodol 350`: behind the name stands what is in a tablet."""
    number = re.search(r"\s(\d+(?:\.\d+)?)$", item.text)
    named = FoundName(0, len(item.text), item.text, None)
    if (
        number is None
        or item.unit not in ("tablet", "capsule")
        or float(number[1]) not in strengths_of(named, knowledge)
    ):
        return item
    return item.model_copy(update={"text": f"{item.text} mg"})


_IN_BRACKETS = re.compile(r"(?:tab|cap)[a-z()]*\s*\(\s*(\d+(?:\.\d+)?)\s*mg\s*\)", re.IGNORECASE)


_BEFORE_BRACKETS = re.compile(
    r"(\d+(?:\.\d+)?)\s*mg\s*\(\s*\d+(?:\.\d+)?\s*(?:tab|cap)[a-z]*\s*\)", re.IGNORECASE
)


def _of_total(item: PlanItem, written: str, knowledge: Knowledge) -> PlanItem:
    """`2 tablets (400 mg)` of a drug that comes in 200 mg is 400 mg in all, not 800; so `175 mg (half tablet)`."""
    if not item.dose or item.dose == 1 or item.dose_high or not is_counted(item.unit):
        return item
    before = _BEFORE_BRACKETS.search(tidy(written))
    stated = before or _IN_BRACKETS.search(written)
    known = recognise(item.text, None, knowledge) if stated else None
    if stated is None or known is None or len(known.ingredients) != 1:
        return item
    total, strengths = (
        float(stated[1]),
        medicine_index(knowledge).strengths.get(known.ingredients[0].drug, ()),
    )
    if total / item.dose not in strengths or (before and total in strengths):
        return item
    text = item.text.replace(f"{total:g} mg", f"{total / item.dose:g} mg")
    return item.model_copy(update={"dose": total, "unit": "mg", "text": text})


def _as_product(item: PlanItem, knowledge: Knowledge) -> PlanItem:
    """`Soma 350 mg`: behind a brand stands the strength of the product, behind an ingredient just the dose."""
    if item.unit not in ("mg", "g", "ug") or item.dose_high is not None or re.search(r"\d", item.text):
        return item
    known = recognise(item.text, None, knowledge)
    if known is None or len(known.ingredients) != 1:
        return item
    drug = knowledge.drugs[known.ingredients[0].drug]
    if any(key(name) in key(item.text) for name in (drug.title, *drug.synonyms)):
        return item
    return item.model_copy(update={"text": f"{item.text} {item.dose:g} {item.unit}"})


def _with_unit(item: PlanItem, written: str, knowledge: Knowledge) -> PlanItem:
    """`carisoprodol 350 tid`: a number as large as a strength of the drug is milligrams."""
    if item.unit != "each" or item.dose is None or item.dose <= LEAST_MASS:
        return item
    named = FoundName(0, len(item.text), item.text, None)
    if item.dose in strengths_of(named, knowledge):
        return item.model_copy(update={"unit": "mg"})
    raise UnreadableText(written, (f"{item.dose:g}",), "Give its unit, as in “350 mg” or “1 tablet”.")
