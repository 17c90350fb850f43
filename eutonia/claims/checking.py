"""check(): an article → its claims and omissions."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.claims.blocks import is_html, visible_text
from eutonia.claims.concepts import Lexicon, read
from eutonia.claims.context import Reader
from eutonia.claims.likeness import Model, judge
from eutonia.claims.matching import Found, Pattern, compile_claims
from eutonia.claims.mentions import Reading
from eutonia.claims.omissions import Omitted, omitted
from eutonia.claims.sentences import Sentence, sentences
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.articles import Judgement, Language
from eutonia.knowledge.common import Mark

MAX_CHARACTERS = 10_000_000


def decode(content: bytes) -> str:
    """Bytes of an article as text: UTF-8, UTF-16 with its mark, or else Windows-1252. Raises InputError for no text."""
    if len(content) > 4 * MAX_CHARACTERS:
        raise InputError(
            f"The text has {len(content):,} bytes; at most {4 * MAX_CHARACTERS:,} can be checked. Check it in parts."
        )
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise InputError("The file holds binary data, not text. Give an article as text, Markdown or HTML.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CitedSource(_Model):
    key: str
    at: str
    mark: Mark
    title: str


class CheckedClaim(_Model):
    """A claim in the article: `quote` is `text[start:end]`."""

    quote: str
    start: int
    end: int
    claim: str
    """The claim's id; `eutonia why` explains it."""
    denied: bool
    """Whether the article says the opposite of the claim; verdict and statement are then those of the opposite."""
    statement: str
    """What the article says, in our words."""
    verdict: Judgement
    correction: str
    sources: tuple[CitedSource, ...]


class Omission(_Model):
    """Something that an honest article on `topic` would have said."""

    omission: str
    topic: str
    title: str
    why: str
    sources: tuple[CitedSource, ...]


class Claims(_Model):
    """The checkable claims of an article. What was not matched was not judged."""

    format: Literal["eutonia/claims/1"] = Field(
        default="eutonia/claims/1", alias="schema", serialization_alias="schema"
    )
    claims: tuple[CheckedClaim, ...]
    omissions: tuple[Omission, ...]
    topics: tuple[str, ...]
    """What the article is about, most mentioned first."""
    sentences: int
    sentences_matched: int
    text: str | None = None
    """The visible text that spans point into, where HTML was given; null: they point into the given text."""


@dataclass(frozen=True)
class _Checker:
    knowledge: Knowledge
    language: Language
    lexicon: Lexicon
    patterns: list[Pattern]
    model: Callable[[], Model]
    """Loads the model of sentences when it is first needed."""


@lru_cache(maxsize=4)
def _checker(knowledge: Knowledge) -> _Checker:
    language = knowledge.section("languages")["english"]
    lexicon = Lexicon(knowledge.section("wording").values(), language)
    claims = list(knowledge.section("claims").values())
    return _Checker(knowledge, language, lexicon, compile_claims(claims), cache(Model))


def check(
    text: str, knowledge: Knowledge | None = None, progress: Callable[[int, int], None] | None = None
) -> Claims:
    """Find the checkable claims in a plain text, Markdown or HTML article.

    Spans are character offsets into `text`; for HTML, into the visible text that is returned with them.
    `progress` is told how many sentences are read, and of how many. Raises InputError for a text that is empty, too
    long or no text.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} can be checked. Check it in parts."
        )
    html = is_html(text)
    seen = visible_text(text) if html else text
    if not re.search(r"[^\W\d_]", seen):
        raise InputError(
            "The text holds no words, so there is nothing to check. Give an article as text, Markdown or HTML."
        )
    checker = _checker(knowledge or load())
    found = sentences(seen, checker.language)
    claims, readings = _claims(seen, found, checker, progress or _silent)
    topics = _topics(readings, checker)
    return Claims(
        claims=tuple(claims),
        omissions=tuple(_omissions(topics, readings, checker)),
        topics=tuple(topics),
        sentences=len(found),
        sentences_matched=len({(c.start, c.end) for c in claims}),
        text=seen if html else None,
    )


def _silent(done: int, of: int) -> None: ...


STEP = 500
"""Sentences between two reports of progress."""


def _claims(
    text: str, found: list[Sentence], checker: _Checker, progress: Callable[[int, int], None]
) -> tuple[list[CheckedClaim], list[Reading]]:
    readings = []
    for number, sentence in enumerate(found):
        if number % STEP == 0:
            progress(number, 2 * len(found))
        readings.append(read(sentence.words, checker.lexicon))
    counted = Counter(topic for clauses in readings for clause in clauses for topic in clause.topics)
    reader = Reader(checker.lexicon, checker.patterns, ())
    treated = tuple(topic for topic, _ in counted.most_common() if reader.treats(topic))
    reader.main, reader.pair = treated[:1], treated[:2]
    matches: list[list[Found]] = []
    for number, (sentence, clauses) in enumerate(zip(found, readings, strict=True)):
        if number % STEP == 0:
            progress(len(found) + number, 2 * len(found))
        said = reader.claims(sentence, clauses)
        if reader.heard and (patterns := reader.candidates(reader.heard)):
            said = judge(reader.heard, patterns, checker.lexicon, checker.model())
        matches.append(said)
    claims = [
        _checked(text, sentence, match, checker)
        for sentence, said in zip(found, matches, strict=True)
        for match in said
    ]
    return claims, [clause for clauses in readings for clause in clauses]


def _checked(text: str, sentence: Sentence, match: Found, checker: _Checker) -> CheckedClaim:
    claim = match.claim
    says = claim if match.sign > 0 or claim.opposite is None else claim.opposite
    return CheckedClaim(
        quote=text[sentence.start : sentence.end],
        start=sentence.start,
        end=sentence.end,
        claim=claim.id,
        denied=match.sign < 0,
        statement=says.statement,
        verdict=says.verdict,
        correction=says.correction,
        sources=_cited(claim.sources, checker),
    )


def _cited(citations: Iterable[object], checker: _Checker) -> tuple[CitedSource, ...]:
    sources = checker.knowledge.sources
    return tuple(CitedSource(key=c.key, at=c.at, mark=c.mark, title=sources[c.key].title) for c in citations)  # type: ignore[attr-defined]


def _topics(readings: list[Reading], checker: _Checker) -> list[str]:
    """What the article speaks of, most mentioned first."""
    reader = Reader(checker.lexicon, checker.patterns, ())
    counted = Counter(topic for reading in readings for topic in reading.topics)
    return [topic for topic, _ in counted.most_common() if reader.treats(topic)]


def _omissions(topics: list[str], readings: list[Reading], checker: _Checker) -> Iterator[Omission]:
    entries = checker.knowledge.section("omissions").values()
    for left_out in omitted(topics, readings, entries, checker.lexicon):
        yield _omission(left_out, checker)


def _omission(left_out: Omitted, checker: _Checker) -> Omission:
    entry = left_out.entry
    return Omission(
        omission=entry.id,
        topic=left_out.topic,
        title=entry.title,
        why=entry.why,
        sources=_cited(entry.sources, checker),
    )
