"""Pages that stay open: the forecasts of a run come by themselves."""

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from tests.support.dashboard_homes import run
from tests.support.dashboards import Dashboard, Visitor
from tests.support.services import eventually

BEFORE = "2026-04-16T18:00:00+05:30"
SOON = 60


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A dashboard with forecasts of DEMO.NS, of the session before the newest; and its home."""
    home = tmp_path_factory.mktemp("open_pages")
    with Dashboard(home) as dashboard:
        earlier = dashboard.environment | {"FORECAST_NOW": BEFORE}
        run(earlier, "mlops.pipeline", "--ticker", "DEMO.NS")
        yield dashboard, home


def plain(text):
    """Text without the spaces that keep words together."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def ranges(home):
    """The 80 % range of the next session that is stored, as Home and Predictions write it."""
    with acquire(home / DATA_DIR) as lease, psycopg.connect(lease.url) as connection:
        close, levels, quantiles = connection.execute(
            "SELECT last_close, levels, quantiles FROM serving_inputs WHERE horizon = 'short'"
        ).fetchone()
    low, high = (close * (1 + quantiles[levels.index(level)]) for level in (0.1, 0.9))
    return f"{low:,.2f} – {high:,.2f}"


def test_forecasts_of_a_run_appear_on_open_pages_by_themselves(browser, place):
    dashboard, home = place
    people = [Visitor(browser, dashboard.url) for _ in range(2)]
    for visitor, file in zip(people, ("", "predictions"), strict=True):
        visitor.open(file)
    before = ranges(home)
    for visitor in people:
        assert before in plain(visitor.text())
    run(dashboard.environment, "mlops.pipeline", "--ticker", "DEMO.NS")
    after = ranges(home)
    assert after != before
    for visitor in people:
        eventually(lambda page=visitor: after in plain(page.text()), SOON)
        assert "Prices to Fri 17 Apr 2026" in plain(visitor.text())
        assert before not in plain(visitor.text())
        assert visitor.problems() == []
        visitor.context.close()
