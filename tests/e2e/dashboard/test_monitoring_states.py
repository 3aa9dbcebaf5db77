"""What Monitoring says where nothing is stored, nobody watches, or a part cannot be read."""

import datetime as dt

import psycopg
import pytest

from src.config.clock import now
from src.dashboard import readers
from src.monitoring.checks.machine import note_watch
from tests.support.answers import put_member
from tests.support.dashboard_apps import installation, open_page, text
from tests.support.dashboards import NOW


@pytest.fixture
def place(home, database_url):
    """An empty installation that is looked at."""
    with (
        installation(home, database_url),
        psycopg.connect(database_url, autocommit=True) as connection,
    ):
        yield home, connection


def said(tab, **query):
    app = open_page("monitoring", tab=tab, **query)
    assert not app.exception
    return text(app)


def test_an_empty_installation_says_what_to_run(place):
    health = said("System Health")
    assert "Nobody watches for alerts" in health
    assert "Start `python -m mlops.monitoring watch`." in health
    assert "No model has been trained yet" in health
    # What is wrong is shown, although nobody was told.
    assert "✕ **No channel:**" in health
    assert "No run is logged yet: run `python -m mlops.pipeline`" in said("Pipeline Runs")
    assert "The data of all stocks have not been scored yet" in said("Data Quality")
    assert "No row is held back. 0 rows were checked" in said("Data Quality")
    assert "Drift has not been measured yet" in said("Evaluation")
    assert "No line matches" in said("Logs", q="no such text")


def test_the_last_look_of_the_watch_is_named_and_an_old_one_too(place):
    home, _ = place
    at = now(readers.settings())
    note_watch(home, at)
    health = said("System Health")
    assert "Nothing is firing" in health
    assert "Last check Fri 17 Apr 2026, 18:00 IST." in health
    note_watch(home, at - dt.timedelta(hours=1))
    assert "Alerts are those of Fri 17 Apr 2026, 17:00 IST: the watch is not at work" in (
        said("System Health")
    )


def test_a_part_that_cannot_be_read_leaves_the_rest(place):
    _, connection = place
    put_member(connection, "TCS.NS")
    connection.execute("ALTER TABLE quarantine RENAME TO gone")
    quality = said("Data Quality", stock="TCS.NS")
    assert "The rows held back cannot be shown." in quality
    assert "The rest of the page is not affected." in quality
    assert "The data of TCS.NS have not been scored yet" in quality


def test_history_and_drift_are_drawn_from_what_is_stored(place):
    _, connection = place
    put_member(connection, "TCS.NS")
    day = dt.date.fromisoformat(NOW[:10])
    for back, score in ((1, 61.0), (0, 72.4)):
        connection.execute(
            "INSERT INTO quality_scores VALUES ('TCS.NS', %s, %s, %s, now())",
            (
                day - dt.timedelta(days=back),
                score,
                '{"validity": {"score": 60, "found": "a `null_bar`", "remedy": "mend it"}, '
                '"timeliness": {"score": 100}}',
            ),
        )
    for measure, value, t, limit, bad in (
        ("coverage", 0.81, -6.0, 5.0, True),
        ("skill", -0.0001, -1.0, 2.0, False),
        ("early_coverage", None, None, None, None),
    ):
        connection.execute(
            "INSERT INTO drift_measures VALUES ('NSE', 'long', %s, %s, %s, 0.9, 70, %s, %s, %s, "
            "'In words.', now())",
            (measure, day, value, t, limit, bad),
        )
    app = open_page("monitoring", tab="Data Quality", stock="TCS.NS")
    assert "Data quality of TCS.NS: 72 of 100 at Fri 17 Apr 2026, lowest in validity" in text(app)
    (chart,) = app.get("plotly_chart")
    assert "over 2 sessions: from 61 to 72 of 100" in chart.proto.alt
    assert app.dataframe[0].value["Found"].tolist() == ["a “missing prices”", "Nothing is wrong."]

    app = open_page("monitoring", tab="Evaluation", stock="TCS.NS")
    assert "1\xa0measure is beyond the limit, of 2 with enough outcomes" in text(app)
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt.endswith(
        "NSE long: 90 % band, last quarter 1.20; NSE long: skill against no change 0.50"
    )
    states = dict(
        zip(app.dataframe[0].value["Measure"], app.dataframe[0].value["State"], strict=True)
    )
    assert states["NSE long: 90 % band, last quarter"] == "✕ beyond its limit"
    assert states["NSE long: 90 % band, by the first month"] == "– too few outcomes"
