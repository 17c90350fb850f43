"""How much speaks for a claim in a sentence, and for which side of it.

Concepts (matching.py) find only what somebody thought of putting so. Beside them stands a linear model of whole
sentences: every word, pair of words, beginning of a word and concept has a weight for each side of each claim, learnt
from the claims' wordings and from labelled sentences (tools/teach_claims.py). It is blind to much that matters, and
concepts are blind to new words; so both are evidence, which a small scorer weighs. Its weights are knowledge
(languages/), each of them 0 or more: evidence never speaks against what it is evidence for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from math import exp, log, sqrt
from typing import Any

from eutonia.claims.concepts import Lexicon, tokenise
from eutonia.claims.matching import ANY, Found, Pattern, index, partly
from eutonia.claims.mentions import PUNCTUATION, Mention, Reading
from eutonia.knowledge.articles import Claim, Language, Likeness

MODEL = "likeness.npz"
SHORTEST = 3
"""Words of a sentence."""
BARE = 5
"""Of one in which no topic was named, or nothing else was read."""
NEAREST = 3
"""Claims of which it is looked at how much of them was read."""
REFUTED = 0.1
"""Lean of a statement that is refuted: it was made for the claim, though its words are those of the denial too."""
BEGINNING = 4
"""Letters of a word that its forms share."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence that stands for itself: what it mentions, what its reader has in mind, what concepts found."""

    words: str
    clauses: tuple[Reading, ...]
    subject: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    doubted: bool = False
    """Whether it opens so that nothing is claimed, only denied."""
    refuted: bool = False
    """Whether its author denies what it says."""
    reply: "Heard | None" = None
    """What of it answers a question, and alone tells the side."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one claim in a sentence; all of it grows with likelihood."""

    claim: Claim
    like: float
    """Weight of its words for the likelier side of the claim."""
    ahead: float
    """By how much that is more than for any other claim on the topic."""
    covered: float
    """Share of what the claim says that was read."""
    found: float
    """1 where concepts found the claim."""
    clear: float
    """1 where nothing was read that makes it another claim."""
    lean: float
    """Weight of its words for the claim made, less that for it denied."""
    frame: float
    """The same of all claims that are put so: that something may be done, or works."""
    signs: float
    """What negation and concepts say: from -1, denied, to 1, made."""


class Model:
    """The linear model: one column a side of a claim, and one a frame."""

    def __init__(self) -> None:
        import numpy as np

        with files("eutonia.claims").joinpath(MODEL).open("rb") as stream, np.load(stream) as data:
            self.taught = str(data["taught"])
            """Digest of the wordings that it was taught."""
            names = bytes(data["features"]).decode().split("\n")
            self._rows = {name: row for row, name in enumerate(names)}
            self._rarity: Any = data["rarity"]
            self._weights: Any = data["weights"]
            self._scale: Any = data["scale"]
            self._columns = {name: column for column, name in enumerate(data["columns"].tolist())}

    def weigh(self, features: Sequence[str]) -> Mapping[str, float]:
        """Column → how much the features speak for it."""
        counted = Counter(row for f in features if (row := self._rows.get(f)) is not None)
        if not counted:
            return {}
        rows = list(counted)
        values = self._rarity[rows] * [1 + log(n) for n in counted.values()]
        values /= sqrt(float(values @ values))
        weights = (values @ self._weights[rows]) * self._scale
        return dict(zip(self._columns, weights.round(4).tolist(), strict=True))


def features(heard: Heard, lexicon: Lexicon) -> list[str]:
    """Words, pairs of words, beginnings of words, concepts with their signs, topics and quantities.

    A sentence that names no topic has that of its subject.
    """
    tokens = [token for token, _ in tokenise(heard.words) if token not in PUNCTUATION]
    named = [f"w:{token}" for token in tokens]
    named += [f"b:{one} {following}" for one, following in pairwise(tokens)]
    named += [f"s:{token[:BEGINNING]}" for token in tokens if len(token) > BEGINNING]
    for clause in heard.clauses:
        for mention in clause.mentions:
            named += [f"m:{mention.name}{'+' if mention.sign > 0 else '-'}", f"n:{mention.name}"]
        named += [f"q:{quantity.kind}" for quantity in clause.quantities]
        named += [f"a:{topic}" for topic in clause.aside]
    topics = [topic for clause in heard.clauses for topic in clause.topics] or heard.subject[:1]
    named += [f"t:{name}" for topic in topics for name in sorted(lexicon.family(topic))]
    return named


@cache
def column(claim: str, sign: int) -> str:
    return f"{claim}{'+' if sign > 0 else '-'}"


