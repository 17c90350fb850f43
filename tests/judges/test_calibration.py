"""The fitter against the engine, and against studies whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.chains import sample
from calibration.effects import assimilate
from calibration.kinetics import QUANTITIES, SingleDoses, exposure
from calibration.plan import chosen, read
from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome
from eutonia.simulation.population import Individuals, Patients


def test_its_levels_are_those_of_the_engine(knowledge: Knowledge) -> None:
    patients = Patients(40, {}, 2)
    quick = exposure(Individuals(patients, knowledge), "carisoprodol", np.full(40, 350.0))
    slow = outcome(
        "carisoprodol 350 mg once", patients=patients, until="8 days", courses=False, knowledge=knowledge
    )
    for substance in ("carisoprodol", "meprobamate"):
        for quantity in QUANTITIES:
            found = slow.per_patient[f"{substance}/{quantity}"]
            near = 0.05 if quantity == "tmax_h" else 0.02  # the engine's peak lies between its steps
            np.testing.assert_allclose(quick[substance][quantity], found, rtol=near, err_msg=quantity)


def test_chains_draw_from_a_density_that_is_known() -> None:
    covariance = np.array([[0.5, 0.3, 0.0], [0.3, 0.6, 0.1], [0.0, 0.1, 0.2]])
    inverse, middle = np.linalg.inv(covariance), np.array([0.5, -0.4, 0.2])
    chains = sample(lambda x: float(-0.5 * (x - middle) @ inverse @ (x - middle)), 3, steps=3000, seed=1)
    draws = chains.draws.reshape(-1, 3)
    assert chains.rhat.max() < 1.02
    assert chains.effective.min() > 500
    np.testing.assert_allclose(draws.mean(0), middle, atol=0.08)
    np.testing.assert_allclose(np.cov(draws, rowvar=False), covariance, atol=0.09)


def test_the_ensemble_is_right_where_reports_are_linear() -> None:
    """Prior normal, reports linear: the posterior is in textbooks. A figure that no report sees keeps its prior."""
    chance = np.random.default_rng(0)
    prior, error = np.array([1.0, 0.5, 0.8]), np.array([0.3, 0.4])
    look = np.array([[1.0, 0.0], [1.0, 0.7], [0.0, 0.0]])
    printed = np.array([0.8, -0.3])
    members = prior * chance.standard_normal((4000, 3))
    found = assimilate(members, lambda rows: rows @ look, printed, error, seed=1)
    precision = np.diag(prior**-2.0) + look @ np.diag(error**-2.0) @ look.T
    covariance = np.linalg.inv(precision)
    np.testing.assert_allclose(found.mean(0), covariance @ look @ (printed / error**2), atol=0.05)
    np.testing.assert_allclose(np.cov(found, rowvar=False), covariance, atol=0.05)


def few(knowledge: Knowledge, names: tuple[str, ...]) -> SingleDoses:
    plan = read("carisoprodol")
    return SingleDoses(plan, tuple(f for f in chosen(plan, knowledge) if f.name in names), knowledge, 7)


def off(knowledge: Knowledge, names: tuple[str, ...], truth: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """How many posterior standard deviations the posterior of each figure lies from the truth."""
    table = few(knowledge, names)
    tables, ratios = table.simulate(truth)
    study = replace(
        table, observed=(tables[seed], ratios[seed]), seed=seed + 50
    )  # other people than the study's
    draws = sample(study, study.size, chains=2, steps=steps, seed=seed).draws.reshape(-1, study.size)
    return ((draws.mean(0) - truth) / draws.std(0))[: len(names)]


def test_known_figures_are_recovered_from_a_simulated_study(knowledge: Knowledge) -> None:
    """Clearance half as high again, and that of the metabolite a fifth lower, than the prior's middle."""
    names = ("carisoprodol/clearance", "meprobamate/clearance")
    assert [f.name for f in few(knowledge, names).figures] == list(names)
    assert np.abs(off(knowledge, names, np.array([1.1, -1.0, 0.0, 0.0]), 60, 3)).max() < 3.0


@pytest.mark.slow
def test_posteriors_cover_the_truth_as_often_as_they_say(knowledge: Knowledge) -> None:
    names = ("carisoprodol/clearance", "carisoprodol/volume", "carisoprodol/absorption_rate", "meprobamate/clearance",
             "meprobamate/volume", "carisoprodol/cyp2c19/spread")  # fmt: skip
    chance = np.random.default_rng(0)
    found = np.array([off(knowledge, names, chance.standard_normal(8), 250, seed) for seed in range(20)])
    assert 0.8 <= np.mean(np.abs(found) < 1.645) <= 0.98  # 90 % of 120, which hang together in sixes
    assert 0.7 < found.std() < 1.35
