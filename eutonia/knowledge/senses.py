"""What the words around a term say of it: that it is so now, was so in the past, or is not so.

Words that speak of someone else, of a fear, or of absence ("mother had epilepsy", "rule out DVT", "no fever") never
make a diagnosis. The words themselves are in `record_words/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from eutonia.knowledge.common import entry

REACH = 8
"""Words before a term that a cue reaches over."""

Cue = tuple[str, ...]
"""The words of one cue."""


@entry
class RecordWords:
    """The words by which the records of a language say whether, when and of whom a condition is so."""

    id: str
    title: str
    stops: tuple[str, ...]
    """Words and marks that a cue does not reach across."""
    not_before: tuple[str, ...]
    """Cues before a term that it is not so, is only looked for, or is feared."""
    denying: tuple[str, ...]
    """Those of them that reach over the whole list behind them."""
    not_behind: tuple[str, ...]
    past_before: tuple[str, ...]
    past_behind: tuple[str, ...]
    ago: tuple[str, ...]
    """Cues of the past anywhere behind a term."""
    others: tuple[str, ...]
    """People who are not the patient."""
    degrees: tuple[str, ...]
    """What may stand between a disorder and its remission ("Alcohol use disorder, severe, in early remission")."""
    progress: tuple[str, ...]
    """Words of a state whose length says how far it has come, and not when a condition began."""
    abbreviations: dict[str, str]
    """Word → what it stands for."""


@dataclass(frozen=True, slots=True, eq=False)
class Cues:
    """The words of all languages, ready to be looked for."""

    stops: frozenset[str] = frozenset()
    not_before: Sequence[Cue] = ()
    denying: Sequence[Cue] = ()
    not_behind: Sequence[Cue] = ()
    past_before: Sequence[Cue] = ()
    past_behind: Sequence[Cue] = ()
    ago: Sequence[Cue] = ()
    others: frozenset[str] = frozenset()
    degrees: frozenset[str] = frozenset()
    progress: frozenset[str] = frozenset()
    abbreviations: Mapping[str, str] = field(default_factory=dict)

    def words(self, text: str) -> list[str]:
        """The words of a text, written out."""
        return [self.abbreviations.get(word, word) for word in words_in(text)]

    def sense(self, words: Sequence[str], first: int, last: int) -> str:
        """now, past or not: what the words around a term say of it."""
        clause = self._clause(reversed(words[:first]))[::-1]
        before = clause[-REACH:]
        behind = self._clause(words[last + 1 : last + 7])
        if (
            _has(clause, self.denying)
            or _has(before, self.not_before)
            or _starts(behind, self.not_behind)
            or self._someone_else(before, behind)
        ):
            return "not"
        graded = behind[1:] if behind and behind[0] in self.degrees else behind
        if _has(before, self.past_before) or _starts(graded, self.past_behind) or _has(behind, self.ago):
            return "past"
        return "now"

    def opening(self, words: Sequence[str]) -> str:
        """What the text of a coded condition says by the way it opens."""
        plain = [word for word in words if word != ","]
        if len(plain) < 2:
            return "now"
        if _starts(plain, self.not_before) or (plain[0] in self.others and plain[1:2] != ["of"]):
            return "not"
        return "past" if _starts(plain, self.past_before) else "now"

    def _clause(self, words: Iterable[str]) -> list[str]:
        """Words up to the first stop, without commas."""
        clause = []
        for word in words:
            if word in self.stops:
                break
            clause.append(word)
        return [word for word in clause if word != ","]

    def _someone_else(self, before: Sequence[str], behind: Sequence[str]) -> bool:
        """A relative named before the term (not "mother of two"), or right behind it ("in her father")."""
        for at, word in enumerate(before):
            if word in self.others and tuple(before[at + 1 : at + 2]) != ("of",):
                return True
        if behind[:1] == ["family"]:
            return True
        return behind[:1] in (["in"], ["of"]) and any(
            word in self.others or word == "family" for word in behind[:3]
        )


def cues_of(languages: Iterable[RecordWords]) -> Cues:
    each = tuple(languages)

    def cues(name: str) -> tuple[Cue, ...]:
        return tuple(tuple(cue.split()) for language in each for cue in getattr(language, name))

    def words(name: str) -> frozenset[str]:
        return frozenset(word for language in each for word in getattr(language, name))

    return Cues(
        stops=words("stops"),
        not_before=cues("not_before"),
        denying=cues("denying"),
        not_behind=cues("not_behind"),
        past_before=cues("past_before"),
        past_behind=cues("past_behind"),
        ago=cues("ago"),
        others=words("others"),
        degrees=words("degrees"),
        progress=words("progress"),
        abbreviations={short: long for language in each for short, long in language.abbreviations.items()},
    )


def _has(clause: Sequence[str], cues: Iterable[Cue]) -> bool:
    return any(
        tuple(clause[at : at + len(cue)]) == cue for cue in cues for at in range(len(clause) - len(cue) + 1)
    )


def _starts(clause: Sequence[str], cues: Iterable[Cue]) -> bool:
    return any(tuple(clause[: len(cue)]) == cue for cue in cues)


_BRITISH = re.compile(r"ae|\boe(?=[dst])|oe(?=a)|[æœ]")
"""Haemolytic, oedema, diarrhoea."""


def words_in(text: str) -> list[str]:
    """Lower-case words, with commas and stops kept as words; `Alzheimer's` is `alzheimer`, `haemo-` is `hemo-`."""
    plain = _BRITISH.sub("e", re.sub(r"[’']s\b", "", text.casefold()))
    return re.findall(r"[^\W_]+|[,.;|]", re.sub(r"[:()\[\]]", " , ", plain))
