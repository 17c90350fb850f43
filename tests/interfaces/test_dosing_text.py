"""Dosing text: what people write is read, what cannot be read is named, and what is written reads back."""

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plan_writing import describe

from eutonia.dates import span
from eutonia.dosing.text import read_dosage, read_plan
from eutonia.errors import InputError, UnreadableText
from eutonia.formulary import medicine_index
from eutonia.knowledge import load
from eutonia.knowledge.spelling import key
from eutonia.patient import PlanItem

TABLES = Path(__file__).parents[3] / "shared/data/fhir/smart_sample_patients_tables/meds.txt"

READ = {
    "carisoprodol 350 mg four times a day for 14 days": {
        "text": "carisoprodol", "dose": 350, "unit": "mg", "times_per_day": 4, "duration_days": 14},
    "350 mg tid and hs x 2 weeks": {"text": "", "dose": 350, "times_per_day": 4, "duration_days": 14},
    "ibuprofen 400 mg every 6 hours as needed": {
        "dose": 400, "times_per_day": 4, "every_hours": 6, "as_needed": True},
    "stop carisoprodol": {"action": "stop", "text": "carisoprodol", "dose": None},
    "taper carisoprodol over 4 weeks": {"action": "taper", "taper": True, "duration_days": 28},
    "continue baclofen 10 mg tid": {"action": "continue", "text": "baclofen", "dose": 10, "times_per_day": 3},
    "reduce carisoprodol to 350 mg twice a day": {"action": "continue", "dose": 350, "times_per_day": 2},
    "2 drinks of alcohol at 20:00": {
        "text": "alcohol", "dose": 2, "unit": "drink", "clock_times": ("20:00",), "times_per_day": 1},
    "carisoprodol 250 mg three times a day and at bedtime for 1 week": {
        "dose": 250, "times_per_day": 4, "duration_days": 7},
    "1-2 tabs po q4-6h prn pain": {
        "dose": 1, "dose_high": 2, "unit": "tablet", "times_per_day": 6, "times_per_day_low": 4,
        "every_hours": 4, "as_needed": True, "route": "oral"},
    "1 tab qhs prn muscle spasm": {"dose": 1, "unit": "tablet", "times_per_day": 1, "as_needed": True},
    "take ½ tablet twice daily": {"dose": 0.5, "unit": "tablet", "times_per_day": 2},
    "1½ tablets × 7 days": {"dose": 1.5, "duration_days": 7, "times_per_day": None},
    "one and a half tablets every other day": {"dose": 1.5, "times_per_day": 0.5, "every_hours": 48},
    "2 tablets once weekly": {"dose": 2, "times_per_day": pytest.approx(1 / 7)},
    "1 patch q72h": {"dose": 1, "unit": "patch", "times_per_day": pytest.approx(1 / 3), "every_hours": 72},
    "two tablets at night": {"dose": 2, "times_per_day": 1},
    "Soma 350 1 po qid #40": {
        "text": "Soma 350", "dose": 1, "unit": "each", "times_per_day": 4, "route": "oral", "quantity": 40},
    "carisoprodol 350 mg x1": {"dose": 350, "times_per_day": 1, "duration_days": 1},
    "carisoprodol 350 mg, single dose": {"dose": 350, "times_per_day": 1, "duration_days": 1},
    "350 mg at 08:00, 14:00 and 10 pm": {"clock_times": ("08:00", "14:00", "22:00"), "times_per_day": 3},
    "carisoprodol 7.50 mg daily from day 3": {"dose": 7.5, "times_per_day": 1, "start_day": 2},
    "carisoprodol 350 mg tid starting 2026-03-01 until 2026-03-14": {
        "start": span("2026-03-01"), "end": span("2026-03-14")},
    "carisoprodol 350 mg tablets, 2 tabs tid": {
        "text": "carisoprodol 350 mg tablets", "dose": 2, "unit": "tablet", "times_per_day": 3},
    "hydrocodone-acetaminophen 5-325 mg 1-2 tablets q4h prn, max 8 tablets per day": {
        "text": "hydrocodone-acetaminophen 5-325 mg", "dose": 1, "dose_high": 2, "times_per_day": 4},
    "carisoprodol 350-700 mg at bedtime": {"text": "carisoprodol", "dose": 350, "dose_high": 700},
    "carisoprodol 1050 mg per day in 3 divided doses": {"dose": 350, "times_per_day": 3},
    "carisoprodol 350 mg 1-0-1": {"dose": 350, "times_per_day": 2},
    "carisoprodol 350 mg qid, 10 day supply with 2 refills": {"days_supply": 30, "times_per_day": 4},
    "exercise 3x/week for 12 weeks": {
        "text": "exercise", "times_per_day": pytest.approx(3 / 7), "duration_days": 84},
    "heat 20 minutes twice daily": {"text": "heat", "dose": 20, "unit": "min", "times_per_day": 2},
    "1 sl q5min x3 prn angina": {"dose": 1, "route": "sublingual", "times_per_day": 3, "duration_days": 1},
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_it_reads_what_people_write(text):
    read = read_plan(text)
    assert {name: getattr(read, name) for name in READ[text]} == READ[text]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("carisoprodol 350 mg tid with vodka", ("with", "vodka")),
        ("do not take carisoprodol", ("do not",)),
        ("carisoprodol 350 mg tid and oxycodone 10 mg qid", ("oxycodone", "qid")),
        ("carisoprodol 350 mg fnord", ("fnord",)),
        ("carisoprodol 350 mg tid prn with gin", ("with", "gin")),
        ("carisoprodol 350 mg at 31:00", ("31:00",)),
    ],
)
def test_what_it_cannot_read_it_names(text, words):
    with pytest.raises(UnreadableText) as error:
        read_plan(text)
    assert set(words) <= {word.removeprefix("at ") for word in error.value.words}


