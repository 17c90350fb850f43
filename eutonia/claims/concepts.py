"""A sentence → the topics, concepts and quantities it mentions, each with the sign that negation gives it.

“Not safe for long-term use” mentions `approve` denied and `long_term`. A negation turns the nearest polar concept
within its reach. Which words mean what is knowledge (wording/, languages/); this module holds none of them.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

from eutonia.claims.mentions import PUNCTUATION, Mention, Reading
from eutonia.claims.negation import give_signs
from eutonia.claims.quantities import Quantity, quantities
from eutonia.knowledge.articles import Language, Wording

_GAP = 3
_IGNORED = dict.fromkeys(
    [0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)
_WORD = re.compile(r"[^\W_]+(?:['’.][^\W\d_]+)*[\u00ad\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069]*"
                   r"(?:(?<=[\u00ad\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069])[^\W_]+)*|[,;:.()—–%/]")  # fmt: skip


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
                self.parents[name] = (*self.parents.get(name, ()), *topic.part_of)
                if topic.companion:
                    self.companions.add(name)
                self.kinds[name] = (*self.kinds.get(name, ()), *topic.kinds, *topic.part_of)
                spelt = [w for written in topic.names for w in alternatives(written)]
                phrases += [_Phrase(words(w), f"@{name}", 1, False, False) for w in spelt]
            for name, concept in family.concepts.items():
                for group, sign, denied in (
                    (concept.words, 1, False),
                    (concept.opposite, -1, False),
                    (concept.if_denied, 1, True),
                    (concept.fine_if_denied, -1, True),
                ):
                    phrases += [
                        _Phrase(words(w), name, sign, concept.polar, denied, concept.swallows)
                        for written in group
                        for w in alternatives(written)
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
            written = [w for phrase in getattr(language, kind) for w in alternatives(phrase)]
            phrases += [_Phrase(words(w), f"#{kind}", 1, False, False) for w in written]
        self._pairs: Mapping[tuple[str, str], list[_Phrase]] = defaultdict(list)
        self._exact: Mapping[str, list[_Phrase]] = defaultdict(list)
        self._prefix: Mapping[str, list[_Phrase]] = defaultdict(list)
        for phrase in phrases:
            first, second = (*phrase.tokens, "~")[:2]
            if first.endswith("*"):
                self._prefix[first[:3]].append(phrase)
            elif second == "~" or second.endswith("*"):
                self._exact[first].append(phrase)
            else:
                self._pairs[first, second].append(phrase)
        self.prefixed = lru_cache(maxsize=50_000)(self._prefixed)

    def _beginning(self, word: str, following: str) -> Iterator[_Phrase]:
        """Phrases that may begin with these two words."""
        yield from self._exact.get(word, ())
        yield from self._pairs.get((word, following), ())
        yield from self.prefixed(word)

    def _prefixed(self, word: str) -> tuple[_Phrase, ...]:
        return tuple(p for p in self._prefix.get(word[:3], ()) if _same(p.tokens[0], word))

    def family(self, topic: str) -> frozenset[str]:
        """A topic with the wider ones it is part of."""
        if topic not in self._families:
            parents = self.parents.get(topic, ())
            self._families[topic] = frozenset({topic}.union(*(self.family(parent) for parent in parents)))
        return self._families[topic]

    def find(self, tokens: tuple[str, ...]) -> list[Mention]:
        found = []
        for place, token in enumerate(tokens):
            if token.endswith("n't"):
                found.append(Mention("#negations", place, place + 1))
            for phrase in self._beginning(token, tokens[place + 1] if place + 1 < len(tokens) else ""):
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
        return list(dict.fromkeys(found))


_EITHER = re.compile(r"\(([^()]*\|[^()]*)\)")


def alternatives(phrase: str) -> Iterator[str]:
    """“(can|may) take” → “can take”, “may take”."""
    pieces = _EITHER.split(phrase)
    choices = (piece.split("|") if number % 2 else (piece,) for number, piece in enumerate(pieces))
    return ("".join(choice) for choice in product(*choices))


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
            return _end_after_gap(pattern[number + 1 :], tokens, place + 1)
        place += 1
        if place >= len(tokens) or not _same(part, tokens[place]):
            return 0
    return place + 1


def _end_after_gap(rest: tuple[str, ...], tokens: tuple[str, ...], start: int) -> int:
    """Where the rest of a phrase ends that may begin up to `_GAP` words later, in the same breath."""
    for place in range(start, min(start + _GAP + 1, len(tokens))):
        if place > start and tokens[place - 1] in PUNCTUATION:
            return 0
        if _same(rest[0], tokens[place]) and (end := _end(rest, tokens, place)):
            return end
    return 0


def read(text: str, lexicon: Lexicon) -> list[Reading]:
    """The clauses of a sentence, each read by itself."""
    pairs = tokenise(text)
    tokens = tuple(word for word, _ in pairs)
    places = [place for _, place in pairs]
    found = _longest(lexicon.find(tokens))
    measured = [
        (bisect_left(places, quantity.place), quantity) for quantity in quantities(text, lexicon.language)
    ]
    spent = {n for m in found if m.swallows and not m.polar for n in range(m.start, m.end)}
    measured = [one for one in measured if one[0] not in spent]
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
        return (longer.name == "#not_negations" and one.name[0] == "#") or (
            longer.name == "#negations" and one.name in ("#negations", "#breaks")
        )  # “anything but”
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
        or (not longer.polar and (one.polar or longer.swallows))  # “hurt *for years*” is no long use
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
    signed = give_signs(concepts, grammar, tokens, end, lexicon.firm)
    named = [m for m in part if m.name[0] == "@"]
    aside = {m.name[1:] for cue in grammar if cue.name == "#asides" for m in _compared(cue, named, tokens)}
    examples = {
        m.name[1:] for cue in grammar if cue.name == "#examples" for m in _compared(cue, named, tokens)
    }
    topics = [m.name[1:] for m in named if m.name[1:] not in aside]
    return Reading(
        mentions=tuple(signed),
        topics=tuple(dict.fromkeys(topics)),
        aside=frozenset(aside),
        examples=frozenset(examples),
        lists=_lists(named, aside, tokens),
        choices=_choices(named, tokens),
        quantities=numbers,
        tokens=tokens[start:end],
    )


def _lists(named: list[Mention], aside: set[str], tokens: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """Topics joined by commas, “and” or “or”, list by list."""
    runs: list[set[str]] = []
    last = None
    for mention in named:
        if mention.name[1:] in aside:
            continue
        between = tokens[last.end : mention.start] if last else ()
        if last and len(between) <= 4 and {",", "and", "or"} & set(between):
            runs[-1].add(mention.name[1:])
        else:
            runs.append({mention.name[1:]})
        last = mention
    return tuple(frozenset(run) for run in runs)


def _choices(named: list[Mention], tokens: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """Topics of which any will do: “Soma, Flexeril or Robaxin” is no combination."""
    runs: list[set[str]] = []
    chosen = []
    for one, later in pairwise(named):
        between = tokens[one.end : later.start]
        if between not in ((",",), ("or",), (",", "or")):
            continue
        if runs and one.name[1:] in runs[-1]:
            runs[-1].add(later.name[1:])
        else:
            runs.append({one.name[1:], later.name[1:]})
        if "or" in between:
            chosen.append(runs[-1])
    return tuple(frozenset(run) for run in chosen)


def _compared(cue: Mention, named: list[Mention], tokens: tuple[str, ...]) -> list[Mention]:
    """The topic that a word of comparison sets aside: the next one, with those joined to it."""
    ahead = [
        m
        for m in named
        if 0 <= m.start - cue.end <= 3
        and not any(t in (",", ":") or t[0].isdigit() for t in tokens[cue.end : m.start])
    ]
    if not ahead:
        return []
    joined = [
        m for m in named if m.start > ahead[0].start and tokens[ahead[0].end : m.start] in (("or",), ("and",))
    ]
    return [ahead[0], *joined[:1]]
