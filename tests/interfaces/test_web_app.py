"""The page, the HTTP API, and what stands around both: limits, headers, errors, logs, counts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, JSON, call, order, request

FORM = {
    "plan": "carisoprodol 350 mg three times a day for 14 days",
    "age": "70",
    "sex": "female",
    "pain": "low back pain",
    "since": "2026-10",
    "medications": "oxycodone 5 mg every 6 hours\nsomething nobody knows",
    "no_allergies": "1",
}
CASE: dict[str, Any] = {
    "as_of": "2026-11-01",
    "patient": {"age_years": 30, "sex": "male"},
    "plan": [{"text": "ibuprofen 400 mg three times a day for 5 days"}],
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from eutonia.web.app import create_app
    from eutonia.web.settings import Settings

    app = create_app(Settings(data=tmp_path_factory.mktemp("store"), per_minute=0, seconds=60))
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def app_with(folder: Path, **settings: Any) -> TestClient:
    from eutonia.web.app import create_app
    from eutonia.web.settings import Settings

    return TestClient(create_app(Settings(data=folder, **settings)), raise_server_exceptions=False)


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


# --- around every request ---------------------------------------------------------------------------


def test_a_request_id_is_kept_or_made(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = client.get("/healthz", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)


def test_bodies_have_a_limit_whether_announced_or_not(tmp_path: Path) -> None:
    with app_with(tmp_path, most_bytes=1000) as client:
        assert client.post("/assess", content=b"x" * 1001).status_code == 413
        assert client.post("/assess", content=(b"x" * 100 for _ in range(11))).status_code == 413
        assert client.post("/assess", content=b"plan=heat").status_code == 200


def test_an_address_that_asks_too_often_waits(tmp_path: Path) -> None:
    with app_with(tmp_path, per_minute=5) as client:
        answers = [client.get("/healthz") for _ in range(7)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"]


def test_work_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with app_with(tmp_path, seconds=0.001) as client:
        answer = client.post("/forecast", data=FORM)
    assert answer.status_code == 503
    assert "given up" in answer.json()["detail"]


def test_alive_ready_and_counted(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ready"
    call(client, request(order("o1", CARISOPRODOL, days=60)))
    text = client.get("/metrics").text
    assert 'eutonia_cards_total{rule="car-' in text
    assert "eutonia_request_seconds_bucket" in text


SECRETS = ("Zweistein", "p1-secret", "1986-05-01", "secret-token", "lower-back-secret")


def test_nothing_of_the_patient_is_logged_or_counted(
    client: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests that work, that are refused, and that break."""
    caplog.set_level(logging.DEBUG)
    body = request(order("o1", CARISOPRODOL, days=60))
    body["context"]["patientId"] = "p1-secret"
    body["prefetch"]["patient"] |= {"id": "p1-secret", "name": [{"family": "Zweistein"}]}
    client.post("/cds-services/eutonia-muscle-pain", json=body)
    client.post("/cds-services/eutonia-muscle-pain/p1-secret", json=body)
    client.post("/cds-services/eutonia-muscle-pain", json=body | {"hook": "Zweistein"})
    body["prefetch"]["patient"]["birthDate"] = {"Zweistein": 1}
    client.post("/cds-services/eutonia-muscle-pain", json=body)
    client.post("/api/v1/assess?patient=p1-secret", json={"resourceType": "Zweistein"})
    client.post("/assess", data=FORM | {"pain": "lower-back-secret", "age": "Zweistein"})
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]  # the test's own client
    said = "\n".join(ours) + "".join(capsys.readouterr()) + client.get("/metrics").text
    assert "cds-services" in said
    for secret in SECRETS:
        assert secret not in said


def test_an_error_of_ours_tells_where_and_not_what(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eutonia.web import pages

    def broken(*_: Any) -> Any:
        raise RuntimeError("Zweistein")

    monkeypatch.setattr(pages, "_answer", broken)
    answer = client.post("/assess", data=FORM)
    assert answer.status_code == 500
    assert answer.json()["request_id"] in caplog.text
    assert "Zweistein" not in answer.text + caplog.text
    assert "test_web_app.py" in caplog.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    server = TestClient(client.app)
    assert server.post("/assess", data=FORM).status_code == 500, "nothing is left for the server to log"


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