def test_an_empty_plan_is_refused():
    with pytest.raises(UnreadableText):
        read_plan("  ")


def test_steps_follow_each_other_and_the_whole_states_the_largest():
    item = read_plan("carisoprodol 350 mg tid for 4 days, then bid for 4 days, then 175 mg daily for 2 days")
    steps = [(s.start_day, s.dose, s.times_per_day, s.duration_days) for s in item.steps]
    assert steps == [(0, 350, 3, 4), (4, 350, 2, 4), (8, 175, 1, 2)]
    assert (item.dose, item.times_per_day, item.duration_days) == (350, 3, 10)


def test_doses_side_by_side_add_up_to_one_day():
    item = read_plan("carisoprodol 350 mg three times a day and 700 mg at bedtime for 2 weeks")
    assert [(s.dose, s.times_per_day, s.start_day, s.duration_days) for s in item.steps] == [
        (350, 3, 0, 14),
        (700, 1, 0, 14),
    ]
    assert item.dose == 700, "the largest single dose"
    assert item.dose * item.times_per_day == 1750, "the total of a day"


def _sigs() -> list[dict[str, str]]:
    if not TABLES.exists():
        pytest.skip("the SMART sample tables are not beside the checkout (../shared/data)")
    with TABLES.open(newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if (row["SIG"] or "").strip()]


def test_nearly_all_real_sigs_are_read(capsys):
    """SIGs of the SMART sample patients: the share read is printed, with what is not."""
    sigs = [row["SIG"] for row in _sigs()]
    unread = {sig: read_dosage(sig).unread for sig in sigs if read_dosage(sig).unread}
    share = sum(sig not in unread for sig in sigs) / len(sigs)
    with capsys.disabled():
        print(f"\nSIGs read: {share:.1%} of {len(sigs)}; not read: {unread or 'none'}")
    assert share >= 0.97


