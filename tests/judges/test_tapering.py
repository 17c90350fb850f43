"""The day-by-day simulator of tapers against the engine; the search against every schedule there is."""

from itertools import product

import numpy as np
import pytest

from eutonia.knowledge import load
from eutonia.knowledge.tapers import Limits
from eutonia.simulation.engine import run
from eutonia.simulation.population import Patients
from eutonia.simulation.schedule import Regimen, Schedule
from eutonia.tapering import tablets
from eutonia.tapering.response import Response, outcomes
from eutonia.tapering.search import Chain, Loss, Start, evaluate, find

HOURS = (8.0, 13.0, 18.0, 22.0)
LIMITS = Limits(single_mg=350, daily_mg=1400, times=4, sources=())


def response(
    hours: tuple[float, ...] = HOURS, draws: int = 16, step: float = 1.0, **facts: object
) -> Response:
    return Response("carisoprodol", hours, Patients(draws, facts, seed=3, uncertain=True), load(), (), step)


@pytest.mark.parametrize("facts", [{"age": 50.0}, {"age": 72.0, "sex": "female", "cyp2c19": "poor"}])
@pytest.mark.parametrize("step", [1.0, 2.0, 3.0])
def test_the_days_agree_with_the_engine(facts: dict[str, object], step: float) -> None:
    """Peak and chances of withdrawal after 20 days of use and a taper of 6: within 4 % of the peak, of any patient;
    the chance of any withdrawal is steep in the peak, so that it differs more.

    The engine takes steps of minutes to an hour and the days one of up to three hours.
    """
    ours = response(step=step, **facts)
    use = np.tile([350.0] * 4, (20, 1))
    taper = np.array([[350, 0, 350, 350]] * 3 + [[350, 0, 0, 350]] * 3, float)
    doses = np.concatenate([use, taper])
    state = ours.tail(ours.days(ours.start(), doses[:, None]), 12)
    times = [24.0 * day + (hour - ours.dawn) for day in range(len(doses)) for hour in HOURS]
    given = [(t, mg) for t, mg in zip(times, doses.ravel(), strict=True) if mg > 0]
    schedule = Schedule(
        (Regimen("carisoprodol", tuple(t for t, _ in given), tuple(mg for _, mg in given)),), (), (), ours.dawn,
        24.0 * len(doses), (),
    )  # fmt: skip
    until = 24.0 * (len(doses) + 12)
    patients = Patients(16, facts, seed=3, uncertain=True)
    theirs = run(schedule, patients, load(), until=until, outputs=np.array([0.0, until])).per_patient
    found = outcomes(state.peak, state.hazard, ours.system.figures)
    np.testing.assert_allclose(state.peak[0], theirs["withdrawal_peak"], rtol=0.04, atol=0.003)
    np.testing.assert_allclose(found["any"][0], theirs["probability_any"], atol=0.05)
    np.testing.assert_allclose(found["seizure"][0], theirs["probability_seizure"], atol=0.002)


def test_going_on_from_a_state_is_the_same_as_going_through() -> None:
    ours = response(draws=4)
    doses = np.tile([350.0, 0.0, 350.0, 350.0], (10, 1))[:, None]
    whole = ours.days(ours.start(), doses)
    halves = ours.days(ours.days(ours.start(), doses[:5]), doses[5:])
    np.testing.assert_allclose(whole.withdrawal, halves.withdrawal, rtol=1e-12)
    np.testing.assert_allclose(whole.area, halves.area, rtol=1e-12)


@pytest.mark.parametrize(("dose", "use", "most"), [(350.0, 40, 9), (350.0, 25, 12), (250.0, 60, 12)])
def test_the_search_finds_what_trying_everything_finds(dose: float, use: int, most: int) -> None:
    """Two doses a day, blocks of three days: the best of all falling chains, within 1 % of its loss."""
    policy = load().taper_policies["carisoprodol"]
    assert policy.weights is not None
    assert policy.search is not None
    hours = (8.0, 20.0)
    ours = response(hours, draws=12, step=3.0, age=45.0)
    daily = np.array([dose, dose])
    state = ours.days(ours.start(), np.tile(daily, (use, 1))[:, None]).fresh()
    menu = tablets.menu([dose], hours, daily, LIMITS)
    start = Start(daily, policy.search.largest_cut_mg)
    loss = Loss(policy.weights, policy.search)
    found = find(ours, state, start, menu, loss, hold=3, most_days=most)

    patterns = [p for p in range(len(menu.mg)) if menu.total[p] > 0]
    chains = set()
    for number in range(most // 3 + 1):
        for blocks in product(patterns, repeat=number):
            chain = Chain(())
            for pattern in blocks:
                last = chain.steps[-1][0] if chain.steps else None
                if pattern not in menu.below(last, start):
                    break
                chain = chain.then(pattern, 3)
            else:
                last_total = menu.total[chain.steps[-1][0]] if chain.steps else daily.sum()
                if last_total <= start.largest_cut + 1e-9:
                    chains.add(chain)
    every = sorted(chains, key=lambda c: c.steps)
    losses = loss.of(evaluate(ours, state, every, menu, 5), every, menu)
    assert found.loss <= losses.min() * 1.01
    assert len(every) > 10


def test_a_menu_holds_only_tablets_that_exist_in_whole_and_halves() -> None:
    menu = tablets.menu([250.0, 350.0], HOURS, np.full(4, 350.0), LIMITS)
    assert set(menu.mg.ravel()) <= {0.0, 125.0, 175.0, 250.0, 350.0}
    assert menu.total.max() <= 1400
    assert (menu.mg[:, 3] >= menu.mg[:, 0]).all(), "the bedtime dose goes last"
    assert (menu.mg[:, 0] >= menu.mg[:, 1]).all(), "the midday dose goes first"
