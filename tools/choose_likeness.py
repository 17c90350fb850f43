"""Choose the limits of the second look: python tools/choose_likeness.py.

What the second look is for is a sentence with words that nobody thought of. So each labelled sentence of the tuning
parts is read as though the words at one place of it were unknown, at each place in turn; where the rules then find
nothing, it is laid beside the known wordings. Sentences without a claim, those of good articles and what the rules of
the knowledge say are taken as they are. Of all limits on a grid, those that find most at a precision of at least 0.95
are shown; the chosen ones stand in knowledge/languages/. The test parts are not read.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import score_claims

from eutonia.claims.checking import _checker
from eutonia.claims.concepts import read
from eutonia.claims.context import Reader
from eutonia.claims.likeness import Proposal, candidates
from eutonia.claims.mentions import Reading
from eutonia.claims.sentences import sentences, split
from eutonia.knowledge import load

PRECISION = 0.95
GRID = {
    "alike": np.arange(0.50, 0.91, 0.05),
    "ahead": np.arange(0.0, 0.16, 0.02),
    "sure": np.arange(0.02, 0.16, 0.02),
}

Said = dict[str, int] | None
"""The claims that a sentence makes (+1) or denies (-1); None: of a good article or rule."""


def labelled() -> Iterator[tuple[str, Said]]:
    for entry in score_claims.strangers("tuning"):
        yield entry["text"], score_claims.wanted(entry)
    for sentence in score_claims.labelled():
        if sentence.part == "tuning":
            yield sentence.words, {sentence.claim: sentence.sign} if sentence.claim else {}


def said() -> Iterator[tuple[str, Said]]:
    yield from labelled()
    language = _checker(load()).language
    for rule in load().rules.values():
        yield from ((rule.say[a:b], None) for a, b in split(rule.say, 0, len(rule.say), language))
    for path in sorted(score_claims.ARTICLES.glob("*.md")):
        for sentence in sentences(path.read_text(), language):
            yield sentence.words, None


def readings(clauses: list[Reading], says: Said) -> Iterator[list[Reading]]:
    """A sentence without a claim as it is; another one as though the words at one place were unknown."""
    if not says:
        yield clauses
        return
    places = {(m.start, m.end) for clause in clauses for m in clause.mentions}
    for start, end in sorted(places):
        yield [
            replace(c, mentions=tuple(m for m in c.mentions if m.end <= start or m.start >= end))
            for c in clauses
        ]


def proposals() -> list[tuple[Proposal, bool]]:
    """What is proposed, and whether it is right."""
    checker = _checker(load())
    lexicon = checker.lexicon
    possible, wanted = [], []
    for words, says in said():
        found = sentences(words, checker.language)
        if len(found) != 1:
            continue
        for clauses in readings(read(words, lexicon), says):
            reader = Reader(lexicon, checker.patterns, ())
            if reader.claims(found[0], clauses) or not reader.unmatched:
                continue
            if among := candidates(reader.unmatched, reader.candidates(reader.unmatched), lexicon):
                possible.append((reader.unmatched, among))
                wanted.append(says)
    proposed = checker.wordings().propose(possible, but_itself=True)
    return [(p, _right(p, says)) for p, says in zip(proposed, wanted, strict=True)]


def _right(proposal: Proposal, says: Said) -> bool:
    """A good article or rule is right where what it says is supported, on whichever side."""
    claim = proposal.candidate.claim
    if says is not None:
        return says.get(claim.id) == proposal.sign
    side = claim if proposal.sign > 0 else claim.opposite
    return side is not None and side.verdict == "supported"


def main() -> None:
    judged = proposals()
    alike, ahead, sure, right = np.array([(p.alike, p.ahead, p.sure, good) for p, good in judged]).T
    found = []
    for limits in product(*(values.round(2) for values in GRID.values())):
        passes = (alike >= limits[0]) & (ahead >= limits[1]) & (sure >= limits[2])
        precision = right[passes].mean() if passes.any() else 0
        if precision >= PRECISION:
            found.append(
                (int(right[passes].sum()), precision, dict(zip(GRID, map(float, limits), strict=True)))
            )
    print(f"{len(judged)} readings in which a claim is proposed, {int(right.sum())} of them rightly")
    for count, precision, chosen in sorted(found, key=lambda f: (-f[0], -f[1]))[:5]:
        print(f"{count} found, precision {precision:.3f}: {chosen}")


if __name__ == "__main__":
    main()
