"""Each condition, injected alone, is told once at its severity and resolved by a good value only.

Broken and mended one after the other in one installation; what alerts remember is emptied between
two conditions, so that time can begin anew.
"""

import datetime as dt
import os
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from src.core.alerts import fingerprint_of
from src.db.tables.locks import RUN_LOCKS
from src.monitoring.checks import database
from src.monitoring.rules import RULES
from src.monitoring.watch import watch_once
from tests.support.installations import NOW, SESSION, TICKERS, Installation, add_features
from tests.support.receivers import Receiver

MINUTE = dt.timedelta(minutes=1)
MONDAY = dt.date(2026, 4, 20)
OF_TCS = "ticker = 'TCS.NS'"


@dataclass
class Condition:
    """How to break something, and which group of which rule tells of it.

    Attributes:
        broken: A context manager that takes the installation; inside it the condition holds.
        now: The time at which it is looked at first.
    """

    rule: str
    group: str
    broken: Any
    now: dt.datetime = NOW


def by_statements(breaking, mending):
    """Break and mend by SQL."""

    @contextmanager
    def broken(installation):
        installation.execute(breaking)
        yield
        installation.execute(mending)

    return broken


def by_settings(**overrides):
    """Break by settings of monitoring."""

    @contextmanager
    def broken(installation):
        before = installation.overrides
        installation.overrides = before | overrides
        yield
        installation.overrides = before

    return broken


def by_time():
    """Break by time alone: nothing comes after the newest session, until it does."""

    @contextmanager
    def broken(installation):
        yield
        day = installation.now.date()
        installation.execute(f"UPDATE features_daily SET date = '{day}' WHERE date = '{SESSION}'")

    return broken


@contextmanager
def unreachable(installation):
    url, installation.url = installation.url, "postgresql://postgres@127.0.0.1:9/nothing"
    yield
    installation.url = url


@contextmanager
def read_only(installation):
    with psycopg.connect(installation.url, autocommit=True) as connection:
        (name,) = connection.execute("SELECT current_database()").fetchone()
        statement = f'ALTER DATABASE "{name}" {{}} default_transaction_read_only'
        connection.execute(statement.format("SET") + " = on")
        yield
        connection.execute(statement.format("RESET"))


@contextmanager
def held_open(installation):
    before, database.LONG = database.LONG, 0.0
    with psycopg.connect(installation.url) as connection:
        connection.execute("SELECT 1")
        yield
    database.LONG = before


@contextmanager
def slow(installation):
    before, database.SLOW = database.SLOW, 0.0
    yield
    database.SLOW = before


@contextmanager
def model_gone(installation):
    folder = next((installation.home / "models" / "NSE" / "short").iterdir())
    shutil.move(folder, installation.home / "elsewhere")
    yield
    shutil.move(installation.home / "elsewhere", folder)


@contextmanager
def old_backup(installation):
    folder = installation.home / "backups"
    folder.mkdir()
    (folder / "backup-20260414T105900Z.zip").touch()
    yield
    (folder / "backup-20260416T130000Z.zip").touch()


@contextmanager
def model_changed(installation):
    (file,) = (installation.home / "models" / "NSE" / "long").glob("*/model.safetensors")
    before = file.read_bytes()
    file.write_bytes(before[:-1] + b"!")
    yield
    file.write_bytes(before)


@contextmanager
def untrained_session(installation):
    with psycopg.connect(installation.url) as connection:
        for ticker in installation.tickers:
            add_features(connection, ticker, MONDAY)
    yield
    installation.execute(f"DELETE FROM features_daily WHERE date = '{MONDAY}'")


@contextmanager
def run_at_work(installation):
    """A run that holds its lock; given is its connection."""
    installation.execute(
        "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, host, pid) "
        f"VALUES ('at_work', 'pipeline', 'running', true, now(), 'here', {os.getpid()})"
    )
    with psycopg.connect(installation.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, hashtext('at_work'))", (RUN_LOCKS,))
        yield connection
    installation.execute("DELETE FROM pipeline_runs WHERE run_id = 'at_work'")