def test_real_sigs_are_read_as_their_publisher_read_them():
    """The tables give amount and frequency as numbers too; two rows contradict their own SIG."""
    days = {"/d": 1, "/wk": 7}
    wrong = []
    rows = [row for row in _sigs() if row["FREQUENCY_UNIT"] in days]
    for row in rows:
        item = read_dosage(row["SIG"]).item
        times = float(row["FREQUENCY_VALUE"]) / days[row["FREQUENCY_UNIT"]]
        amount = float(row["Q_TO_TAKE_VALUE"]) if row["Q_TO_TAKE_VALUE"] else item.dose
        if item.times_per_day != pytest.approx(times) or item.dose != amount:
            wrong.append((row["SIG"], row["FREQUENCY_VALUE"], row["Q_TO_TAKE_VALUE"]))
    assert len(rows) > 150
    assert sorted(wrong) == [("1 cap once a week", "1", "2"), ("1 tab qd", "2", "1")]


def test_a_sig_that_is_not_understood_says_so():
    assert read_dosage("1 tab wibble").unread == ("wibble",)
    assert read_dosage("").unread == ("(nothing)",)


WORDS = st.sampled_from(
    [
        *(
            "350",
            "mg",
            "1/2",
            "½",
            "tablet",
            "tabs",
            "q6h",
            "q",
            "qid",
            "prn",
            "and",
            "at",
            "08:00",
            "every",
            "4",
            "-",
        ),
        *(
            "6",
            "hours",
            "x",
            "14",
            "days",
            "then",
            "max",
            "#",
            "of",
            "/",
            "two",
            "half",
            "taper",
            "stop",
            "from",
        ),
        *(
            "day",
            "3",
            "until",
            "2026-03-01",
            "2026-02-31",
            "for",
            "week",
            "with",
            "no",
            "refills",
            "carisoprodol",
        ),
        *(",", ";", "(", ")", "1e9", "%", "٣", "é"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(WORDS, max_size=14).map(" ".join), st.text(max_size=60)))
def test_no_text_breaks_it(text):
    read_dosage(text)
    try:
        item = read_plan(text)
    except InputError:
        return
    describe(item)


def amounts(units):
    low = st.sampled_from([0.5, 1, 1.5, 2, 20, 250, 350])
    return st.tuples(low, st.one_of(st.none(), st.integers(1, 3)), st.sampled_from(units)).map(
        lambda a: {"dose": a[0], "dose_high": a[0] * (1 + a[1]) if a[1] else None, "unit": a[2]}
    )


TIMINGS = st.one_of(
    st.just({}),
    st.integers(1, 8).map(lambda n: {"times_per_day": n}),
    st.integers(1, 6).map(lambda n: {"times_per_day": n / 7}),
    st.sampled_from([2, 3, 4, 6, 8, 12, 48, 72, 168]).map(
        lambda h: {"every_hours": h, "times_per_day": 24 / h}
    ),
    st.just({"every_hours": 4, "times_per_day": 6, "times_per_day_low": 4}),
    st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True).map(
        lambda hs: {"clock_times": tuple(f"{h:02d}:30" for h in sorted(hs)), "times_per_day": len(hs)}
    ),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "as_needed": st.booleans(),
        "duration_days": st.integers(1, 60),
        "route": st.sampled_from(["oral", "topical", "transdermal", "sublingual"]),
        "quantity": st.integers(1, 120),
        "start_day": st.integers(0, 30),
    },
)
ITEMS = st.tuples(
    st.sampled_from(["carisoprodol", "ibuprofen", "myofascial release", "carisoprodol 350 mg tablet"]),
    st.sampled_from(["start", "continue"]),
    st.one_of(st.just({}), amounts(["mg", "tablet", "patch", "each", "mL"])),
    TIMINGS,
    OPTIONS,
).map(lambda t: PlanItem(text=t[0], action=t[1], **t[2], **t[3], **t[4]))


@settings(max_examples=300, deadline=None)
@given(ITEMS)
def test_what_is_written_reads_back(item):
    """But for a product alone, whose strength is then the dose; a large number needs its unit."""
    assume(item.unit != "each" or (item.dose_high or item.dose) <= 10)
    words = describe(item)
    read = read_plan(words).model_copy(update={"written": ""})
    if item.text.endswith("tablet") and item.dose is None:
        item = item.model_copy(update={"dose": 350, "unit": "mg"})
    if item.text == "myofascial release":
        item = item.model_copy(update={"therapy": "myofascial-release", "action": f"{item.action}-therapy"})
    expected, got = item.model_dump(), read.model_dump()
    for name in ("times_per_day", "times_per_day_low"):
        assert got.pop(name) == pytest.approx(expected.pop(name)), words
    assert got == expected, words


