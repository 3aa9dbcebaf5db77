"""The dashboard as a separate process, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from tests.support.browser import NAMES
from tests.support.services import eventually

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-04-17T18:00:00+05:30"
# Where no API answers, whatever else runs on this machine.
NO_API = {"FORECAST_DASHBOARD__API_URL": "http://127.0.0.1:9"}
OF_OURS = ("FORECAST_", "PG", "DATABASE_URL", "TICKER", "LOG_LEVEL", "STREAMLIT_")
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
SETTLED = """() => !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    && [...document.querySelectorAll('.js-plotly-plot')].every(e => e.querySelector('.main-svg'))"""
# While Streamlit redraws, an element of before may stand beside the one that takes its place.
CURRENT = "[data-testid=stElementContainer]:not([data-stale=true], [data-retained=true])"
# A deep link asks for a page's own health first, which Streamlit answers with 404.
HARMLESS = ("status of 404",)


class Dashboard:
    """Streamlit on a free port; ``home`` holds models and, without a URL, the database."""

    # Where what it prints as errors goes.
    stderr: int | IO[bytes] = subprocess.DEVNULL

    def __init__(self, home: Path, url: str | None = None, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(OF_OURS)}
        self.environment |= {"FORECAST_HOME": str(home), "FORECAST_NOW": NOW, **NO_API, **settings}
        if url is not None:
            self.environment["DATABASE_URL"] = url

    def __enter__(self) -> Dashboard:
        self.start()
        return self

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=self.stderr,
        )
        eventually(self._answers, 60)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the dashboard has ended"
        try:
            return httpx.get(f"{self.url}/_stcore/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


class Visitor:
    """A person at a browser: opens pages of a dashboard and waits until they are drawn.

    Attributes:
        errors: What the browser's console said was wrong.
        foreign: Requests to other hosts than this machine.
    """

    def __init__(self, browser: Browser, url: str, *, width: int = 1440, dark: bool = False):
        phone = width < 600
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            is_mobile=phone,
            has_touch=phone,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.url, self.width = url, width
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("request", lambda request: self._seen(request.url))

    def open(self, path: str) -> Page:
        """A page, when everything on it is drawn."""
        self.page.goto(f"{self.url}/{path}")
        self.page.wait_for_selector("h1")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing is being computed or drawn."""
        self.page.wait_for_selector(IDLE)
        self.page.wait_for_function(SETTLED)
        self.page.wait_for_timeout(300)
        self.page.wait_for_selector(IDLE)

    @property
    def current(self) -> Locator:
        """Elements of the newest state; whoever uses one waits until it is drawn."""
        return self.page.locator(CURRENT)

    def button(self, label: str) -> Locator:
        """A button of the newest state."""
        return self.current.get_by_role("button", name=label)

    def stock(self) -> str:
        """The stock that is chosen."""
        return self.current.get_by_role("combobox", name="Stock", exact=True).input_value()

    def text(self) -> str:
        """All text of the page."""
        return self.page.inner_text("[data-testid=stMain]")

    def shoot(self, path: Path) -> None:
        """Save a picture of the whole page, which scrolls inside its main part."""
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size({"width": self.width, "height": max(600, height)})
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=path)
        self.page.set_viewport_size({"width": self.width, "height": 900})

    def violations(self) -> list[str]:
        """What axe-core finds serious or critical on the page, with the element.

        What is being drawn anew is pale for a moment: only what is found twice counts.
        """
        found = self._violations()
        if found:
            self.page.wait_for_timeout(1500)
            self.settle()
            found = [each for each in self._violations() if each in found]
        return found

    def _violations(self) -> list[str]:
        found = Axe().run(self.page).response["violations"]
        serious = [each for each in found if each["impact"] in {"serious", "critical"}]
        return [f"{each['id']}: {node['html'][:200]}" for each in serious for node in each["nodes"]]

    def problems(self) -> list[str]:
        """Boxes of exceptions, errors of the console and requests to other hosts."""
        boxes = [
            box.inner_text() for box in self.page.query_selector_all("[data-testid=stException]")
        ]
        return [*boxes, *self.errors, *self.foreign]

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and not any(each in text for each in HARMLESS):
            self.errors.append(text)

    def _seen(self, address: str) -> None:
        if not address.startswith(("data:", "blob:")) and "//127.0.0.1:" not in address:
            self.foreign.append(address)


def start_browser():
    """A Chromium of the system, started; the test is skipped without one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
