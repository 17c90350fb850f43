"""Ways of writing a prescription that were once misread: numbers, quantities, meals, totals, steps, drinks."""

import pytest

from eutonia.dosing.text import read_plan
from eutonia.errors import UnreadableText
from eutonia.knowledge import load
from eutonia.patient import PlanItem
from eutonia.simulation.schedule import read_schedule
from eutonia.supplies import planned_days

NUMBERS = {
    "alprazolam .5 mg tid": 0.5,
    "alprazolam 0,5 mg tid": 0.5,
    "oxycodone 2,5 mg q6h": 2.5,
    "carisoprodol 0,350 g tid": 0.35,
    "carisoprodol 1,400 mg once": 1400,
    "carisoprodol three hundred and fifty mg tid": 350,
    "carisoprodol two hundred fifty mg tid": 250,
    "carisoprodol 350 mg ii tabs po bid": 2,
    "carisoprodol 350 mg T po bid": 350,
}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_read_whole(text):
    assert read_plan(text).dose == NUMBERS[text]


TIMES = {
    "350 mg with meals and at bedtime": 4,
    "350 mg ac & hs": 4,
    "350 mg after meals": 3,
    "350 mg tid with meals": 3,
    "350 mg qid (with meals and at bedtime)": 4,
    "350 mg three times a day with meals and at bedtime": 4,
    "350 mg tid with or without meals": 3,
    "350 mg q8": 3,
    "350 mg every 8 hours around the clock": 3,
    "350 mg 30 minutes before bedtime": 1,
    "1400 mg/day divided qid": 4,
}


@pytest.mark.parametrize("text", TIMES)
def test_meals_and_bedtime_tell_how_often(text):
    item = read_plan(f"carisoprodol {text}")
    assert (item.dose, item.times_per_day) == (350, TIMES[text])


LENGTHS = {
    "tid x 7": 7,
    "bid x 10 doses": 5,
    "tid, max 3 weeks": 21,
    "tid for no more than 10 days": 10,
    "tid for less than 2 weeks": 14,
    "tid for a fortnight": 14,
    "tid for 5/7": 5,
    "tid 2/52": 14,
    "tid for 1/12": 30,
    "tid for 48 to 72 hours": 3,
    "tid #42": 14,
    "qid, dispense 28 tablets": 7,
    "qid, 28 tab, 0 refills": 7,
    "tabs, 1 tab 3 times a day, 21 tabs, no refills": 7,
    "tid with a 6 week supply": 42,
}


@pytest.mark.parametrize("text", LENGTHS)
def test_the_length_is_stated_or_follows_from_what_is_dispensed(text):
    item = read_plan(f"carisoprodol 350 mg {text}")
    assert planned_days(item, load()) == pytest.approx(LENGTHS[text])
    assert item.dose in (350, 1), "a quantity is no dose"


TOTALS = {
    "carisoprodol 350 mg 2 tablets (700 mg total) bid": 700,
    "carisoprodol 2 tablets (700 mg) bid": 700,
    "carisoprodol 2 tablets (350 mg) bid": 700,
    "carisoprodol 2 tablets (350 mg each) bid": 700,
    "carisoprodol 700 mg = 2 tabs, oral, bid": 700,
    "carisoprodol 2 x 350 mg at night": 700,
    "Advil 2 tablets (400 mg) every 6 hours": 400,
    "Soma 350 mg tablet Take 1 tablet (350 mg total) by mouth 4 (four) times daily": 350,
}


@pytest.mark.parametrize("text", TOTALS)
def test_a_dose_in_brackets_is_the_total_where_it_says_so_or_the_strengths_do(text):
    (regimen,) = read_schedule([text], load()).regimens
    assert set(regimen.amounts) == {TOTALS[text]}


def steps_of(item: PlanItem) -> list[tuple[float | None, ...]]:
    return [(s.start_day, s.dose, s.times_per_day, s.duration_days) for s in item.steps]


def test_steps_may_be_written_without_then():
    item = read_plan("carisoprodol 350 mg qid for 7 days, tid for 3 days, bid x 3 days")
    assert steps_of(item) == [(0, 350, 4, 7), (7, 350, 3, 3), (10, 350, 2, 3)]


