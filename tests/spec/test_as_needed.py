"""Doses as needed follow a rule: pain asks for them, and the order says how often at most."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from eutonia.cli import main
from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome, population, read
from eutonia.simulation.grid import STANDARD
from eutonia.simulation.population import Patients
from eutonia.simulation.preparation import prepare

PLAN = "carisoprodol 350 mg up to 3 times a day as needed for 10 days"


def doses(plan: list[str], knowledge: Knowledge, **facts: object) -> np.ndarray:
    found = outcome(plan, patients=population(120, seed=2, **facts), courses=False, until="10 days",
                    knowledge=knowledge).per_patient  # type: ignore[arg-type]  # fmt: skip
    return np.asarray(found["carisoprodol/doses_taken"])


@pytest.mark.parametrize(
    ("plan", "most", "gap"),
    [
        (PLAN, 3, 16 / 3),
        ("carisoprodol 350 mg every 6 hours as needed for 10 days", 4, 6.0),
        ("carisoprodol 350 mg q4h prn, max 2 a day, for 10 days", 2, 4.0),
        ("carisoprodol 350 mg as needed for 10 days", 4, 4.0),
    ],
)
def test_never_more_a_day_nor_sooner_than_the_order_allows(
    plan: str, most: int, gap: float, knowledge: Knowledge
) -> None:
    schedule = read(plan, knowledge, None)
    until = 240.0
    _, grid, _ = prepare(schedule, population(60, seed=1), knowledge, np.array([0.0, until]), 1.0, STANDARD)
    taken = grid.amounts > 0.0
    assert 0 < taken.sum() < taken.size
    for person in taken.T:
        times = grid.event_time[person]
        hours = (times + schedule.clock) % 24.0
        assert ((hours >= 7.0) & (hours < 23.0)).all()
        assert (np.diff(times) >= gap - 1e-6).all()
        assert max(np.unique((times + schedule.clock) // 24.0, return_counts=True)[1], default=0) <= most


def test_who_has_more_pain_takes_more_and_other_relief_takes_their_place(knowledge: Knowledge) -> None:
    alone = doses([PLAN], knowledge)
    eased = doses(
        [PLAN, "ibuprofen 400 mg three times a day for 10 days", "heat daily for 10 days"], knowledge
    )
    assert eased.mean() < 0.9 * alone.mean()
    pain = outcome([PLAN], patients=population(120, seed=2), courses=False, until="10 days",
                   knowledge=knowledge).per_patient["pain_baseline"]  # fmt: skip
    assert np.corrcoef(pain, alone)[0, 1] > 0.5
    assert alone.max() == 30
    assert alone.min() == 0


def test_the_same_persons_take_the_same_doses_in_any_batch(knowledge: Knowledge) -> None:
    whole = Patients(30, {"age": 50, "cyp2c19": "normal"}, 5)
    both, last = (
        outcome(PLAN, patients=patients, courses=False, knowledge=knowledge).per_patient
        for patients in (whole, whole.part(11, 30))
    )
    np.testing.assert_array_equal(both["carisoprodol/doses_taken"][11:], last["carisoprodol/doses_taken"])
    np.testing.assert_allclose(both["peak_relief"][11:], last["peak_relief"], rtol=1e-9)


def test_the_summary_says_how_many_were_taken() -> None:
    result = CliRunner().invoke(main, ["simulate", PLAN, "--draws", "20", "--json"])
    assert result.exit_code == 0, result.stderr
    exposure = json.loads(result.stdout)["exposure"]
    assert 0 < exposure["carisoprodol"]["doses_taken"]["mean"] < 30
    assert exposure["meprobamate"]["doses_taken"]["mean"] is None
