"""What every taper keeps to, over doses, lengths of use, ages and metabolisers; and how one is changed under way."""

from datetime import date, timedelta
from functools import cache
from itertools import pairwise, product
from typing import Any

import pytest

from eutonia.errors import InputError
from eutonia.knowledge import load
from eutonia.tapering import Taper, taper
from eutonia.tapering.adapting import adapt
from eutonia.tapering.use import chart_of

START = date(2026, 3, 2)
PLAN = "carisoprodol 350 mg four times a day for 90 days"
TABLETS = {125.0, 175.0, 250.0, 350.0}

FEW = [
    ("carisoprodol 350 mg twice a day for 28 days", {"age": 30, "sex": "male"}),
    ("carisoprodol 250 mg four times a day for 60 days", {"age": 45, "sex": "male", "cyp2c19": "poor"}),
    ("carisoprodol 350 mg three times a day for 180 days", {"age": 72, "sex": "female"}),
    ("carisoprodol 350 mg four times a day for 2 years", {"age": 55, "sex": "male", "cyp2c19": "ultrarapid"}),
    ("carisoprodol 525 mg four times a day for 1 year", {"age": 40, "sex": "male"}),
    ("carisoprodol 350 mg six times a day for 120 days", {"age": 66, "sex": "male"}),
]
DOSES = (
    "350 mg twice",
    "250 mg four times",
    "350 mg three times",
    "350 mg four times",
    "500 mg four times",
    "525 mg four times",
)
GRID = [
    (f"carisoprodol {dose} a day for {length}", {"age": age, "sex": "male", "cyp2c19": phenotype})
    for dose, length, age, phenotype in product(
        DOSES, ("4 weeks", "90 days", "2 years"), (30, 72), ("poor", "normal", "ultrarapid")
    )
]


@cache
def made(plan: str, facts: tuple[tuple[str, Any], ...], **options: Any) -> Taper:
    return taper(plan, start=START, **dict(facts), **options)


def check(plan: str, facts: dict[str, Any]) -> None:
    found = made(plan, tuple(facts.items()))
    legal(found)
    gentler(found)


def legal(found: Taper) -> None:
    """Tablets that exist, label limits, no rise at any hour, dates in a row, steps that can be followed, and an end."""
    assert found.days
    assert found.now_mg is not None
    for number, day in enumerate(found.days):
        assert day.day == number + 1
        assert day.date == START + timedelta(days=number)
        assert 0 < len(day.doses) <= 4
        assert 0 < day.total_mg <= min(1400, found.now_mg)
        assert all(dose.mg <= 350 and dose.mg in TABLETS and dose.tablets for dose in day.doses)
    for before, after in pairwise(found.days):
        earlier = {dose.time: dose.mg for dose in before.doses}
        assert all(dose.mg <= earlier.get(dose.time, 0.0) for dose in after.doses), after.day
    assert found.days[0].total_mg < found.now_mg
    assert all(step.last_day - step.first_day >= 2 for step in found.steps)
    totals = [found.now_mg if found.now_mg <= 1400 else 1750, *(s.total_mg for s in found.steps), 0.0]
    assert all(0 < a - b <= 350 for a, b in pairwise(totals))


def gentler(found: Taper) -> None:
    """The peak is below that of stopping at once and of a straight line as long: on average, in the middle, the worst.

    From far above the label both must begin by coming down to it, by more than any later cut. In whom that brings the
    peak, no schedule can lower it: there it is no higher than the line's.
    """
    assert found.predicted is not None
    forced = (found.now_mg or 0) - 1400 > 350
    for name in ("abrupt", "linear-same-length"):
        ours, theirs = found.predicted.peak, found.alternatives[name].peak
        assert (ours.mean or 0) < (theirs.mean or 0), name
        for mine, other in ((ours.median, theirs.median), (ours.p95, theirs.p95)):
            assert mine is not None
            assert other is not None
            assert mine < other or (forced and name != "abrupt" and mine == other), name
    assert found.made is not None
    beyond = {"taper-short-4d", "taper-long-9d"} if (found.now_mg or 0) > 1400 else set()
    lost = {name for name, won in found.made.beats.items() if not won}
    assert lost <= beyond, "no schedule that keeps to the largest cut is better than ours of its length"


