"""Old traces of runs are deleted; what runs were for never is."""

import datetime as dt
import os

import pytest

from mlops.worker.retention import delete_old_traces
from src.config.settings import Settings
from tests.support.installations import NOW, Installation

KEPT = ("raw_daily_prices", "features_daily", "model_events", "pipeline_runs", "ingest_batches")
LATER = NOW + dt.timedelta(days=500)


@pytest.fixture
def settings(database_url, home):
    Installation(database_url, home)
    return Settings(home=home, database_url=database_url)


def count(connection, table):
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_old_rows_are_deleted_a_few_at_a_time_and_others_stay(settings, connect):
    connection = connect()
    connection.execute(
        "INSERT INTO run_requests (idempotency_key, kind, source, person, status, ended_at) "
        "SELECT n, 'full', 'yahoo', 'A. Rao', CASE WHEN n < 5000 THEN 'success' ELSE 'waiting' "
        "END, CASE WHEN n < 4500 THEN '2026-04-01'::timestamptz WHEN n < 5000 THEN '2027-08-01' "
        "END FROM generate_series(1, 5010) n"
    )
    connection.execute(
        "INSERT INTO workers (host, pid, started_at, seen_at) SELECT 'here', n, '2026-04-01', "
        "'2026-04-01' FROM generate_series(1, 5) n"
    )
    before = {table: count(connection, table) for table in KEPT}
    # 4,499 requests, 4 workers and the 3 tickers of the run.
    assert delete_old_traces(connection, settings, LATER) == 4499 + 4 + 3
    assert count(connection, "run_requests") == 511
    assert count(connection, "workers") == 1
    assert {table: count(connection, table) for table in KEPT} == before
    assert delete_old_traces(connection, settings, LATER) == 0


def test_old_logs_and_folders_of_runs_are_deleted(settings, connect, home):
    old, new = home / "mlops/runs/20260416_123000", home / "mlops/runs/20270801_123000"
    log = home / "var/requests/7.log"
    for folder in (old, new, log.parent):
        folder.mkdir(parents=True)
    (old / "results.json").write_text("{}")
    log.write_text("")
    os.utime(log, (NOW.timestamp(), NOW.timestamp()))
    delete_old_traces(connect(), settings, LATER)
    assert (old.exists(), log.exists(), new.exists()) == (False, False, True)
