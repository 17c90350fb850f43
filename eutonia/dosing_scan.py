"""Cut the text of a prescription into phrases.

`scan` walks along a text by the rules of `dosing_phrases`; a word that belongs to none is kept as a `word`,
for the caller to take as the name of the drug or to refuse.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from eutonia.dosing_phrases import RULES, Says


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase: what kind it is, what it says, and how it was written."""

    kind: str
    says: Any
    written: str
    joined: bool = False
    """Whether an “and” stands right before it."""


NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45,
    "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100,
}  # fmt: skip

_SKIP = re.compile(r"[\s,;:.()\[\]–—·•]+")
_WORD = re.compile(r"[^\s,;()\[\]]+")
_JOINS = re.compile(r"(?:and|&|\+|plus)$", re.IGNORECASE)
_VULGAR = re.compile("[¼½¾⅐-⅞]")


def tidy(text: str) -> str:
    """One way to write dashes, multiplication signs, fractions and numbers in words."""
    text = _VULGAR.sub(lambda m: " " + unicodedata.normalize("NFKC", m[0]).replace("\u2044", "/"), text)
    text = text.translate(
        {
            ord("×"): "x",
            ord("–"): "-",
            ord("—"): " - ",
            ord("−"): "-",
            0xA0: " ",
            ord("’"): "'",
            ord("⁄"): "/",
        }
    )
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(
        rf"\b({'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})\b(?!-a-)",
        lambda m: str(NUMBER_WORDS[m[1].casefold()]),
        text,
        flags=re.IGNORECASE,
    )
    text = re.sub(r"\b(\d+)\s+and\s+(?:a|1)\s+half\b", r"\1.5", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:a\s+|1\s+)?half(?:\s+(?:of\s+)?an?)?\b(?!-)", "0.5", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:a\s+)?quarter(?:\s+of)?(?:\s+an?)?\s+(?=tab)", "0.25 ", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<![\d/.])(\d{1,2})\s+([1-3])/([2-4])(?![\d/])", _mixed, text)
    text = re.sub(r"(?<![\d/.])([1-3])/([2-4])(?![\d/])", _fraction, text)
    return re.sub(r"(?<=\d)\((\d+)\)", "", re.sub(r"\b(\d+)\s*\(\1\)", r"\1", text)).strip()


def _mixed(m: re.Match[str]) -> str:
    return _plain(int(m[1]) + Fraction(int(m[2]), int(m[3])))


def _fraction(m: re.Match[str]) -> str:
    value = Fraction(int(m[1]), int(m[2]))
    return _plain(value) if value < 1 else m[0]


def _plain(value: Fraction) -> str:
    return f"{float(value):.4g}"


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


NO_REASON = ("with", "not", "no", "never", "without", "except", "stop")


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