# --- names --------------------------------------------------------------------------------------------

NAMED = {
    "carisoprodol, aspirin and codeine 1 tablet qid": "carisoprodol, aspirin and codeine",
    "Soma Compound w/ Codeine 1 tab qid": "Soma Compound w/ Codeine",
    "Tylenol #3 1 tab q6h": "Tylenol #3",
    "cyclobenzaprine HCl ER 15 mg capsule daily": "cyclobenzaprine HCl ER 15 mg capsule",
    "take 1 tablet of carisoprodol (Soma) daily": "carisoprodol (Soma)",
    "Percocet 5/325 1 tab q6h": "Percocet 5/325",
    "stop Pain O Soma 500 mg": "Pain O Soma 500 mg",
    "carisoprodol 700 mg tid": "carisoprodol",
}


@pytest.mark.parametrize("text", NAMED)
def test_the_name_is_what_the_formulary_needs_of_it(text):
    """With a brand stands the strength of its tablet; with an ingredient just the dose."""
    assert read_plan(text).text == NAMED[text]


def test_every_name_that_is_known_can_stand_in_a_plan():
    knowledge = load()
    wrong = []
    for entry in (*knowledge.drugs.values(), *knowledge.products.values(), *knowledge.therapies.values()):
        for name in (entry.title, *entry.synonyms, *getattr(entry, "brands", ())):
            if key(name) not in medicine_index(knowledge).names and entry.id not in knowledge.therapies:
                continue
            try:
                item = read_plan(f"take 1 dose of {name} every 6 hours as needed for 5 days", knowledge)
            except UnreadableText as error:
                wrong.append((name, error.words))
                continue
            if (item.every_hours, item.duration_days, item.as_needed) != (6, 5, True):
                wrong.append((name, item))
    assert not wrong


def test_a_therapy_is_known_as_one():
    item = read_plan("stop myofascial release of the lower limb")
    assert (item.action, item.therapy) == ("stop-therapy", "myofascial-release")


def test_a_misspelt_drug_is_named_with_the_nearest():
    with pytest.raises(UnreadableText, match=r"“carisprodol”.*Did you mean carisoprodol"):
        read_plan("carisprodol 350 mg tid")


def test_a_number_without_a_unit_is_milligrams_only_where_the_drug_comes_in_it():
    assert read_plan("carisoprodol 350 tid").unit == "mg"
    assert read_plan("tizanidine 4 tid").unit == "each", "may be four tablets"
    with pytest.raises(UnreadableText, match="Give its unit"):
        read_plan("carisoprodol 17 tid")


def test_the_year_since_which_a_drug_is_taken_is_no_dose():
    sig = read_dosage("1 tablet tid since 2023")
    assert (sig.item.dose, sig.item.times_per_day, sig.unread) == (1, 3, ("since 2023",))
    with pytest.raises(UnreadableText, match="“since March 2023”"):
        read_plan("carisoprodol 350 mg tid since March 2023")


def test_the_plans_of_all_options_are_read():
    """The alternatives that eutonia itself offers are written as plans."""
    knowledge = load()
    plans = [e.option.plan for e in (*knowledge.drugs.values(), *knowledge.therapies.values()) if e.option]
    for plan in plans:
        item = read_plan(plan, knowledge)
        assert item.text or item.therapy, plan


def test_a_last_step_that_stops_is_none():
    item = read_plan("carisoprodol 350 mg tid for 7 days, then stop")
    assert (item.times_per_day, item.duration_days, item.steps) == (3, 7, ())


def test_a_step_of_unknown_length_is_refused():
    with pytest.raises(UnreadableText, match="then"):
        read_plan("carisoprodol 350 mg tid then bid")


def test_words_beside_a_known_name_are_not_part_of_it():
    with pytest.raises(UnreadableText, match="wibble"):
        read_plan("wibble carisoprodol 350 mg tid")
