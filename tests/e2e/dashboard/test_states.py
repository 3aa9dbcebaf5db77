"""What every page says of an installation that is empty, a sample, old, unhealthy, or stopped."""

import datetime as dt
from contextlib import ExitStack

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.migrate import ensure_schema
from tests.support.answers import LEVELS, QUANTILES, put_live, put_member
from tests.support.dashboards import Dashboard, Visitor
from tests.support.logged_forecasts import log_forecasts, logged_forecast, record_outcomes
from tests.support.models import both_horizons
from tests.support.services import die, eventually

# The page looks every four seconds for what has changed.
SOON = 60


class Place:
    """A database on a server of its own, which can be stopped, and a dashboard of it."""

    def __init__(self, home, leases):
        self.data = home / DATA_DIR
        self._leases = leases
        self.models = home / "models"
        self.url = self.start()
        ensure_schema(self.url)

    def start(self):
        return self._leases.enter_context(acquire(self.data)).url

    def stop(self):
        die(self.data / "postmaster.pid")

    def run(self, work):
        with psycopg.connect(self.url, autocommit=True) as connection:
            return work(connection)


@pytest.fixture
def place(tmp_path):
    """Empty at first."""
    with ExitStack() as leases:
        yield Place(tmp_path, leases)


@pytest.fixture
def visitor(browser, place, tmp_path):
    """Somebody who has opened the first page."""
    with Dashboard(tmp_path, place.url) as dashboard:
        visitor = Visitor(browser, dashboard.url)
        visitor.open("")
        yield visitor
        assert visitor.problems() == []
        visitor.context.close()


def alert(connection, severity):
    """Something fires."""
    connection.execute(
        "INSERT INTO alert_groups VALUES ('run_hangs', '', 'f', %s, now(), now(), NULL, 'INFO')",
        (severity,),
    )
    connection.execute(
        "INSERT INTO alerts VALUES ('run_hangs', '', '', 'firing', now(), now(), "
        "'The run r_1 has done nothing for 20 minutes.', 20, now(), now(), NULL, NULL, false)"
    )


def outcome_of_a_run(connection):
    """A run records what came of a forecast, and ends."""
    grid = {"levels": LEVELS, "quantiles": QUANTILES}
    row = logged_forecast(dt.date(2026, 4, 10), dt.date(2026, 4, 13), 0.001, **grid)
    log_forecasts(connection, row)
    record_outcomes(connection, row)
    connection.execute(
        "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, host, pid) "
        "VALUES ('r_1', 'pipeline', 'success', true, '2026-04-13T12:30:00Z', 'h', 1)"
    )


def sees(visitor, *texts):
    """Wait until all of these are on the page, without a reload."""
    eventually(lambda: all(text in visitor.text() for text in texts), SOON)


def test_a_page_that_stays_open_tells_each_state_as_it_comes(place, visitor):
    assert "No forecasts yet" in visitor.text()
    assert "No forecast is stored yet" in visitor.page.inner_text("h2")
    assert "make demo" in visitor.text()

    def sample(connection):
        put_member(connection, "DEMO.NS", "SAMPLE")
        connection.execute("UPDATE pool_members SET source = 'sample'")

    place.run(sample)
    sees(visitor, "Sample data. These prices are made up", "no forecast", "DEMO.NS")
    assert visitor.stock() == "DEMO.NS"

    place.run(lambda connection: put_live(connection, place.models, both_horizons()))
    # The last price is of Monday, Tuesday was a holiday, and Friday's session has closed.
    sees(visitor, "Prices are 3\N{NO-BREAK SPACE}sessions old", "DEMO.NS is sample data")
    visitor.open("?stock=TCS.NS")
    text = visitor.text()
    assert "DEMO.NS is sample data" not in text
    assert "TCS.NS: 8 in 10 outcomes were expected between 2,928.0 and 3,072.0" in text
    assert "Unhealthy" not in text

    place.run(outcome_of_a_run)
    sees(visitor, "1 of 2", "1 in 80 % range")

    place.run(lambda connection: alert(connection, "CRITICAL"))
    sees(
        visitor,
        "Unhealthy. The run r_1 has done nothing for 20 minutes.",
        "1\N{NO-BREAK SPACE}alert firing",
    )
    visitor.page.get_by_role("link", name="Analytics").click()
    visitor.page.wait_for_selector("h1:has-text('Analytics')")
    sees(visitor, "Unhealthy.", "Prices are 3\N{NO-BREAK SPACE}sessions old")
    place.run(lambda connection: connection.execute("DELETE FROM alerts"))
    eventually(lambda: "Unhealthy" not in visitor.text(), SOON)


def test_an_old_price_names_the_last_run_and_why_it_failed(place, browser, tmp_path):
    def failed(connection):
        put_live(connection, place.models, both_horizons())
        connection.execute(
            "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, host, pid, "
            "error) VALUES ('r_1', 'pipeline', 'failed', true, %s, 'h', 1, 'No file is newer.')",
            (dt.datetime(2026, 4, 17, 12, 0, tzinfo=dt.UTC),),
        )

    place.run(failed)
    with Dashboard(tmp_path, place.url) as dashboard:
        visitor = Visitor(browser, dashboard.url)
        visitor.open("?stock=NOPE.NS")
        text = visitor.text()
        assert "Last run: Fri 17 Apr 2026, 17:30 IST, it failed, because: No file is newer." in text
        assert "NOPE.NS is not stored" in text
        assert visitor.stock() == "TCS.NS"
        assert visitor.problems() == []
        visitor.context.close()


def test_a_database_that_is_stopped_is_said_in_one_box_and_comes_back_without_a_restart(
    place, visitor, browser
):
    place.run(lambda connection: put_live(connection, place.models, both_horizons()))
    sees(visitor, "TCS.NS: 8 in 10 outcomes")
    other = Visitor(browser, visitor.url)
    other.open("pipeline_control")
    assert "Nothing has run yet" in other.page.inner_text("h2")

    place.stop()
    for each in (visitor, other):
        sees(each, "Trying again every few seconds")
        boxes = each.page.locator("[data-testid=stAlert]").all_inner_texts()
        assert len(boxes) == 1
        assert "database" in boxes[0].lower()
        assert "Traceback" not in each.text()
        assert each.page.get_by_role("button", name="Run full pipeline").count() == 0

    place.start()
    sees(visitor, "TCS.NS: 8 in 10 outcomes", "Documents of the prediction API")
    sees(other, "Nothing has run yet", "Run full pipeline")
    visitor.settle()
    assert "Trying again" not in visitor.text()
    assert other.problems() == []
    other.context.close()
