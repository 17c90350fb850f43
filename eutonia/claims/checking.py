"""check(): an article → its claims and omissions."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.claims.blocks import is_html, visible_text
from eutonia.claims.concepts import Lexicon, Reading, read, words
from eutonia.claims.matching import Found, Pattern, compile_claims, find
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
        raise InputError(f"The text has {len(content):,} bytes, more than can be checked. Check it in parts.")
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


@lru_cache(maxsize=4)
def _checker(knowledge: Knowledge) -> _Checker:
    language = knowledge.section("languages")["english"]
    lexicon = Lexicon(knowledge.section("wording").values(), language)
    return _Checker(knowledge, language, lexicon, compile_claims(knowledge.section("claims").values()))


def check(text: str, knowledge: Knowledge | None = None) -> Claims:
    """Find the checkable claims in a plain text, Markdown or HTML article.

    Spans are character offsets into `text`; for HTML, into the visible text that is returned with them.
    Raises InputError for a text that is empty, too long or no text.
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
    claims, readings = _claims(seen, found, checker)
    topics = _topics(readings, checker)
    return Claims(
        claims=tuple(claims),
        omissions=tuple(_omissions(topics, readings, checker)),
        topics=tuple(topics),
        sentences=len(found),
        sentences_matched=len({(c.start, c.end) for c in claims}),
        text=seen if html else None,
    )


@dataclass
class _State:
    """What the reader has in mind while going through the text."""

    main: tuple[str, ...]
    subject: tuple[str, ...] = ()
    block: int = -1
    headings: tuple[str, ...] = ()
    question: list[Reading] = field(default_factory=list)
    quoted: bool = False


def _claims(text: str, found: list[Sentence], checker: _Checker) -> tuple[list[CheckedClaim], list[Reading]]:
    readings = [read(s.words, checker.lexicon) for s in found]
    counted = Counter(
        t for reading in readings for clause in reading for t in clause.topics if _treats(t, checker)
    )
    state = _State(main=tuple(topic for topic, _ in counted.most_common(1)))
    claims = []
    for sentence, clauses in zip(found, readings, strict=True):
        for match in _sentence(sentence, clauses, state, checker):
            claims.append(_checked(text, sentence, match, checker))
    return claims, [clause for reading in readings for clause in reading]


def _treats(topic: str, checker: _Checker) -> bool:
    """Whether any claim is about the topic; alcohol is never what an article is about."""
    return any(pattern.claim.about in checker.lexicon.family(topic) for pattern in checker.patterns)


def _sentence(
    sentence: Sentence, clauses: list[Reading], state: _State, checker: _Checker
) -> Iterator[Found]:
    language = checker.language
    lower = sentence.words.lower().strip()
    subject = _subject(sentence, clauses, state, checker)
    if sentence.block.kind == "cell":
        clauses, subject = _cell(sentence, state, checker)
    question = lower.rstrip("\"'”’)*_ ").endswith("?")
    answered, state.question = state.question, []
    if question:
        first = re.match(r"[a-z']+", lower)
        state.question = clauses if first and first[0] in language.questions else []
        return
    if _is_quoted(sentence, lower, state, language):
        return
    if sentence.block.kind == "heading" and not re.search(r"[!.]$|\b(?:is|are|can|works|does|will)\b", lower):
        return
    matches = [m for clause in clauses for m in find(clause, subject, checker.patterns, checker.lexicon)]
    if sentence.block.mark == "-":
        matches = [
            m for m in matches if any(mention.sign < 0 for clause in clauses for mention in clause.mentions)
        ]
    if answered and not matches:
        matches = list(_answer(lower, answered, subject, checker))
    seen: set[str] = set()
    for match in matches:
        if match.claim.id not in seen:
            seen.add(match.claim.id)
            yield match


def _subject(sentence: Sentence, clauses: list[Reading], state: _State, checker: _Checker) -> tuple[str, ...]:
    """The topic that a sentence without one is about: its block's, its headings', or the article's."""
    if sentence.number != state.block and (sentence.headings != state.headings):
        state.subject = ()
    state.block, state.headings = sentence.number, sentence.headings
    named = [t for clause in clauses for t in clause.topics if _treats(t, checker)]
    before = state.subject
    if named and sentence.block.kind != "heading":
        state.subject = (named[0],)
    if before:
        return before
    for heading in reversed(sentence.headings):
        topics = [
            t for clause in read(heading, checker.lexicon) for t in clause.topics if _treats(t, checker)
        ]
        if topics:
            return (topics[0],)
    return state.main


def _cell(sentence: Sentence, state: _State, checker: _Checker) -> tuple[list[Reading], tuple[str, ...]]:
    """A table cell read with the headings of its column and row; the one with a topic is its subject."""
    topics: list[str] = []
    attributes: list[str] = []
    for label in sentence.labels:
        named = [t for clause in read(label, checker.lexicon) for t in clause.topics if _treats(t, checker)]
        topics += named[:1]
        if not named:
            attributes.append(label)
    content = sentence.words.strip()
    if content in ("✓", "✔", "✅", "☑", "Yes", "yes", "YES"):
        content = ""
    elif content in ("✗", "✘", "❌", "✖", "No", "NO", "no", "×", "-", "–", "—"):
        content = "no"
    return read(": ".join(filter(None, [*attributes, content])), checker.lexicon), tuple(topics) or state.main


def _is_quoted(sentence: Sentence, lower: str, state: _State, language: Language) -> bool:
    """Whether the author reports, and does not make, the statement."""
    label = re.match(r"[\"'“‘*_]*([a-z]+)\s*(?:#?\d+)?\s*[:–—-]", lower)
    if label and label[1] in language.facts:
        return False
    if label and label[1] in language.myths:
        return True
    heading = sentence.headings[-1].lower() if sentence.headings else ""
    if re.match(rf"\W*(?:{'|'.join(language.myths)})\b", heading) and not re.search(
        rf"\b(?:{'|'.join(language.facts)})", heading
    ):
        return True
    padded = f" {' '.join(words(lower))} "
    return any(f" {phrase} " in padded for phrase in language.attributed)


def _answer(
    lower: str, question: list[Reading], subject: tuple[str, ...], checker: _Checker
) -> Iterator[Found]:
    """“Is it safe? Yes, …” says what was asked; “No” denies it."""
    padded = " ".join(words(lower)) + " "
    says_no = any(padded.startswith(f"{word} ") for word in checker.language.no)
    if not says_no and not any(padded.startswith(f"{word} ") for word in checker.language.yes):
        return
    for clause in question:
        for match in find(clause, subject, checker.patterns, checker.lexicon):
            yield replace(match, sign=-match.sign) if says_no else match


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
    """Topics in the order of their mentions; products count for their drug."""
    counted: Counter[str] = Counter()
    for reading in readings:
        for topic in reading.topics:
            if _treats(topic, checker):
                counted[topic] += 1
    return [topic for topic, _ in counted.most_common()]


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
