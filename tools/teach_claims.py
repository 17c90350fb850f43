"""Teach the model of sentences and weigh its evidence: python tools/teach_claims.py [--write].

Rows are the claims' wordings and the labelled sentences of the tuning parts; columns are the sides of the claims, and
the frames that many claims share. Ridge regression gives each feature a weight for each column. `--write` renews
eutonia/claims/likeness.npz, a byte a weight.

The scorer is fitted on sentences that the model was not taught: five times, the model is taught without a fifth of
the labelled sentences, and its evidence for these is kept, as they stand and under a heading, with “it” for their
topic. Two logistic curves with weights of 0 or more tell from it whether a sentence speaks of a claim, and on which
side. Printed are the weights fitted on the later strangers' sentences alone and with our own, and for each limit
precision and recall. Their concepts have seen these sentences, so that these fits trust concepts too much: the weights
that stand in knowledge/languages/ follow a fit on articles that neither had seen. The test parts are not read.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import score_claims
from scipy import sparse
from scipy.optimize import minimize

from eutonia.claims import likeness
from eutonia.claims.checking import _checker
from eutonia.claims.concepts import read, tokenise
from eutonia.claims.context import Reader
from eutonia.claims.likeness import Evidence, Heard
from eutonia.claims.sentences import sentences
from eutonia.knowledge import load

FILE = Path(likeness.__file__).parent / likeness.MODEL
RIDGE = 0.5
FOLDS = 5
SMALLEST = 3
"""Of 127: smaller weights are left out."""

Said = dict[str, int]
"""The claims that a sentence makes (+1) or denies (-1)."""


def wordings() -> list[tuple[str, Said]]:
    return [(words, {c.id: sign}) for c in load().claims.values() for sign, words in likeness.sides(c)]


def beside_the_point() -> list[tuple[str, Said]]:
    return [(words, {}) for words in _checker(load()).language.beside_the_point]


def idioms() -> list[tuple[str, Said]]:
    """What is said of no claim in particular, under the column of its frame."""
    frames = _checker(load()).language.frames
    return [
        (words, {f"frame:{name}": sign})
        for name, framed in frames.items()
        for sign, phrases in ((1, framed.made), (-1, framed.denied))
        for phrase in phrases
        for words in turns(phrase)
    ]


def turns(phrase: str) -> list[str]:
    """Each of its alternatives once: not every one with every other, which would be thousands."""
    pieces = [piece.split("|") for piece in re.split(r"\(([^()]*\|[^()]*)\)", phrase)]
    return [
        "".join(piece[turn % len(piece)] for piece in pieces) for turn in range(max(len(p) for p in pieces))
    ]


def labelled() -> Iterator[tuple[str, Said]]:
    for entry in score_claims.strangers("tuning"):
        yield entry["text"], score_claims.wanted(entry)
    for sentence in score_claims.labelled():
        if sentence.part == "tuning":
            yield sentence.words, {sentence.claim: sentence.sign} if sentence.claim else {}


def digest() -> str:
    return sha256("\n".join(words for words, _ in wordings()).encode()).hexdigest()


class Taught:
    """A model in memory, as likeness.Model is one from its file."""

    def __init__(self, rows: list[tuple[str, Said]]) -> None:
        checker = _checker(load())
        claims = load().claims
        named = [
            Counter(likeness.features(Heard(words, tuple(read(words, checker.lexicon))), checker.lexicon))
            for words, _ in rows
        ]
        in_how_many = Counter(name for one in named for name in one)
        self.features = sorted(in_how_many)
        self.row = {name: number for number, name in enumerate(self.features)}
        self.rarity = np.array([np.log((1 + len(rows)) / (1 + in_how_many[n])) + 1 for n in self.features])
        made = {likeness.column(c, s) for _, said in rows for c, s in said.items() if c in claims}
        frames = {claim: likeness.frame(claims[claim], checker.language) for claim in claims}
        self.columns = [*sorted(made), *(f"frame:{name}" for name in checker.language.frames)]
        place = {name: number for number, name in enumerate(self.columns)}
        wanted = np.zeros((len(rows), len(self.columns)))
        for number, (_, said) in enumerate(rows):
            for claim, sign in said.items():
                if claim not in claims:
                    wanted[number, place[claim]] = sign
                    continue
                wanted[number, place[likeness.column(claim, sign)]] = 1
                name, orientation = frames[claim]
                if name:
                    wanted[number, place[f"frame:{name}"]] = sign * orientation
        x = sparse.vstack([self._vector(one) for one in named]).tocsr()
        alike = (x @ x.T).toarray()
        alike[np.diag_indices(len(rows))] += RIDGE
        self.weights = x.T @ np.linalg.solve(alike, wanted)

    def _vector(self, counted: Counter[str]) -> Any:
        known = {self.row[name]: n for name, n in counted.items() if name in self.row}
        rows = list(known)
        values = self.rarity[rows] * [1 + np.log(n) for n in known.values()]
        values = values / max(1e-9, np.sqrt(values @ values))
        return sparse.csr_array((values, rows, [0, len(rows)]), shape=(1, len(self.features)))

    def weigh(self, features: list[str]) -> dict[str, float]:
        weights = (self._vector(Counter(features)) @ self.weights).ravel()
        return dict(zip(self.columns, weights.tolist(), strict=True))

    def write(self) -> None:
        scale = np.abs(self.weights).max(axis=0) / 127
        small = np.round(self.weights / scale).astype(np.int8)
        small[np.abs(small) < SMALLEST] = 0
        np.savez_compressed(
            FILE,
            taught=np.array(digest()),
            features=np.frombuffer("\n".join(self.features).encode(), dtype=np.uint8),
            rarity=self.rarity.astype(np.float32),
            weights=small,
            scale=scale.astype(np.float32),
            columns=np.array(self.columns),
        )


def heard(words: str) -> Iterator[tuple[Heard, Any]]:
    """Each sentence of a text as its reader hears it, with the claims it may be about."""
    checker = _checker(load())
    found = sentences(words, checker.language)
    readings = [read(sentence.words, checker.lexicon) for sentence in found]
    reader = Reader(checker.lexicon, checker.patterns, ())
    counted = Counter(topic for clauses in readings for clause in clauses for topic in clause.topics)
    treated = tuple(topic for topic, _ in counted.most_common() if reader.treats(topic))
    reader.main, reader.pair = treated[:1], treated[:2]
    for sentence, clauses in zip(found, readings, strict=True):
        reader.claims(sentence, clauses)
        if reader.heard and (patterns := reader.candidates(reader.heard)):
            yield reader.heard, patterns


def unnamed(words: str) -> str:
    """The sentence under a heading with its first topic, which it calls “it”.

    One that names no topic stands under that of a claim, so that what articles say besides is met there too.
    """
    pairs = tokenise(words)
    lexicon = _checker(load()).lexicon
    named = [m for m in lexicon.find(tuple(token for token, _ in pairs)) if m.name[0] == "@"]
    if not named:
        claims = list(load().claims.values())
        return f"# {claims[_hash(words) % len(claims)].about}\n\n{words}"
    first = min(named, key=lambda m: (m.start, -m.end))
    start, (last, end) = pairs[first.start][1], pairs[first.end - 1]
    end += len(last)
    return f"# {words[start:end]}\n\n{words[:start]}it{words[end:]}"


def _hash(words: str) -> int:
    return int.from_bytes(sha256(words.encode()).digest()[1:3])


@dataclass(frozen=True)
class Case:
    """A text, what it says, and the evidence of a model that was not taught it."""

    words: str
    kind: str
    said: Said
    evidence: list[list[Evidence]]
    """In each of its sentences."""


def cases() -> list[Case]:
    """Labelled sentences and others that claim nothing, each by itself and without its topic's name.

    Not the first stranger's: the concepts' words were made while looking at these, so that concepts find more there
    than in what they will meet.
    """
    known = dict(labelled()) | dict(beside_the_point())
    first = {entry["text"] for entry in score_claims.strangers("tuning") if entry["stranger"] == 1}
    strangers = {entry["text"] for entry in score_claims.strangers("tuning")}
    lexicon = _checker(load()).lexicon
    found: list[Case] = []
    for fold in range(FOLDS):
        left_out = {words for words in known if _hash(words) % FOLDS == fold}
        rows = [*wordings(), *idioms(), *known.items()]
        model = Taught([(words, said) for words, said in rows if words not in left_out])
        for words in sorted(left_out - first):
            for text in (words, unnamed(words)):
                evidence = [likeness.weigh(one, patterns, lexicon, model) for one, patterns in heard(text)]
                kind = "stranger" if words in strangers else "own"
                found.append(
                    Case(words, kind + ("" if text == words else ", unnamed"), known[words], evidence)
                )
    return found


def fit(values: Any, right: Any) -> Any:
    """Weights of a logistic curve, each 0 or more; the first value is 1 and its weight free."""

    def loss(weights: Any) -> tuple[float, Any]:
        sums = values @ weights
        rate = 1 / (1 + np.exp(-sums))
        value = np.logaddexp(0, np.where(right, -sums, sums)).sum() + 0.01 * weights[1:] @ weights[1:]
        return value, values.T @ (rate - right) + 0.02 * np.array([0, *weights[1:]])

    bounds = [(None, None), *[(0, None)] * (values.shape[1] - 1)]
    return minimize(loss, np.zeros(values.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x


def scorer(judged: list[Case]) -> likeness.Likeness:
    every = [(one, case.said) for case in judged for sentence in case.evidence for one in sentence]
    claim = np.array([[1, *(getattr(e, name) for name in likeness.CLAIM_EVIDENCE)] for e, _ in every])
    spoken = [(e, said[e.claim.id]) for e, said in every if e.claim.id in said]
    side = np.array([[0, *(getattr(e, name) for name in likeness.SIDE_EVIDENCE)] for e, _ in spoken])
    first = fit(claim, np.array([e.claim.id in said for e, said in every]))
    second = fit(side, np.array([sign > 0 for _, sign in spoken]))
    rounded = [round(float(w), 2) for w in (*first, *second[1:])]
    return likeness.Likeness(
        start=rounded[0],
        claim=dict(zip(likeness.CLAIM_EVIDENCE, rounded[1 : len(first)], strict=True)),
        side=dict(zip(likeness.SIDE_EVIDENCE, rounded[len(first) :], strict=True)),
        accept=0.5,
        further=_checker(load()).language.likeness.further,
        sources=(),
    )


def counts(judged: list[Case], weights: likeness.Likeness, accept: float) -> str:
    """How many with a claim are found, how many claims are right, and how many are said of sentences without one."""
    with_claim = found = right = wrong = turned = alarms = 0
    for case in judged:
        signs: Said = {}
        for evidence in case.evidence:
            for claim, sign in likeness.accepted(evidence, weights, accept):
                signs.setdefault(claim.id, sign)
        good = [claim for claim, sign in signs.items() if case.said.get(claim) == sign]
        with_claim, found, right = with_claim + bool(case.said), found + bool(good), right + len(good)
        wrong += len(signs) - len(good)
        turned += len(signs.keys() & case.said.keys()) - len(good)
        alarms += bool(signs) and not case.said
    return (
        f"recall {found / with_claim:.3f}, precision {right / (right + wrong):.3f}, wrong side {turned}, "
        f"said of {alarms} of {len(judged) - with_claim} that claim nothing"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="renew the file")
    if parser.parse_args().write:
        Taught([*wordings(), *idioms(), *beside_the_point(), *labelled()]).write()
        print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")
        return
    judged = cases()
    strangers = [case for case in judged if case.kind.startswith("stranger")]
    for name, chosen in (("strangers", strangers), ("all", judged)):
        weights = scorer(chosen)
        print(f"fitted on {name}: start {weights.start}, claim {weights.claim}, side {weights.side}")
    chosen_weights = _checker(load()).language.likeness
    for kind in sorted({case.kind for case in strangers}):
        for accept in np.arange(0.3, 0.71, 0.05).round(2):
            chosen = [case for case in judged if case.kind == kind]
            print(f"{kind}, accept {accept}: {counts(chosen, chosen_weights, float(accept))}")


if __name__ == "__main__":
    main()
