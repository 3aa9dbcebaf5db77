"""What Home says of alerts, against the badge that counts them."""

import datetime as dt

import psycopg
import pytest

from src.core.alerts import Acknowledgement, Silence, States, fingerprint_of
from src.db.watched.alerts import AlertTables
from tests.support.alerts import Looks, rule, seen
from tests.support.dashboard_apps import installation, open_page, text

NOW = dt.datetime(2026, 4, 17, 12, 30, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
# Of each of these something fires.
RULES = {"run_failed": "WARNING", "disk_nearly_full": "CRITICAL", "skill_negative": "INFO"}


@pytest.fixture
def tables(place):
    """The tables of alerts, in which three fire that nobody takes care of."""
    with psycopg.connect(place[0], autocommit=True) as connection:
        looks = Looks(*(rule(name, severity) for name, severity in RULES.items()))
        looks.at(NOW - HOUR, *(seen(True, "", name) for name in RULES))
        tables = AlertTables(connection)
        tables.store(States(), looks.states, [])
        yield tables
        for table in ("alerts", "alert_groups", "alert_acknowledgements", "alert_silences"):
            connection.execute(f"DELETE FROM {table}")


def home(place):
    """What Home says."""
    url, folder = place
    with installation(folder, url):
        return text(open_page("home")).replace("\N{NO-BREAK SPACE}", " ")


def test_the_badge_and_the_list_count_the_same_and_tell_what_they_leave_out(place, tables):
    said = home(place)
    assert "2 alerts firing]" in said
    assert "2 alerts firing, 1 for information. Stocks that need a look are counted" in said
    tables.acknowledge(Acknowledgement(fingerprint_of("run_failed", ""), "asha", NOW - MINUTE))
    said = home(place)
    assert "1 alert firing]" in said
    assert "1 alert firing, 1 acknowledged, 1 for information." in said
    assert "Acknowledged by asha" in said


def test_what_was_silenced_just_now_is_quiet_at_once_everywhere(place, tables):
    assert "**Unhealthy.**" in home(place)
    tables.silence(Silence("disk_*", "*", "a new disk", "asha", NOW - MINUTE, NOW + HOUR))
    said = home(place)
    assert "Unhealthy" not in said
    assert "✕ critical" not in said
    assert "1 alert firing]" in said
    assert "1 alert firing, 1 silenced, 1 for information." in said
    # A silence that is over hides nothing, although the watch has not looked since.
    tables.connection.execute("UPDATE alerts SET silenced = true")
    tables.connection.execute("UPDATE alert_silences SET ends_at = %s", (NOW - MINUTE / 2,))
    said = home(place)
    assert "**Unhealthy.**" in said
    assert "2 alerts firing, 1 for information." in said


def test_a_stock_that_is_not_stored_is_told_until_another_stock_or_page_is_chosen(place):
    said = "NOPE.NS is not stored: TCS.NS is shown instead."
    url, folder = place
    with installation(folder, url):
        app = open_page("home", stock="NOPE.NS")
        assert said in text(app)
        # The chooser has taken it out of the address.
        assert said in text(app.run())
        app.selectbox(key="stock").set_value("INFY.NS").run()
        assert "is not stored" not in text(app)
        app = open_page("home", stock="no_such")
        assert r"no\_such is not stored: TCS.NS is shown instead." in text(app)
        app.switch_page("src/dashboard/pages/pipeline_control.py")
        assert "is not stored" not in text(app.run())


def test_what_failed_last_is_said_beside_a_run_that_succeeded(place):
    add = (
        "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, finished_at, host, "
        "pid, error) VALUES (%s, 'pipeline', %s, true, %s, %s, 'h', 1, %s)"
    )
    with psycopg.connect(place[0], autocommit=True) as connection:
        earlier = NOW - HOUR
        connection.execute(add, ("r_0", "success", earlier, earlier, None))
        assert "No run has failed so far." in home(place)
        connection.execute(add, ("r_1", "failed", earlier, earlier, "Yahoo does not answer."))
        connection.execute(add, ("r_2", "success", NOW, NOW, None))
        said = home(place)
        connection.execute("DELETE FROM pipeline_runs WHERE run_id IN ('r_0', 'r_1', 'r_2')")
    assert "The last run that did not succeed:" in said
    assert "failed · **Fri 17 Apr 2026, 17:00 IST**" in said
    assert "Yahoo does not answer." in said
