"""Pipeline Control in a real browser: a run is started once, followed, cancelled, and survives."""

import os
import signal
from contextlib import closing, contextmanager

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from tests.support.dashboard_homes import run
from tests.support.dashboards import Dashboard, Visitor
from tests.support.services import eventually

PAGE = "pipeline_control"
FULL, REFRESH = "Run full pipeline", "Refresh data"
# Cells of a table stand behind its picture, where a browser counts them as hidden.
UNDER_WAY = "td:has-text('● under way')"


@pytest.fixture
def empty(home):
    """A dashboard over an empty home, with an embedded server of its own; and that home."""
    with Dashboard(home) as dashboard:
        yield dashboard, home


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """As ``empty``, but DEMO.NS is stored."""
    home = tmp_path_factory.mktemp("pipeline_home")
    with Dashboard(home) as dashboard:
        run(dashboard.environment, "mlops.pipeline", "--ticker", "DEMO.NS")
        yield dashboard, home


@contextmanager
def connected(home):
    """A connection to the server of a home."""
    with (
        acquire(home / DATA_DIR) as lease,
        psycopg.connect(lease.url, autocommit=True) as opened,
    ):
        yield opened


@pytest.fixture
def connection(place):
    """A connection to the same server as the dashboard's."""
    with connected(place[1]) as opened:
        yield opened


@pytest.fixture
def person(browser):
    """Makes people at the page, whose browsers must have had no problem in the end."""
    visitors = []

    def make(place):
        visitors.append(Visitor(browser, place[0].url))
        return look(visitors[-1])

    yield make
    there = [visitor for visitor in visitors if not visitor.page.is_closed()]
    problems = [problem for visitor in there for problem in visitor.problems()]
    for visitor in visitors:
        visitor.context.close()
    assert problems == []


@pytest.fixture
def held(place):
    """Keeps runs from going on: they wait for a table until the connection rolls back."""
    with acquire(place[1] / DATA_DIR) as lease, closing(psycopg.connect(lease.url)) as holder:
        holder.execute("LOCK TABLE ingest_batches IN ACCESS EXCLUSIVE MODE")
        yield holder


def look(visitor):
    """Open the page; while a run is under way it is never at rest."""
    visitor.page.goto(f"{visitor.url}/{PAGE}")
    visitor.page.wait_for_selector("h2")
    return visitor


def press(visitor, label):
    """Press a button."""
    visitor.button(label).click()


def headline(visitor, text):
    """Wait until the page's answer contains a text, without asking for the page again."""
    visitor.page.wait_for_selector(f"h2:has-text('{text}')", timeout=60_000)


def is_pressable(visitor):
    """Whether the buttons that start a run are enabled."""
    return all(visitor.button(label).is_enabled() for label in (FULL, REFRESH))


def requests(connection):
    """Status, run, process and error of all requests, the newest first."""
    return connection.execute(
        "SELECT q.status, q.run_id, r.pid, q.error FROM run_requests q "
        "LEFT JOIN pipeline_runs r USING (run_id) ORDER BY request_id DESC"
    ).fetchall()


def test_the_first_run_is_started_from_an_empty_page_by_a_double_click(empty, person):
    visitor = person(empty)
    headline(visitor, "Nothing has run yet")
    assert not is_pressable(visitor)
    visitor.current.get_by_label("Its name").fill("DEMO.NS")
    visitor.page.keyboard.press("Enter")
    eventually(lambda: is_pressable(visitor))
    assert "Synthetic" in visitor.text()
    visitor.button(FULL).dblclick()
    # What is above the buttons is drawn before them.
    eventually(lambda: not is_pressable(visitor))
    headline(visitor, "Full run of DEMO.NS")
    headline(visitor, "The last run succeeded")
    with connected(empty[1]) as connection:
        ((status, run_id, _, error),) = requests(connection)
        runs = connection.execute("SELECT run_id, status FROM pipeline_runs").fetchall()
    assert (status, error, runs) == ("success", None, [(run_id, "success")])
    # What the run made is there without the page having been asked for again.
    visitor.page.wait_for_selector(f"h3:has-text('Stages of {run_id}')")
    visitor.page.wait_for_selector("text=Sample data")
    eventually(lambda: is_pressable(visitor))
    with visitor.page.expect_download() as download:
        press(visitor, "results.json")
    assert run_id in download.value.path().read_text()


