"""Levels of one patient, as SBML run by libRoadRunner, where it is installed."""

import numpy as np
import pytest

from eutonia.errors import NotAvailable
from eutonia.knowledge import Knowledge
from eutonia.simulation import population, read
from eutonia.simulation.columns import trace
from eutonia.simulation.grid import STANDARD
from eutonia.simulation.preparation import prepare
from eutonia.simulation.sbml import to_sbml

PLANS = [
    ["diazepam 5 mg twice a day for 2 days"],
    ["naproxen 500 mg twice a day for 2 days", "oxycodone 5 mg once"],
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan[0][:12])
def test_roadrunner_finds_the_same_levels(plan: list[str], knowledge: Knowledge) -> None:
    roadrunner = pytest.importorskip("roadrunner", reason="libroadrunner is not installed")
    schedule = read(plan, knowledge, 72.0)
    outputs = np.arange(0.0, 73.0, 6.0)
    system, grid, _ = prepare(schedule, population(1, seed=9), knowledge, outputs, 1.0, STANDARD)
    kept = trace(system, grid)
    mine = kept.level[kept.common[grid.output]][:, : len(system.substances), 0]
    runner = roadrunner.RoadRunner(to_sbml(system, schedule))
    runner.integrator.absolute_tolerance, runner.integrator.relative_tolerance = 1e-14, 1e-10
    runner.timeCourseSelections = ["time", *system.substances]
    theirs = np.array(runner.simulate(0.0, 72.0, 13))[:, 1:]
    np.testing.assert_allclose(mine, theirs, atol=2e-6 * float(theirs.max()))


def test_what_is_not_linear_is_not_written(knowledge: Knowledge) -> None:
    schedule = read("2 drinks of alcohol at 20:00", knowledge, 24.0)
    system, _, _ = prepare(schedule, population(1), knowledge, np.array([0.0, 24.0]), 1.0, STANDARD)
    with pytest.raises(NotAvailable, match="alcohol"):
        to_sbml(system, schedule)
