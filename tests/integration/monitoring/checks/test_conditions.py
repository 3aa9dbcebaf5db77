"""One condition at a time in a sound installation: each is seen by exactly its rule, and goes."""

import datetime as dt
import os
import socket
import socketserver
import threading
import time
from contextlib import contextmanager, suppress

import psycopg
import pytest
from pydantic import SecretStr

from src.config.settings import Settings
from src.core.messages import Attempt, Message
from src.db.tables.locks import RUN_LOCKS
from src.db.watched.alerts import AlertTables
from src.monitoring.checks import database
from src.monitoring.checks.machine import note_watch
from src.monitoring.checks.run import measure, observe
from src.monitoring.delivery.channels import from_settings
from tests.support.installations import NOW, SESSION, Installation, add_features


@pytest.fixture
def installation(database_url, home):
    return Installation(database_url, home)


def test_nothing_is_bad_in_a_sound_installation(installation):
    observed = installation.observed()
    assert {key for key, row in observed.items() if row.bad} == set()
    assert {key for key, row in observed.items() if row.bad is None} == {("watch_silent", "")}


def test_an_unreachable_database_is_the_only_finding(installation, home):
    lost = "postgresql://postgres@127.0.0.1:9/nothing"
    settings = installation.settings.model_copy(
        update={"database_url": type(installation.settings.database_url)(lost)}
    )
    observed = installation.observed(settings)
    assert {key for key, row in observed.items() if row.bad} == {("database_unreachable", "")}
    assert "127.0.0.1:9" in observed["database_unreachable", ""].sentence
    assert observed["features_stale", ""].bad is None
    assert observed["model_missing", ""].bad is None


@pytest.mark.parametrize("state", ["suspended", "delisted"])
def test_a_share_that_is_stated_not_to_be_traded_is_not_watched_for_its_age(installation, state):
    old = SESSION - dt.timedelta(days=9)
    installation.execute("DELETE FROM features_daily WHERE ticker = 'INFY.NS' AND date > %s", old)
    assert {subject for _, subject in installation.bad()} >= {"INFY.NS"}

    installation.execute(
        "INSERT INTO instrument_states VALUES ('INFY.NS', %s, %s, 'a circular', 'A. Rao', now())",
        state,
        SESSION,
    )

    assert not installation.bad()


FEATURES = "DELETE FROM features_daily WHERE date > %s"
QUARANTINE = (
    "INSERT INTO quarantine VALUES ('TCS.NS', 'data_cleaning', 'daily', 'yahoo', %s, 0, %s, "
    "'it cannot be', 'rejected', '{{}}', {batch})"
)
PENDING = (
    "INSERT INTO corporate_actions VALUES ('TCS.NS', '2026-04-15', 'split', 'yahoo', 'inferred', "
    "2, NULL, 'pending', 'rule', '{}', now())"
)


def move_time(installation, **timedelta):
    installation.now += dt.timedelta(**timedelta)


def remove_model(installation, name=None):
    folder = next((installation.home / "models" / "NSE" / "short").iterdir())
    if name is None:
        folder.rename(folder.with_name("elsewhere"))
        return lambda: folder.with_name("elsewhere").rename(folder)
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(before[:-1] + b"!")
    return lambda: (folder / name).write_bytes(before)


