"""The second look finds what nobody thought of putting so, and keeps still where negation speaks against it."""

import sys
from pathlib import Path

import pytest

from eutonia.claims import check, likeness
from eutonia.claims.checking import _checker
from eutonia.knowledge import load
from eutonia.knowledge.articles import Likeness

ROOT = Path(__file__).parents[2]
EVERYTHING = Likeness(alike=0.0, ahead=0.0, sure=0.0)


def proposal(words: str) -> likeness.Proposal:
    from eutonia.claims.concepts import read
    from eutonia.claims.context import Reader

    checker = _checker(load())
    reader = Reader(checker.lexicon, checker.patterns, ())
    sentence = likeness.Unmatched(words, tuple(read(words, checker.lexicon)), ())
    among = likeness.candidates(sentence, reader.candidates(sentence), checker.lexicon)
    return checker.wordings().propose([(sentence, among)])[0]


@pytest.mark.parametrize(
    ("words", "claim", "sign"),
    [
        ("Magnesium glorps cramps away.", "mag-cramps", 1),
        ("Yoga bestows vim upon chronic back pain.", "yoga-chronic", 1),
    ],
)
def test_an_unknown_verb_does_not_hide_the_likest_claim(words: str, claim: str, sign: int) -> None:
    found = proposal(words)
    assert (found.candidate.claim.id, found.sign) == (claim, sign)


def test_nothing_is_said_where_a_not_speaks_against_the_likest_side() -> None:
    found = proposal("Yoga doth not bestow vim upon chronic back pain.")
    assert found.candidate.claim.id == "yoga-chronic"
    assert found.sign < 0 or found.sure == 0


def test_limits_decide() -> None:
    found = proposal("Magnesium glorps cramps away.")
    assert likeness.accepted(found, EVERYTHING) is not None
    assert likeness.accepted(found, Likeness(alike=1.1, ahead=0, sure=0)) is None


def test_a_sentence_on_another_subject_has_no_candidate() -> None:
    assert check("Metformin is the usual first medicine in type 2 diabetes.").claims == ()


def test_each_wording_is_embedded() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from embed_wordings import missing
    finally:
        sys.path.pop(0)
    assert missing() == [], "run python tools/embed_wordings.py --write"


def test_a_drug_stands_under_its_plain_name() -> None:
    lexicon = _checker(load()).lexicon
    assert likeness.normal("Skelaxin with your Percocet?", lexicon) == "metaxalone with your opioid?"


def test_a_text_gives_the_same_answer_alone_and_among_others() -> None:
    says = ["Soma knocks out migraines.", "Moms who nurse can keep taking Soma.", "MFR really does the job."]
    alone = [(c.claim, c.denied) for words in says for c in check(words).claims]
    together = [(c.claim, c.denied) for c in check("\n\n".join(says)).claims]
    assert alone == together
