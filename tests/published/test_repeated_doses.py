"""Accumulation over repeated doses, and how therapies without drugs build up and fade. None was used for fitting."""

import numpy as np
import pytest

from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome, population


def accumulation(plan: str, drug: str, interval: float, knowledge: Knowledge) -> float:
    """Area of the last interval by that of the first."""
    days = 12
    found = outcome(f"{plan} for {days} days", patients=population(24, seed=1), until=f"{days} days",
                    every="0.25 hour", knowledge=knowledge)  # fmt: skip
    level = found.level[:, found.substances.index(drug)]
    steps = int(interval * 4)
    last = level.shape[1] - 1 - steps
    return float(np.median(level[:, last : last + steps].sum(1) / level[:, :steps].sum(1)))


@pytest.mark.parametrize(
    ("plan", "drug", "interval", "low", "high"),
    [
        # half-life 10 h, every 6 to 8 h: two to three times (derived from the label of meprobamate)
        ("meprobamate 400 mg every 8 hours", "meprobamate", 8, 1.9, 3.2),
        ("meprobamate 400 mg every 6 hours", "meprobamate", 6, 2.3, 3.8),
        # Winchell 2002: about fourfold
        ("cyclobenzaprine 5 mg every 8 hours", "cyclobenzaprine", 8, 3.0, 6.5),
        # half-life of 2 h: next to nothing
        ("carisoprodol 350 mg every 6 hours", "carisoprodol", 6, 1.0, 1.35),
    ],
)
def test_levels_add_up_as_half_lives_say(
    plan: str, drug: str, interval: float, low: float, high: float, knowledge: Knowledge
) -> None:
    assert low < accumulation(plan, drug, interval, knowledge) < high


def eased(plan: str, kind: str, days: tuple[int, ...], knowledge: Knowledge) -> list[float]:
    """Points of pain that a therapy takes away at the end of each day, on average."""
    with_it, without = (
        outcome(plan, patients=population(150, seed=4, pain=kind), until=f"{max(days)} days", every="1 day",
                knowledge=knowledge).courses["pain"].mean(0)
        for plan in (plan, "time-and-activity for 1 day")
    )  # fmt: skip
    return [float(without[day] - with_it[day]) for day in days]


def test_heat_works_within_a_day_and_is_gone_days_after(knowledge: Knowledge) -> None:
    """French 2006: relief at day 5 of wearing it; days only."""
    first, fifth, after = eased("heat daily for 5 days", "acute", (1, 5, 10), knowledge)
    assert first > 0.6 * fifth
    assert 8 < fifth < 15
    assert after < 0.15 * fifth


def test_exercise_takes_weeks_and_lasts_for_months(knowledge: Knowledge) -> None:
    """Hayden 2021: about 15 points against no treatment at the end; it fades over half a year without practice."""
    week, end, later = eased(
        "exercise three times a week for 12 weeks", "persistent", (7, 84, 182), knowledge
    )
    assert week < 0.35 * end
    assert 10 < end < 18
    assert 0.4 * end < later < 0.8 * end


def test_treatments_together_take_less_than_the_sum_of_each(knowledge: Knowledge) -> None:
    plans = ("ibuprofen 400 mg three times a day for 7 days", "heat daily for 7 days")
    apart = [eased_by([plan], knowledge) for plan in plans]
    both = eased_by(list(plans), knowledge)
    assert max(apart) < both < sum(apart)


def eased_by(plans: list[str], knowledge: Knowledge) -> float:
    found = outcome(plans, patients=population(60, seed=5, pain="acute"), until="7 days", courses=False,
                    knowledge=knowledge)  # fmt: skip
    return float(found.per_patient["mean_relief"].mean())
