"""Numbers with units in running text: “2–3 weeks”, “half an hour”, “350 mg”, “more than six months”."""

import re
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from eutonia.knowledge.articles import Language


@dataclass(frozen=True, slots=True)
class Quantity:
    """`low` to `high` in the unit of its kind; open at one side where the words leave it open."""

    kind: str
    low: float
    high: float
    stated: float
    """The number itself; the greater where two are given."""
    place: int
    """Of its first character."""


_AGE = re.compile(r"\s*(?:old\b|of age\b|and (?:older|over|up)\b|or (?:older|over)\b)", re.IGNORECASE)
_SPAN = re.compile(r"\b(?:for|within|after|than|about|least|most|in|over|beyond|lasts?|takes?|only|half)\s*$")
_GESTATION = re.compile(r"\s*(?:of pregnancy|of gestation|pregnant|gestation)\b", re.IGNORECASE)
_PER_DAY = re.compile(r"\s*(?:/|per|a|each|every|in one)?\s*(?:day\b|daily\b|24 hours\b)", re.IGNORECASE)


def quantities(text: str, language: Language) -> list[Quantity]:
    """Every quantity in `text`, in order."""
    if not any(c.isdigit() for c in text) and not _words(language).search(text):
        return []
    found = []
    for match in _pattern(language).finditer(text):
        low = _number(match["low"], language)
        high = _number(match["high"], language) if match["high"] else low
        kind, factor = _unit(language)[match["unit"].lower()]
        if _AGE.match(text, match.end()) or _GESTATION.match(text, match.end()) or high < low:
            continue
        before = text[max(0, match.start() - 24) : match.start()].lower()
        if (
            kind == "days" and match["low"].lower() in ("a", "an") and not _SPAN.search(before)
        ):  # “three times a day”
            continue
        if kind == "days" and match["unit"].lower().startswith("year") and low >= 12:
            continue
        if kind == "mg" and _PER_DAY.match(text, match.end()):
            kind = "mg_daily"
        stated = high * factor
        low, high = _bounded(low * factor, stated, before, language)
        found.append(Quantity(kind, low, high, stated, match.start()))
    return found


def _bounded(low: float, high: float, before: str, language: Language) -> tuple[float, float]:
    if _cue(language.at_most).search(before):
        return 0, high
    if _cue(language.above).search(before):
        return high * 1.0001, inf
    return low, high


@lru_cache
def _cue(cues: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        rf"(?:^|\W)(?:{'|'.join(map(re.escape, cues))})(?:\s+(?:the|a|of|about|around|roughly|just|first))*\s*$"
    )


@lru_cache
def _unit(language: Language) -> dict[str, tuple[str, float]]:
    return {unit: (kind, factor) for kind, units in language.units.items() for unit, factor in units.items()}


@lru_cache
def _pattern(language: Language) -> re.Pattern[str]:
    number = rf"(?:\d+(?:[.,]\d+)*|(?:{'|'.join(language.numbers)})\b)"
    units = "|".join(re.escape(unit) for unit in sorted(_unit(language), key=len, reverse=True))
    return re.compile(
        rf"(?<![\w.,])(?P<low>{number})(?:\s*(?:an?|of)\b)?(?:\s*(?:-|–|—|‑|to|or|and)\s*(?P<high>{number}))?[\s-]*"
        rf"(?:(?:an?|full|whole|of|consecutive|short)\s+)*(?P<unit>{units})(?![\w])",
        re.IGNORECASE,
    )


@lru_cache
def _words(language: Language) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(language.numbers)})\b", re.IGNORECASE)


def _number(text: str, language: Language) -> float:
    if text[0].isdigit():
        digits = re.sub(r",(?=\d{3}(?:\D|$))", "", text)
        try:
            return float(digits.replace(",", "."))
        except ValueError:  # “1.2.3” is no number
            return inf
    return language.numbers[text.lower()]
