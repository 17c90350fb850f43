"""What the words around a term say of it: that it is so now, was so in the past, or is not so.

Words that speak of someone else, of a fear, or of absence ("mother had epilepsy", "rule out DVT", "no fever") never
make a diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

STOP = frozenset(
    (
        ".", ";", "|", "but", "however", "although", "except", "now", "currently", "presents", "presenting",
        "complains", "reports", "reporting", "endorses", "admits", "positive",
    )
)  # fmt: skip
"""What a denial does not reach across."""

NOT_BEFORE = tuple(
    tuple(cue.split())
    for cue in (
        "no", "not", "without", "denies", "denied", "denying", "negative for", "neg for", "never", "free of",
        "absence of", "absent", "rule out", "ruled out", "r o", "ro", "screening for", "screen for",
        "encounter for screening", "risk of", "risk for", "risk factors for", "prevention of", "prophylaxis for",
        "prophylaxis of", "vaccination against", "counseling", "counselling", "family", "family history",
        "maternal history", "paternal history", "family hx", "fam hx", "fhx", "fh", "family history of",
        "exclude", "unlikely", "evaluate for", "test for",
        "worried about", "concern about", "information on", "education about", "education on", "assessment of",
        "assessment for", "assessment using", "evaluation for", "suture",
    )
)  # fmt: skip
DENYING = (("denies",), ("denied",), ("denying",), ("negative", "for"), ("neg", "for"))
"""Denials that reach over the whole list behind them."""
PAST_BEFORE = tuple(
    tuple(cue.split())
    for cue in (
        "history of", "hx of", "h o", "ho", "hx", "pmh", "past", "past history", "previous", "previously", "prior",
        "former", "formerly", "remote", "resolved", "old", "status post", "s p", "personal history", "history",
        "recovered from", "recovering from",
    )
)  # fmt: skip
NOT_BEHIND = tuple(
    tuple(cue.split())
    for cue in (
        "ruled out", "excluded", "negative", "unlikely", "denied", "absent", "not present", "not found",
        "not confirmed", "was not", "is not", "screening", "refuted", "screen", "assessment", "identification test",
        "test", "scale", "score", "questionnaire", "inventory", "count", "risk", "prevention", "prophylaxis",
        "vaccine", "vaccination", "immunization", "education", "counseling", "monitoring", "protocol", "protocols",
    )
)  # fmt: skip
PAST_BEHIND = tuple(
    tuple(cue.split())
    for cue in ("in remission", "in full remission", "in early remission", "in sustained remission",
                "in partial remission", "remission", "resolved", "in childhood", "as a child",
                "cured", "healed", "svr", "sustained virologic response")
)  # fmt: skip
AGO = (("years", "ago"), ("year", "ago"))
OTHERS = frozenset(
    (
        "mother", "father", "brother", "sister", "sibling", "siblings", "parent", "parents", "son", "daughter",
        "grandmother", "grandfather", "aunt", "uncle", "cousin", "husband", "wife", "spouse", "partner", "boyfriend",
        "girlfriend", "relative", "relatives", "roommate",
    )
)  # fmt: skip
"""People who are not the patient."""

DEGREES = ("mild", "moderate", "severe", "uncomplicated")
"""What may stand between a disorder and its remission ("Alcohol use disorder, severe, in early remission")."""

REACH = 8
"""Words before a term that a cue reaches over."""


def sense(words: Sequence[str], first: int, last: int) -> str:
    """now, past or not: what the words around a term say of it."""
    clause = _clause_before(words, first)
    before = clause[-REACH:]
    behind = _clause_behind(words, last)
    if (
        _has(clause, DENYING)
        or _has(before, NOT_BEFORE)
        or _starts(behind, NOT_BEHIND)
        or _someone_else(before, behind)
    ):
        return "not"
    graded = behind[1:] if behind and behind[0] in DEGREES else behind
    if _has(before, PAST_BEFORE) or _starts(graded, PAST_BEHIND) or _has(behind, AGO):
        return "past"
    return "now"


def opening(words: Sequence[str]) -> str:
    """What the text of a coded condition says by the way it opens."""
    plain = [word for word in words if word != ","]
    if len(plain) < 2:
        return "now"
    if _starts(plain, NOT_BEFORE) or (plain[0] in OTHERS and plain[1:2] != ["of"]):
        return "not"
    return "past" if _starts(plain, PAST_BEFORE) else "now"


def _clause_before(words: Sequence[str], first: int) -> list[str]:
    clause = []
    for word in reversed(words[:first]):
        if word in STOP:
            break
        clause.append(word)
    return [word for word in reversed(clause) if word != ","]


def _clause_behind(words: Sequence[str], last: int) -> list[str]:
    clause = []
    for word in words[last + 1 : last + 7]:
        if word in STOP:
            break
        clause.append(word)
    return [word for word in clause if word != ","]


def _has(clause: Sequence[str], cues: Iterable[tuple[str, ...]]) -> bool:
    return any(
        tuple(clause[at : at + len(cue)]) == cue for cue in cues for at in range(len(clause) - len(cue) + 1)
    )


def _starts(clause: Sequence[str], cues: Iterable[tuple[str, ...]]) -> bool:
    return any(tuple(clause[: len(cue)]) == cue for cue in cues)


def _someone_else(before: Sequence[str], behind: Sequence[str]) -> bool:
    """A relative named before the term (not "mother of two"), or right behind it ("in her father")."""
    for at, word in enumerate(before):
        if word in OTHERS and tuple(before[at + 1 : at + 2]) != ("of",):
            return True
    if behind[:1] == ["family"]:
        return True
    return behind[:1] in (["in"], ["of"]) and any(word in OTHERS or word == "family" for word in behind[:3])


_BRITISH = re.compile(r"ae|\boe(?=[dst])|oe(?=a)|[æœ]")
"""Haemolytic, oedema, diarrhoea."""


def words_in(text: str) -> list[str]:
    """Lower-case words, with commas and stops kept as words; `Alzheimer's` is `alzheimer`, `haemo-` is `hemo-`."""
    plain = _BRITISH.sub("e", re.sub(r"[’']s\b", "", text.casefold()))
    words = re.findall(r"[^\W_]+|[,.;|]", re.sub(r"[:()\[\]]", " , ", plain))
    return [SHORT.get(word, word) for word in words]


SHORT = {"fx": "fracture", "fxs": "fractures"}
