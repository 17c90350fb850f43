"""Evidence is weighed: new words for a claim are found, and what speaks for nothing is not."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from eutonia.claims import check, likeness
from eutonia.claims.checking import _checker
from eutonia.knowledge import load
from eutonia.knowledge.articles import Likeness

ROOT = Path(__file__).parents[2]


def said(words: str) -> list[tuple[str, bool]]:
    return [(found.claim, found.denied) for found in check(words).claims]


def evidence(words: str) -> list[likeness.Evidence]:
    from eutonia.claims.concepts import read
    from eutonia.claims.context import Reader

    checker = _checker(load())
    reader = Reader(checker.lexicon, checker.patterns, ())
    heard = likeness.Heard(words, tuple(read(words, checker.lexicon)))
    return likeness.weigh(heard, reader.candidates(heard), checker.lexicon, checker.model())


def scorer() -> Likeness:
    return _checker(load()).language.likeness


@pytest.mark.parametrize(
    ("words", "claim", "denied"),
    [
        ("Magnesium glorps night cramps away.", "mag-cramps", False),
        ("Whoever is on Soma must not so much as sniff at vodka.", "car-alcohol", True),
        ("Zanaflex has no bearing on blood pressure.", "tiz-blood-pressure", True),
    ],
)
def test_an_unknown_way_to_put_a_claim_is_found(words: str, claim: str, denied: bool) -> None:
    assert said(words) == [(claim, denied)]


@pytest.mark.parametrize(
    "words",
    [
        "Magnesium is the twelfth element.",
        "The yoga teacher wore green.",
        "Soma was in the news again on Friday.",
        "Metformin is the usual first medicine in type 2 diabetes.",
    ],
)
def test_a_sentence_on_the_topic_that_claims_nothing_is_left_alone(words: str) -> None:
    assert said(words) == []


def test_evidence_only_ever_speaks_for_what_it_is_evidence_for() -> None:
    weights = scorer()
    assert min(*weights.claim.values(), *weights.side.values()) >= 0
    assert set(weights.claim) == set(likeness.CLAIM_EVIDENCE)
    assert set(weights.side) == set(likeness.SIDE_EVIDENCE)
    one = evidence("Magnesium glorps night cramps away.")[0]
    probable, sign = likeness.score(one, weights)
    for name in likeness.CLAIM_EVIDENCE:
        assert likeness.score(replace(one, **{name: getattr(one, name) + 0.1}), weights)[0] >= probable
    turned = replace(one, lean=-one.lean, frame=-one.frame, signs=-one.signs)
    assert likeness.score(turned, weights) == (pytest.approx(probable), -sign)


def test_the_limit_decides() -> None:
    found = evidence("Magnesium glorps night cramps away.")
    assert likeness.accepted(found, scorer(), 0.0)
    assert not likeness.accepted(found, scorer(), 1.0)


@pytest.mark.parametrize(
    ("text", "claim", "denied"),
    [
        ("# Soma\n\nComing off it gave me the shakes and kept me awake.", "car-withdrawal", False),
        ("Do not take carisoprodol if you\n\n- have porphyria\n- are under sixteen\n", "car-children", True),
        ("Can my son of twelve take Soma? Not before sixteen.", "car-children", True),
        ("Whether Soma helps migraine has never been studied.", "car-migraine", True),
    ],
)
def test_subject_lead_in_and_question_belong_to_a_sentence(text: str, claim: str, denied: bool) -> None:
    assert (claim, denied) in said(text)


def test_the_model_was_taught_the_wordings_that_stand_in_the_knowledge() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from teach_claims import digest
    finally:
        sys.path.pop(0)
    assert likeness.Model().taught == digest(), "run python tools/teach_claims.py --write"


def test_a_text_gives_the_same_answer_alone_and_among_others() -> None:
    says = ["Soma knocks out migraines.", "Moms who nurse can keep taking Soma.", "MFR really does the job."]
    alone = [one for words in says for one in said(words)]
    assert alone == said("\n\n".join(says)) != []
