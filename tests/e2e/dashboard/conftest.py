"""Fixtures of the tests of pages: an installation with real prices, its dashboard, a browser."""

import fcntl

import pytest

from tests.support.dashboard_homes import build_home
from tests.support.dashboards import Dashboard, Visitor, start_browser


@pytest.fixture(scope="session")
def dashboard_home(data, tmp_path_factory):
    """A home with forecasts of 21 tickers, built once for all workers; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base if base.name.startswith("pytest-") else base.parent
    home, done = shared / "dashboard_home", shared / "dashboard_home.done"
    with (shared / "dashboard_home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            build_home(home, data)
            done.touch()
    return home


@pytest.fixture(scope="session")
def dashboard(dashboard_home):
    """The dashboard of that home."""
    with Dashboard(dashboard_home) as started:
        yield started


@pytest.fixture(scope="module")
def browser():
    """A real Chromium; while it is open no test of another module can use asyncio."""
    yield from start_browser()


@pytest.fixture
def visit(browser, dashboard):
    """Makes visitors of the dashboard, whose pages must have had no problem in the end."""
    visitors = []

    def make(**look):
        visitors.append(Visitor(browser, dashboard.url, **look))
        return visitors[-1]

    yield make
    problems = [problem for visitor in visitors for problem in visitor.problems()]
    for visitor in visitors:
        visitor.context.close()
    assert problems == []