def test_a_dose_is_raised_after_some_days():
    item = read_plan("tizanidine 2 mg tid, increase to 4 mg tid after 3 days")
    assert [s[:3] for s in steps_of(item)] == [(0, 2, 3), (3, 4, 3)]
    assert item.steps[0].duration_days == 3


def test_each_time_of_day_may_have_a_dose_of_its_own():
    item = read_plan("carisoprodol 250 mg AM, 250 mg noon, 350 mg HS for 5 days")
    assert [(s.dose, s.start_day, s.duration_days) for s in item.steps] == [
        (250, 0, 5),
        (250, 0, 5),
        (350, 0, 5),
    ]


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("2 drinks of alcohol at 20:00", 28),
        ("4 standard drinks at 7 pm", 56),
        ("a beer at 18:00", 14),
        ("2 glasses of wine in the evening", 28),
        ("vodka 2 shots at 22:00", 28),
        ("ethanol 40 g at 20:00", 40),
        ("alcohol 3 units at 21:00", 24),
    ],
)
def test_drinks_are_alcohol(text, grams):
    (regimen,) = read_schedule([text], load()).regimens
    assert (regimen.substance, regimen.amounts[0]) == ("ethanol", 1000 * grams)


HOURS = {
    "4 drinks of alcohol at once": {0: 56000},
    "4 drinks in one go": {0: 56000},
    "4 drinks of alcohol over 2 hours": {0: 14000, 0.5: 14000, 1: 14000, 1.5: 14000},
    "5 drinks at 20:00 over an hour": {0: 35000, 0.5: 35000},
    "1 drink every hour for 4 doses": {0: 14000, 1: 14000, 2: 14000, 3: 14000},
    "1 drink every 30 minutes for 2 hours": {0: 14000, 0.5: 14000, 1: 14000, 1.5: 14000},
    "acetaminophen 1 g q4h max 2 g per day for 2 days": {0: 1000, 4: 1000, 24: 1000, 28: 1000},
    "ibuprofen 400 mg every 6 hours at 8 am for 1 day": {0: 400, 6: 400, 12: 400, 18: 400},
    "diazepam 10 mg single oral dose": {0: 10},
    "diazepam 10 mg single dose after a high-fat meal": {0: 10},
    "carisoprodol 250 mg tid+hs x 1d": {0: 250, 5: 250, 10: 250, 14: 250},
}


@pytest.mark.parametrize("text", HOURS)
def test_amounts_within_hours_are_taken_when_it_says(text):
    (regimen,) = read_schedule([text], load()).regimens
    assert dict(zip(regimen.times, regimen.amounts, strict=True)) == HOURS[text]


@pytest.mark.parametrize(
    "text", ["tizanidine 4 mg twice a day over 3 hours", "ibuprofen 400 mg over 24 hours"]
)
def test_hours_that_a_dose_is_spread_over_do_not_go_with_a_frequency_or_a_day(text):
    with pytest.raises(UnreadableText, match="over"):
        read_plan(text)


TOTALS_OF_A_DAY = {
    "carisoprodol 350 mg 30 tablets a day for 2 days": [2625] * 8,
    "meprobamate 3200 mg a day for 2 days": [800] * 8,
    "meprobamate 1.2 g/day for 1 day": [400] * 3,
    "hydrocodone-acetaminophen 5/325 mg 6 tablets a day for 1 day": [7.5] * 4,
    "meprobamate 1600 mg once daily for 2 days": [1600] * 2,
    "carisoprodol 1050 mg daily at bedtime for 2 days": [1050] * 2,
    "naproxen 1000 mg daily for 2 days": [1000] * 2,
    "carisoprodol 1050 mg": [1050],
}


@pytest.mark.parametrize("text", TOTALS_OF_A_DAY)
def test_many_tablets_a_day_are_the_total_of_the_day_and_not_swallowed_at_once(text):
    schedule = read_schedule([text], load(), until=24.0)
    doses = TOTALS_OF_A_DAY[text]
    assert list(schedule.regimens[0].amounts) == pytest.approx(doses)
    assert any("total of a day" in note for note in schedule.notes) == (len(doses) > 2)