@pytest.mark.parametrize(("plan", "facts"), FEW)
def test_a_schedule_is_legal_and_gentler_than_stopping_or_a_straight_line(
    plan: str, facts: dict[str, Any]
) -> None:
    check(plan, facts)


@pytest.mark.slow
@pytest.mark.parametrize(("plan", "facts"), GRID)
def test_all_over_the_grid(plan: str, facts: dict[str, Any]) -> None:
    check(plan, facts)


def test_heavy_use_brings_more_withdrawal_than_label_use_and_it_peaks_on_the_days_in_print() -> None:
    """Published: onset within 12 to 48 h, highest on days 2 to 4."""
    label, heavy = (made(plan, (("age", 40), ("sex", "male"))) for plan in (FEW[2][0], FEW[4][0]))
    for found in (label, heavy):
        peak_day = found.alternatives["abrupt"].peak_day
        assert peak_day.median is not None
        assert 2.0 <= peak_day.median <= 4.5
    assert heavy.alternatives["abrupt"].probability_any > label.alternatives["abrupt"].probability_any


def test_fewer_days_allowed_are_kept_to() -> None:
    found = made(PLAN, (("age", 40), ("sex", "male")), max_days=10)
    assert len(found.days) <= 10
    assert found.days[0].total_mg >= 1050


def test_two_strengths_are_used_where_both_are_to_hand() -> None:
    found = made(FEW[0][0], (("age", 40), ("sex", "male")), tablets=(250, 350))
    legal(found)


# --- under way --------------------------------------------------------------------------------------


def changed(today: int, score: float, taken: dict[int, float] | None = None) -> Taper:
    """As `tapering.adapt`, from a schedule that is made once."""
    chart, _ = chart_of(PLAN, {"age": 70}, START, load())
    return adapt(chart, whole(), today=today, score=score, taken=taken, facts={"age": 70})


def whole() -> Taper:
    return made(PLAN, (("age", 70),))


def in_force(day: int) -> float:
    return whole().days[day - 1].total_mg


@pytest.mark.parametrize(("score", "action"), [(0, "continue"), (20, "continue"), (21, "hold"), (40, "hold")])
def test_the_bands_of_the_scale_decide_and_the_dose_never_goes_up(score: float, action: str) -> None:
    found = changed(5, score)
    assert found.adapted is not None
    assert found.adapted.action == action
    assert found.days[0].day == 5
    assert found.days[0].date == START + timedelta(days=4)
    assert found.days[0].total_mg <= in_force(4)
    totals = [day.total_mg for day in found.days]
    assert totals == sorted(totals, reverse=True)


def test_going_on_as_planned_leaves_the_rest_as_it_was() -> None:
    assert changed(5, 5).days == whole().days[4:]


def test_a_moderate_score_holds_the_dose_of_the_day_before() -> None:
    found = changed(5, 30)
    assert [day.total_mg for day in found.days[:4]] == [in_force(4)] * 4


def test_a_step_that_was_held_and_is_no_better_is_followed_by_longer_ones() -> None:
    step = whole().steps[-1]
    found = changed(step.last_day + 1, 30)
    assert found.adapted is not None
    assert found.adapted.action == "slow"


@pytest.mark.parametrize("score", [41, 60, 61, 80])
def test_severe_withdrawal_ends_the_schedule_and_refers(score: float) -> None:
    found = changed(5, score)
    assert found.refer is not None
    assert found.days == []


def test_a_missed_day_is_simulated_as_it_was() -> None:
    found = changed(5, 5, taken={3: 0.0, 4: 350.0})
    assert found.adapted is not None
    assert found.adapted.taken == {3: 0.0, 4: 350.0}
    assert found.predicted is not None
    usual = changed(5, 5).predicted
    assert usual is not None
    assert (found.predicted.peak.p95 or 0) > (usual.peak.p95 or 0)


@pytest.mark.parametrize(
    ("today", "score", "taken"), [(0, 5, {}), (99, 5, {}), (5, -1, {}), (5, 81, {}), (5, 5, {6: 350.0})]
)
def test_what_cannot_be_is_refused(today: int, score: float, taken: dict[int, float]) -> None:
    with pytest.raises(InputError):
        changed(today, score, taken=taken)
