"""A sentence → the topics, concepts and quantities it mentions, each with the sign that negation gives it.

“Not safe for long-term use” mentions `approve` denied and `long_term`. A negation turns the nearest polar concept
within its reach. Which words mean what is knowledge (wording/, languages/); this module holds none of them.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from eutonia.claims.quantities import Quantity, quantities
from eutonia.knowledge.articles import Language, Wording

_IGNORED = dict.fromkeys(
    [0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)
_WORD = re.compile(r"[^\W_]+(?:['’.][^\W\d_]+)*[\u00ad\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069]*"
                   r"(?:(?<=[\u00ad\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069])[^\W_]+)*|[,;:.()—–%/]")  # fmt: skip
_REACH = 9
_PUNCTUATION = frozenset(",;:.()—–%/")


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept or topic at the tokens `[start, end)`, affirmed (+1) or denied (-1)."""

    name: str
    start: int
    end: int
    sign: int = 1
    polar: bool = False
    only_if_denied: bool = False
    swallows: bool = False
    """Whether a topic within it is no topic of its own."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One clause: what it mentions and which topics are its subject or set aside."""

    mentions: tuple[Mention, ...]
    topics: tuple[str, ...]
    """Those spoken of, in order."""
    aside: frozenset[str]
    """Those it is compared with."""
    examples: frozenset[str]
    """Those named as examples of something else."""
    quantities: tuple[Quantity, ...]
    joint: frozenset[str]
    """Topics listed as one subject (“Massage, yoga and heat help”)."""
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Phrase:
    tokens: tuple[str, ...]
    name: str
    sign: int
    polar: bool
    only_if_denied: bool
    swallows: bool = False


class Lexicon:
    """The phrases of the knowledge, indexed by their first word."""

    def __init__(self, wording: Iterable[Wording], language: Language) -> None:
        self.language = language
        self.firm = frozenset(language.firm)
        self.parents: dict[str, tuple[str, ...]] = {}
        self.kinds: dict[str, tuple[str, ...]] = {}
        self.companions: set[str] = set()
        self._families: dict[str, frozenset[str]] = {}
        phrases: list[_Phrase] = []
        for family in wording:
            for name, topic in family.topics.items():
                self.parents[name] = topic.part_of
                if topic.companion:
                    self.companions.add(name)
                self.kinds[name] = (*topic.kinds, *topic.part_of)
                phrases += [_Phrase(words(w), f"@{name}", 1, False, False) for w in topic.names]
            for name, concept in family.concepts.items():
                for group, sign, denied in (
                    (concept.words, 1, False),
                    (concept.opposite, -1, False),
                    (concept.if_denied, 1, True),
                ):
                    phrases += [
                        _Phrase(words(w), name, sign, concept.polar, denied, concept.swallows) for w in group
                    ]
        for kind in (
            "negations",
            "not_negations",
            "later_negations",
            "stops",
            "breaks",
            "openers",
            "asides",
            "permissions",
            "examples",
        ):
            phrases += [_Phrase(words(w), f"#{kind}", 1, False, False) for w in getattr(language, kind)]
        self._exact: Mapping[str, list[_Phrase]] = defaultdict(list)
        self._prefix: Mapping[str, list[_Phrase]] = defaultdict(list)
        for phrase in phrases:
            first = phrase.tokens[0]
            if first.endswith("*"):
                self._prefix[first[:3]].append(phrase)
            else:
                self._exact[first].append(phrase)
        self.beginning = lru_cache(maxsize=50_000)(self._beginning)

    def _beginning(self, word: str) -> tuple[_Phrase, ...]:
        """Phrases that may begin with `word`."""
        prefixed = [p for p in self._prefix.get(word[:3], ()) if _same(p.tokens[0], word)]
        return (*self._exact.get(word, ()), *prefixed)

    def family(self, topic: str) -> frozenset[str]:
        """A topic with the wider ones it is part of."""
        if topic not in self._families:
            parents = self.parents.get(topic, ())
            self._families[topic] = frozenset({topic}.union(*(self.family(parent) for parent in parents)))
        return self._families[topic]

    def find(self, tokens: tuple[str, ...]) -> list[Mention]:
        found = []
        for place, token in enumerate(tokens):
            for phrase in self.beginning(token):
                end = _end(phrase.tokens, tokens, place)
                if end:
                    found.append(
                        Mention(
                            phrase.name,
                            place,
                            end,
                            phrase.sign,
                            phrase.polar,
                            phrase.only_if_denied,
                            phrase.swallows,
                        )
                    )
        return found


def words(text: str) -> tuple[str, ...]:
    """Lower-case words and the punctuation that ends a thought; `*` and `~` of a phrase are kept."""
    return tuple(token for token, _ in tokenise(text, marks=True))


