"""The main journeys in a real browser (Chromium), read by axe, inside a frame, and with a SMART launch.

Run by `make browser`. Skipped, saying so, where Playwright or a Chromium is not installed.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from web_making import CARISOPRODOL, OXYCODONE, PATIENT, order, searchset

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright: pip install eutonia[browser]")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe: pip install eutonia[browser]")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PLAN = "carisoprodol 350 mg three times a day for 7 days"


class Other(ThreadingHTTPServer):
    """Another origin: a page that frames ours, and a record system with SMART and FHIR."""

    daemon_threads = True
    ours = ""
    challenge = ""
    verifier = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Other

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        url = self.server.url
        if path == "/frame":
            self._say(f'<iframe src="{self.server.ours}/" width="900" height="700"></iframe>', "text/html")
        elif path == "/fhir/.well-known/smart-configuration":
            self._say({"authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token",
                       "code_challenge_methods_supported": ["S256"]})  # fmt: skip
        elif path == "/authorize":
            assert query["code_challenge_method"] == ["S256"]
            assert query["launch"] == ["l1"]
            self.server.challenge = query["code_challenge"][0]
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri'][0]}?code=c1&state={query['state'][0]}")
            self.end_headers()
        elif path == "/fhir/Patient/p1":
            self._say(PATIENT)
        elif path == "/fhir/MedicationRequest":
            self._say(searchset(order("m1", OXYCODONE, "active"), order("o1", CARISOPRODOL)))
        else:
            self._say(searchset())

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.verifier = form["code_verifier"][0]
        self._say({"access_token": "t", "token_type": "Bearer", "patient": "p1"})

    def _say(self, what: Any, kind: str = "application/json") -> None:
        content = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def other() -> Iterator[Other]:
    made = Other(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def url(other: Other, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service, on a port of its own."""
    import uvicorn

    from eutonia.web.app import create_app
    from eutonia.web.settings import Settings

    settings = Settings(
        data=tmp_path_factory.mktemp("store"), per_minute=0, seconds=120, frame_ancestors=(other.url,),
        fhir_servers=(other.url,), smart_clients={f"{other.url}/fhir": "eutonia"},
    )  # fmt: skip
    config = uvicorn.Config(create_app(settings), port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    other.ours = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield other.ours
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it (apt install chromium) or set CHROMIUM to its path")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(params=["desktop light", "phone dark"])
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page on which every complaint of the browser is a failure."""
    small = "phone" in request.param
    context = browser.new_context(
        viewport={"width": 390, "height": 844} if small else {"width": 1360, "height": 900},
        color_scheme="dark" if "dark" in request.param else "light",
        has_touch=small,
    )
    made = context.new_page()
    made.set_default_timeout(90_000)
    complaints: list[str] = []
    made.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    made.on("pageerror", lambda e: complaints.append(str(e)))
    yield made
    context.close()
    assert complaints == []


def no_serious_findings(page: Any) -> None:
    found = axe.Axe().run(page).response["violations"]
    grave = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not grave, [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in grave]


def fits(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_from_the_form_to_the_plot_and_back(page: Any, url: str) -> None:
    page.goto(url)
    no_serious_findings(page)
    page.get_by_label("Plan", exact=True).fill(PLAN)
    page.get_by_label("Age", exact=True).fill("70")
    page.get_by_label("All medicines taken now").fill("oxycodone 5 mg every 6 hours")
    page.get_by_role("button", name="Assess").click()
    page.locator(".verdict-line .badge").filter(has_text="avoid").wait_for()
    page.locator("figure.chart svg").first.wait_for()
    no_serious_findings(page)
    fits(page)
    before = page.locator("figure.chart .drawing").first.inner_html()
    slider = page.locator('[data-try="dose"]').first
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function(
        "(old) => document.querySelector('figure.chart .drawing').innerHTML !== old", arg=before
    )
    page.locator(".tried").first.get_by_text("mg 3 times a day").wait_for()
    page.get_by_role("button", name="Use this plan").first.click()
    assert "3 times a day for 7 days" in page.locator("#plan").input_value()


def test_questions_appear_and_stay_answered(page: Any, url: str) -> None:
    page.goto(url)
    page.locator("#plan").fill(PLAN)
    page.locator("#age").fill("30")
    page.locator("#sex").select_option("female")
    page.get_by_role("button", name="Assess").click()
    page.locator('[name="answer.pregnant"][value="yes"]').check()
    page.locator("#answer").get_by_text("Carisoprodol in pregnancy").first.wait_for()
    assert page.locator('[name="answer.pregnant"][value="yes"]').is_checked()


def test_a_shared_link_holds_the_form_behind_its_hash(page: Any, url: str) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url))
    page.goto(url)
    page.locator("#plan").fill(PLAN)
    page.locator("#age").fill("71")
    page.get_by_role("button", name="Assess").click()
    page.get_by_role("button", name="Copy a link").click()
    page.wait_for_function("location.hash.length > 10")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.locator(".verdict-line").wait_for()
    assert page.locator("#age").input_value() == "71"
    assert not any("71" in urlsplit(each).query for each in sent)


def test_two_plans_and_a_file(page: Any, url: str, tmp_path: Path) -> None:
    record = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"resource": r} for r in (PATIENT, order("m1", OXYCODONE, "active"))]}  # fmt: skip
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record))
    page.goto(url)
    page.locator("#plan").fill(PLAN)
    page.get_by_role("button", name="Compare two plans").click()
    page.locator("#plan_b").fill("heat")
    page.locator("#file").set_input_files(path)
    page.locator(".sides.two .verdict-line").nth(1).wait_for()
    assert "oxycodone" in page.locator(".side").first.inner_text()
    fits(page)


def test_another_record_takes_nothing_over_from_the_patient_before_and_clear_leaves_no_answer(
    page: Any, url: str
) -> None:
    page.goto(url)
    page.locator("#plan").fill(PLAN)
    page.locator("#age").fill("30")
    page.locator("#conditions").fill("epilepsy")
    page.get_by_role("button", name="Assess").click()
    page.locator(".verdict-line").wait_for()
    page.locator("#file").set_input_files(Path(__file__).parents[2] / "demo" / "falls-and-kidneys.json")
    page.locator("#record-holds").get_by_text("female, 81 years").wait_for()
    assert page.locator("#plan").input_value() == PLAN
    assert page.locator("#age").input_value() == ""
    assert page.locator("#conditions").input_value() == ""
    page.get_by_role("button", name="Clear").click()
    page.locator(".welcome").wait_for()
    assert page.locator(".verdict-line").count() == 0
    assert page.locator("#record-shown").is_hidden()


def test_an_answer_that_fails_leaves_no_older_one_and_a_changed_form_says_that_it_is_old(
    browser: Any, url: str
) -> None:
    page = browser.new_page()
    page.goto(url)
    page.locator("#plan").fill("heat")
    page.get_by_role("button", name="Assess").click()
    page.locator(".verdict-line").wait_for()
    page.locator("#announced", has_text="acceptable").wait_for(state="attached")
    page.locator("#medications").press_sequentially("oxy")
    page.get_by_text("This answer is for what it held before").wait_for()
    page.route(
        "**/assess", lambda route: route.fulfill(status=503, body='{"detail": "The service is busy."}')
    )
    page.locator("#age").fill("50")
    page.get_by_role("button", name="Assess").click()
    page.get_by_role("alert").get_by_text("The service is busy.").wait_for()
    assert page.locator(".verdict-line").count() == 0
    page.close()


def test_without_scripts_the_form_is_answered_and_stays_out_of_the_address(browser: Any, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    page.locator("#plan").fill(PLAN)
    page.locator("#age").fill("70")
    page.get_by_role("button", name="Assess").click()
    page.locator(".verdict-line").wait_for()
    assert page.url == f"{url}/"
    assert page.locator("#age").input_value() == "70"
    context.close()


def test_on_paper_stand_what_was_filled_in_and_the_sources_dark_on_white(page: Any, url: str) -> None:
    page.goto(url)
    page.locator("#plan").fill(PLAN)
    page.locator("#age").fill("70")
    page.get_by_role("button", name="Assess").click()
    page.locator("figure.chart svg").first.wait_for()
    page.emulate_media(media="print")
    shown = page.locator("#form").inner_text()
    assert "Age" in shown
    assert not any(
        word in shown for word in ("Weight", "Allergies", "none known", "Copy a link", "Asked because")
    )
    assert page.locator("details.sources li").first.is_visible()
    assert page.locator("h2.verdict-line").is_visible()
    ink = page.evaluate("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
    assert max(ink) < 100


@pytest.mark.parametrize("path", ["/learn", "/check", "/docs", "/feedback"])
def test_the_other_pages_read_well(page: Any, url: str, path: str) -> None:
    page.goto(url + path)
    if path == "/learn":
        page.locator("figure.chart svg").first.wait_for()
    no_serious_findings(page)
    fits(page)


def test_an_article_is_checked(page: Any, url: str) -> None:
    page.goto(f"{url}/check")
    page.locator("#text").fill("Soma is not addictive and heals the muscle.")
    page.get_by_role("button", name="Check it").click()
    page.locator("mark").first.wait_for()
    no_serious_findings(page)


def test_the_keyboard_reaches_everything(page: Any, url: str) -> None:
    page.goto(url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("#plan").focus()
    page.keyboard.type("heat")
    page.locator("#age").focus()
    page.keyboard.press("Enter")
    page.locator(".verdict-line").wait_for()


def test_it_opens_in_a_frame_of_a_configured_origin(page: Any, url: str, other: Other) -> None:
    page.goto(f"{other.url}/frame")
    frame = page.frame_locator("iframe")
    frame.locator("#plan").fill("heat")
    frame.get_by_role("button", name="Assess").click()
    frame.locator(".verdict-line").wait_for()


def test_a_record_system_opens_it_with_its_patient(page: Any, url: str, other: Other) -> None:
    import base64
    import hashlib

    page.goto(f"{url}/launch?iss={other.url}/fhir&launch=l1")
    page.locator(".verdict-line").wait_for()
    assert page.url == f"{url}/"
    assert "oxycodone" in page.locator("#answer").inner_text()
    digest = hashlib.sha256(other.verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == other.challenge


def test_a_record_system_that_is_not_configured_is_refused(browser: Any, url: str) -> None:
    page = browser.new_page()
    page.goto(f"{url}/launch?iss=https://evil.example/fhir&launch=l1")
    page.get_by_text("not configured").wait_for()
    page.close()


def test_the_report_is_read_by_axe_and_fits_a_phone(page: Any, tmp_path: Path) -> None:
    """The record with the most to say: three ways on, a taper and its sheet."""
    from eutonia import assess, read
    from eutonia.report import as_page

    written = tmp_path / "report.html"
    record = Path(__file__).parents[2] / "demo" / "carisoprodol-for-long.json"
    written.write_text(as_page(assess(read(str(record)))))
    page.goto(written.as_uri())
    assert page.locator("figure.chart svg").count() > 6
    no_serious_findings(page)
    fits(page)
