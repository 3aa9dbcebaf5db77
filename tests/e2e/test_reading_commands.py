"""Commands that only read, while a run of the same ticker is under way."""

import datetime as dt
import threading

import psycopg
import pytest

from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.db.tables.locks import ticker_locks
from tests.support.prices import TCS, StubSource, bar, context, delivery, run, sessions
from tests.support.services import NOW, eventually

DAYS = sessions(dt.date(2026, 3, 2), 8)
ACTIONS = "src.data.corporate_actions"
WAITING = "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND "
WAITING += "datname = current_database()"


@pytest.fixture
def on_tcs(command, database_url, store, home):
    """Run a command on the clean prices of TCS.NS."""
    bars = [bar(day, 100.0 + n) for n, day in enumerate(DAYS)]
    run(ingest.stage(StubSource([delivery(bars)])), context(store, home))
    run(cleaning.STAGE, context(store, home))

    def on_ticker(*words):
        return command(*words, "--ticker", TCS, DATABASE_URL=database_url, FORECAST_NOW=NOW)

    return on_ticker


def test_what_writes_nothing_is_not_kept_waiting_by_a_run(on_tcs, connection):
    reading = [
        ("src.data.ingest", "run", "--source", "stored"),
        ("src.data.cleaning", "run"),
        ("src.data.cleaning", "write", "--as-of", str(DAYS[3])),
        (ACTIONS, "list"),
        ("src.data.report",),
    ]
    writing = [("src.data.cleaning", "write"), (ACTIONS, "reject", "--date", "2018-05-31")]
    look_back = ("mlops.pipeline", "--source", "stored", "--as-of", str(DAYS[3]))
    with ticker_locks(connection, [TCS]):
        read, wrote = ([on_tcs(*words) for words in group] for group in (reading, writing))
        looked_back = on_tcs(*look_back)

    assert [(ran.returncode, ran.stderr) for ran in read] == [(0, "")] * len(reading)
    for ran in wrote:
        assert ran.returncode == 1
        assert "already in progress" in ran.stderr
    assert "rows of features beyond the warm-up" in looked_back.stderr


def test_stored_prices_are_shown_as_a_table_without_types_and_bytes(on_tcs):
    shown = on_tcs("src.data.ingest", "show")

    header = "  date        source  "
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith(header)]
    assert line.split() == ["date", "source", "open", "high", "low", "close", "volume"]
    assert not any(word in shown.stdout for word in ("binary", 'b"', "f64", "i64", "shape"))


def test_a_report_is_of_one_moment(on_tcs, database_url, connection):
    ran = []
    with psycopg.connect(database_url) as writer:
        writer.execute("LOCK TABLE raw_daily_prices_clean IN ACCESS EXCLUSIVE MODE")
        report = threading.Thread(target=lambda: ran.append(on_tcs("src.data.report")))
        report.start()
        eventually(lambda: connection.execute(WAITING).fetchone(), 30)
        for table in ("raw_daily_prices", "raw_daily_prices_clean"):
            writer.execute(f"DELETE FROM {table}")
    report.join()

    assert ran[0].returncode == 0, ran[0].stderr
    assert "2026-03-02 to 2026-03-12, 8 sessions" in ran[0].stdout
    assert "The clean prices are up to date with the raw ones." in ran[0].stdout
