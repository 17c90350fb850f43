"""Doses of several parts, whose words mean what those around them say: nothing is misread, what may be is refused."""

from collections import defaultdict

import pytest

from eutonia.dosing.text import read_plan
from eutonia.errors import UnreadableText
from eutonia.knowledge import load
from eutonia.simulation.schedule import read_schedule


def mg_by_day(text: str) -> list[float]:
    """mg on each day, from the first dose to the last."""
    schedule = read_schedule([text], load())
    days: dict[int, float] = defaultdict(float)
    for regimen in schedule.regimens:
        for hour, mg in zip(regimen.times, regimen.amounts, strict=True):
            days[int(hour // 24)] += mg
    return [days[day] for day in range(max(days) + 1)]


DAILY = {
    "350 mg tds + 1 nocte": 1400,
    "350 mg tid and 1 tablet at bedtime": 1400,
    "350 mg tid and 2 tablets at bedtime": 1750,
    "350 mg 1 am 1 noon 2 hs": 1400,
    "350 mg, take 1 in am, 1 at noon, 2 hs": 1400,
    "350 mg one morning one night": 700,
    "350 mg 2 am, 1 pm": 1050,
    "350 mg at 8 am, 2 pm and 10 pm": 1050,
    "350 mg 1-1-2": 1400,
    "350 mg 2-1-0-1": 1400,
    "700 mg am 350 mg pm": 1050,
    "350 mg tab: 1 tab qam, 1/2 tab q noon, 1 tab qhs": 875,
    "350 mg first thing in the morning and last thing at night": 700,
    "350 mg, 1 tab tid and 700 mg at bedtime": 1750,
    "2 tabs of 350 three times a day": 2100,
    "350 - one and a half tablets at bedtime": 525,
    "350 mg 1 tab q4h while awake": 1750,
    "350 mg q8h while awake": 1050,
    "350 mg tid and 250 at bedtime": 1300,
    "350 mg x 2 tabs tid": 2100,
    "350 mg 1-1/2 tabs bid": 1050,
    "350 mg ½-0-1": 525,
    "350 mg tid (1-1-1)": 1050,
    "350 mg before breakfast and before bed": 700,
    "350 mg i-ii tabs po tid": 2100,
    "350 mg 1 T PO QID": 1400,
    "350 MG Oral Tablet [Soma] 1 tab tid": 1050,
}


@pytest.mark.parametrize("text", DAILY)
def test_parts_of_a_day_are_added_up_in_one_unit(text):
    assert mg_by_day(f"carisoprodol {text} for 2 days") == [DAILY[text]] * 2


DAYS = {
    "350 mg qid days 1-3, tid days 4-6, bid days 7-9": [1400] * 3 + [1050] * 3 + [700] * 3,
    "1400 mg on day 1, 1050 mg on day 2, 700 mg on day 3": [1400, 1050, 700],
    "week 1: 350 mg tid, week 2: 350 mg bid": [1050] * 7 + [700] * 7,
    "350 mg tid week 1, bid week 2, daily week 3": [1050] * 7 + [700] * 7 + [350] * 7,
    "350 mg every six hours, four doses": [1400],
    "350 mg 3 tabs daily x 2d, 2 tabs x 1d, 1 tab x 1d": [1050, 1050, 700, 350],
    "350 mg tid x2 (two) days": [1050, 1050],
    "350 mg every third night for 6 days": [350, 0, 0, 350],
    "350 mg tid for 3 days, cut to bid for 3 days": [1050] * 3 + [700] * 3,
    "350 mg tid for 3 days, then 2 a day for 3 days": [1050] * 3 + [700] * 3,
}


@pytest.mark.parametrize("text", DAYS)
def test_steps_are_told_by_their_days(text):
    assert mg_by_day(f"carisoprodol {text}") == DAYS[text]


LENGTHS = {
    "for the last 2 years": 730,
    "for the past 3 months": 90,
    "for the past year": 365,
    "for roughly 60 days": 60,
    "taken for 3 months": 90,
}


@pytest.mark.parametrize("text", LENGTHS)
def test_a_use_so_far_is_a_length_too(text):
    assert read_plan(f"carisoprodol 350 mg qid {text}").duration_days == LENGTHS[text]


def test_what_someone_has_been_taking_goes_on():
    item = read_plan("I have been taking carisoprodol 350 mg three times a day for two years")
    assert (item.action, item.dose, item.times_per_day, item.duration_days) == ("continue", 350, 3, 730)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("tizanidine 4 mg tid and 2 at bedtime", "2"),  # two tablets, or 2 mg?
        ("carisoprodol 700 mg tid and 1 tablet at bedtime", "1"),  # it comes in 250 and 350 mg
        ("carisoprodol 350 mg q6h prn, usually 2 a day", "usually"),
        ("#90 carisoprodol 350 mg per month", "per month"),
        ("carisoprodol 350 mg bid for 2 days and 350 mg tid for 2 days", "and"),
        ("carisoprodol 350 mg x1 dose now and x1 at bedtime", "x1"),
        ("carisoprodol 350 mg tid for 3 days 7 days", "7 days"),
        ("carisoprodol 350 mg tid for 0 days", "days"),
        ("carisoprodol 350 mg 0 times a day for 5 days", "times"),
        ("carisoprodol 350 mg 700 mg 250 mg tid", "250 mg"),
        ("carisoprodol 350 mg tid 2024-06-03", "-06-03"),
        ("carisoprodol 350 mg 2 tabs 1 tab tid", "2 tablet"),
        ("carisoprodol 350 mg twice in the morning and once at night", "once at night"),
    ],
)
def test_what_may_mean_two_things_is_refused(text, word):
    with pytest.raises(UnreadableText) as error:
        read_plan(text)
    assert word in error.value.words


