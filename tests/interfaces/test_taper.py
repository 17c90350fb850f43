"""eutonia taper on the command line: text, JSON, calendar, FHIR, page, refusals, errors."""

import json
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from eutonia import read

PLAN = "carisoprodol 350 mg four times a day for 90 days"
START = ("--start", "2026-03-02")


def run(*words: str) -> Any:
    from eutonia.cli import main

    return CliRunner().invoke(main, ["taper", *words], catch_exceptions=False)


@cache
def answered(*words: str) -> dict[str, Any]:
    result = run(*words, *START, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_the_json_is_that_of_the_contract() -> None:
    from eutonia.schemas import json_schema

    answer = answered(PLAN, "--age", "70")
    assert answer["schema"] == "eutonia/taper/1"
    assert answer["refer"] is None
    assert {"abrupt", "taper-short-4d", "taper-long-9d", "linear-4-weeks"} <= answer["alternatives"].keys()
    assert answer["monitoring"]
    assert answer["sources"]
    first = answer["days"][0]
    assert first["day"] == 1
    assert first["date"] == "2026-03-02"
    assert first["total_mg"] == sum(dose["mg"] for dose in first["doses"])
    assert json_schema("taper")["properties"].keys() >= answer.keys() - {"schema"}


def test_the_published_schedule_for_an_older_patient_is_the_long_one_and_shown_as_recalled() -> None:
    answer = answered(PLAN, "--age", "70")
    assert answer["published"] == "taper-long-9d"
    assert answer["alternatives"]["taper-long-9d"]["marks"] == ["recalled"]
    assert answer["alternatives"]["taper-short-4d"]["suits"] is False


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((PLAN, "--pregnant"), "pregnan"),
        ((PLAN, "--age", "15"), "16 years"),
        (("carisoprodol 700 mg four times a day for 90 days",), "2,100"),
    ],
)
def test_where_home_is_no_place_for_it_there_is_a_referral_and_no_schedule(
    words: tuple[str, ...], reason: str
) -> None:
    answer = answered(*words)
    assert answer["days"] == []
    assert any(reason in why.lower() for why in answer["refer"]["why"])
    assert "REFER" in run(*words, *START).stdout


def test_the_text_has_the_table_what_to_expect_and_what_to_watch() -> None:
    text = run(PLAN, "--age", "70", "--max-days", "12", *START).stdout
    for words in (
        "08:00",
        "x 350 mg",
        "made to measure",
        "* Long taper of 9 days",
        "Emergency",
        "CIWA-B",
        "never goes back up",
    ):
        assert words in text


def test_the_rest_of_a_schedule_follows_from_day_and_score() -> None:
    words = ("carisoprodol 350 mg twice a day for 28 days", "--age", "40", "--today", "4", "--score", "45")
    answer = answered(*words)
    assert answer["adapted"]["action"] == "refer"
    assert answer["refer"]["why"]


def test_2100_mg_a_day_is_not_more_than_2100() -> None:
    answer = answered("carisoprodol 525 mg four times a day for 90 days", "--age", "40", "--sex", "male")
    assert answer["refer"] is None
    assert answer["published"] == "taper-high-dose"
    assert answer["alternatives"]["taper-high-dose"]["above_label"] is True
    assert max(day["total_mg"] for day in answer["days"]) <= 1400


def test_a_dose_at_bedtime_stays_there() -> None:
    days = answered("carisoprodol 350 mg at bedtime for 120 days")["days"]
    assert {dose["time"] for day in days for dose in day["doses"]} == {"22:00"}


def test_a_short_course_at_label_dose_needs_none() -> None:
    answer = answered("carisoprodol 350 mg four times a day for 21 days", "--age", "40", "--sex", "male")
    assert answer["needed"] is False
    assert answer["days"] == []
    assert answer["predicted"]["probability_any"] < 0.5
    assert "can be stopped" in answer["says"]


def test_an_unapproved_tablet_is_prescribed_anew_first() -> None:
    answer = answered("Pain O Soma 500 mg four times a day for 60 days", "--age", "38", "--sex", "male")
    assert any("approved" in what for what in answer["first"])
    tablets = {dose["tablets"].split(" x ")[1] for day in answer["days"] for dose in day["doses"]}
    assert tablets <= {"250 mg", "350 mg"}


def test_what_would_decide_is_asked_for() -> None:
    asked = {each["ask"] for each in answered(PLAN, "--age", "30", "--sex", "female")["ask"]}
    assert {"pregnant", "conditions"} <= asked
    asked = {each["ask"] for each in answered("carisoprodol 350 mg four times a day", "--age", "70")["ask"]}
    assert "carisoprodol_use_days" in asked