@contextmanager
def run_without_a_word(installation):
    with run_at_work(installation), by_settings(run_minutes=1e-6)(installation):
        yield


@contextmanager
def run_that_takes_long(installation):
    """A run of a second, of which each tenth has a statement, where .6 seconds are allowed."""
    ended = threading.Event()

    def work(connection):
        while not ended.wait(0.01):
            connection.execute("SELECT 1")

    with run_at_work(installation) as connection, by_settings(run_minutes=0.01)(installation):
        worker = threading.Thread(target=work, args=(connection,))
        worker.start()
        time.sleep(0.8)
        yield
        ended.set()
        worker.join()


def obstructed(name):
    """A file where a folder should be."""

    @contextmanager
    def broken(installation):
        folder, aside = installation.home / name, installation.home / "aside"
        if folder.exists():
            folder.rename(aside)
        folder.write_text("in the way")
        yield
        folder.unlink()
        if aside.exists():
            aside.rename(folder)

    return broken


def refused(rule, day):
    """A bar that cleaning refused."""
    return by_statements(
        "INSERT INTO quarantine SELECT ticker, 'data_cleaning', 'daily', 'yahoo', "
        f"'{day}', 0, '{rule}', 'it cannot be', 'rejected', '{{}}', batch_id "
        f"FROM ingest_batches WHERE {OF_TCS}",
        "DELETE FROM quarantine",
    )


def measured(horizon, measure, value):
    """A measure of drift beyond its limit, and then one within it."""
    row = f"'NSE', '{horizon}', '{measure}', '{SESSION}', {value}, 0.9, 5000, 4, 3.1"
    return by_statements(
        f"INSERT INTO drift_measures VALUES ({row}, true, 'It is off.', now())",
        "UPDATE drift_measures SET bad = false",
    )


def worker(started, seen=0):
    """A worker that started and was last seen so many minutes ago."""
    return (
        "INSERT INTO workers (host, pid, started_at, seen_at) VALUES ('here', 1, "
        f"now() - interval '{started} min', now() - interval '{seen} min')"
    )


def later(**timedelta):
    return NOW + dt.timedelta(**timedelta)


