"""How medicines are written: their text as tokens (words, numbers, strengths, marks), their names as keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from eutonia.units import MASS_IN_MG


class Token(NamedTuple):
    kind: str
    """word, number, strength or mark"""
    text: str
    mg: float | None = None
    per_hour: bool = False


NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
TOKEN = re.compile(
    rf"(?P<amount>{NUMBER})\s*(?P<unit>mg|mcg|ug|µg|μg|gm|grams?|g|milligrams?|micrograms?|%|iu|units?|unt|meq|mmol)\b"
    r"(?P<per>\s*(?:/|per)\s*(?P<each>\d+(?:\.\d+)?|\.\d+)?\s*(?P<unit2>ml|l|hr|h|hour|actuat|actuation|spray|puff|mg|g|gm|dose)\b)?"
    rf"|(?P<volume>(?:{NUMBER})\s*ml\b)"
    rf"|(?P<list>(?<![\d./])(?:{NUMBER})(?:\s*mg)?(?:\s*[-/]\s*(?:{NUMBER}))+(?:\s*(?P<list_unit>mg|mcg)\b)?(?![\d/]))"
    r"|(?P<word>[a-z0-9]*[a-zµ][a-z0-9]*)"
    rf"|(?P<number>{NUMBER})"
    r"|(?P<mark>[^\s\w])",
)


def plain(text: str) -> str:
    """Lower case without accents, apostrophes and the dots of abbreviations."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = "".join(c for c in unicodedata.normalize("NFD", folded) if not unicodedata.combining(c))
    folded = re.sub(r"[’'`´®™©]", "", folded)
    return re.sub(r"\bw\s*/\s*(?=[a-z])", "with ", re.sub(r"(?<=[a-z])\.(?=\s*[a-z0-9])", " ", folded))


def key(name: str) -> str:
    """A name without spaces, hyphens and marks: how names are told from each other."""
    return re.sub(r"[^a-z0-9]", "", plain(name))


@lru_cache(maxsize=8192)
def bones(name: str) -> str:
    """What the spellings of an international name in different languages share.

    cyclobenzaprine, Ciclobenzaprina, Cyclobenzaprin; diclofenac, Diklofenak, diclofénac.
    """
    found = key(name)
    for written, said in _SAID:
        found = found.replace(written, said)
    return re.sub(r"(?:um|[aeo])$", "", re.sub(r"(.)\1", r"\1", found))


_SAID = (("ph", "f"), ("th", "t"), ("ch", "c"), ("y", "i"), ("k", "c"), ("ou", "u"), ("ae", "e"), ("oe", "e"))
SHORTEST_ABROAD = 7
"""Letters below which a name is looked up only as it is written."""


def tokens(text: str) -> list[Token]:
    return [token for match in TOKEN.finditer(plain(text)) for token in _tokens_of(match)]


def _tokens_of(match: re.Match[str]) -> Iterator[Token]:
    if match["amount"]:
        factor = MASS_IN_MG.get(match["unit"])
        per_hour = match["unit2"] in ("hr", "h", "hour")
        countable = factor is not None and (match["per"] is None or per_hour)
        mg = _value(match["amount"]) * factor if countable and factor else None
        if mg is not None and per_hour and float(match["each"] or 1) > 0:
            mg /= float(match["each"] or 1)
        yield Token("strength", match[0], mg, per_hour)
    elif match["list"]:
        numbers = [_value(n) for n in re.findall(NUMBER, match["list"])]
        factor = 1e-3 if match["list_unit"] == "mcg" else 1.0
        kind = "strength" if match["list_unit"] else "list"
        yield from (Token(kind, f"{n:g}", n * factor) for n in numbers)
    elif match["word"]:
        yield Token("word", match["word"])
    elif match["number"]:
        yield Token("number", match["number"], _value(match["number"]))
    elif match["mark"]:
        yield Token("mark", match["mark"])


def _value(number: str) -> float:
    return float(number.replace(",", ""))
