"""The fitter against the engine, and against studies whose answer is known."""

from collections.abc import Iterator

import numpy as np
import pytest

from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome
from eutonia.simulation.draws import Draws
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import PHENOTYPES, Patients

pytest.importorskip("numpyro")

import jax

from calibration.chains import Chains, Sampler
from calibration.effects import explored, resampled, weighed, worth
from calibration.kinetics import SingleDoses, exposure
from calibration.plan import chosen, noted, read
from calibration.recover import recover, recover_reports
from calibration.traced import TracedPeople, levels, patients


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def table(knowledge: Knowledge) -> SingleDoses:
    plan = read("carisoprodol")
    return SingleDoses(plan, tuple(chosen(plan, knowledge)), knowledge, 7)


def test_its_levels_are_those_of_the_engine(knowledge: Knowledge) -> None:
    """The same people in both. Peaks to 1e-3 of those of the engine's course, their times to its points (0.02 h), areas
    to 5e-3 (the engine adds a tail by half-life), half-lives to 2 % (it reads them between its steps).
    """
    those = Patients(12, {"age": 45.0}, 2)
    seen = Individuals(those, knowledge).facts
    facts = {"age": np.full(12, 45.0), "sex": np.where(seen["women"], "female", "male"), "egfr": seen["egfr"],
             "cyp2c19": np.array(PHENOTYPES)[seen["cyp2c19"]]}  # fmt: skip
    differ = [name for name, (*_, spread, _) in noted(knowledge, ["carisoprodol"]).items() if spread]
    own = {name: Draws(2, 0, 12).normal(name) for name in differ}
    quick = exposure(
        levels(TracedPeople(patients(facts), knowledge, {}, own=own, weight=seen["weight"]), "carisoprodol")
    )
    slow = outcome(
        "carisoprodol 350 mg once", patients=those, until="4 days", every=0.02, knowledge=knowledge
    )
    assert slow.substances == ("carisoprodol", "meprobamate")
    for n, name in enumerate(slow.substances):
        course = slow.level[:, n]
        close = np.testing.assert_allclose
        close(350.0 * np.asarray(quick["cmax_mg_l"][n]), course.max(1), rtol=1e-3)
        close(quick["tmax_h"][n], slow.times[course.argmax(1)], atol=0.03)
        close(350.0 * np.asarray(quick["auc_mg_h_l"][n]), slow.per_patient[f"{name}/auc_mg_h_l"], rtol=5e-3)
        close(quick["half_life_h"][n], slow.per_patient[f"{name}/half_life_h"], rtol=0.02)


def test_its_gradients_are_those_of_small_differences(table: SingleDoses) -> None:
    chance = np.random.default_rng(0)
    at, way = 0.5 * chance.standard_normal(table.size), chance.standard_normal(table.size)
    climb = jax.jit(jax.value_and_grad(lambda numbers: table(numbers, table.printed)))
    ahead, behind = (float(climb(at + step * way)[0]) for step in (1e-5, -1e-5))
    assert float(np.asarray(climb(at)[1]) @ way) == pytest.approx((ahead - behind) / 2e-5, rel=1e-5)


def test_chains_draw_from_a_density_that_is_known() -> None:
    """Normal data on standard normal numbers: the posterior is in textbooks."""
    look = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0]])
    data = np.array([1.0, -2.0])
    sampler = Sampler(lambda x, y: -0.5 * ((y - look @ x) ** 2).sum(), 3, warmup=200)
    chains = sampler(data, 1, draws=1000)
    covariance = np.linalg.inv(np.eye(3) + look.T @ look)
    draws = chains.draws.reshape(-1, 3)
    assert chains.rhat.max() < 1.02
    assert chains.effective.min() > 400
    np.testing.assert_allclose(draws.mean(0), covariance @ look.T @ data, atol=0.06)
    np.testing.assert_allclose(np.cov(draws, rowvar=False), covariance, atol=0.06)
    again = sampler(data, 1, draws=1000, workers=2)
    np.testing.assert_array_equal(chains.draws, again.draws)


def test_chains_that_do_not_agree_or_hardly_move_are_found_out() -> None:
    chance = np.random.default_rng(0)
    good = chance.standard_normal((4, 500, 1))
    assert Chains(good, 0).rhat.max() < 1.01
    assert Chains(good, 0).effective.min() > 1400
    assert Chains(good + np.arange(4)[:, None, None], 0).rhat.max() > 1.1
    assert Chains(good * np.array([1, 1, 1, 4])[:, None, None], 0).rhat.max() > 1.05, "spreads differ"
    assert Chains(np.cumsum(good, axis=1), 0).effective.min() < 40


def test_weighted_worlds_are_right_where_reports_are_linear() -> None:
    """Prior normal, reports linear: the posterior is in textbooks. A figure that no report sees keeps its prior."""
    chance = np.random.default_rng(0)
    prior, error = np.array([1.0, 0.5, 0.8]), np.array([0.6, 0.5])
    look = np.array([[1.0, 0.0], [1.0, 0.7], [0.0, 0.0]])
    printed = np.array([0.8, -0.3])
    members = prior * chance.standard_normal((40_000, 3))
    given = members @ look
    weights = weighed(given, printed, error)
    found = members[resampled(weights, 8000, 1)]
    precision = np.diag(prior**-2.0) + look @ np.diag(error**-2.0) @ look.T
    covariance = np.linalg.inv(precision)
    assert worth(weights) > 8000
    np.testing.assert_allclose(found.mean(0), covariance @ look @ (printed / error**2), atol=0.04)
    np.testing.assert_allclose(np.cov(found, rowvar=False), covariance, atol=0.04)
    recovered = recover_reports(members[:4000], given[:4000], error, np.zeros(4000), 150, 2)
    assert recovered.held(0.9) == pytest.approx(0.9, abs=4.0 * recovered.unsure(0.9) + 0.01)


def test_rounds_of_worlds_find_a_posterior_that_the_prior_hardly_reaches() -> None:
    """Reports three standard deviations away: from the prior alone few worlds would count. The posterior is in
    textbooks."""
    error, printed = np.array([0.5, 0.5]), np.array([3.0, 3.0])
    look = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    numbers, given, ratio = explored(lambda _, new: new @ look, printed, error, 12_000, 3, 4)
    weights = weighed(given, printed, error, ratio)
    found = numbers[resampled(weights, 6000, 1)]
    assert worth(weights) > 1000
    np.testing.assert_allclose(found.mean(0), [2.4, 2.4, 0.0], atol=0.08)
    np.testing.assert_allclose(found.std(0), [0.447, 0.447, 1.0], atol=0.08)
    assert np.exp(ratio).mean() == pytest.approx(1.0, abs=0.1), "densities are those of the draws"


@pytest.mark.slow
def test_posteriors_hold_the_truth_as_often_as_they_say(table: SingleDoses) -> None:
    """Truths from the prior, 26 numbers each, studies simulated as people: within three standard errors."""
    found = recover(table, Sampler(table, table.size), 20, 1)
    for share in (0.5, 0.9):
        assert found.held(share) == pytest.approx(share, abs=3.0 * found.unsure(share)), share
    assert 0.4 < found.below.mean() < 0.6
