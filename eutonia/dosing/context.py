"""Phrases that mean what those around them say: `1 am, 2 hs` counts tablets, `8 am, 2 pm` tells hours.

Between `scan`, which takes each phrase by itself, and `parts`, which gathers them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from eutonia.dosing.scan import Phrase

AMOUNTS = ("mass", "count", "bare", "several", "worth")

_FEW = re.compile(r"[1-4]\s*[ap]\.?m\.?(?:\s*(?:,|and|&|, and)?\s*[1-4]\s*[ap]\.?m\.?)*", re.IGNORECASE)
"""`1 am`, `2 am, 1 pm`: so many tablets, or hours of the night."""
_SMALL_HOURS = re.compile(r"[1-3]\s*a\.?m\.?", re.IGNORECASE)
_PART_OF_DAY = {"a": "morning", "p": "evening"}
_NIGHT = re.compile(r"([1-4](?:\.5)?|0\.5)\s*night", re.IGNORECASE)
"""`1 night`, without “for” and in the singular: how many at night, and no length."""


def in_context(phrases: Sequence[Phrase]) -> list[Phrase]:
    """The phrases, those with two meanings taken as their neighbours have it."""
    counted = any(a.kind == "bare" and b.kind == "slot" for a, b in pairwise(phrases)) or any(
        p.kind == "clock" and _SMALL_HOURS.match(p.written) for p in phrases
    )
    found: list[Phrase] = []
    for phrase in phrases:
        found += _meant(phrase, found[-1].kind if found else "", counted)
    return found


def _meant(phrase: Phrase, before: str, counted: bool) -> Iterator[Phrase]:
    night = _NIGHT.fullmatch(phrase.written) if phrase.kind == "length" else None
    doses = [dose for dose in phrase.says if dose] if phrase.kind == "pattern" else []
    if len(doses) == 1 or len(set(doses)) > 1:  # `0-0-1`, `1-1-2`
        for dose, slot in zip(phrase.says, ("morning", "noon", "evening", "bedtime"), strict=False):
            if dose:
                yield from _at(dose, slot, phrase)
    elif phrase.kind == "clock" and counted and _FEW.fullmatch(phrase.written):
        for number, half in re.findall(r"(\d)\s*([ap])", phrase.written, re.IGNORECASE):
            yield from _at(float(number), _PART_OF_DAY[half.casefold()], phrase)
    elif phrase.kind == "word" and phrase.written.casefold() == "pm" and before in AMOUNTS:
        yield Phrase("slot", _PART_OF_DAY["p"], phrase.written, phrase.joined)
    elif night:
        yield from _at(float(night[1]), "bedtime", phrase)
    else:
        yield phrase


def _at(dose: float, slot: str, written: Phrase) -> Iterator[Phrase]:
    yield Phrase("bare", (dose, dose), written.written, written.joined)
    yield Phrase("slot", slot, slot)
