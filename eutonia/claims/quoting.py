"""What an author only reports, or quotes to refute.

“Some say that it is safe” claims nothing. “The idea that it is safe is nonsense” denies what stands between its two
halves. Which words quote and refute is knowledge (languages/).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from eutonia.claims.concepts import alternatives, tokenise, words
from eutonia.claims.sentences import Sentence
from eutonia.knowledge.articles import Language

LEAD = 3
"""Words that may stand before a refutation (“But sadly the idea that …”)."""
SHORTEST = 3
"""Words of a statement that is refuted."""

Phrases = Mapping[str, tuple[tuple[str, ...], ...]]
"""Phrases by their first word."""


def is_quoted(sentence: Sentence, lower: str, language: Language) -> bool:
    """Whether the author reports, and does not make, the statement."""
    label = re.match(r"[\"'“‘*_]*([a-z]+)\s*(?:#?\d+)?\s*[:–—-]", lower)
    if label and label[1] in language.facts:
        return False
    if label and label[1] in language.myths:
        return True
    heading = words(sentence.headings[-1]) if sentence.headings else ()
    if heading and heading[0] in language.myths and not set(heading) & set(language.facts):
        return True
    return has_phrase(lower, language.attributed)


def refuted(sentence: str, language: Language) -> str:
    """The statement that the sentence quotes to refute; empty where there is none."""
    tokens = tokenise(sentence)
    said = tuple(token for token, _ in tokens)
    for start in range(min(LEAD, len(said))):
        for opening, closing in _refutations(language.refutations).get(said[start], ()):
            begin = start + len(opening)
            if said[start:begin] != opening:
                continue
            end = _place(closing, said, begin) if closing else len(said)
            if end - begin >= SHORTEST:
                return sentence[tokens[begin][1] : tokens[end][1] if end < len(tokens) else len(sentence)]
    return ""


def has_phrase(lower: str, phrases: tuple[str, ...]) -> bool:
    said = tuple(words(lower))
    by_first_word = _by_first_word(phrases)
    return any(
        said[start : start + len(phrase)] == phrase
        for start, word in enumerate(said)
        for phrase in by_first_word.get(word, ())
    )


def starts_with(lower: str, phrases: tuple[str, ...]) -> bool:
    said = tuple(words(lower))
    return any(said[: len(one)] == one for one in _by_first_word(phrases).get(said[0] if said else "", ()))


def _place(phrase: tuple[str, ...], said: tuple[str, ...], start: int) -> int:
    """Where the phrase begins; -1 where it does not stand there."""
    places = (n for n in range(start, len(said)) if said[n : n + len(phrase)] == phrase)
    return next(places, -1)


@lru_cache
def _by_first_word(phrases: tuple[str, ...]) -> Phrases:
    return _grouped(words(one) for phrase in phrases for one in alternatives(phrase))


@lru_cache
def _refutations(
    phrases: tuple[str, ...],
) -> Mapping[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
    """(opening, closing) by the first word; a closing may be empty."""
    found: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {}
    for phrase in phrases:
        for one in alternatives(phrase):
            opening, _, closing = one.partition("…")
            pair = (words(opening), words(closing))
            found[pair[0][0]] = (*found.get(pair[0][0], ()), pair)
    return found


def _grouped(phrases: Iterable[tuple[str, ...]]) -> Phrases:
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for said in phrases:
        found[said[0]] = (*found.get(said[0], ()), said)
    return found
