"""Random small databases, dirty in every column: SQL and the single-patient path agree on each of them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omop_making import CODES, DRUGS, UNITS, exposure, person, result, small, write
from test_screening import compare, judged

from eutonia.knowledge import Knowledge

PERSONS = range(1, 5)
who = st.sampled_from(PERSONS)
days = st.integers(0, 260).map(lambda n: (date(2020, 1, 1) + timedelta(days=n)).isoformat())
"""Close together, so that courses meet, overlap and touch."""

CONDITIONS = [row[0] for row in CODES if row[2] == "Condition"]
maybe = st.none() | st.just("")

persons = st.tuples(
    *(
        st.fixed_dictionaries(
            {
                "person_id": st.just(number),
                "gender_concept_id": st.sampled_from((8507, 8532, 8532, 0)),
                "year_of_birth": st.sampled_from((1945, 1975, 1990, 2003, 2010, None)),
                "month_of_birth": st.sampled_from((2, 7, None)),
                "day_of_birth": st.sampled_from((1, 30, None)),
            }
        )
        for number in PERSONS
    )
).map(list)

exposures = st.lists(
    st.fixed_dictionaries(
        {
            "person_id": who,
            "drug_concept_id": st.sampled_from((*DRUGS, *[d for d in DRUGS if d < 9000008] * 2, 0)),
            "drug_exposure_start_date": days,
            "drug_exposure_end_date": days | maybe,
            "days_supply": st.sampled_from((None, 0, 5, 7, 10, 14, 21, 22, 30, 365, 366)),
            "quantity": st.sampled_from((None, 0, 10, 30, 56, 112, 9999)),
            "sig": st.sampled_from((None, "1 tab tid", "2 tabs qhs prn", "350 mg qid", "as directed")),
            "stop_reason": st.sampled_from((None, None, None, "side effects")),
            "provider_id": st.sampled_from((None, 0, 7, 8)),
            "drug_source_value": st.sampled_from(
                ("carisoprodol 350 mg tablet", "Soma", "no such thing", None)
            ),
        }
    ),
    min_size=8,
    max_size=30,
)

conditions = st.lists(
    st.fixed_dictionaries(
        {
            "person_id": who,
            "condition_concept_id": st.sampled_from((*CONDITIONS, 0)),
            "condition_start_date": days,
            "condition_end_date": days | maybe,
            "condition_source_value": st.sampled_from((None, "M54.50", "K70.30", "fever")),
        }
    ),
    max_size=14,
)


@st.composite
def measurements(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = []
    for _ in range(draw(st.integers(0, 16))):
        test = draw(st.sampled_from([row[0] for row in CODES if row[2] == "Measurement"]))
        rows.append(
            {
                "person_id": draw(who),
                "measurement_concept_id": test,
                "measurement_date": draw(days),
                "value_as_number": draw(st.sampled_from((None, 0.4, 1.1, 3.0, 12, 29.9, 38.5, 61, 101, 400))),
                "unit_concept_id": draw(st.sampled_from((*UNITS.get(test, (None,)), None))),
                "operator_concept_id": draw(st.sampled_from((None, 4172703, 4171756, 4172704))),
                "value_source_value": draw(st.sampled_from((None, "<60", "poor metabolizer", "5"))),
                "range_high": draw(st.sampled_from((None, 0, 35))),
            }
        )
    return rows


allergies = st.fixed_dictionaries(
    {
        "person_id": who,
        "observation_concept_id": st.sampled_from((8401, 8401, 8402, 8403, 8404, 8405, 8409)),
        "observation_date": days,
        "value_as_string": st.sampled_from((None, "penicillin, Soma - hives", "NKDA", "drowsiness", "no")),
        "value_as_concept_id": st.sampled_from((None, 0, 8406, 8407, 8408)),
    }
)

signs = st.fixed_dictionaries(
    {
        "person_id": who,
        "observation_concept_id": st.sampled_from((8001, 8002, 8003, 8005, 8005, 8411, 8412)),
        "observation_date": days,
        "value_as_string": st.sampled_from((None, None, "no", "present", "38.2")),
        "value_as_concept_id": st.sampled_from((None, None, 8001, 8005, 8406, 8410)),
        "qualifier_concept_id": st.sampled_from((None, None, 0, 8410, 8413)),
    }
)

observations = st.lists(
    allergies
    | signs
    | st.fixed_dictionaries(
        {
            "person_id": who,
            "observation_concept_id": st.sampled_from((8107, 8108, 8003, 8005)),
            "observation_date": days,
            "value_as_string": st.sampled_from((None, "truck driver", "office clerk", "yes", "not pregnant")),
            "value_as_concept_id": st.sampled_from((None, 0, 8301, 8302)),
        }
    ),
    max_size=14,
)

periods = st.lists(
    st.fixed_dictionaries(
        {
            "person_id": who,
            "observation_period_start_date": st.sampled_from(("2019-01-01", "2020-03-01")),
            "observation_period_end_date": st.sampled_from(("2020-05-01", "2021-12-31")),
        }
    ),
    max_size=4,
)

databases = st.fixed_dictionaries(
    {
        "person": persons,
        "drug_exposure": exposures,
        "condition_occurrence": conditions,
        "measurement": measurements(),
        "observation": observations,
        "observation_period": periods,
    }
)


def agree(rows: dict[str, list[dict[str, Any]]], knowledge: Knowledge) -> None:
    with TemporaryDirectory() as folder:
        table, found, cases = judged(write(small(**rows), Path(folder) / "cdm"), knowledge)
    if table.height:
        compare(table, found, cases, knowledge)


@given(databases)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_random_databases(knowledge: Knowledge, rows: dict[str, list[dict[str, Any]]]) -> None:
    agree(rows, knowledge)


@pytest.mark.slow
@given(databases)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_random_databases(knowledge: Knowledge, rows: dict[str, list[dict[str, Any]]]) -> None:
    agree(rows, knowledge)


def test_a_result_beyond_the_bound_of_what_is_plausible(knowledge: Knowledge) -> None:
    """“> 400 kg” is the last weight that is believed, and counts as a hair more."""
    rows = {
        "person": [person(1)],
        "drug_exposure": [exposure(1, 9000001, "2020-03-02", days_supply=7)],
        "measurement": [result(1, 8105, "2020-03-01", 400, 8207, operator_concept_id=4172704)],
    }
    agree(rows, knowledge)
