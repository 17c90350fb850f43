"""Whole cases: the findings expected, none that must not fire, nothing else of weight, and the verdict."""

from pathlib import Path

import pytest

from tools.score_vignettes import Score, score_file

OWN = Path(__file__).with_name("cases.yaml")
EXAMINER = Path(__file__).parents[1] / "data" / "examiner.yaml"
DOSSIER = Path(__file__).parents[3] / "shared" / "dossier" / "vignettes.yaml"
SCORES = score_file(OWN)


def _right(score: Score) -> None:
    assert score.missed == []
    assert score.wrong == []
    assert score.verdict == score.expected_verdict


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.id)
def test_our_cases(score: Score) -> None:
    _right(score)


@pytest.mark.parametrize("score", score_file(EXAMINER), ids=lambda score: score.id)
def test_the_examiner(score: Score) -> None:
    """Cases near the edges of the rules, written from the text of the dossier."""
    _right(score)


@pytest.mark.skipif(not DOSSIER.exists(), reason="the vignettes of the dossier are not beside this checkout")
def test_the_vignettes_of_the_dossier() -> None:
    scores = score_file(DOSSIER)
    assert len(scores) == 25
    for score in scores:
        _right(score)
