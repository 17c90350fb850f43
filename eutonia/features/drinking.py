"""Drinking as people tell it, “three glasses of wine every night”, counted in standard drinks a week."""

from __future__ import annotations

import re
from functools import cache

from eutonia.dosing.text import read_dosage
from eutonia.knowledge import Knowledge
from eutonia.knowledge.pharmacology import Substance
from eutonia.knowledge.safety import ComputedFeature

_WORD = re.compile(r"[^\W\d_]+")


def drinks_a_week(
    said: object, unit: str | None, feature: ComputedFeature, knowledge: Knowledge
) -> float | None:
    """Standard drinks in a week, by the upper end of a range; None where some word of it is not understood."""
    text = f"{said} {unit or ''}".replace("{", "").replace("}", "").casefold().strip(" .")
    if text in feature.codes["none"]:
        return 0.0
    drunk = _drunk(knowledge)
    sig = read_dosage(text) if text else None
    if sig and sig.item.dose is None:  # `glass of wine with dinner`
        sig = read_dosage(f"1 {text}")
    if sig is None or sig.item.dose is None or sig.item.times_per_day is None:
        return None
    name = {word for part in (sig.item.text, *sig.unread) for word in _WORD.findall(part)}
    drinks = name & set(drunk.synonyms)
    size = drunk.units.get("drink" if drinks and sig.item.unit == "each" else sig.item.unit or "")
    if size is None or name - drinks - set(feature.codes["passed_over"]):
        return None
    return round(
        7 * (sig.item.dose_high or sig.item.dose) * sig.item.times_per_day * size / drunk.units["drink"], 1
    )


@cache
def _drunk(knowledge: Knowledge) -> Substance:
    return next(s for s in knowledge.substances.values() if "drink" in s.units)