_PHRASE_WORD = re.compile(r"[^\W_]+(?:['’.][^\W\d_]+)*\*?|~|[,;:()—–%/<>≤≥]")


def tokenise(text: str, marks: bool = False) -> list[tuple[str, int]]:
    """(word, place of its first character)."""
    pattern = _PHRASE_WORD if marks else _WORD
    return [
        (m[0].translate(_IGNORED).replace("’", "'").lower().removesuffix("'s"), m.start())
        for m in pattern.finditer(text)
    ]


def _same(pattern: str, word: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == word


def _end(pattern: tuple[str, ...], tokens: tuple[str, ...], place: int) -> int:
    """Where a phrase that begins at `place` ends, 0 where it does not go on."""
    for number, part in enumerate(pattern[1:], start=1):
        if part == "~":
            rest = pattern[number + 1 :]
            for gap in range(4):
                after = place + 1 + gap
                if (after < len(tokens) and tokens[after - 1] not in _PUNCTUATION) or gap == 0:
                    if after < len(tokens) and _same(rest[0], tokens[after]):
                        end = _end(rest, tokens, after)
                        if end:
                            return end
            return 0
        place += 1
        if place >= len(tokens) or not _same(part, tokens[place]):
            return 0
    return place + 1


def read(text: str, lexicon: Lexicon) -> list[Reading]:
    """The clauses of a sentence, each read by itself."""
    pairs = tokenise(text)
    tokens = tuple(word for word, _ in pairs)
    places = [place for _, place in pairs]
    found = _longest(lexicon.find(tokens))
    measured = [
        (bisect_left(places, quantity.place), quantity) for quantity in quantities(text, lexicon.language)
    ]
    bounds = [0, *_breaks(found, tokens), len(tokens)]
    readings = []
    for start, end in pairwise(bounds):
        part = [m for m in found if start <= m.start and m.end <= end]
        numbers = tuple(quantity for place, quantity in measured if start <= place < end)
        if part or numbers:
            readings.append(_reading(part, tokens, start, end, numbers, lexicon))
    return readings


def _longest(found: list[Mention]) -> list[Mention]:
    """Drop what a longer mention contains and means otherwise (“addiction” in “history of addiction”)."""
    found.sort(key=lambda m: (m.start, -m.end))
    kept: list[Mention] = []
    for mention in found:
        if not any(_swallows(k, mention) for k in reversed(kept[-12:])):
            kept.append(mention)
    return kept


def _swallows(longer: Mention, one: Mention) -> bool:
    within = (
        longer.start <= one.start
        and one.end <= longer.end
        and longer.end - longer.start > one.end - one.start
    )
    if not within or (one.only_if_denied and one.name != longer.name):
        return False
    if longer.name[0] == "#":
        return (
            longer.name == "#not_negations" and one.name[0] == "#" or longer.name == one.name == "#negations"
        )
    if (
        one.name == "#negations"
    ):  # “should *not*” leaves the negation to what follows, “*not* an option” does not
        return one.end < longer.end
    if one.name[0] == "@":
        return longer.name[0] == "@" or longer.swallows
    return (
        longer.name[0] == "@"
        or one.name[0] == "#"
        or one.name == longer.name
        or (one.polar and not longer.polar)
    )


def _breaks(found: list[Mention], tokens: tuple[str, ...]) -> list[int]:
    """Token places at which another statement begins."""
    places = {m.start for m in found if m.name == "#breaks" and m.start > 0}
    places |= {n for n, token in enumerate(tokens) if token == ";"}
    if any(m.name == "#openers" and m.start == 0 for m in found) and "," in tokens:
        places.add(tokens.index(","))
    return sorted(place for place in places if 0 < place < len(tokens))


def _reading(
    part: list[Mention],
    tokens: tuple[str, ...],
    start: int,
    end: int,
    numbers: tuple[Quantity, ...],
    lexicon: Lexicon,
) -> Reading:
    grammar = [m for m in part if m.name[0] == "#"]
    concepts = [m for m in part if m.name[0] not in "#@"]
    signed = _negate(concepts, grammar, tokens, end, lexicon.firm)
    named = [m for m in part if m.name[0] == "@"]
    aside = {m.name[1:] for cue in grammar if cue.name == "#asides" for m in _compared(cue, named, tokens)}
    examples = {
        m.name[1:] for cue in grammar if cue.name == "#examples" for m in _compared(cue, named, tokens)
    }
    topics = [m.name[1:] for m in named if m.name[1:] not in aside]
    return Reading(
        tuple(signed),
        tuple(dict.fromkeys(topics)),
        frozenset(aside),
        frozenset(examples),
        numbers,
        _joint(named, aside, tokens),
        tokens[start:end],
    )


def _joint(named: list[Mention], aside: set[str], tokens: tuple[str, ...]) -> frozenset[str]:
    listed = [m for m in named if m.name[1:] not in aside]
    joint = listed[:1]
    for one, following in pairwise(listed):
        between = tokens[one.end : following.start]
        if len(between) > 4 or not {",", "and", "or"} & set(between):
            break
        joint.append(following)
    return frozenset(m.name[1:] for m in joint)


def _compared(cue: Mention, named: list[Mention], tokens: tuple[str, ...]) -> list[Mention]:
    """The topic that a word of comparison sets aside: the next one, with those joined to it."""
    ahead = [
        m
        for m in named
        if 0 <= m.start - cue.end <= 3
        and not any(t == "," or t[0].isdigit() for t in tokens[cue.end : m.start])
    ]
    if not ahead:
        return []
    joined = [
        m for m in named if m.start > ahead[0].start and tokens[ahead[0].end : m.start] in (("or",), ("and",))
    ]
    return [ahead[0], *joined[:1]]


def _negate(
    concepts: list[Mention], grammar: list[Mention], tokens: tuple[str, ...], end: int, firm: frozenset[str]
) -> list[Mention]:
    """Give each concept its sign, and drop the words that mean nothing unless denied."""
    turned: dict[int, int] = defaultdict(int)
    spared = {place for m in grammar if m.name == "#not_negations" for place in range(m.start, m.end)}
    stops = {m.start for m in grammar if m.name == "#stops"}
    polar = [m for m in concepts if m.polar]
    bare: set[int] = set()
    used: set[int] = set()
    for cue in grammar:
        if cue.name == "#later_negations" and cue.start not in spared and _closes(cue, tokens, end):
            before = [
                m for m in polar if m.end <= cue.start and not m.only_if_denied and cue.start - m.end <= 6
            ]
            if before and not _denies_ahead(cue, polar, tokens):
                turned[before[-1].start] += 1
                used |= set(range(cue.start, cue.end))
    for cue in grammar:
        if cue.name != "#negations" or cue.start in spared or cue.start in used:
            continue
        reach = _reach(cue.end, end, tokens, stops)
        ahead = [m for m in polar if cue.end <= m.start < reach]
        within = any(m.polar and m.start < cue.end <= m.end for m in concepts)
        if (
            not ahead and tokens[cue.start] in firm and not within
        ):  # “not for long-term relief” turns the circumstance
            others = [m for m in concepts if cue.end <= m.start < reach]
            bare |= {others[0].start} if others else set()
        elif ahead:
            first = ahead[0].start
            turned[first] += 1
            for mention in ahead:  # “no side effects or addiction”
                if (
                    mention.start > first
                    and {"or", "nor"} & set(tokens[first : mention.start])
                    and "and" not in tokens[first : mention.start]
                ):
                    turned[mention.start] += 1
    for place, token in enumerate(tokens[:end]):
        if token.endswith("n't") and token != "n't":
            reach = _reach(place + 1, end, tokens, stops)
            ahead = [m for m in polar if place < m.start < reach]
            if ahead and not any(m.start <= place < m.end and m.polar for m in concepts):
                turned[ahead[0].start] += 1
    signed = []
    for mention in concepts:
        denied = (turned[mention.start] % 2 == 1 and mention.polar) or mention.start in bare
        if mention.only_if_denied:
            if denied:
                signed.append(replace(mention, sign=-1))
            elif any(0 <= mention.start - m.end <= 2 for m in grammar if m.name == "#permissions"):
                signed.append(mention)
        else:
            signed.append(replace(mention, sign=-mention.sign if denied else mention.sign))
    return signed


def _closes(cue: Mention, tokens: tuple[str, ...], end: int) -> bool:
    """A single word (“risk: low”) denies what stands before it only where nothing follows."""
    return cue.end - cue.start > 1 or cue.end >= end or tokens[cue.end] in _PUNCTUATION


def _denies_ahead(cue: Mention, polar: list[Mention], tokens: tuple[str, ...]) -> bool:
    """“It is not known that …” denies what follows."""
    following = tokens[cue.end : cue.end + 1]
    return (
        bool(following)
        and following[0] in ("that", "to", "whether", "if")
        and any(m.start >= cue.end for m in polar)
    )


def _reach(start: int, end: int, tokens: tuple[str, ...], stops: set[int]) -> int:
    for place in range(start, min(end, start + _REACH)):
        if place in stops or tokens[place] in (",", ";", ":", ".", "(", ")"):
            return place
    return min(end, start + _REACH)
