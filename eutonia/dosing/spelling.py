"""One way to write the numbers, fractions, dashes and signs of a prescription, before it is read.

`.5 mg`, `0,5 mg`, `½`, `one half` and `three hundred and fifty` all come out in digits with a decimal point: a
number that is half understood is the gravest misreading of a dose.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from eutonia.dosing.words import FORM, UNIT

NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip

_SMALL = "one|two|three|four|five|six|seven|eight|nine"
_ANY = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMBER = re.compile(
    rf"\b(?:(?:(?P<hundreds>{_SMALL}|a)\s+)?hundred(?:\s+(?:and\s+)?(?=(?:{_ANY})\b))?)?"
    rf"(?:(?P<tens>{_TENS})(?:[\s-]+(?P<ones>{_SMALL}))?|(?P<word>{_ANY}))?\b(?!-a-)",
    re.IGNORECASE,
)
"""A number in words: `three hundred and fifty`, `twenty-one`, `ten`."""
_DECIMAL_COMMA = re.compile(rf"(?<![\d,.])(\d+),(\d{{1,3}})(?=\s*(?:{UNIT}|{FORM})\b)", re.IGNORECASE)
"""`2,5 mg`: a comma before one to three digits and a unit, which no separator of thousands has been."""
_BEFORE = r"(?=\s+(?:tabs?|tablets?|caps?|capsules?|po|p\.o\.|PO|[bt]id|qid|BID|TID|QID|q\d|Q\d)(?![a-z]))"
_ROMAN = re.compile(rf"(?<![\w.])(i{{1,3}}|T{{1,3}})(?:\s?-\s?(i{{1,3}}|T{{1,3}}))?{_BEFORE}")
"""`ii tabs`, `i-ii tabs`, `T po`: how many, in the numerals of apothecaries."""
_T = re.compile(rf"(?<=\d)\s+T{_BEFORE}")
"""`1 T po`: a tablet."""
_STOPPED = re.compile(
    r"[,;.]?\s+(?:and\s+|then\s+){0,2}(?:stop|discontinue)(?:\s+it)?\s+after\s+(\d+)\s*(days?|weeks?)\b",
    re.IGNORECASE,
)
"""`qid, then stop after 10 days`: how long it is taken."""
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
    text = re.sub(r"(?<![\d,.])([1-9]\d{0,2}(?:,\d{3})+)(?![\d,])", lambda m: m[1].replace(",", ""), text)
    text = _DECIMAL_COMMA.sub(r"\1.\2", text)
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = _T.sub(" tab", text)
    text = _ROMAN.sub(lambda m: f"{len(m[1])}-{len(m[2])}" if m[2] else str(len(m[1])), text)
    text = _NUMBER.sub(_in_digits, text)
    text = re.sub(r"\b(?:an?\s+)?couple(?:\s+of)?\b", "2", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(\d+)\s+and\s+(?:a|1)\s+half\b", r"\1.5", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:a\s+|1\s+)?half(?:\s+(?:of\s+)?an?)?\b(?!-)", "0.5", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:a\s+)?quarter(?:\s+of)?(?:\s+an?)?\s+(?=tab)", "0.25 ", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=[a-z])\+(?=[a-z])", " + ", text, flags=re.IGNORECASE)  # `tid+hs`
    text = _STOPPED.sub(r" for \1 \2", text)
    text = re.sub(r"(?<![\d/.])(\d{1,2})(?:\s+|-)([1-3])/([2-4])(?![\d/])", _mixed, text)
    text = re.sub(r"(?<![\d/.])([1-3])/([2-4])(?![\d/])", _fraction, text)
    return re.sub(r"(?<=\d)\((\d+)\)", "", re.sub(r"(?<!\d)(\d+)\s*\(\1\)", r"\1", text)).strip()


def _mixed(m: re.Match[str]) -> str:
    return _plain(int(m[1]) + Fraction(int(m[2]), int(m[3])))


def _fraction(m: re.Match[str]) -> str:
    value = Fraction(int(m[1]), int(m[2]))
    return _plain(value) if value < 1 else m[0]


def _plain(value: Fraction) -> str:
    return f"{float(value):.4g}"


def _in_digits(m: re.Match[str]) -> str:
    """A number in words as one in digits."""
    if not m[0].strip():
        return m[0]
    value = 0
    if "hundred" in m[0].casefold():
        value = 100 * NUMBER_WORDS.get((m["hundreds"] or "one").casefold(), 1)
    for part in ("tens", "ones", "word"):
        value += NUMBER_WORDS[m[part].casefold()] if m[part] else 0
    return str(value)