CONDITIONS = [
    Condition("database_unreachable", "", unreachable),
    Condition("database_read_only", "", read_only),
    Condition("transaction_open_long", "", held_open),
    Condition("database_slow", "", slow),
    Condition("model_missing", "NSE", model_gone),
    Condition("model_corrupt", "NSE", model_changed),
    Condition("model_stale", "NSE", by_settings(model_stale_after_days=6)),
    Condition("model_not_judged", "NSE", untrained_session, later(days=4)),
    Condition("features_stale", "NSE", by_time(), later(days=1, hours=-2)),  # 1 session
    Condition("features_stale", "NSE", by_time(), later(days=5, hours=-2)),  # 3, over a weekend
    Condition("features_stale", "NSE", by_time(), later(days=14, hours=-2)),  # 10
    Condition(
        "features_incomplete",
        "NSE",
        by_statements(
            f"UPDATE features_daily SET sma_7 = NULL WHERE {OF_TCS} AND date = '{SESSION}'",
            "UPDATE features_daily SET sma_7 = 1",
        ),
    ),
    Condition(
        "action_pending",
        "NSE",
        by_statements(
            "INSERT INTO corporate_actions VALUES ('TCS.NS', '2026-04-15', 'split', 'yahoo', "
            "'inferred', 2, NULL, 'pending', 'rule', '{}', now())",
            "DELETE FROM corporate_actions",
        ),
    ),
    Condition(
        "ticker_stale",
        "NSE",
        by_statements(
            f"UPDATE features_daily SET date = '2026-04-14' WHERE {OF_TCS} AND date = '{SESSION}'",
            f"UPDATE features_daily SET date = '{SESSION}' WHERE date = '2026-04-14'",
        ),
    ),
    Condition(
        "ticker_dormant",
        "NSE",
        by_statements(
            f"UPDATE features_daily SET date = date - 100 WHERE {OF_TCS}",
            f"UPDATE features_daily SET date = date + 100 WHERE {OF_TCS}",
        ),
    ),
    Condition(
        "sources_apart",
        "other and yahoo",
        by_statements(
            "INSERT INTO raw_daily_prices (ticker, date, source, close, batch_id, first_seen) "
            "SELECT ticker, d, v.source, close, batch_id, now() FROM ingest_batches, (VALUES "
            "('2026-04-15'::date, 'yahoo', 3000), ('2026-04-16', 'yahoo', 3030), "
            "('2026-04-15', 'other', 3000), ('2026-04-16', 'other', 1515)) v(d, source, close) "
            f"WHERE {OF_TCS}",
            "UPDATE raw_daily_prices SET close = 3030 WHERE close = 1515",
        ),
    ),
    Condition("phantom_bar", "yahoo non_session", refused("non_session", "2026-04-14")),
    Condition("bars_refused", "yahoo impossible_bar", refused("impossible_bar", "2026-04-15")),
    Condition(
        "source_not_advancing",
        "NSE",
        by_statements(
            f"DELETE FROM features_daily WHERE date = '{SESSION}'; "
            "UPDATE run_tickers SET session = '2026-04-15'",
            f"UPDATE features_daily SET date = '{SESSION}' WHERE date = '2026-04-15'; "
            f"UPDATE run_tickers SET session = '{SESSION}'; "
            "INSERT INTO features_daily SELECT (jsonb_populate_record(f, "
            '\'{"date": "2026-04-15"}\')).* FROM features_daily f '
            f"WHERE date = '{SESSION}'",
        ),
    ),
    Condition(
        "source_refusing",
        "yahoo",
        by_statements(
            "INSERT INTO source_pace (source, tokens, counted_at, refusals, refused_at, reason, "
            "resumes_at) VALUES ('yahoo', 0, now(), 1, now(), 'HTTP 429 Too Many Requests', "
            "now() + interval '15 min')",
            "UPDATE source_pace SET resumes_at = NULL",
        ),
    ),
    Condition(
        "files_refused",
        "",
        by_statements(
            "UPDATE pipeline_runs SET status = 'partial', error = 'Files that were left out: 1.'",
            "UPDATE pipeline_runs SET status = 'success', error = NULL",
        ),
    ),
    Condition(
        "run_failed",
        "",
        by_statements(
            "UPDATE pipeline_runs SET status = 'failed', error = 'It broke.'",
            "UPDATE pipeline_runs SET status = 'success', error = NULL",
        ),
    ),
    Condition(
        "run_interrupted",
        "",
        by_statements(
            "UPDATE pipeline_runs SET status = 'running'",
            "UPDATE pipeline_runs SET status = 'success'",
        ),
    ),
    Condition("run_hangs", "", run_without_a_word),
    Condition("run_slow", "", run_that_takes_long),
    Condition(
        "ticker_failed",
        "data_ingest",
        by_statements(
            f"UPDATE run_tickers SET status = 'failed', stage = 'data_ingest' WHERE {OF_TCS}",
            "UPDATE run_tickers SET status = 'success', stage = NULL",
        ),
    ),
    Condition(
        "data_quality_low",
        "NSE",
        by_statements(
            "INSERT INTO quality_scores VALUES ('TCS.NS', '2026-04-16', 70, "
            '\'{"validity": {"score": 70, "found": "One.", "remedy": "Mend it."}}\', now())',
            'UPDATE quality_scores SET dimensions = \'{"validity": {"score": 100}}\'',
        ),
    ),
    Condition(
        "worker_dead",
        "",
        by_statements(worker(started=9, seen=3), "UPDATE workers SET seen_at = now()"),
    ),
    Condition(
        "worker_restarts",
        "",
        by_statements(
            "; ".join(worker(started, started - 0.5) for started in (4, 3, 2)) + "; " + worker(1),
            "UPDATE workers SET stopped_at = seen_at",
        ),
    ),
    Condition(
        "requests_waiting",
        "",
        by_statements(
            "TRUNCATE workers; "
            + worker(60)
            + "; INSERT INTO run_requests (idempotency_key, kind, source, person, requested_at) "
            "VALUES ('1', 'full', 'yahoo', 'A. Rao', now() - interval '11 min')",
            "UPDATE run_requests SET cancel_requested_at = now()",
        ),
    ),
    Condition("skill_negative", "NSE/short", measured("short", "skill", -0.02)),
    Condition("coverage_off", "NSE/short", measured("short", "coverage", 0.80)),
    Condition("coverage_off", "NSE/short", measured("short", "coverage_year", 0.99)),
    Condition("early_coverage_off", "NSE/long", measured("long", "early_coverage", 0.80)),
    Condition("feature_shift", "NSE", measured("", "feature_shift", 4.5)),
    Condition("disk_nearly_full", "home", by_settings(min_free_disk_share=0.9999)),
    Condition("folder_unwritable", "mlops", obstructed("mlops")),
    Condition("log_unwritable", "", obstructed("logs")),
    Condition("clock_wrong", "", by_settings(), later(days=-2)),
    Condition("backup_old", "", old_backup),
    Condition("no_channel", "", by_settings(alert_urls=[])),
    Condition(
        "check_failed",
        "prices",
        by_statements(
            "ALTER TABLE quarantine RENAME TO away", "ALTER TABLE away RENAME TO quarantine"
        ),
    ),
]


