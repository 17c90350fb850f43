"""Observations that answer: signs affirmed and denied, and histories of something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omop_making import diagnosis, exposure, observed, person, small, write

from eutonia.knowledge import Knowledge
from eutonia.screening import prepared_database
from eutonia.screening.signs import HISTORY, truth

CARISOPRODOL, FEVER, KIDNEYS = 9000001, 8005, 8001
YES, NO, ABSENT, HISTORY_OF, NO_HISTORY_OF = 8410, 8406, 8413, 8411, 8412


def answered(number: int, concept: int, **more: Any) -> dict[str, Any]:
    return {
        "person_id": number, "observation_concept_id": concept, "observation_date": "2020-02-28",
        "value_as_string": None, "value_as_concept_id": None, "qualifier_concept_id": None, **more,
    }  # fmt: skip


ANSWERS = [
    (answered(1, FEVER), True),
    (answered(2, FEVER, value_as_concept_id=YES), True),
    (answered(3, FEVER, value_as_concept_id=NO), False),
    (answered(4, FEVER, value_as_string="denies"), False),
    (answered(5, FEVER, qualifier_concept_id=ABSENT), False),
    (answered(6, FEVER, value_as_string="sometimes"), None),
    (answered(7, HISTORY_OF, value_as_concept_id=FEVER), None),
    (answered(8, NO_HISTORY_OF, value_as_concept_id=FEVER), False),
    (answered(9, FEVER, value_as_concept_id=YES, qualifier_concept_id=ABSENT), False),
]


def test_signs_are_there_denied_or_not_spoken_of(tmp_path: Path, knowledge: Knowledge) -> None:
    """Without an observation period nothing is taken as absent that nobody denies."""
    cdm = small(
        person=[person(n + 1) for n in range(len(ANSWERS))],
        drug_exposure=[
            exposure(n + 1, CARISOPRODOL, "2020-03-01", days_supply=7) for n in range(len(ANSWERS))
        ],
        observation_period=[observed(99)],
        condition_occurrence=[diagnosis(99, 8002, "2020-01-01")],
        observation=[row for row, _ in ANSWERS],
    )
    with prepared_database(write(cdm, tmp_path / "cdm"), knowledge, as_of="2020-03-01") as (engine, prepared):
        table = prepared.table.rows(engine, (0, 100)).sort("person_id")
        history = [c for c in prepared.meanings.conditions if c.history]
    assert dict(table.select("person_id", "fever").iter_rows()) == {
        row["person_id"]: expected for row, expected in ANSWERS
    }
    assert [c.codes.text for c in history] == ["History of Fever"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("Yes", True),
        ("Known absent (qualifier value)", False),
        ("not present", False),
        ("38.2", None),
        ("", None),
    ],
)
def test_values_affirm_deny_or_do_neither(word: str, said: bool | None) -> None:
    assert truth(word) is said


@pytest.mark.parametrize(
    ("name", "asks"),
    [("History of event", True), ("No history of clinical finding in subject", True), ("History of falls", False),
     ("Family history of disorder", False)],
)  # fmt: skip
def test_questions_after_a_history(name: str, asks: bool) -> None:
    assert bool(HISTORY.fullmatch(name)) is asks
