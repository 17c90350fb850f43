"""Codes and words of a condition → the value sets it belongs to.

A code says more than its text, so words count only where no code is known here, or where they narrow what the
code says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from eutonia.knowledge.safety import ValueSet
from eutonia.knowledge.senses import Cues, RecordWords, cues_of, words_in

if TYPE_CHECKING:
    from eutonia.knowledge.load import Knowledge

K = TypeVar("K")


class Match(NamedTuple):
    """What a condition means."""

    value_sets: frozenset[str]
    history: bool
    """The text speaks of the past."""
    excluded: bool
    """The text denies it, doubts it, or speaks of a relative."""


def code_index(knowledge: Knowledge) -> CodeIndex:
    """The index of all value sets of `knowledge`: the one made when it was built, or made now."""
    made: CodeIndex | None = knowledge.section("code_index").get("all")
    return made or _index(knowledge)


@cache
def _index(knowledge: Knowledge) -> CodeIndex:
    return build_index(knowledge.value_sets.values(), knowledge.section("record_words").values())


Sets = Mapping[str, frozenset[str]]
Pattern = tuple[str, ...]
"""What each character of an ICD-10-CM code may be; an empty string is any."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeIndex:
    """Value sets by code and by word: those that name it themselves, and through `part_of` the wider ones."""

    prefixes: Sets
    """Start of an ICD-10-CM code, without dot → value sets."""
    patterns: Mapping[str, Sequence[tuple[Pattern, str]]]
    """First character of a code → patterns with wildcards and their value sets."""
    not_prefixes: Sets
    not_patterns: Mapping[str, Sequence[tuple[Pattern, str]]]
    snomed: Sets
    past: frozenset[str]
    """SNOMED CT codes that mean a history themselves."""
    terms: Mapping[tuple[str, ...], frozenset[str]]
    not_terms: Mapping[tuple[str, ...], frozenset[str]]
    longest: int
    """Words of the longest term."""
    part_of: Sets
    """Value set → itself and the wider sets that include it."""
    cues: Cues

    def look_up(self, icd10cm: str | None, snomed: str | None, text: str | None) -> Match:
        """The value sets of a condition, and whether its text speaks of the past or denies it."""
        return _remembered(self, icd10cm, snomed, text)

    def meaning(self, icd10cm: str | None, snomed: str | None, text: str | None) -> Match:
        """What `look_up` answers, worked out."""
        code = normal_code(icd10cm)
        by_icd, taken_out = self._by_icd(code)
        by_snomed = self.snomed.get((snomed or "").strip(), frozenset())
        words = self.cues.words(text or "")
        if not (by_icd or taken_out or by_snomed):
            return self._by_words(words)
        cue = self.cues.opening(words)
        past_code = code.startswith("Z") or (snomed or "").strip() in self.past
        found = self._wider(by_icd | by_snomed)
        said = self._narrower(found, words) - taken_out
        return Match(found | said, cue == "past" and not past_code, cue == "not")

    def _narrower(self, found: frozenset[str], words: Sequence[str]) -> frozenset[str]:
        """What the text adds to the code: only parts of what the code says ("chronic", "stage 4")."""
        said = {
            name
            for first, last, names in self._terms_in(words)
            if self.cues.sense(words, first, last) == "now"
            for name in names
        }
        return self._wider(name for name in said if (self.part_of[name] - {name}) & found)

    def _wider(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(wide for name in names for wide in self.part_of.get(name, ()))

    def _by_icd(self, code: str) -> tuple[frozenset[str], frozenset[str]]:
        """Value sets of an ICD-10-CM code, and those that take it out."""
        if len(code) < 2:
            return frozenset(), frozenset()
        found = _found(code, self.prefixes, self.patterns)
        taken_out = _found(code, self.not_prefixes, self.not_patterns)
        return frozenset(found - taken_out), frozenset(taken_out)

    def _by_words(self, words: Sequence[str]) -> Match:
        """Each term counts as the words before and behind it say: now, in the past, or not at all."""
        said: dict[str, set[str]] = {"now": set(), "past": set(), "not": set()}
        terms = list(self._terms_in(words))
        for first, last, value_sets in terms:
            begins, ends = _widest(terms, first, last)
            said[self.cues.sense(words, begins, ends)] |= value_sets
        if said["now"]:
            return Match(self._wider(said["now"]), False, False)
        if said["past"]:
            return Match(self._wider(said["past"]), True, False)
        return Match(frozenset(), False, bool(said["not"]) or self.cues.opening(words) == "not")

    def _terms_in(self, words: Sequence[str]) -> Iterator[tuple[int, int, frozenset[str]]]:
        """First and last word of each term found, and its value sets."""
        blocked: list[tuple[int, int, frozenset[str]]] = list(_spans(words, self.not_terms, self.longest))
        for first, last, value_sets in _spans(words, self.terms, self.longest):
            inside = [sets for start, end, sets in blocked if start <= first and last <= end]
            left = value_sets.difference(*inside)
            if left:
                yield first, last, left


@lru_cache(maxsize=20_000)
def _remembered(index: CodeIndex, icd10cm: str | None, snomed: str | None, text: str | None) -> Match:
    """Records repeat the same conditions, within a patient and from one to the next."""
    return index.meaning(icd10cm, snomed, text)


def normal_code(code: str | None) -> str:
    """An ICD-10-CM code in capitals, without dot and space."""
    return re.sub(r"[\s.]", "", code or "").upper()


def _found(code: str, prefixes: Sets, patterns: Mapping[str, Sequence[tuple[Pattern, str]]]) -> set[str]:
    found = {name for end in range(2, len(code) + 1) for name in prefixes.get(code[:end], ())}
    return found | {name for pattern, name in patterns.get(code[0], ()) if _fits(code, pattern)}


def _fits(code: str, pattern: Pattern) -> bool:
    """Whether the code begins as the pattern says."""
    return len(code) >= len(pattern) and all(
        not allowed or character in allowed for character, allowed in zip(code, pattern, strict=False)
    )


BREAKS = frozenset((",", "of", "in", "at"))
"""Between what may be turned round: "cirrhosis, decompensated", "numbness in the saddle area"."""
LINKS = BREAKS | {"the", "his", "her", "my"}
"""What does not matter inside a term ("kidney disease, stage 4")."""


def _spans(
    words: Sequence[str], terms: Mapping[tuple[str, ...], frozenset[str]], longest: int
) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Terms in a text, as written or turned round at its commas and prepositions."""
    places = [place for place, word in enumerate(words) if word not in LINKS]
    breaks = [frozenset(BREAKS.intersection(words[a + 1 : b])) for a, b in pairwise(places)]
    for first in range(len(places)):
        for end in range(first + 1, min(first + longest, len(places)) + 1):
            said = tuple(words[place] for place in places[first:end])
            value_sets = terms.get(said, frozenset())
            inside = breaks[first : end - 1]
            # behind a comma only what goes on to the next mark: "hearing loss, weight gain" is no weight loss
            whole = end == len(places) or bool(breaks[end - 1]) or "," not in frozenset().union(*inside)
            if any(inside) and whole:
                value_sets |= terms.get(_turned(said, inside), frozenset())
            if value_sets:
                yield places[first], places[end - 1], value_sets


def _turned(said: Sequence[str], breaks: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """The parts between the breaks, last part first."""
    at = [0, *(number for number, each in enumerate(breaks, 1) if each), len(said)]
    return tuple(word for a, b in reversed(list(pairwise(at))) for word in said[a:b])


def _widest(terms: Sequence[tuple[int, int, frozenset[str]]], first: int, last: int) -> tuple[int, int]:
    """The longest term around one: in “seizure disorder ruled out” the words behind are behind both."""
    around = [(begins, ends) for begins, ends, _ in terms if begins <= first and last <= ends]
    return max(around, key=lambda span: span[1] - span[0])


# --- building ---------------------------------------------------------------------------------------


def build_index(value_sets: Iterable[ValueSet], languages: Iterable[RecordWords]) -> CodeIndex:
    """Turn value sets, and the words around their terms, into the index."""
    by_id = {value_set.id: value_set for value_set in value_sets}
    snomed = _gather((code, v.id) for v in by_id.values() for code in v.snomed)
    terms = _gather((words, v.id) for v in by_id.values() for term in v.terms for words in _forms(term))
    not_terms = _gather(
        (words, v.id) for v in by_id.values() for term in v.terms_not for words in _forms(term)
    )
    codes = [(normal_code(code), v.id) for v in by_id.values() for code in v.icd10cm]
    not_codes = [(normal_code(code), v.id) for v in by_id.values() for code in v.icd10cm_not]
    return CodeIndex(
        prefixes=_gather((code, name) for code, name in codes if code.isalnum()),
        patterns=_patterns(codes),
        not_prefixes=_gather((code, name) for code, name in not_codes if code.isalnum()),
        not_patterns=_patterns(not_codes),
        snomed=snomed,
        past=frozenset(
            code
            for v in by_id.values()
            for code, name in v.snomed.items()
            if name.casefold().startswith("history")
        ),
        terms=terms,
        not_terms=not_terms,
        longest=max((len(words) for words in (*terms, *not_terms)), default=0),
        part_of=_gather((part, name) for name in by_id for part in _included(name, by_id)),
        cues=cues_of(languages),
    )


def _gather(pairs: Iterable[tuple[K, str]]) -> dict[K, frozenset[str]]:
    gathered: dict[K, set[str]] = {}
    for key, name in pairs:
        gathered.setdefault(key, set()).add(name)
    return {key: frozenset(names) for key, names in gathered.items()}


def _included(name: str, by_id: Mapping[str, ValueSet]) -> set[str]:
    """The set itself and all sets that it includes, at any depth."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in seen and each in by_id:
            seen.add(each)
            waiting.extend(by_id[each].includes)
    return seen


def _patterns(codes: Iterable[tuple[str, str]]) -> dict[str, list[tuple[Pattern, str]]]:
    patterns: dict[str, list[tuple[Pattern, str]]] = {}
    for code, name in codes:
        if not code.isalnum():
            patterns.setdefault(code[0], []).append((_pattern(code), name))
    return patterns


def _pattern(code: str) -> Pattern:
    """`T40??[1-4]` → what each character may be."""
    return tuple(
        "" if part == "?" else _range(part) if part.startswith("[") else part
        for part in re.findall(r"\[[^\]]*\]|.", code)
    )


def _range(part: str) -> str:
    """`[1-4]` → `1234`; `[AB]` → `AB`."""
    ends = re.fullmatch(r"\[(.)-(.)\]", part)
    return "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1))) if ends else part[1:-1]


def _forms(term: str) -> Iterator[tuple[str, ...]]:
    """A term as words, and its plural."""
    words = tuple(word for word in words_in(term) if word not in LINKS)
    yield words
    if not words[-1].endswith("s"):
        yield (*words[:-1], words[-1] + "s")
