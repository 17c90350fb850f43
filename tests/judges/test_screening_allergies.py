"""Allergies of a database: what statements say, and that they settle rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from omop_making import exposure, observed, person, small, write

import eutonia
from eutonia.knowledge import Knowledge
from eutonia.patient import Allergy
from eutonia.screening.allergies import Said, Statement, of_case, read_statement
from eutonia.screening.vocabulary import Concept

DRUG = "Allergy to drug"
CARISOPRODOL, IBUPROFEN, METHOCARBAMOL = 9000001, 9000010, 9000007


def said(knowledge: Knowledge, name: str, text: str = "", concept: str = "") -> Statement | None:
    value = Concept(concept, "Drug", "SNOMED", "", "1") if concept else None
    return read_statement([name], [], Said(value, text), knowledge)


@pytest.mark.parametrize(
    ("name", "text", "concept", "substances"),
    [
        (DRUG, "", "Carisoprodol", ["Carisoprodol"]),
        (DRUG, "penicillin; Soma", "", ["penicillin", "Soma"]),
        ("Allergy to carisoprodol (finding)", "", "", ["carisoprodol"]),
        ("Allergy status to penicillin", "", "", ["penicillin"]),
        ("Carisoprodol allergy", "", "", ["Carisoprodol"]),
        ("Allergies and adverse reactions Document", "Allergy to latex", "", ["latex"]),
        ("Allergy to carisoprodol", "", "Present", ["carisoprodol"]),
    ],
)
def test_a_substance_is_named(
    knowledge: Knowledge, name: str, text: str, concept: str, substances: list[str]
) -> None:
    statement = said(knowledge, name, text, concept)
    assert statement
    assert [a.substance for a in statement.allergies] == substances
    assert not statement.none
    assert not statement.unnamed


@pytest.mark.parametrize(
    ("name", "text", "concept"),
    [
        ("No known allergy", "", ""),
        ("No known drug allergies", "", ""),
        (DRUG, "NKDA", ""),
        (DRUG, "", "No"),
        ("Allergies and adverse reactions Document", "No known allergies", ""),
    ],
)
def test_none_is_known(knowledge: Knowledge, name: str, text: str, concept: str) -> None:
    assert said(knowledge, name, text, concept) == Statement(none=True)


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Family history of allergy to carisoprodol", ""),
        ("Allergy to carisoprodol", "Absent"),
        ("No known food allergy", ""),
        ("No known allergy", "No"),
        ("Exercise intolerance", ""),
        ("Allergic rhinitis", ""),
        (DRUG, "Unknown"),
    ],
)
def test_nothing_is_said_of_an_allergy_to_a_drug(knowledge: Knowledge, name: str, concept: str) -> None:
    assert said(knowledge, name, concept=concept) is None


def test_a_drug_that_is_not_named_leaves_allergies_open(knowledge: Knowledge) -> None:
    statement = said(knowledge, DRUG)
    assert statement == Statement(unnamed=True)
    assert of_case([Statement(none=True), statement]) == (None, None)
    assert of_case([Statement(none=True)]) == (True, ())
    penicillin = Allergy(substance="penicillin")
    assert of_case([Statement(none=True), statement, Statement((penicillin,))]) == (None, (penicillin,))


def test_a_reaction_is_kept(knowledge: Knowledge) -> None:
    listed = said(knowledge, DRUG, "Soma - hives, aspirin (wheezing)")
    assert listed
    assert [a.reaction for a in listed.allergies] == ["hives", "wheezing"]
    intolerance = said(knowledge, "Intolerance to carisoprodol", "drowsiness")
    assert intolerance
    assert (intolerance.allergies[0].type, intolerance.allergies[0].reaction) == (
        "intolerance",
        "drowsiness",
    )


def statement(number: int, concept: int, day: str = "2020-01-05", **more: Any) -> dict[str, Any]:
    return {
        "person_id": number, "observation_concept_id": concept, "observation_date": day,
        "value_as_concept_id": None, "value_as_string": None, **more,
    }  # fmt: skip


def test_statements_settle_the_rules_about_allergies(tmp_path: Path) -> None:
    cdm = small(
        person=[person(n) for n in range(1, 7)],
        observation_period=[observed(n) for n in range(1, 7)],
        drug_exposure=[
            exposure(n, CARISOPRODOL, "2020-03-01", days_supply=7, quantity=28) for n in range(1, 7)
        ],
        observation=[
            statement(1, 8402),
            statement(2, 8401, value_as_concept_id=8408),
            statement(3, 8401, value_as_string="penicillin"),
            statement(4, 8401),
            statement(5, 8403, day="2020-09-01"),
        ],
    )
    out = tmp_path / "issues.parquet"
    told = eutonia.screen(write(cdm, tmp_path / "cdm"), out=out, region="US")
    found = pl.read_parquet(out).filter(pl.col("rule") == "car-carbamate-hypersensitivity")
    applying = {(r["person_id"], r["applies"]) for r in found.iter_rows(named=True)}
    assert {p for p, applies in applying if applies} == {2}
    assert {p for p, applies in applying if applies is None} == {4, 5, 6}, (
        "no statement by then, or no drug named"
    )
    assert [u.rows for u in told.unmapped if u.table == "allergy without a substance"] == [1]