def test_two_people_who_press_at_once_follow_one_run_also_after_leaving(
    person, place, connection, held
):
    before = len(requests(connection))
    first, second = person(place), person(place)
    buttons = [each.button(REFRESH) for each in (first, second)]
    for button in [each.element_handle() for each in buttons]:
        # As quickly as can be: once one has got through, the other is disabled.
        button.evaluate("button => button.click()")
    for visitor in (first, second):
        headline(visitor, "Data refresh of DEMO.NS")
    assert len(requests(connection)) == before + 1
    first.page.close()
    second.page.reload()
    headline(second, "Data refresh of DEMO.NS is under way")
    third = person(place)
    headline(third, "Data refresh of DEMO.NS is under way")
    assert not is_pressable(third)
    third.page.wait_for_selector(UNDER_WAY, state="attached")
    held.rollback()
    for visitor in (second, third):
        headline(visitor, "The last run succeeded: data refresh of DEMO.NS")
        headline(visitor, "no new prices")
    assert len(requests(connection)) == before + 1
    assert requests(connection)[0][0] == "success"


def test_a_run_is_cancelled(person, place, connection, held):
    visitor = person(place)
    press(visitor, FULL)
    visitor.page.wait_for_selector(UNDER_WAY, state="attached")
    press(visitor, "Cancel")
    headline(visitor, "The last run was cancelled")
    status, run_id, _, error = requests(connection)[0]
    assert status == "cancelled"
    assert error in visitor.text()
    assert connection.execute(
        "SELECT status FROM pipeline_runs WHERE run_id = %s", (run_id,)
    ).fetchone() == ("interrupted",)
    eventually(lambda: is_pressable(visitor))


def test_a_run_whose_process_was_killed_is_said_to_have_died(person, place, connection, held):
    visitor = person(place)
    press(visitor, FULL)
    headline(visitor, "is under way")
    pid = eventually(lambda: requests(connection)[0][2])
    os.kill(pid, signal.SIGKILL)
    headline(visitor, "The last run was interrupted")
    assert "ended without" in visitor.text()
    eventually(lambda: is_pressable(visitor))
    held.rollback()
    press(visitor, REFRESH)
    headline(visitor, "The last run succeeded")
    assert [row[0] for row in requests(connection)[:2]] == ["success", "interrupted"]


def test_a_run_of_many_is_shown_as_it_was_logged(visit, dashboard_home):
    with connected(dashboard_home) as opened:
        ((run_id, status),) = opened.execute("SELECT run_id, status FROM pipeline_runs").fetchall()
        stages = opened.execute("SELECT stage, status FROM stage_runs").fetchall()
        counted = opened.execute(
            "SELECT count(*) FILTER (WHERE status = 'success'), count(*) FROM run_tickers"
        ).fetchone()
    assert status == "success"
    visitor = visit()
    page = visitor.open(f"{PAGE}?run={run_id}")
    many = f"{counted[0]}\N{NO-BREAK SPACE}stocks"
    headline(visitor, f"The last run succeeded: run of {many} by command")
    assert visitor.current.get_by_label("Show run").input_value() == run_id
    assert f"Run of {many} by command: ✓ succeeded in" in visitor.text()
    drawn = page.get_by_role("figure", name=f"Stages of run {run_id}").get_attribute("aria-label")
    assert drawn.count(" success in ") == len(stages) == 5
    grid = page.get_by_role("figure", name="Runs by stock and session")
    assert grid.get_attribute("aria-label").endswith("left out: none")
    with page.expect_download() as download:
        page.get_by_role("button", name="report_NSE_short.html").click()
    written = dashboard_home / "mlops" / "runs" / run_id / "report_NSE_short.html"
    assert download.value.path().read_bytes() == written.read_bytes()
    # An address with a run that there is not shows the newest one.
    visitor.open(f"{PAGE}?run=20200101_000000")
    assert visitor.current.get_by_label("Show run").input_value() == "newest"
    assert page.is_visible(f"h3:has-text('Stages of {run_id}')")