def weigh(
    heard: Heard,
    patterns: Mapping[str, Sequence[Pattern]],
    lexicon: Lexicon,
    model: "Model",
) -> list[Evidence]:
    """The evidence for the claims that concepts found, and for the likest others on the topic."""
    weights = model.weigh(features(heard, lexicon))
    told = model.weigh(features(heard.reply, lexicon)) if heard.reply else weights
    like = {
        claim: max(weights.get(column(claim, 1), 0.0), weights.get(column(claim, -1), 0.0))
        for claim in patterns
    }
    ranked = sorted(like, key=lambda claim: (-like[claim], claim))
    found = {one.claim.id: one.sign for one in heard.found}
    chosen = dict.fromkeys([*(claim for claim in found if claim in like), *ranked[:NEAREST]])
    seen, measured = _seen(heard, lexicon)
    replied = _seen(heard.reply, lexicon) if heard.reply else (seen, measured)
    named = any(clause.topics for clause in heard.clauses)
    evidence = []
    for claim in chosen:
        others = [like[c] for c in ranked[: len(found) + 2] if c != claim and c not in found]
        shares = [(*partly(pattern, seen, measured), pattern) for pattern in patterns[claim]]
        covered, sign, pattern = max(shares, key=lambda one: one[0])
        if heard.reply:
            sign = partly(pattern, *replied)[1]
        clear = any(not one.unless & seen.keys() for *_, one in shares)
        if not (clear or named or pattern.claim.about == ANY):
            continue
        name, orientation = frame(pattern.claim, lexicon.language)
        evidence.append(
            Evidence(
                claim=pattern.claim,
                like=like[claim],
                ahead=round(like[claim] - max(others, default=0.0), 4),
                covered=covered,
                found=float(claim in found),
                clear=float(clear),
                lean=REFUTED if heard.refuted else round(_lean(claim, told), 4),
                frame=orientation * told.get(f"frame:{name}", 0.0),
                signs=float(found[claim]) if claim in found else sign * covered,
            )
        )
    return evidence


def _lean(claim: str, told: Mapping[str, float]) -> float:
    return told.get(column(claim, 1), 0.0) - told.get(column(claim, -1), 0.0)


def _seen(heard: Heard, lexicon: Lexicon) -> tuple[dict[str, list[Mention]], tuple[Any, ...]]:
    seen: dict[str, list[Mention]] = {}
    for clause in heard.clauses:
        for name, mentions in index(clause, lexicon).items():
            seen.setdefault(name, []).extend(mentions)
    return seen, tuple(quantity for clause in heard.clauses for quantity in clause.quantities)


@lru_cache(maxsize=1024)
def frame(claim: Claim, language: Language) -> tuple[str, int]:
    """How a claim is put (that something may be done, works, …), and whether the frame makes (+1) or denies it (-1)."""
    parts = [part.strip() for line in (*claim.says, *claim.or_says) for part in line.split("|")]
    for name, framed in language.frames.items():
        for part in parts:
            concept = part.lstrip("-±")
            turned = f"-{concept}" in framed.concepts
            if concept in framed.concepts or turned:
                return name, (-1 if part.startswith("-") else 1) * (-1 if turned else 1)
    other = next((name for name, framed in language.frames.items() if not framed.concepts), "")
    return other, -1 if sum(part.startswith("-") for part in parts) % 2 else 1


CLAIM_EVIDENCE = ("like", "ahead", "covered", "found", "clear")
SIDE_EVIDENCE = ("lean", "frame", "signs")


def score(evidence: Evidence, scorer: Likeness) -> tuple[float, int]:
    """How probable it is that the sentence speaks of the claim, on the likelier side of it; and that side."""
    claim = scorer.start + sum(scorer.claim[name] * getattr(evidence, name) for name in CLAIM_EVIDENCE)
    side = sum(scorer.side[name] * getattr(evidence, name) for name in SIDE_EVIDENCE)
    return _logistic(claim) * _logistic(abs(side)), 1 if side >= 0 else -1


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-value))


def accepted(evidence: Iterable[Evidence], scorer: Likeness, accept: float) -> list[tuple[Claim, int]]:
    """The likeliest claim for which enough speaks, one that concepts found first; others where more does."""
    judged = [(*score(one, scorer), one) for one in evidence]
    passing = [(probable, sign, one) for probable, sign, one in judged if probable >= accept]
    passing.sort(key=lambda of: (-of[2].found, -of[0], of[2].claim.id))
    return [
        (one.claim, sign)
        for place, (probable, sign, one) in enumerate(passing)
        if place == 0 or (one.clear and probable >= scorer.further)
    ]


def judge(
    heard: Heard, patterns: Mapping[str, Sequence[Pattern]], lexicon: Lexicon, model: Model
) -> list[Found]:
    """The claims of a sentence, all evidence weighed."""
    named = any(clause.topics for clause in heard.clauses)
    read = any(clause.mentions or clause.quantities for clause in heard.clauses)
    if len(heard.words.split()) < (SHORTEST if heard.found or heard.refuted or (named and read) else BARE):
        return list(heard.found)  # “Soma vs Flexeril” names topics and says nothing of them
    scorer = lexicon.language.likeness
    known = {one.claim.id: one for one in heard.found}
    judged = accepted(weigh(heard, patterns, lexicon, model), scorer, scorer.accept)
    turn = -1 if heard.refuted else 1
    return [
        replace(known[claim.id], sign=turn * sign)
        if claim.id in known
        else Found(claim, turn * sign, frozenset(), 0)
        for claim, sign in judged
        if (sign < 0 or not heard.doubted) and (turn * sign > 0 or claim.opposite)
    ]


def sides(claim: Claim) -> Iterable[tuple[int, str]]:
    """All that is known to make the claim (+1) or to deny it (-1); the corrections stand on the side of the truth."""
    yield from ((1, words) for words in (claim.statement, *claim.wordings))
    if claim.opposite:
        yield from ((-1, words) for words in (claim.opposite.statement, *claim.opposite.wordings))
        truth = 1 if claim.verdict == "supported" else -1
        yield from ((truth, words) for words in (claim.correction, claim.opposite.correction))
