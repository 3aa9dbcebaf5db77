"""The watch on a real database and a real receiver: told once, resolved by a good value only."""

import datetime as dt
import re

import psycopg
import pytest

from src.core.alerts import AlertGroup, States
from src.db.watched.alerts import AlertTables
from src.monitoring.checks.machine import last_watch
from src.monitoring.metrics.history import read_points
from src.monitoring.watch import look_for_the_dead, watch_once
from tests.support.installations import NOW, SESSION, Installation, add_features
from tests.support.models import both_horizons
from tests.support.receivers import Receiver
from tests.support.registries import Place

MINUTE = dt.timedelta(minutes=1)
GROUP = AlertGroup("run_failed", "", "WARNING", NOW, NOW)


@pytest.fixture
def receiver():
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def installation(database_url, home, receiver):
    made = Installation(database_url, home)
    made.overrides["alert_urls"] = [receiver.url()]
    return made


def look(installation, minutes=0):
    installation.now += minutes * MINUTE
    return watch_once(installation.settings, installation.now)


def titles(result):
    return [re.sub(r" \[[0-9a-f]{12}\]", "", message.title) for message in result.messages]


def test_a_sound_installation_is_quiet(installation):
    assert titles(look(installation)) == []
    assert last_watch(installation.home) == NOW
    points = read_points(installation.home / "mlops" / "metrics", NOW, NOW).points
    values = {point.name: point.value for point in points}
    assert values.pop("monitor_seconds") > 0
    assert values == {"monitor_bad_conditions": 0.0}


def test_a_condition_is_told_once_and_its_end_once(installation):
    installation.execute("UPDATE pipeline_runs SET status = 'failed', error = 'It broke.'")
    assert titles(look(installation)) == ["WARNING: run_failed"]
    assert titles(look(installation, 1)) == []
    installation.execute("UPDATE pipeline_runs SET status = 'success'")
    assert titles(look(installation, 1)) == ["RESOLVED: run_failed"]
    assert titles(look(installation, 1)) == []


def test_vanished_features_are_no_recovery(installation):
    installation.execute("DELETE FROM features_daily WHERE date = %s", SESSION)
    assert titles(look(installation)) == []  # it may still be on its way
    assert titles(look(installation, 241)) == ["WARNING: features_stale NSE"]
    installation.execute("DELETE FROM features_daily")
    assert titles(look(installation, 1)) == []
    with psycopg.connect(installation.url) as connection:
        for ticker in installation.tickers:
            add_features(connection, ticker, SESSION)
    assert titles(look(installation, 1)) == ["RESOLVED: features_stale NSE"]


def test_yesterdays_file_is_told_as_its_cause_and_not_twice(installation):
    installation.execute("DELETE FROM features_daily WHERE date = %s", SESSION)
    installation.execute("UPDATE run_tickers SET session = '2026-04-15'")
    look(installation)
    assert titles(look(installation, 121)) == ["WARNING: source_not_advancing NSE"]
    assert titles(look(installation, 300)) == []


def test_an_alert_goes_out_while_the_database_is_away(installation, receiver):
    look(installation)
    url, installation.url = installation.url, "postgresql://postgres@127.0.0.1:9/nothing"
    look(installation, 1)
    assert titles(look(installation, 2)) == ["CRITICAL: database_unreachable"]
    assert any("database_unreachable" in title for title in receiver.titles)
    installation.url = url
    assert titles(look(installation, 1)) == ["RESOLVED: database_unreachable"]


def test_a_digest_of_a_session_is_sent_once(installation, receiver):
    with psycopg.connect(installation.url) as connection:
        for ticker in installation.tickers:
            for horizon in ("short", "long"):
                connection.execute(
                    "INSERT INTO serving_inputs VALUES (%s, %s, 'NSE', %s, 'v1', 3000, '{}', '{}', "
                    "'{}', NULL, '{}', NULL, 'yahoo', 'total', %s, now())",
                    (ticker, horizon, SESSION, "d" * 64),
                )
    with psycopg.connect(installation.url) as connection:
        AlertTables(connection).store(States(), States(groups={GROUP.key: GROUP}), [])
    look(installation)
    look(installation, 1)
    (digest,) = [body for body in receiver.bodies if "2026-04-16 on NSE" in body["title"]]
    assert digest["title"].startswith("INFO: ")
    assert digest["message"].startswith("3 of 3 tickers have the session.\nMedian move +0.00%;")
    assert digest["message"].endswith("\nOpen alerts: WARNING run_failed.")


def test_a_digest_waits_for_the_forecasts_of_the_session(installation, receiver):
    look(installation)
    assert receiver.titles == []


def test_the_deadman_speaks_for_a_watch_that_is_silent(installation, receiver):
    settings = installation.settings
    assert look_for_the_dead(settings, NOW).bad  # it has never run
    look(installation)
    assert not look_for_the_dead(settings, NOW + 9 * MINUTE).bad
    seen = look_for_the_dead(settings, NOW + 11 * MINUTE)
    assert (seen.bad, "11 minutes ago" in seen.sentence) == (True, True)
    assert any(title.startswith("CRITICAL: watch_silent") for title in receiver.titles)
    assert titles(look(installation, 12)) == ["RESOLVED: watch_silent"]


def test_models_that_come_after_a_first_alert(database_url, home):
    """A new user starts the watch before the first run."""
    installation = Installation.__new__(Installation)
    installation.url, installation.home, installation.now = database_url, home, NOW
    installation.overrides = {}
    assert titles(look(installation)) == ["CRITICAL: model_missing"]
    Place(database_url, home).publish(both_horizons())
    # Models of a pool without features are no sign that anything can be answered.
    assert titles(look(installation, 1)) == []
