"""Cut the text of a prescription into phrases.

`scan` walks along a tidy text (`spelling`) by the rules of `phrases`; a word that belongs to none is
kept as a `word`, for the caller to take as the name of the drug or to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eutonia.dosing.phrases import RULES
from eutonia.dosing.saying import Says


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase: what kind it is, what it says, and how it was written."""

    kind: str
    says: Any
    written: str
    joined: bool = False
    """Whether an “and” stands right before it."""


_SKIP = re.compile(r"(?:[\s,;:.()\[\]–—·•]|(?<=\s)-(?=\s))+")
_WORD = re.compile(r"[^\s,;()\[\]]+")
_JOINS = re.compile(r"(?:and|&|\+|plus)$", re.IGNORECASE)


@cache
def _compiled() -> Sequence[tuple[str, re.Pattern[str], Says]]:
    """The rules, ready to match: made when a text is first read, since many a run reads none."""
    return [(kind, re.compile(pattern, re.IGNORECASE), says) for kind, pattern, says in RULES]


def scan(text: str) -> Iterator[Phrase]:
    """Cut a tidy text into phrases, left to right."""
    at, joined, after_prn = 0, False, False
    while at < len(text):
        skip = _SKIP.match(text, at)
        if skip:
            at = skip.end()
            continue
        phrase, at = _next(text, at, joined)
        joined = phrase.kind == "filler" and bool(_JOINS.match(phrase.written))
        if after_prn and phrase.kind == "word" and _is_reason(phrase.written):
            yield Phrase("why", True, phrase.written)
            continue
        after_prn = phrase.kind == "prn" or (after_prn and phrase.kind == "why")
        yield phrase


NO_REASON = (
    "with", "not", "no", "never", "without", "except", "stop",
    "usually", "typically", "normally", "generally", "mostly", "often", "sometimes", "rarely", "currently", "actually",
    "average", "averaging", "averages", "maybe", "perhaps", "now", "still", "but",
)  # fmt: skip
"""Words behind “as needed” that say something else than what for."""


def _is_reason(word: str) -> bool:
    """Whether a word right after “as needed” may say what for."""
    return word[0].isalpha() and word.casefold() not in NO_REASON


def _next(text: str, at: int, joined: bool) -> tuple[Phrase, int]:
    if at == 0 or not text[at - 1].isalnum() or not text[at].isalpha():
        for kind, pattern, says in _compiled():
            m = pattern.match(text, at)
            if m and m.end() > at:
                try:
                    said = says(m)
                except ValueError:  # an impossible date
                    continue
                return Phrase(kind, said, m[0].strip(), joined), m.end()
    word = _WORD.match(text, at)
    end = word.end() if word else at + 1
    return Phrase("word", text[at:end], text[at:end], joined), end