@pytest.fixture
def installation(database_url, home):
    others = ("HDFCBANK.NS", "ITC.NS", "SBIN.NS")
    made = Installation(database_url, home, (*TICKERS, *others))
    made.execute("ALTER TABLE features_daily ADD COLUMN sma_7 double precision DEFAULT 1")
    receiver = Receiver()
    made.overrides["alert_urls"] = [receiver.url()]
    yield made
    receiver.close()


def forget(installation):
    """Let time begin anew: nothing is known of any alert."""
    with psycopg.connect(installation.url, autocommit=True) as connection:
        connection.execute("TRUNCATE alerts, alert_groups, alert_messages CASCADE")
    shutil.rmtree(installation.home / "var" / "alerts", ignore_errors=True)


def told(installation, after=0 * MINUTE):
    """What is told at a look so much later: fingerprint, kind, severity and rule."""
    installation.now += after
    look = watch_once(installation.settings, installation.now)
    return [(m.fingerprint, m.kind, m.severity, m.rule) for m in look.messages]


def test_every_condition_is_told_once_and_resolved_by_a_good_value(installation):
    failures = []
    for condition in CONDITIONS:
        forget(installation)
        installation.now = condition.now
        rule = RULES[condition.rule]
        with condition.broken(installation):
            first = told(installation)
            second = told(installation, rule.pending_for) if rule.pending_for else []
            third = told(installation, MINUTE)
        installation.now = NOW if condition.rule == "clock_wrong" else installation.now
        mended = told(installation, MINUTE)
        if rule.keep_firing_for:
            mended += told(installation, rule.keep_firing_for)
        installation.execute(
            f"UPDATE features_daily SET date = '{SESSION}' WHERE date > '{SESSION}'"
        )
        fingerprint = fingerprint_of(rule.name, condition.group)
        right = [
            [*first, *second] == [(fingerprint, "firing", rule.severity, rule.name)],
            third == [],
            [message[:2] for message in mended] == [(fingerprint, "resolved")],
        ]
        if not all(right):
            failures.append((condition.rule, first, second, third, mended))
    assert failures == []
