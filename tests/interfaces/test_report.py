"""The assessment as JSON and as a page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import eutonia
from eutonia.cli import main
from eutonia.knowledge import Knowledge
from eutonia.report import as_page, as_text
from eutonia.rowwise import check

CASE: dict[str, Any] = {
    "as_of": "2026-03-02",
    "region": "US",
    "patient": {"age_years": 52, "sex": "male", "weight_kg": 88, "occupation": "bus driver"},
    "conditions": [
        {"text": "Lumbar muscle strain <script>alert(1)</script>", "icd10cm": "S39.012A", "onset": "2026-02-27"}
    ],
    "no_known_allergies": True,
    "allergies": [],
    "medications": [
        {"text": "oxycodone 10 mg tablet", "dose": 10, "unit": "mg", "times_per_day": 4, "start": "2026-02-20"}
    ],
    "labs": [],
    "observations": [],
    "plan": [
        {"action": "start", "text": "carisoprodol 350 mg", "dose": 350, "unit": "mg", "times_per_day": 4,
         "duration_days": 7}
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def assessment() -> Any:
    return eutonia.assess(eutonia.read(CASE))


def test_the_json_has_the_fields_of_the_contract(assessment: Any) -> None:
    told = json.loads(json.dumps(assessment.model_dump(mode="json")))
    assert told["schema"] == "eutonia/assessment/1"
    plan = told["plans"][0]
    assert {"plan", "therapy", "verdict", "issues", "unknowns", "forecast"} <= plan.keys()
    assert {"rule", "severity", "headline", "urgent", "existing", "because", "say", "do", "sources"} <= plan[
        "issues"
    ][0].keys()
    assert {"key", "at", "mark"} <= plan["issues"][0]["sources"][0].keys()
    assert {"summary", "assumptions"} <= plan["forecast"].keys()
    assert plan["forecast"]["summary"]["effects"]["peak_impairment"]["p95"] > 0
    option = {"therapy", "plan", "verdict", "offered", "why_not", "evidence", "onset", "harms", "rank"}
    assert all(option <= o.keys() for o in told["options"])
    assert {"questions", "warnings", "not_seen", "knowledge_version", "taper"} <= told.keys()


WHO = "male, 52 years, 88 kg; takes oxycodone; has Lumbar muscle strain"


def test_the_patient_stands_at_the_head_of_page_and_text(assessment: Any) -> None:
    assert assessment.patient.startswith(WHO)
    assert assessment.patient.endswith("; no known allergies")
    head = as_page(assessment).partition("</header>")[0]
    assert WHO in head
    text = as_text(assessment, 400).splitlines()
    assert text[1] == f"Patient: {assessment.patient}"


def test_what_is_not_known_of_a_patient_is_said_to_be_unknown() -> None:
    told = eutonia.assess(
        eutonia.read({"as_of": "2026-03-02", "patient": {}, "plan": CASE["plan"]}), forecast=False
    )
    assert told.patient == (
        "sex not known, age not known; medicines not known; illnesses not known; allergies not known"
    )
    none = {"medications": [], "conditions": [], "allergies": []}
    told = eutonia.assess(eutonia.read({**CASE, **none}), forecast=False)
    assert told.patient == "male, 52 years, 88 kg; takes nothing; no illnesses; no known allergies"


def test_medicines_and_illnesses_that_no_rule_knows_are_named_or_counted() -> None:
    record = {
        "medications": [{"text": "blue heart pill"}, {"text": "loratadine 10 mg"}, {"text": "Norco 5/325"}],
        "conditions": [
            {"text": "Acne (disorder)"},
            {"text": "Chronic neck pain (finding)", "snomed": "279039007"},
        ],
        "labs": [
            {
                "name": "eGFR",
                "loinc": "98979-8",
                "value": 48,
                "unit": "mL/min/{1.73_m2}",
                "date": "2026-02-01",
            }
        ],
    }
    told = eutonia.assess(eutonia.read({**CASE, **record}), forecast=False).patient
    assert "takes blue heart pill, loratadine 10 mg, " in told
    assert "acetaminophen" in told
    assert "hydrocodone" in told
    assert "eGFR 48" in told
    assert "(finding)" not in told
    assert "and 1 more that no rule knows" in told


def test_the_forecast_shows_what_the_combination_adds(assessment: Any) -> None:
    forecast = assessment.plans[0].forecast
    both, alone = forecast.summary.effects, forecast.alone.effects
    assert forecast.with_medicines == ["oxycodone"]
    assert both.min_ventilation.median < alone.min_ventilation.median
    assert both.peak_impairment.median > alone.peak_impairment.median


def test_a_rule_may_ask_for_a_simulated_quantity(assessment: Any) -> None:
    issue = next(i for i in assessment.plans[0].issues if i.rule == "forecast-impaired-at-work-info")
    assert issue.because["next_morning_impairment"] >= 10


@pytest.mark.parametrize(("median", "found"), [(9.9, []), (10.0, [True]), (None, [None])])
def test_the_patient_hears_of_slow_mornings_from_where_the_rule_begins(
    assessment: Any, knowledge: Knowledge, median: float | None, found: list[Any]
) -> None:
    rule = knowledge.rules["forecast-impaired-at-work-info"]
    asked = {"safety_critical_work": True, "next_morning_impairment": median}
    assert [each.applies for each in check(asked, [rule])] == found
    plan = assessment.plans[0]
    summary = plan.forecast.summary
    morning = summary.effects.morning_impairment.model_copy(update={"median": median})
    effects = summary.effects.model_copy(update={"morning_impairment": morning})
    forecast = plan.forecast.model_copy(update={"summary": summary.model_copy(update={"effects": effects})})
    changed = assessment.model_copy(update={"plans": [plan.model_copy(update={"forecast": forecast})]})
    assert ("slowed on the morning" in as_page(changed)) is (found == [True])


def test_the_same_input_gives_the_same_output(assessment: Any) -> None:
    again = eutonia.assess(eutonia.read(CASE))
    assert again.model_dump(mode="json") == assessment.model_dump(mode="json")


def test_the_page_stands_alone_and_escapes_what_the_record_says(assessment: Any) -> None:
    page = as_page(assessment)
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|https://)', page)
    assert "@import" not in page
    assert "url(" not in page
    assert page.count("<h1") == 1
    assert 'lang="en"' in page


def test_every_cited_source_stands_in_the_list_of_sources(assessment: Any) -> None:
    page = as_page(assessment)
    linked = set(re.findall(r'href="#(source-[\w-]+)"', page))
    assert linked
    assert linked <= set(re.findall(r'id="(source-[\w-]+)"', page))


def test_the_command_writes_the_report_whole_or_not_at_all(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps(CASE))
    out = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["assess", str(case), "--report", str(out)])
    assert done.exit_code == 0
    assert out.read_text().startswith("<!doctype html>")
    lost = CliRunner().invoke(main, ["assess", str(case), "--report", str(tmp_path / "no" / "where.html")])
    assert lost.exit_code == 2
    assert "Choose another place" in lost.output


def test_weights_order_the_options_anew() -> None:
    from eutonia.options import Weights

    case = eutonia.read(CASE)
    by_harm = eutonia.assess(case, forecast=False, weights=Weights(evidence=0, harm=1000)).options
    offered = [max(h.high for h in o.harms if h.kind.startswith("harm")) for o in by_harm if o.offered]
    assert offered == sorted(offered)


def test_charts_of_the_page_say_what_they_show_and_follow_its_colours(assessment: Any) -> None:
    page = as_page(assessment)
    charts = re.findall(r'<svg role="img"[^>]*aria-label="([^"]+)"', page)
    assert len(charts) == page.count('<figure class="chart">') >= 6
    assert any(label.startswith("Pain over the course") for label in charts)
    drawn = "".join(re.findall(r'<svg role="img".*?</svg>', page))
    assert not re.search(r'(?:fill|stroke)="#', drawn)


def test_a_line_runs_through_its_values_and_stays_within_its_axes() -> None:
    from eutonia.report import drawing
    from eutonia.report.drawing import Panel, Series, figure

    line = Series("pain", [0.0, 1.0, 2.0], [0.0, 50.0, 400.0], [([0.0, 25.0, 90.0], [10.0, 75.0, 500.0])])
    drawn = figure(Panel("Pain <b>", "Pain over two days", "days", [line], top=100.0))
    (path,) = re.findall(r'class="line s0" d="M([^"]+)"', drawn)
    points = [tuple(map(float, point.split(","))) for point in path.split()]
    floor, ceiling = drawing.HEIGHT - drawing.BOTTOM, drawing.TOP
    assert [y for _, y in points] == [floor, (floor + ceiling) / 2, ceiling]
    assert [x for x, _ in points] == [drawing.LEFT, (drawing.LEFT + drawing.WIDTH - drawing.RIGHT) / 2,
                                      drawing.WIDTH - drawing.RIGHT]  # fmt: skip
    assert "Pain &lt;b&gt;" in drawn


def test_who_has_taken_it_for_long_is_told_not_to_stop_at_once() -> None:
    taken = {
        "text": "carisoprodol 350 mg",
        "dose": 350,
        "unit": "mg",
        "times_per_day": 4,
        "start": "2025-06-01",
    }
    plan = {"action": "continue", "text": "carisoprodol 350 mg", "dose": 350, "unit": "mg", "times_per_day": 4,
            "duration_days": 30}  # fmt: skip
    page = as_page(eutonia.assess(eutonia.read(CASE | {"medications": [taken], "plan": [plan]})))
    assert "Do not stop it from one day" in page
    assert "before you take any of it" not in page


def test_nothing_is_said_or_drawn_of_a_withdrawal_that_the_model_does_not_know() -> None:
    baclofen = {
        "action": "start",
        "text": "baclofen 10 mg",
        "dose": 10,
        "unit": "mg",
        "times_per_day": 3,
        "duration_days": 7,
    }
    found = eutonia.assess(eutonia.read(CASE | {"medications": [], "plan": [baclofen]}))
    page = as_page(found)
    assert "of 100 have withdrawal" not in page
    assert "Withdrawal over the course" not in page
    assert not any("would feel withdrawal" in each.answer for each in found.answers)