def obstruct(path):
    """Put a file where a folder should be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")
    return path.unlink


def test_model_missing_and_corrupt(installation):
    mend = remove_model(installation)
    assert installation.bad() == {("model_missing", "NSE/short")}
    mend()
    assert installation.bad() == set()
    for name in ("model.safetensors", "forecasts.parquet"):
        mend = remove_model(installation, name)
        assert installation.bad() == {("model_corrupt", "NSE/short")}
        mend()
        assert installation.bad() == set()


def test_no_model_at_all(database_url, home):
    """A new user: nothing has run yet."""
    settings = Settings(home=home, database_url=database_url, now=NOW)
    observed = {(row.rule, row.subject): row for row in observe(settings, NOW)}
    assert {key for key, row in observed.items() if row.bad} == {
        ("model_missing", ""),
        ("no_channel", ""),
    }
    assert "python -m mlops.pipeline" in observed["model_missing", ""].sentence


def test_the_age_of_a_fit(installation):
    installation.overrides["model_stale_after_days"] = 7
    assert installation.bad() == set()  # fitted on 9 April, 7 days ago
    installation.overrides["model_stale_after_days"] = 6
    assert installation.bad() == {("model_stale", "NSE/short"), ("model_stale", "NSE/long")}


def test_a_pool_that_is_not_judged(installation):
    with psycopg.connect(installation.url) as connection:
        for ticker in installation.tickers:
            add_features(connection, ticker, dt.date(2026, 4, 17))
    move_time(installation, days=1)
    assert installation.bad() == {
        ("model_not_judged", "NSE/short"),
        ("model_not_judged", "NSE/long"),
    }
    assert installation.observed()["model_not_judged", "NSE/short"].value == 1


@pytest.mark.parametrize(
    ("days", "sessions"),
    [
        (1, 1),  # Friday
        (2, 1),  # Saturday: Friday has closed
        (3, 1),
        (4, 2),
        (5, 3),
        (14, 10),  # with no holiday in between
    ],
)
def test_features_stale_by_sessions_and_not_by_days(installation, days, sessions):
    move_time(installation, days=days)
    assert installation.bad() == {("features_stale", "NSE")}
    assert installation.observed()["features_stale", "NSE"].value == sessions


@pytest.mark.parametrize(
    ("newest", "now"),
    [
        ("2026-04-17", "2026-04-19T12:00Z"),  # Friday's on Sunday
        ("2026-04-02", "2026-04-05T12:00Z"),  # the Thursday before Good Friday, on Easter Sunday
        ("2026-01-23", "2026-01-26T13:00Z"),  # Friday's on a holiday Monday
        ("2025-10-21", "2025-10-22T13:00Z"),  # Muhurat trading on Diwali, the day after is closed
    ],
)
def test_features_are_fresh_on_days_without_a_session(installation, newest, now):
    installation.execute("UPDATE features_daily SET date = %s WHERE date = %s", newest, SESSION)
    installation.execute("DELETE FROM features_daily WHERE date > %s", newest)
    installation.now = dt.datetime.fromisoformat(now)
    row = installation.observed()["features_stale", "NSE"]
    assert (row.bad, row.value) == (False, 0)


def test_one_ticker_behind_its_pool(installation):
    for number in range(20):  # one of 23: the session is complete without it
        ticker = f"T{number:02}.NS"
        with psycopg.connect(installation.url) as connection:
            installation._add(connection, ticker)
    installation.execute(
        "DELETE FROM features_daily WHERE ticker = 'TCS.NS' AND date > '2026-04-13'"
    )
    assert installation.bad() == {("ticker_stale", "TCS.NS")}
    row = installation.observed()["ticker_stale", "TCS.NS"]
    assert (row.value, row.group) == (2, "NSE")  # 14 April is a holiday
    installation.execute("DELETE FROM features_daily WHERE ticker = 'TCS.NS'")
    assert installation.bad() == {("ticker_stale", "TCS.NS")}
    with psycopg.connect(installation.url) as connection:
        add_features(connection, "TCS.NS", dt.date(2026, 2, 2))
    assert installation.bad() == {("ticker_dormant", "TCS.NS")}
    # An alert of staleness is not ended by getting older.
    assert ("ticker_stale", "TCS.NS") not in installation.observed()


def test_features_that_vanish_are_never_good(installation):
    installation.execute("DELETE FROM features_daily")
    assert ("features_stale", "NSE") in installation.bad()


def test_values_missing_from_the_newest_row(installation):
    installation.execute("ALTER TABLE features_daily ADD COLUMN sma_7 double precision DEFAULT 1")
    with psycopg.connect(installation.url) as connection:
        add_features(connection, "INFY.NS", dt.date(2025, 3, 12))  # 400 days before
        add_features(connection, "RELIANCE.NS", dt.date(2025, 3, 13))
    assert installation.bad() == set()
    installation.execute(
        "UPDATE features_daily SET sma_7 = NULL WHERE date = %s AND ticker = 'TCS.NS'", SESSION
    )
    # Of a share that was listed lately, inputs that need a year are unknown.
    installation.execute(
        "UPDATE features_daily SET inputs[2] = 'NaN' WHERE date = %s AND ticker <> 'TCS.NS'",
        SESSION,
    )
    assert installation.bad() == {
        ("features_incomplete", "TCS.NS"),
        ("features_incomplete", "INFY.NS"),
    }
    assert "sma_7" in installation.observed()["features_incomplete", "TCS.NS"].sentence


def test_a_jump_that_waits_for_a_decision(installation):
    installation.execute(PENDING)
    assert installation.bad() == {("action_pending", "TCS.NS")}
    assert "2026-04-15" in installation.observed()["action_pending", "TCS.NS"].sentence
    installation.execute("UPDATE corporate_actions SET status = 'applied', decided_by = 'person'")
    assert installation.bad() == set()


def batch(installation, source="yahoo"):
    (number,) = installation.execute(
        "INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash, "
        "fetched_at, fetched_at_stated, origin, rows_delivered, rows_rejected, notes) VALUES "
        "('TCS.NS', 'daily', %s, 'yahoo', 'split', %s, now(), false, 'a test', 1, 0, '') "
        "RETURNING batch_id",
        source,
        source,
    ).fetchone()
    return number


@pytest.mark.parametrize(
    ("rule", "day", "seen_by"),
    [
        ("non_session", "2026-04-14", "phantom_bar"),
        ("impossible_bar", "2026-04-15", "bars_refused"),
    ],
)
def test_a_bar_that_was_refused_lately(installation, rule, day, seen_by):
    installation.execute(QUARANTINE.format(batch=batch(installation)), day, rule)
    assert installation.bad() == {(seen_by, "TCS.NS")}
    row = installation.observed()[seen_by, "TCS.NS"]
    assert day in row.sentence
    assert row.group == f"yahoo {rule}"
    installation.execute("UPDATE quarantine SET at = '2026-03-02'")
    assert installation.bad() == set()


def test_two_sources_apart(installation):
    for source, closes in (("yahoo", (3000, 3030)), ("upstox", (3000, 3031))):
        number = batch(installation, source)
        for day, close in zip(("2026-04-15", "2026-04-16"), closes, strict=True):
            installation.execute(
                "INSERT INTO raw_daily_prices (ticker, date, source, close, batch_id, first_seen) "
                "VALUES ('TCS.NS', %s, %s, %s, %s, now())",
                *(day, source, close, number),
            )
    assert installation.bad() == set()
    assert installation.observed()["sources_apart", "TCS.NS"].bad is False
    installation.execute("UPDATE raw_daily_prices SET close = 3100 WHERE close = 3031")
    assert installation.bad() == {("sources_apart", "TCS.NS")}
    # 1 % against 3.33 %.
    assert installation.observed()["sources_apart", "TCS.NS"].value == pytest.approx(
        0.02333, abs=1e-5
    )


def test_a_source_that_serves_yesterdays_file_again(installation):
    installation.execute("DELETE FROM features_daily WHERE date = %s", SESSION)
    installation.execute("UPDATE run_tickers SET session = '2026-04-15'")
    assert installation.bad() == {("source_not_advancing", "NSE"), ("features_stale", "NSE")}
    assert "2026-04-16" in installation.observed()["source_not_advancing", "NSE"].sentence


@pytest.mark.parametrize(
    ("change", "rule", "subject"),
    [
        ("UPDATE pipeline_runs SET status = 'failed', error = 'It broke.'", "run_failed", ""),
        ("UPDATE pipeline_runs SET status = 'interrupted'", "run_interrupted", ""),
        ("UPDATE pipeline_runs SET status = 'running'", "run_interrupted", ""),
        (
            "UPDATE run_tickers SET status = 'failed', stage = 'data_ingest', error = 'No file.' "
            "WHERE ticker = 'TCS.NS'",
            "ticker_failed",
            "TCS.NS",
        ),
        (
            "UPDATE pipeline_runs SET status = 'partial', error = 'Files that were left out: 1.'",
            "files_refused",
            "",
        ),
    ],
)
def test_runs_that_ended_badly(installation, change, rule, subject):
    installation.execute(change)
    assert installation.bad() == {(rule, subject)}
    installation.execute("UPDATE pipeline_runs SET status = 'success', error = NULL")
    installation.execute("UPDATE run_tickers SET status = 'success'")
    assert installation.bad() == set()


@pytest.mark.parametrize("ahead", [dt.timedelta(hours=3), dt.timedelta(days=60)])
def test_a_run_that_failed_while_the_clock_was_ahead_is_not_the_newest_for_ever(
    installation, ahead
):
    add = (
        "INSERT INTO pipeline_runs (run_id, command, status, live, error, started_at, host, pid) "
        "VALUES (%s, 'pipeline', %s, true, %s, %s, 'here', 1)"
    )
    worked = "INSERT INTO run_tickers VALUES (%s, 'TCS.NS', %s, %s, 'data_ingest', %s)"
    installation.execute(add, "ahead", "failed", "It broke.", NOW + ahead)
    installation.execute(worked, "ahead", SESSION, "failed", "No file.")
    assert installation.bad() == {("run_failed", ""), ("ticker_failed", "TCS.NS")}

    installation.execute(add, "right", "success", None, NOW)
    installation.execute(worked, "right", SESSION, "success", None)

    assert installation.bad() == set()


@contextmanager
def run_under_way(installation):
    """A run that holds its lock and says nothing, as if it hung."""
    installation.execute(
        "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, host, pid) "
        "VALUES ('20260416_125500', 'pipeline', 'running', true, %s, 'here', %s)",
        *(NOW, os.getpid()),
    )
    with psycopg.connect(installation.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, hashtext('20260416_125500'))", (RUN_LOCKS,))
        yield


def test_a_run_that_takes_too_long_or_hangs(installation):
    with run_under_way(installation):
        assert installation.bad() == set()
        installation.overrides["run_minutes"] = 1e-6
        assert installation.bad() == {("run_slow", ""), ("run_hangs", "")}
        assert f"process {os.getpid()}" in installation.observed()["run_hangs", ""].sentence
    # Its process is gone, and it never said how it ended.
    assert installation.bad() == {("run_interrupted", "")}


def test_a_database_that_refuses_changes(installation):
    (name,) = installation.execute("SELECT current_database()").fetchone()
    installation.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert installation.bad() == {("database_read_only", "")}
    with psycopg.connect(
        installation.url, options="-c default_transaction_read_only=off", autocommit=True
    ) as connection:
        connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    assert installation.bad() == set()


def test_a_transaction_that_nobody_ends(installation, monkeypatch):
    with psycopg.connect(installation.url) as connection:
        connection.execute("SELECT 1")
        row = installation.observed()["transaction_open_long", ""]
        assert (row.bad, str(connection.info.backend_pid) in row.sentence) == (False, True)
        monkeypatch.setattr(database, "LONG", 0.0)
        assert installation.bad() == {("transaction_open_long", "")}


def test_a_clock_that_differs_from_the_databases(installation):
    real = dt.datetime.now(dt.UTC)
    settings = installation.settings.model_copy(update={"now": None})
    for skew, bad in ((0, False), (-100, False), (130, True), (-7200, True)):
        rows = observe(settings, real + dt.timedelta(seconds=skew))
        (row,) = [row for row in rows if row.rule == "clock_wrong"]
        assert row.bad is bad, row


def test_a_clock_that_is_behind_the_prices(installation):
    move_time(installation, days=-3)
    assert ("clock_wrong", "") in installation.bad()
    assert "2026-04-16" in installation.observed()["clock_wrong", ""].sentence


def test_a_disk_that_is_nearly_full(installation):
    installation.overrides["min_free_disk_share"] = 0.9999
    assert installation.bad() == {("disk_nearly_full", "home")}


def test_no_channel(installation):
    installation.overrides["alert_urls"] = []
    assert installation.bad() == {("no_channel", "")}


@pytest.mark.parametrize(
    ("name", "key"),
    [("logs", ("log_unwritable", "")), ("mlops", ("folder_unwritable", "mlops"))],
)
def test_a_folder_that_cannot_be_written(installation, home, name, key):
    mend = obstruct(home / name)
    assert installation.bad() == {key}
    mend()
    assert installation.bad() == set()


def test_a_watch_that_has_gone_silent(installation, home):
    note_watch(home, NOW - dt.timedelta(minutes=9))
    assert installation.bad() == set()
    note_watch(home, NOW - dt.timedelta(minutes=11))
    assert installation.bad() == {("watch_silent", "")}


def test_a_watch_that_noted_a_time_to_come_says_nothing(installation, home):
    """The clock was once ahead: nobody knows when the watch last ran."""
    note_watch(home, installation.now + dt.timedelta(days=300))
    assert installation.observed()["watch_silent", ""].bad is None


def test_features_of_a_session_to_come_are_not_fresh_but_unmeasured(installation):
    move_time(installation, days=-20)
    assert installation.observed()["features_stale", "NSE"].bad is None


def test_a_channel_that_takes_nothing_is_seen_without_the_watch(installation, database_url):
    settings = installation.settings.model_copy(
        update={
            "monitoring": installation.settings.monitoring.model_copy(
                update={"alert_urls": (SecretStr("json://127.0.0.1:9/"),)}
            )
        }
    )
    (channel,) = from_settings(settings)
    with psycopg.connect(database_url, autocommit=True) as connection:
        outbox, now = AlertTables(connection).outbox, installation.now
        message = Message("f" * 12, "disk_nearly_full", "firing", "WARNING", now, "title", "body")
        outbox.add([message])
        for number in (1, 2, 3):
            attempt = Attempt(
                message.message_id, channel.name, number, now, 0.1, "failed", "refused"
            )
            outbox.attempted(attempt, "waiting", None)
    observed = installation.observed(settings)
    assert observed["channel_failing", channel.name].bad is True
    assert "refused" in observed["channel_failing", channel.name].sentence


def test_a_connection_that_is_lost_on_the_way_is_the_database_that_is_away(installation):
    class Terminated:
        RULES = ("phantom_bar",)
        __name__ = "terminated"

        def check(self, facts):
            facts.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    rows = measure(installation.settings, NOW, [Terminated()]).observations
    found = {row.rule: row.bad for row in rows}
    assert found["database_unreachable"] is True
    assert found["phantom_bar"] is None


class SlowWire:
    """Passes bytes between TCP and the server's socket, each time after a pause."""

    def __init__(self, socket_file, pause):
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(socket_file)
                    ways = ((self.request, server, pause), (server, self.request, 0))
                    threads = [threading.Thread(target=wire.carry, args=way) for way in ways]
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def carry(source, target, pause):
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(pause)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_a_database_that_is_slow(installation):
    parts = psycopg.conninfo.conninfo_to_dict(installation.url)
    wire = SlowWire(f"{parts['host']}/.s.PGSQL.{parts['port']}", 0.4)
    url, installation.url = (
        installation.url,
        f"postgresql://postgres@127.0.0.1:{wire.port}/{parts['dbname']}?sslmode=disable&gssencmode=disable",
    )
    assert installation.bad() == {("database_slow", "")}
    # A start, a setting of the connection and the question: three pauses at least.
    assert installation.observed()["database_slow", ""].value > 0.9
    wire.close()
    installation.url = url
    assert installation.observed()["database_slow", ""].value < 1


def test_a_check_that_fails_is_told_and_hides_nothing_else(installation):
    installation.execute("DROP TABLE quarantine")
    assert installation.bad() == {("check_failed", "prices")}
    observed = installation.observed()
    assert observed["phantom_bar", ""].bad is None
    assert observed["features_stale", "NSE"].bad is False
