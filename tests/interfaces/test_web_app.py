"""The page and the HTTP API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_making import FORM, JSON, app_with

CASE: dict[str, Any] = {
    "as_of": "2026-11-01",
    "patient": {"age_years": 30, "sex": "male"},
    "plan": [{"text": "ibuprofen 400 mg three times a day for 5 days"}],
}


# --- the page -----------------------------------------------------------------------------------------

PAGES = ["/", "/learn", "/check", "/docs", "/feedback"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_from_us_and_holds_no_script(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    for source in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', answer.text):
        assert source.startswith("/static/")
        assert client.get(source).status_code == 200
    assert not re.search(r"<script(?![^>]*src=)", answer.text)
    assert not re.search(r'\son\w+="|\sstyle="', answer.text)
    assert "<h1>" in answer.text
    assert 'lang="en"' in answer.text


def test_the_policy_of_content_allows_nothing_inline(client: TestClient) -> None:
    headers = client.get("/").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_only_configured_origins_may_frame_the_page(tmp_path: Path) -> None:
    with app_with(tmp_path, frame_ancestors=("https://ehr.example",)) as client:
        headers = client.get("/").headers
    assert "frame-ancestors https://ehr.example" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


def test_the_form_is_judged_like_a_case_file(client: TestClient) -> None:
    text = client.post("/assess", data=FORM).text
    assert 'class="badge verdict avoid"' in text
    assert "Carisoprodol with an opioid" in text
    assert "something nobody knows" in text
    assert 'name="answer.egfr"' in text, "a question that matters is asked"
    assert 'name="answer.pregnant"' not in text, "one that does not is not"


def test_an_answer_changes_what_is_asked_and_found(client: TestClient) -> None:
    young = FORM | {"age": "30", "medications": "", "no_medications": "1", "no_conditions": "1"}
    asked = client.post("/assess", data=young).text
    assert 'name="answer.pregnant"' in asked
    told = client.post("/assess", data=young | {"answer.pregnant": "yes"}).text
    assert "pregnan" in told.split('id="questions"')[0].casefold()
    assert 'value="yes" checked' in told, "the answer stays in the form"


def test_two_plans_stand_side_by_side(client: TestClient) -> None:
    text = client.post(
        "/assess", data=FORM | {"plan_b": "ibuprofen 400 mg three times a day for 5 days"}
    ).text
    assert 'class="sides two"' in text
    assert text.count("verdict-line") == 2


def test_a_record_is_opened_beside_the_form(client: TestClient) -> None:
    import json

    text = client.post("/assess", data={"record": json.dumps(CASE), "plan": FORM["plan"], "age": "70"}).text
    assert "Carisoprodol from 65 years" in text


@pytest.mark.parametrize("age_days", [90, 800])
def test_an_opened_record_is_judged_as_of_its_newest_entry_as_on_the_command_line_or_as_of_a_day_asked_for(
    client: TestClient, age_days: int
) -> None:
    import json
    from datetime import date, timedelta

    newest = date.today() - timedelta(days=age_days)
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p1"},
                 "recordedDate": newest.isoformat(), "code": {"text": "low back pain"}}  # fmt: skip
    patient = {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1980"}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in (patient, condition)],
    }
    form = {"record": json.dumps(bundle), "plan": FORM["plan"]}
    assert f"{newest}, the record's newest entry" in client.post("/assess", data=form).text
    asked = client.post("/assess", data=form | {"as_of": date.today().isoformat()}).text
    assert f"<dd>{date.today()} " in asked


def test_what_an_opened_record_holds_is_shown_to_be_checked(client: TestClient) -> None:
    record = (Path(__file__).parents[2] / "demo" / "carisoprodol-for-long.json").read_text()
    text = client.post("/assess", data={"record": record}).text
    held = text[text.index('id="record-holds"') :]
    for line in ("male, 54 years", "oxycodone hydrochloride 10 MG", "Chronic low back pain", "none known"):
        assert line in held
    assert 'class="badge verdict contraindicated"' in text, (
        "what it takes with an opioid and a benzodiazepine"
    )
    assert "lisinopril" not in client.post("/assess", data=FORM).text


def test_a_browser_without_scripts_gets_the_whole_page_and_keeps_the_form_out_of_the_address(
    client: TestClient,
) -> None:
    page = client.get("/").text
    assert '<form id="form" method="post" action="/"' in page
    answered = client.post("/", data=FORM | {"age": "70"}).text
    assert "<h1>" in answered
    assert 'class="badge verdict avoid"' in answered
    assert 'value="70"' in answered
    assert FORM["plan"] + "</textarea>" in answered
    article = client.post("/check", data={"text": "Soma is not addictive."}).text
    assert "<h1>" in article
    assert "<mark" in article
    assert "<h1>" not in client.post("/check", data={"text": "x"}, headers={"HX-Request": "true"}).text


def test_results_of_the_liver_are_asked_for_and_read(client: TestClient) -> None:
    asked = client.post("/assess", data=FORM | {"conditions": "hepatitis B"}).text
    assert 'name="answer.alt"' in asked
    told = client.post(
        "/assess", data=FORM | {"answer.alt": "400", "answer.ast": "390", "answer.bilirubin": "3"}
    ).text
    assert 'value="400"' in told, "the answer stays in the form"


def test_an_error_is_a_page_to_a_person_and_json_to_a_program(client: TestClient) -> None:
    page = client.get("/nothing", headers={"Accept": "text/html,*/*"})
    assert page.status_code == 404
    assert "<h1>" in page.text
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plan": "blabla 5 mg"}, "blabla"),
        ({"age": "old"}, "old"),
        ({"age": "900"}, "age"),
        ({"since": "long ago"}, "pain"),
        ({"record": "{"}, "JSON"),
        ({"record": "PK\x00\x01"}, "not text"),
    ],
)
def test_what_cannot_be_read_is_said_in_the_answer(
    client: TestClient, changes: dict[str, str], said: str
) -> None:
    answer = client.post("/assess", data=FORM | changes)
    assert answer.status_code == 200
    assert said in answer.text


def test_the_forecast_and_its_sliders(client: TestClient) -> None:
    text = client.post("/forecast", data=FORM).text
    assert 'type="application/json"' in text
    assert 'data-try="dose"' in text
    moved = FORM | {"try.dose": "250", "try.times": "2", "try.days": "7", "place": "0"}
    course = client.post("/course", data=moved).json()
    assert course["plan"] == "carisoprodol 250 mg 2 times a day for 7 days"
    assert course["spec"]["vconcat"]
    assert client.post("/course", data=moved | {"try.days": "9999"}).status_code == 422
    assert client.post("/course", data=moved | {"try.dose": "x"}).status_code == 422
    assert client.post("/course", data=moved | {"place": "7"}).status_code == 422


@pytest.mark.parametrize("taken", ["since 2020-05", "(since 2020)", "for 90 days", "since 2020-05-01"])
def test_how_long_a_medicine_is_taken_is_read(client: TestClient, taken: str) -> None:
    form = {
        "plan": "stop carisoprodol",
        "age": "50",
        "medications": f"carisoprodol 350 mg three times a day {taken}",
    }
    text = client.post("/assess", data=form).text
    assert 'class="badge verdict acceptable"' not in text, "a sudden stop after long use"
    assert "could be read" not in text
    assert "is no date" in client.post("/assess", data=form | {"medications": "oxycodone since 2020-99"}).text


def test_a_way_off_a_drug_in_use_is_found_at_a_click(client: TestClient) -> None:
    used = FORM | {"medications": "carisoprodol 350 mg three times a day", "plan": "stop carisoprodol"}
    assert 'hx-post="/taper"' in client.post("/assess", data=used).text
    assert 'hx-post="/taper"' not in client.post("/assess", data=FORM).text
    assert "Coming off carisoprodol" in client.post("/taper", data=used).text
    assert "no schedule from eutonia" in client.post("/taper", data=FORM | {"plan": "heat"}).text


def test_markup_in_the_form_is_shown_as_text(client: TestClient) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    text = client.post("/assess", data=FORM | {"medications": nasty, "conditions": nasty}).text
    text += client.post("/check", data={"text": f"{nasty} Soma heals the muscle. {nasty}"}).text
    assert "<img" not in text


def test_a_plan_keeps_its_own_verdict_beside_that_of_treatment_in_use(client: TestClient) -> None:
    form = {"plan": "ibuprofen 400 mg three times a day for 5 days", "age": "40", "sex": "male",
            "medications": "oxycodone 5 mg every 6 hours", "conditions": "sleep apnea"}  # fmt: skip
    told = client.post("/assess", data=form).text
    headings = re.findall(r"<h[23][^>]*class=\"(?:verdict-line|plan)\">(.*?)</h[23]>", told, re.S)
    plain = [" ".join(re.sub("<[^>]+>", " ", each).split()) for each in headings]
    assert plain[0].startswith("avoid ibuprofen")
    assert plain[1].startswith("ibuprofen")
    assert plain[1].endswith("acceptable")
    assert plain[2] == "current treatment avoid"


# --- the API ------------------------------------------------------------------------------------------


def test_the_api_answers_as_the_command_line_does(client: TestClient) -> None:
    from eutonia.assessment import assess
    from eutonia.reading import read

    answer = client.post("/api/v1/assess?forecast=false", json=CASE).json()
    assert answer == assess(read(CASE), forecast=False).model_dump(mode="json")
    simulated = client.post("/api/v1/simulate", json={"plan": [FORM["plan"]], "draws": 20}).json()
    assert simulated["schema"] == "eutonia/course-summary/1"
    taper = client.post(
        "/api/v1/taper", json={"plan": "carisoprodol 350 mg three times a day for 60 days"}
    ).json()
    assert taper["schema"] == "eutonia/taper/1"
    assert taper["days"]
    checked = client.post("/api/v1/check", json={"text": "Soma heals the muscle."}).json()
    assert checked["claims"]
    evidence = client.get("/api/v1/evidence?therapy=carisoprodol&condition=acute-low-back-pain").json()
    assert evidence["schema"] == "eutonia/evidence/1"
    compared = client.get(
        "/api/v1/compare?therapy=heat&therapy=ibuprofen&condition=acute-low-back-pain"
    ).json()
    assert compared["schema"] == "eutonia/comparison/1"
    assert client.get("/api/v1/schema/case").json()["$schema"].startswith("https://json-schema.org")


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/api/v1/assess", b"{", 400),
        ("/api/v1/assess", b"3", 400),
        ("/api/v1/assess", b"{}", 422),
        ("/api/v1/assess", b'{"resourceType": "Bundle"}', 422),
        ("/api/v1/assess", b'{"a":' * 300 + b"1" + b"}" * 300, 400),
        ("/api/v1/simulate", b'{"plan": []}', 422),
        ("/api/v1/simulate", b'{"plan": ["carisoprodol 350 mg daily for 99 years"]}', 422),
        ("/api/v1/simulate", b'{"plan": ["carisoprodol 350 mg daily"], "draws": 1000000}', 422),
        ("/api/v1/check", b'{"text": ""}', 422),
        ("/api/v1/nothing", b"{}", 404),
    ],
)
def test_errors_are_problems(client: TestClient, path: str, content: bytes, status: int) -> None:
    answer = client.post(path, content=content, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_the_documentation_lists_every_endpoint(client: TestClient) -> None:
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page