def test_a_frame_may_hold_cells_without_a_value():
    """As pandas reads a table: NaN where NONMEM has a point."""
    import pandas as pd

    from eutonia.simulation.events import read_events

    rows = [
        {"time": 0, "amt": 350, "substance": "carisoprodol", "addl": 3, "ii": 6},
        {"time": 4, "evid": 0, "substance": "carisoprodol"},
        {"time": 24, "amt": 250, "substance": "carisoprodol", "evid": 1},
    ]
    (regimen,) = read_events(pd.DataFrame(rows), load()).regimens
    assert regimen.times == (0, 6, 12, 18, 24)
    assert regimen.amounts[-1] == 250


# --- what a stranger wrote --------------------------------------------------------------------------------

STRANGERS = {
    "carisoprodol 350 mg 2 tid": {
        "dose": 2,
        "unit": "each",
        "times_per_day": 3,
        "text": "carisoprodol 350 mg",
    },
    "carisoprodol 350 mg 2-0-2": {"dose": 2, "unit": "each", "times_per_day": 2},
    "carisoprodol 350 mg 1 q8h": {"dose": 350, "unit": "mg", "times_per_day": 3},
    "carisoprodol 350 mg q4h prn, not to exceed 4 tablets in 24 hours": {"times_per_day": 4},
    "carisoprodol 350 mg 1-2 tabs q4h, max 1400 mg/day": {"dose_high": 2, "times_per_day": 2},
    "carisoprodol 350 mg qid prn, no more than twice a day": {"times_per_day": 2},
    "carisoprodol 175 mg (half tablet) at bedtime": {
        "dose": 175,
        "unit": "mg",
        "text": "carisoprodol 350 mg",
    },
    "carisoprodol 350 mg (2 tablets) tid": {"dose": 2, "unit": "tablet", "text": "carisoprodol 350 mg"},
    "carisoprodol tablets 350 mg; 1 tab tds prn; 21 tabs": {"dose": 1, "times_per_day": 3, "quantity": 21},
    "carisoprodol 350 mg qid, then stop after 10 days": {"times_per_day": 4, "duration_days": 10},
    "carisoprodol 350 mg tid x 14 days, 2 refills": {"duration_days": 42},
    "carisoprodol 350 mg tid x 14 days, no refills": {"duration_days": 14},
    "carisoprodol 350mg/tab 1 tab BID-TID prn": {"dose": 1, "times_per_day": 3, "times_per_day_low": 2},
    "carisoprodol 350 mg at 0800, 1400 and 2200": {"clock_times": ("08:00", "14:00", "22:00")},
    "carisoprodol 350 mg a couple of tablets at bedtime": {"dose": 2, "unit": "tablet"},
    "methocarbamol 750 mg 2 tablets qid x 48 hours": {"dose": 2, "duration_days": 2},
    "naproxen 500 mg bid pc x 7/7": {"times_per_day": 2, "duration_days": 7},
}


@pytest.mark.parametrize("text", STRANGERS)
def test_what_a_stranger_wrote_is_read_as_meant(text):
    read = read_plan(text)
    assert {name: getattr(read, name) for name in STRANGERS[text]} == STRANGERS[text]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("carisoprodol 1.400 mg daily", "1.400"),
        ("take 2 now and 1 every 6 hours of carisoprodol 350 mg", "1"),
        ("oxycodone 5 mg q6h prn, max 4 drops daily", "max 4 drop"),
        ("carisoprodol 350 mg tid, may increase to qid", "may"),
        ("carisoprodol 350 mg x 0 doses", "carisoprodol 350 mg x 0 doses"),
        ("4 drinks over 30 hours", "over 30 hours"),
        ("carisoprodol 350 mg dreimal täglich", "dreimal"),
    ],
)
def test_what_could_be_misread_is_refused_by_its_words(text, word):
    with pytest.raises(UnreadableText) as error:
        read_plan(text)
    assert word in error.value.words
