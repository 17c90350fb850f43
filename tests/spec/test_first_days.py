"""What a card tells of an order's first days, against the whole forecast of the same virtual patients."""

import pytest

from eutonia import read
from eutonia.errors import InputError
from eutonia.features import chart_of
from eutonia.forecast import FirstDays, first_days, forecast, simulated_quantities
from eutonia.knowledge import load
from eutonia.simulated_case import can_be_made, simulated_case
from eutonia.simulation.schedule import read_schedule

DRAWS = 40
PLANS = {
    "a single dose": ("carisoprodol 350 mg once", ()),
    "two weeks": ("carisoprodol 350 mg four times a day for 14 days", ()),
    "beside an opioid": (
        "carisoprodol 350 mg four times a day for 14 days",
        ({"text": "oxycodone", "dose": 10, "unit": "mg", "times_per_day": 4, "status": "active"},),
    ),
    "beside what builds up for weeks": (
        "carisoprodol 350 mg three times a day for 30 days",
        ({"text": "diazepam", "dose": 5, "unit": "mg", "times_per_day": 3, "status": "active"},),
    ),
    "of another drug": ("tizanidine 4 mg three times a day for 30 days", ()),
    "in use already": (
        "continue carisoprodol 350 mg four times a day for 30 days",
        ({"text": "carisoprodol", "dose": 350, "unit": "mg", "times_per_day": 4, "status": "active"},),
    ),
}


def chart(plan, medications=()):
    case = read({
        "as_of": "2026-03-02", "patient": {"age_years": 45, "sex": "male"}, "no_known_allergies": True,
        "conditions": [{"text": "Low back pain"}], "labs": [], "observations": [], "medications": list(medications),
        "plan": [{"text": plan}],
    })  # fmt: skip
    return chart_of(case, load())


@pytest.mark.parametrize(("plan", "medications"), PLANS.values(), ids=PLANS)
def test_a_week_tells_what_the_whole_course_does(plan, medications):
    """Whole percents are told, and a median of 40 virtual patients is not known to one of a hundred."""
    whole, week = (make(chart(plan, medications)) for make in (_whole, _week))
    assert week.with_medicines == whole.with_medicines
    effects = whole.summary.effects
    assert week.probability_drowsy == pytest.approx(effects.probability_drowsy, abs=0.01)
    assert week.morning_impairment.median == pytest.approx(effects.morning_impairment.median, abs=1.0)
    assert week.min_ventilation.median == pytest.approx(effects.min_ventilation.median, abs=0.01)


def _whole(made):
    return forecast(made, 0, draws=DRAWS)


def _week(made):
    return first_days(simulated_case(made, 0), made.knowledge, 7, draws=DRAWS)


def test_it_tells_all_that_rules_ask_for():
    assert set(simulated_quantities(load()).values()) <= set(FirstDays._fields)


@pytest.mark.parametrize("plan", ["stop carisoprodol", "gabapentin 300 mg three times a day"])
def test_of_what_cannot_be_simulated_nothing_is_said(plan):
    assert not can_be_made(chart(plan), 0)
    assert _whole(chart(plan)) is None


def test_of_a_slip_of_the_pen_it_says_that_it_is_one():
    with pytest.raises(InputError, match="slip of the pen"):
        _week(chart("carisoprodol 35000 mg three times a day"))


@pytest.mark.parametrize(("text", "hour"), [("diazepam 5 mg nightly", 22), ("diazepam 5 mg daily", 8)])
def test_what_is_taken_at_night_is_simulated_at_night(text, hour):
    case = chart("carisoprodol 350 mg three times a day for 7 days", ({"text": text, "status": "active"},))
    made = simulated_case(case, 0)
    schedule = read_schedule([*made.own, *made.others], load())
    (night,) = (r for r in schedule.regimens if r.substance == "diazepam")
    assert (night.times[0] + schedule.clock) % 24 == hour