def test_another_drug_has_its_published_pace_or_none() -> None:
    answer = answered("baclofen 10 mg three times a day for 6 months", "--age", "50", "--sex", "male")
    assert [step["total_mg"] for step in answer["steps"]] == [20.0, 10.0]
    assert answer["predicted"] is None
    result = run("diazepam 5 mg three times a day for 6 months")
    assert result.exit_code == 2
    assert "no schedule from eutonia" in result.stderr


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with taper.ics, taper.json and taper.html of one schedule."""
    folder = tmp_path_factory.mktemp("taper")
    ways = [word for end in ("ics", "report", "fhir") for word in (f"--{end}", str(folder / f"taper.{end}"))]
    result = run(PLAN, "--age", "70", *START, *ways, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == answered(PLAN, "--age", "70"), "same input, same output"
    return folder


def test_the_calendar_is_read_back_by_a_parser(files: Path) -> None:
    from icalendar import Calendar

    read = Calendar.from_ical((files / "taper.ics").read_bytes())
    events = {str(event["uid"]): event for event in read.walk("VEVENT")}
    answer = answered(PLAN, "--age", "70")
    doses = [event for uid, event in events.items() if uid.startswith("dose-")]
    assert len(doses) == sum(len(day["doses"]) for day in answer["days"])
    assert len(events) == len(read.walk("VEVENT")), "no two events share an identifier"
    for event in read.walk("VEVENT"):
        (alarm,) = event.walk("VALARM")
        assert alarm["description"]
    days = sorted(event.decoded("dtstart").date() for event in doses)
    assert days[0] == date(2026, 3, 2)
    assert days[-1] == days[0] + timedelta(days=len(answer["days"]) - 1)


def test_the_orders_are_valid_fhir(files: Path) -> None:
    fhirkit = pytest.importorskip("fhirkit", reason="needs the extra eutonia[fhir]")
    bundle = json.loads((files / "taper.fhir").read_text())
    assert not [str(i) for i in fhirkit.validate(bundle)]
    resources = {e["resource"]["resourceType"]: e["resource"] for e in bundle["entry"]}
    request = resources["MedicationRequest"]
    assert request["status"] == "draft"
    instructions = request["dosageInstruction"]
    assert [i["sequence"] for i in instructions] == sorted(i["sequence"] for i in instructions)
    assert (
        resources["CarePlan"]["activity"][0]["reference"]["reference"] == f"MedicationRequest/{request['id']}"
    )
    total = sum(
        i["doseAndRate"][0]["doseQuantity"]["value"] * len(i["timing"]["repeat"]["timeOfDay"])
        for i in instructions
        if i["sequence"] == 1
    )
    assert total == answered(PLAN, "--age", "70")["days"][0]["total_mg"]


def test_the_orders_read_back_as_the_schedule(files: Path) -> None:
    bundle = json.loads((files / "taper.fhir").read_text())
    (item,) = read(bundle).plan
    answer = answered(PLAN, "--age", "70")
    assert item.duration_days == len(answer["days"])
    for number, day in enumerate(answer["days"]):
        under_way = [s for s in item.steps if s.start_day <= number < s.start_day + s.duration_days]
        assert sum(s.dose * s.times_per_day for s in under_way) == day["total_mg"]


def test_the_page_stands_alone_and_has_a_box_for_each_dose(files: Path) -> None:
    page = (files / "taper.report").read_text()
    answer = answered(PLAN, "--age", "70")
    assert page.count('class="tick"') == sum(len(day["doses"]) for day in answer["days"])
    assert "<script" not in page
    assert "Get help at once" in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("carisoprodol",), "what is taken now"),
        (("stop carisoprodol",), "what is taken now"),
        (("xyzzy 3 mg tid for 90 days",), "xyzzy"),
        ((PLAN, "--tablets", "500"), "no approved tablet"),
        ((PLAN, "--tablets", "big"), "not a list"),
        ((PLAN, "--max-days", "0"), "cannot be made"),
        ((PLAN, "--start", "soon"), "not a date"),
        ((PLAN, "--today", "3"), "belong together"),
        ((PLAN, "--today", "3", "--score", "9"), "--start"),
        ((PLAN, "--today", "3", "--score", "9", *START, "--taken", "lots"), "3=1400"),
        ((PLAN, "--max-days", "2"), "Allow more days"),
    ],
)
def test_a_wrong_call_is_one_clear_message(words: tuple[str, ...], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_doses_of_different_size_add_up() -> None:
    words = ("carisoprodol 350 mg tid and 700 mg at bedtime for 2 years", "--age", "40", "--sex", "male")
    answer = answered(*words)
    assert answer["now_mg"] == 1750
    assert answer["published"] == "taper-high-dose"
