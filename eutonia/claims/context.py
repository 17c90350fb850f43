"""What a reader has in mind at a sentence: its subject, the question it answers, the heading it stands under.

“It is safe for long-term use” under a heading about a drug is about the drug. “No.” after a question denies what was
asked. “Myth: …” is quoted to be refuted. “Fibromyalgia” in a list under “Conditions treated” is a claim.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from eutonia.claims.concepts import Lexicon, read, words
from eutonia.claims.likeness import Heard
from eutonia.claims.matching import ANY, Found, Pattern, find
from eutonia.claims.mentions import Reading
from eutonia.claims.quoting import has_phrase, is_quoted, refuted, starts_with
from eutonia.claims.sentences import Sentence
from eutonia.knowledge.articles import Language

_VERB_HEADING = re.compile(r"[!.]$|\b(?:is|are|can|works|does|will)\b")


class Reader:
    """Goes through an article's sentences in order; `main` are its topics, most mentioned first."""

    def __init__(self, lexicon: Lexicon, patterns: Iterable[Pattern], main: tuple[str, ...]) -> None:
        self.lexicon = lexicon
        self.language = lexicon.language
        self.patterns: dict[str, list[Pattern]] = {}
        for pattern in patterns:
            self.patterns.setdefault(pattern.claim.about, []).append(pattern)
        self.main = main
        self.pair: tuple[str, ...] = ()
        """The two topics that the article speaks of most."""
        self.heard: Heard | None = None
        """The last sentence, where it stands for itself."""
        self._spoken: tuple[str, ...] = ()
        """The subject of the paragraph, which goes on until the next one."""
        self._block = -1
        self._within: tuple[str, ...] = ()
        self._headings: tuple[str, ...] = ()
        self._asked: _Question | None = None
        self._on = lru_cache(maxsize=256)(self._claims_on)
        self.read_heading = lru_cache(maxsize=256)(lambda heading: read(heading, lexicon))

    def treats(self, topic: str) -> bool:
        """Whether any claim is about the topic."""
        return any(name in self.patterns for name in self.lexicon.family(topic))

    def claims(self, sentence: Sentence, clauses: list[Reading]) -> list[Found]:
        """The claims that a sentence makes or denies, where it stands; each once."""
        self.heard = None
        subject = self._subject(sentence, clauses)
        lower = sentence.words.lower().strip()
        asked, self._asked = self._asked, None
        if lower.rstrip("\"'”’)*_ ").endswith("?"):
            topics = tuple(topic for topic in self._own(clauses))[:1] or subject[:1]
            self._asked = _question(sentence, lower, clauses, topics, self.language)
            return []
        if inner := refuted(sentence.words, self.language):
            return self._turned(inner, read(inner, self.lexicon), subject)
        if is_quoted(sentence, lower, self.language) or _only_names(sentence, lower):
            return []
        if sentence.block.kind == "cell":
            clauses, subject = self._cell(sentence)
        if asked and asked.closed:
            subject = asked.topics or subject
            if starts_with(lower, self.language.no):
                return self._turned(asked.words, asked.clauses, subject)
        found = self._find(clauses, subject)
        if sentence.block.mark == "-" and not _lists_drawbacks(sentence, self.language):
            # A cross may deny (“✗ addictive”) or mark a drawback (“✗ not for long”): only the second is plain.
            found = found if any(m.sign < 0 for clause in clauses for m in clause.mentions) else []
        if asked and (asked.closed or not found):
            found += self._answer(sentence, lower, asked, subject)
        bare = not any(mention.polar for clause in clauses for mention in clause.mentions)
        bare = bare or _lists_drawbacks(sentence, self.language)
        if not found and bare:
            found = self._under_heading(sentence, subject)
        found = _each_once(found)
        doubted = starts_with(lower, ("whether",)) or has_phrase(lower, self.language.doubts)
        found = [match for match in found if match.sign < 0 or not doubted]
        if sentence.block.kind != "cell" and sentence.block.mark != "-":
            before = asked.words if asked else self._introduction(sentence)
            self.heard = Heard(sentence.words, tuple(clauses), subject, tuple(found), doubted)
            if before:
                said = f"{before}, {sentence.words}"
                reply = self.heard if asked and asked.closed and not found else None
                self.heard = replace(
                    self.heard, words=said, clauses=tuple(read(said, self.lexicon)), reply=reply
                )
        return found

    def _turned(self, statement: str, clauses: list[Reading], subject: tuple[str, ...]) -> list[Found]:
        """What is denied with a statement that is refuted, or asked and answered with no."""
        found = _each_once(self._find(clauses, subject))
        self.heard = Heard(statement, tuple(clauses), subject, tuple(found), refuted=True)
        return [replace(match, sign=-match.sign) for match in found if match.sign < 0 or match.claim.opposite]

    def _find(self, clauses: list[Reading], subject: tuple[str, ...]) -> list[Found]:
        found: list[Found] = []
        spoken = subject
        for clause in map(self._of_both, clauses):
            found += find(clause, spoken, self._candidates(clause, spoken), self.lexicon)
            # “Soma may help, but it is addictive”: a clause goes on about the subject of the one before it.
            spoken = tuple(self._own([clause])[-1:]) or spoken
        if not found and subject and self.main and self._is_kind(subject[0], self.main[0]):
            return self._find(clauses, self.main)  # “it” after “muscle relaxants” may be the article's drug
        return found

    def _of_both(self, clause: Reading) -> Reading:
        """“Both can be used together” is about the two that the article speaks of most."""
        names = {mention.name for mention in clause.mentions}
        if clause.topics or len(self.pair) < 2 or not names >= {"both_word", "together"}:
            return clause
        return replace(clause, topics=self.pair, lists=(frozenset(self.pair),))

    def _is_kind(self, topic: str, of: str) -> bool:
        kinds = {kind for name in self.lexicon.family(of) for kind in self.lexicon.kinds.get(name, ())}
        return topic in kinds and topic != of

    def _candidates(self, clause: Reading, subject: tuple[str, ...]) -> list[Pattern]:
        topics = {name for topic in (*clause.topics, *subject) for name in self.lexicon.family(topic)} | {
            "any"
        }
        return [pattern for topic in sorted(topics) for pattern in self.patterns.get(topic, ())]

    def candidates(self, sentence: Heard) -> Mapping[str, tuple[Pattern, ...]]:
        """The claims that a sentence may be about, each with its patterns."""
        named = {t for clause in sentence.clauses for t in clause.topics}
        aside = {t for clause in sentence.clauses for t in clause.aside} - named
        kind = sentence.subject and self.main and self._is_kind(sentence.subject[0], self.main[0])
        around = {*sentence.subject, *(self.main if kind else ())} - named
        return self._on(frozenset(named), frozenset(aside), frozenset(around))

    def _claims_on(
        self, named: frozenset[str], aside: frozenset[str], around: frozenset[str]
    ) -> Mapping[str, tuple[Pattern, ...]]:
        """Claims about what is named; about what it is compared with or stands under, those that name it too.

        “Unlike Soma, ibuprofen is not addictive” says nothing of Soma, and “Metformin is safe” under a heading neither.
        """
        about, beside, under = (
            {name for topic in topics for name in self.lexicon.family(topic)}
            for topics in (named, aside, around)
        )
        alone = all(topic in self.lexicon.companions for topic in named)
        kinds = all(any(self._is_kind(topic, one) for one in aside) for topic in named)
        found: dict[str, tuple[Pattern, ...]] = {}
        for name in sorted(about | beside | under | {ANY}):
            for pattern in self.patterns.get(name, ()):
                if (
                    name in (ANY, *about)
                    or (name in under and (alone or pattern.needs & about))
                    or (name in beside and (kinds or pattern.compares))
                ):
                    found[pattern.claim.id] = (*found.get(pattern.claim.id, ()), pattern)
        return found

    def _subject(self, sentence: Sentence, clauses: list[Reading]) -> tuple[str, ...]:
        """What a sentence without a topic is about: what its paragraph, heading or article is about."""
        if sentence.number != self._block:
            self._within = ()
            if sentence.block.kind in ("paragraph", "heading") or sentence.headings != self._headings:
                self._spoken = ()
        self._block, self._headings = sentence.number, sentence.headings
        before = self._within or self._spoken
        named = self._own(clauses)
        if named and sentence.block.kind != "heading":
            # “Ibuprofen may be used beside Soma. Do not mix it with …” goes on about the article's drug.
            self._within = self.main if set(self.main) & set(named) else (named[0],)
            if sentence.block.kind == "paragraph":
                self._spoken = self._within
        return before or self._headed(sentence) or self.main

    def _own(self, clauses: list[Reading]) -> list[str]:
        """Topics that may be a subject; what is only taken beside one goes on being about that one."""
        return [
            topic
            for clause in clauses
            for topic in clause.topics
            if self.treats(topic) and (topic in self.main or topic not in self.lexicon.companions)
        ]

    def _headed(self, sentence: Sentence) -> tuple[str, ...]:
        for heading in reversed(sentence.headings):
            for clause in self.read_heading(heading):
                for topic in clause.topics:
                    if self.treats(topic):
                        return (topic,)
        return ()

    def _cell(self, sentence: Sentence) -> tuple[list[Reading], tuple[str, ...]]:
        """A table cell read with the headings of its column and row; the one with a topic is its subject."""
        topics: list[str] = []
        attributes: list[str] = []
        for label in sentence.labels:
            named = [t for clause in self.read_heading(label) for t in clause.topics if self.treats(t)]
            topics += named[:1]
            if not named:
                attributes.append(label)
        content = sentence.words.strip()
        if content.lower() in ("✓", "✔", "✅", "☑", "yes"):
            content = ""
        elif content.lower() in ("✗", "✘", "❌", "✖", "no", "×", "-", "–", "—"):
            content = "no"
        return read(": ".join(filter(None, [*attributes, content])), self.lexicon), tuple(topics) or self.main

    def _answer(
        self, sentence: Sentence, lower: str, asked: "_Question", subject: tuple[str, ...]
    ) -> list[Found]:
        """“Is it safe? Yes, …” says what was asked; “Chronic pain? Soma helps” is one statement."""
        if not asked.closed and asked.block != sentence.number:
            return []
        if not asked.closed:
            return self._find(read(f"{asked.words}, {sentence.words}", self.lexicon), subject)
        return self._find(asked.clauses, subject) if starts_with(lower, self.language.yes) else []

    def _under_heading(self, sentence: Sentence, subject: tuple[str, ...]) -> list[Found]:
        """A list item read after the line that introduces the list."""
        heading = self._introduction(sentence)
        return self._find(read(f"{heading} {sentence.words}", self.lexicon), subject) if heading else []

    def _introduction(self, sentence: Sentence) -> str:
        """The heading of a list that says what is true of its items; empty where there is none."""
        if sentence.block.kind != "item" or not sentence.headings:
            return ""
        heading = sentence.headings[-1]
        clauses = self.read_heading(heading)
        introduces = sentence.lead_in or any(m.polar for clause in clauses for m in clause.mentions)
        counts = any(clause.quantities for clause in clauses)
        first = words(heading)[:1]
        asks = heading.rstrip().endswith("?") and set(first) & set(self.language.questions)
        idle = counts or not introduces or asks or set(first) & set(self.language.titles)
        return "" if idle else heading.rstrip(":? ")