@pytest.mark.parametrize(
    "text",
    [
        "Soma Compound w/ Codeine (carisoprodol 200/ASA 325/codeine 16) 1 tab qid x 5d",
        "Percocet (oxycodone 5/acetaminophen 325) 1 tab qid x 5d",
        "Fioricet (butalbital-acetaminophen-caffeine 50-325-40) 1 tab qid x 5d",
        "Goody's powder 1 packet qid x 5d",
        "diclofenac 75 mg SR 1 tab qid x 5d",
        "Tylenol ES 500 mg 1 tab qid x 5d",
        "Tylenol 8 HR 650 mg 1 tab qid x 5d",
    ],
)
def test_what_is_in_a_product_belongs_to_its_name(text):
    item = read_plan(text)
    assert (item.dose, item.times_per_day, item.duration_days) == (1, 4, 5)


def test_bare_numbers_count_tablets_where_the_first_does():
    steps = read_plan("clonazepam 0.5 mg, 1 am & 2 hs").steps
    assert [(s.dose, s.unit) for s in steps] == [(0.5, "mg"), (1.0, "mg")]


HOURS = {
    "5 mg nightly": {22: 5},
    "5 mg nocte": {22: 5},
    "5 mg qpm": {20: 5},
    "5 mg before bed": {22: 5},
    "5 mg, 2 tabs at night and 1 in the morning": {8: 5, 22: 10},
    "5 mg tid and 10 mg at bedtime": {8: 5, 14: 5, 20: 5, 22: 10},
    "5 mg 1-1-2": {8: 5, 12: 5, 20: 10},
}


@pytest.mark.parametrize("text", HOURS)
def test_each_part_is_taken_at_its_time_of_day(text):
    """They were all taken at 8 in the morning."""
    schedule = read_schedule([f"diazepam {text} for 1 day"], load())
    taken = {
        (hour + schedule.clock) % 24: mg
        for regimen in schedule.regimens
        for hour, mg in zip(regimen.times, regimen.amounts, strict=True)
    }
    assert taken == HOURS[text]
