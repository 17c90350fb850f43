"""The engine against compartments solved by SciPy at 1e-10, restarted whenever a dose arrives."""

from typing import Any

import numpy as np
import pytest

from eutonia.knowledge import Knowledge
from eutonia.simulation import population, read
from eutonia.simulation.columns import Trace, trace
from eutonia.simulation.engine import REFERENCE
from eutonia.simulation.grid import STANDARD
from eutonia.simulation.population import Patients
from eutonia.simulation.preparation import prepare
from tests.judges.simulation_judge import Judge

PLANS = [
    ["carisoprodol 350 mg four times a day for 2 days"],
    ["carisoprodol 350 mg twice a day for 2 days", "2 drinks of alcohol at 20:00 for 2 days"],
    [
        "diazepam 5 mg twice a day for 2 days",
        "lorazepam 1 mg once",
        "oxycodone 10 mg every 6 hours for 2 days",
    ],
    ["meprobamate 1600 mg three times a day for 2 days", "tizanidine 4 mg once", "fluvoxamine 100 mg daily"],
]
UNTIL = 60.0
BRAIN = ("fast", "slow", "dulled", "withdrawal", "hazard")


def states(
    plan: list[str], patients: Patients, knowledge: Knowledge, finest: float
) -> tuple[Any, np.ndarray, Trace]:
    outputs = np.arange(0.0, UNTIL + 1.0, 5.0)
    schedule = read(plan, knowledge, UNTIL)
    system, grid, _ = prepare(schedule, patients, knowledge, outputs, 1.0, finest)
    return schedule, outputs, trace(system, grid)


def worst(plan: list[str], seed: int, knowledge: Knowledge, finest: float) -> tuple[float, float]:
    """Largest error of a level, and of a slow state, by the largest value of each."""
    patients = population(2, seed=seed)
    schedule, outputs, kept = states(plan, patients, knowledge, finest)
    at = np.searchsorted(kept.time[:, 0], outputs - 1e-9)
    of_level = of_brain = 0.0
    for i in range(2):
        levels, brain = Judge(schedule, patients.part(i, i + 1), knowledge).run(outputs)
        at = np.array([np.flatnonzero(np.abs(kept.time[:, i] - t) < 1e-9)[-1] for t in outputs])
        mine = kept.level[at][:, : levels.shape[1], i]
        of_level = max(of_level, float((np.abs(mine - levels).max(0) / levels.max(0)).max()))
        own = np.stack([getattr(kept, name)[at][:, i] for name in BRAIN[:2]], axis=1)
        of_brain = max(
            of_brain, float((np.abs(own - brain[:, :2]).max(0) / np.maximum(brain[:, :2].max(0), 1e-6)).max())
        )
    return of_level, of_brain


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan[0][:20])
def test_the_standard_steps_are_right_to_a_ten_thousandth(plan: list[str], knowledge: Knowledge) -> None:
    """Levels of linear substances are exact; those of alcohol, whose elimination saturates, are not."""
    of_level, of_brain = worst(plan, 11, knowledge, STANDARD)
    assert of_level < 1e-4
    assert of_brain < 1e-4


@pytest.mark.parametrize("plan", [PLANS[0], PLANS[3]], ids=lambda plan: plan[0][:20])
def test_the_reference_steps_are_right_to_a_millionth(plan: list[str], knowledge: Knowledge) -> None:
    of_level, of_brain = worst(plan, 12, knowledge, REFERENCE)
    assert of_level < 1e-6
    assert of_brain < 5e-6


def test_halving_the_steps_cuts_the_error_by_at_least_four(knowledge: Knowledge) -> None:
    """Simpson's rule promises more; second order is the least that we claim for every patient."""
    coarse, fine = (worst(PLANS[0], 13, knowledge, finest)[1] for finest in (0.2, 0.1))
    assert fine < coarse / 4.0


def test_mass_is_kept(knowledge: Knowledge) -> None:
    """The area under the level times clearance is the dose that reached the blood (linear, single dose)."""
    from eutonia.simulation import outcome
    from eutonia.simulation.disposition import Dispositions
    from eutonia.simulation.individuals import Individuals

    patients = population(4, seed=3)
    result = outcome(
        "naproxen 500 mg once", patients=patients, until="10 days", courses=False, knowledge=knowledge
    )
    disposition = Dispositions(Individuals(patients, knowledge)).of("naproxen")
    reached = result.per_patient["naproxen/auc_mg_h_l"] * disposition["clearance"]
    given = np.broadcast_to(500.0 * disposition["bioavailability"], 4)
    np.testing.assert_allclose(reached, given, rtol=2e-4)


def test_equal_rates_are_harmless() -> None:
    """The sum of exponentials has another form where two rates coincide; moved apart, it is right to 1e-5."""
    from eutonia.simulation.kinetics import apart, convolved

    rates = [np.array([0.7])]
    rates.append(apart(np.array([0.7]), rates))
    response = convolved({0: rates[0]}, {1: np.array([1.0])}, rates)
    for t in (0.1, 1.0, 5.0):
        level = sum(w * np.exp(-rates[k] * t) for k, w in response.items())
        np.testing.assert_allclose(level, 0.7 * t * np.exp(-0.7 * t), rtol=1e-5)


def test_arithmetic_logarithm_and_exponential_agree_with_the_library() -> None:
    from eutonia.simulation.kinetics import decay
    from eutonia.simulation.receptor import logarithm

    ratios = np.geomspace(0.05, 1e3, 400)
    np.testing.assert_allclose(logarithm(ratios), np.log(ratios), rtol=1e-9, atol=1e-12)
    times = np.linspace(0.0, 40.0, 400)
    np.testing.assert_allclose(decay(times), np.exp(-times), atol=1e-9)
    assert decay(0.0) == 1.0