def _each_once(found: list[Found]) -> list[Found]:
    return list({match.claim.id: match for match in reversed(found)}.values())[::-1]


@dataclass(frozen=True)
class _Question:
    words: str
    clauses: list[Reading]
    topics: tuple[str, ...]
    closed: bool
    """Whether yes or no answers it."""
    block: int


def _question(
    sentence: Sentence, lower: str, clauses: list[Reading], topics: tuple[str, ...], language: Language
) -> _Question | None:
    first = re.match(r"\W*(?:\d+[.)])?\s*([a-z']+)", lower)
    if first is None or first[1] in language.open_questions:
        return None
    closed = first[1] in language.questions
    if closed and set(words(lower)) & set(language.reasons):
        return None  # “Is it harmless because …?” asks two things
    if not closed and (sentence.block.kind == "heading" or len(lower.split()) > 9):
        return None
    return _Question(sentence.words.strip().rstrip("? "), clauses, topics, closed, sentence.number)


def _only_names(sentence: Sentence, lower: str) -> bool:
    """A heading without a verb names its section, and one with a colon what follows: neither claims anything."""
    return sentence.block.kind == "heading" and (lower.endswith(":") or not _VERB_HEADING.search(lower))


def _lists_drawbacks(sentence: Sentence, language: Language) -> bool:
    heading = words(sentence.headings[-1]) if sentence.headings else ()
    return any(word in language.drawbacks for word in heading)
