"""The draws of the calibration: still those of the figures in the files, wide where nothing was seen, and used."""

import re
from pathlib import Path

import numpy as np
import pytest

from calibration.plan import chosen, read
from eutonia.errors import KnowledgeError
from eutonia.knowledge import Knowledge
from eutonia.knowledge.build import _check_posterior
from eutonia.knowledge.pharmacology import Posterior
from eutonia.simulation import outcome
from eutonia.simulation.individuals import Individuals, calibrated
from eutonia.simulation.population import Patients


@pytest.fixture(scope="module")
def posterior(knowledge: Knowledge) -> Posterior:
    return knowledge.posteriors["carisoprodol"]


def test_names_and_figures_are_those_that_the_plans_choose_today(
    posterior: Posterior, knowledge: Knowledge
) -> None:
    """A figure that was changed since would be moved by draws that belong to another."""
    kinetics, effects = (chosen(read(name), knowledge) for name in ("carisoprodol", "effects"))
    now = {f.name: pytest.approx(f.value) for f in (*kinetics, *effects)}
    assert set(posterior.draws) == set(now)
    assert posterior.figures == now, "run python -m calibration"


def test_every_study_that_was_fitted_to_is_marked_as_used_for_fitting(
    posterior: Posterior, knowledge: Knowledge
) -> None:
    for name in posterior.fitted_to:
        assert all(f.used_for_fitting for f in knowledge.observations[name].findings), name


def test_intervals_contain_the_figures_in_the_files(posterior: Posterior) -> None:
    """A population is simulated with the figures in the files, one patient with the draws: they must not part."""
    for name, values in posterior.draws.items():
        low, high = np.percentile(values, (2.5, 97.5))
        assert low <= 0.0 <= high, name


def test_the_page_says_that_chains_agree_and_how_the_method_was_tested() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "calibration.md").read_text(encoding="utf-8")
    rhat = float(re.search(r"R-hat at most\s+([\d.]+)", page)[1])  # type: ignore[index]
    draws = int(re.search(r"at least\s+(\d+)\s+independent", page)[1])  # type: ignore[index]
    assert rhat <= 1.02
    assert draws >= 400
    assert re.search(r"90 % intervals\s+\d+%", page)


def test_no_posterior_is_wider_than_its_prior_by_more_than_chance(
    posterior: Posterior, knowledge: Knowledge
) -> None:
    for plan in ("carisoprodol", "effects"):
        for f in chosen(read(plan), knowledge):
            assert 0.02 * f.prior < np.std(posterior.draws[f.name]) < 1.15 * f.prior, f.name


def test_an_uncertain_patient_has_the_rows_of_the_file_and_a_certain_one_none(
    posterior: Posterior, knowledge: Knowledge
) -> None:
    name = "readouts/drowsy_slope"
    number = len(posterior.draws[name])
    slope = knowledge.model["readouts"].parameters["drowsy_slope"]
    unsure = Individuals(Patients(number, {}, 3, uncertain=True), knowledge)
    found = unsure.figure(slope, name)
    found = np.log(found / slope.value) if slope.scale == "log" else found - slope.value
    np.testing.assert_allclose(np.sort(found), np.sort(posterior.draws[name]), atol=1e-9)
    sure = Individuals(Patients(number, {}, 3), knowledge)
    assert sure.figure(slope, name) == pytest.approx(slope.value)


def test_rows_stay_together_and_another_seed_begins_elsewhere(knowledge: Knowledge) -> None:
    rows = calibrated(knowledge)
    names = list(rows)
    pairs = set(zip(*(rows[name] for name in names[:2]), strict=True))
    firsts = []
    for seed in (1, 2):
        people = Individuals(Patients(20, {}, seed, uncertain=True), knowledge)
        drawn = [people.typical(name, 1.0) for name in names[:2]]
        assert set(zip(*drawn, strict=True)) <= pairs
        firsts.append(drawn[0])
    assert not np.array_equal(*firsts)


def test_batches_change_no_patient(knowledge: Knowledge) -> None:
    whole = Patients(30, {"age": 50, "weight": 70, "sex": "male", "cyp2c19": "normal"}, 5, uncertain=True)
    both = outcome("carisoprodol 350 mg once", patients=whole, courses=False, knowledge=knowledge)
    last = outcome(
        "carisoprodol 350 mg once", patients=whole.part(11, 30), courses=False, knowledge=knowledge
    )
    name = "carisoprodol/auc_mg_h_l"
    np.testing.assert_allclose(both.per_patient[name][11:], last.per_patient[name], rtol=1e-9)


def test_a_study_is_drawn_alike_for_all_its_patients(knowledge: Knowledge) -> None:
    people = Individuals(Patients(12, {}, 0, uncertain=True, together=4), knowledge)
    drawn = people.typical("readouts/drowsy_slope", 1.0).reshape(3, 4)
    assert np.all(drawn == drawn[:, :1])
    assert len(set(drawn[:, 0])) == 3


def test_a_file_with_rows_that_do_not_match_is_refused(posterior: Posterior, knowledge: Knowledge) -> None:
    from dataclasses import replace

    name = next(iter(posterior.draws))
    short = replace(posterior, draws=posterior.draws | {name: (0.1,)})
    sections = {"observations": knowledge.observations, "posteriors": {"carisoprodol": short}}
    with pytest.raises(KnowledgeError, match="same number of draws"):
        _check_posterior("posteriors/carisoprodol.yaml", short, sections)
    lost = replace(posterior, fitted_to=("no-such-study",))
    with pytest.raises(KnowledgeError, match="unknown observation"):
        _check_posterior("posteriors/carisoprodol.yaml", lost, sections)
