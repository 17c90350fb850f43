"""The population forecast: persons of a regimen simulated together, as each would be alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from omop_making import diagnosis, exposure, observed, person, result, small, write

import eutonia
from eutonia.knowledge import Knowledge
from eutonia.screening import prepared_database
from eutonia.screening.forecasts import EPISODE, _known, _patients, episodes
from eutonia.screening.page import as_html
from eutonia.simulation import default_end, outcome, read
from eutonia.simulation.population import Patients
from eutonia.simulation.together import own_schedules

CARISOPRODOL, METHOCARBAMOL, OXYCODONE = 9000001, 9000007, 9000008
RISKS = [
    "probability_any_withdrawal",
    "probability_seizure",
    "peak_impairment",
    "morning_impairment",
    "min_ventilation",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short and long courses, an opioid beside one, no dose, a child, a liver, a poor metaboliser."""
    cdm = small(
        person=[person(n) for n in range(1, 5)] + [person(5, born="2010-01-01"), person(6), person(7)],
        observation_period=[observed(n) for n in range(1, 8)],
        drug_exposure=[
            exposure(1, CARISOPRODOL, "2020-03-01", days_supply=3, quantity=12),
            exposure(2, CARISOPRODOL, "2020-03-01", days_supply=40, quantity=160),
            exposure(3, CARISOPRODOL, "2020-03-01", days_supply=3, quantity=12),
            exposure(3, OXYCODONE, "2020-02-25", days_supply=10, quantity=40),
            exposure(4, CARISOPRODOL, "2020-03-01", days_supply=3),
            exposure(5, CARISOPRODOL, "2020-03-01", days_supply=3, quantity=12),
            exposure(6, CARISOPRODOL, "2020-03-01", days_supply=3, quantity=12),
            exposure(7, CARISOPRODOL, "2020-03-01", days_supply=3, quantity=12),
        ],
        condition_occurrence=[diagnosis(6, 8007, "2019-01-01")],
        measurement=[result(n, 8105, "2020-02-01", 70, 8207) for n in (1, 3, 6, 7)]
        + [result(7, 8109, "2020-02-01", None, None, value_source_value="poor metabolizer")],
    )
    return write(cdm, tmp_path_factory.mktemp("cdm"))


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, pl.DataFrame]:
    out = tmp_path_factory.mktemp("out") / "issues.parquet"
    answer = eutonia.screen(folder, out=out, region="US", forecast=True, as_of="2020-06-01")
    assert [p.name for p in out.parent.iterdir()].count("issues.forecast.parquet") == 1
    assert sorted(p.name for p in out.parent.iterdir()) == ["issues.forecast.parquet", "issues.parquet"]
    return answer, pl.read_parquet(out.with_suffix(".forecast.parquet"))


def test_every_episode_has_a_forecast_or_a_reason(made: tuple[Any, pl.DataFrame]) -> None:
    answer, frame = made
    assert frame["person_id"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    reasons = dict(frame.select("person_id", "left_out").iter_rows())
    assert reasons[4] == "its dose is not known"
    assert "outside the model" in reasons[5]
    simulated = frame.filter(pl.col("left_out").is_null())
    assert simulated["person_id"].to_list() == [1, 2, 3, 6, 7]
    assert simulated.select(RISKS).null_count().sum_horizontal().item() == 0
    assert answer.forecast.simulated == 5
    assert answer.forecast.therapies["carisoprodol"].persons == 5


def test_the_page_tells_the_forecast(made: tuple[Any, pl.DataFrame]) -> None:
    html = as_html(made[0])
    assert "What may come of it" in html
    assert "its dose is not known" in html
    assert as_html(made[0].model_copy(update={"forecast": None})).count("What may come of it") == 0


def test_what_is_known_counts(made: tuple[Any, pl.DataFrame]) -> None:
    risk = {row["person_id"]: row for row in made[1].iter_rows(named=True)}
    assert risk[2]["probability_any_withdrawal"] > risk[1]["probability_any_withdrawal"], "a longer course"
    assert risk[3]["min_ventilation"] < risk[1]["min_ventilation"], "an opioid beside it"


def test_known_facts_are_kept_and_the_others_drawn(folder: Path, knowledge: Knowledge) -> None:
    with prepared_database(folder, knowledge, region="US", as_of="2020-06-01") as (engine, prepared):
        frame = episodes(engine, (0, 10**9), prepared.table, knowledge).sort(*EPISODE)
    drawn = _patients(_known(frame, knowledge), 0, knowledge, seed=1, draws=10)
    facts = {name: values.reshape(frame.height, 10) for name, values in drawn.facts.items()}
    assert set(facts["cyp2c19"][6]) == {"poor"}
    assert len({*facts["cyp2c19"].flat}) > 2
    assert set(facts["weight"][0]) == {70.0}
    assert len(set(facts["weight"][1])) == 10
    assert set(facts["sex"].flat) == {"male"}
    assert [set(row) for row in facts["liver"][[0, 5]]] == [{"normal"}, {"child-pugh-b"}]
    assert set(facts["age"][0]) == {39.0}


def test_it_is_that_of_the_single_patient(made: tuple[Any, pl.DataFrame], knowledge: Knowledge) -> None:
    """Ten draws against a thousand of the same person: within what ten can tell."""
    schedule = read("carisoprodol 350 mg 4 times a day for 3 days", knowledge, None)
    facts = {"age": 39, "sex": "male", "weight": 70, "liver": "normal"}
    alone = outcome(
        schedule, patients=facts, until=max(default_end(schedule), schedule.last_dose + 14 * 24),
        courses=False, draws=200, knowledge=knowledge,
    ).per_patient["peak_impairment"]  # fmt: skip
    (one,) = made[1].filter(person_id=1)["peak_impairment"]
    assert alone.min() < one < alone.max()
    assert one == pytest.approx(float(sorted(alone)[100]), abs=2 * float(alone.std()))


def test_the_same_seed_gives_the_same(folder: Path, made: tuple[Any, pl.DataFrame], tmp_path: Path) -> None:
    """In other chunks as well."""
    out = tmp_path / "issues.parquet"
    eutonia.screen(
        folder, out=out, region="US", forecast=True, as_of="2020-06-01", persons_at_once=2, threads=1
    )
    assert pl.read_parquet(tmp_path / "issues.forecast.parquet").equals(made[1])


def test_one_pass_gives_each_what_a_pass_of_its_own_gives(knowledge: Knowledge) -> None:
    """Two doses for two lengths of time in one pass, against each schedule simulated by itself."""
    plans = ("carisoprodol 350 mg 4 times a day for 3 days", "carisoprodol 250 mg 2 times a day for 9 days")
    schedules = [read(plan, knowledge, None) for plan in plans]
    until = max(schedule.last_dose for schedule in schedules) + 14 * 24
    patients = Patients(8, {"age": 50.0, "sex": "female", "weight": 70.0}, seed=3)
    of = np.array([0, 1, 1, 0, 0, 1, 0, 1])
    together = own_schedules(schedules, of, patients, knowledge, until=until)
    for number, schedule in enumerate(schedules):
        alone = outcome(schedule, patients=patients, until=until, courses=False, knowledge=knowledge)
        for name in ("probability_any", "probability_seizure", "peak_impairment", "min_ventilation"):
            mine = of == number
            assert together[name][mine] == pytest.approx(alone.per_patient[name][mine], rel=0.01, abs=1e-4), (
                name
            )
