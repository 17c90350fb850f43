"""Take the README's picture of the page anew: the service with the demo patient opened, in a browser.

    .venv/bin/python tools/picture.py

`make browser` sets up what it needs; CHROMIUM names a browser that is not found.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "pictures" / "page.png"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PORT, WAIT_SECONDS = 8765, 60


def main() -> None:
    with tempfile.TemporaryDirectory() as store:
        serve = [sys.executable, "-m", "eutonia", "serve", "--port", str(PORT)]
        service = subprocess.Popen(serve, cwd=ROOT, env=os.environ | {"EUTONIA_DATA": store})
        try:
            _take(f"http://127.0.0.1:{PORT}")
        finally:
            service.terminate()
            service.wait()


def _take(url: str) -> None:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme="light").new_page()
        _when_it_answers(page, url)
        page.locator("#file").set_input_files(ROOT / "demo" / "patient.json")
        page.locator(".verdict-line").first.wait_for()
        page.locator("figure.chart svg").first.wait_for()
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"Wrote {PICTURE.relative_to(ROOT)}")


def _when_it_answers(page: Page, url: str) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            page.goto(url)
            return
        except Error:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main()
