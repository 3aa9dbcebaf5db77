"""What pages read of runs: how they ended, also where nobody wrote that down."""

import datetime as dt

import psycopg
import pytest

from src.db.pages import attention, overview, run_history, runs
from src.db.tables.run_requests import Execution, NewRequest, submit
from src.db.tables.runs import RunLog
from tests.support.services import eventually

TOLD = dt.datetime(2026, 4, 17, 12, 30, tzinfo=dt.UTC)
FAILED = {"status": "failed", "stage": "data_cleaning", "error": "No bars.", "feature_date": None}
DONE = {"status": "success", "stage": None, "error": None, "feature_date": "2026-04-17"}


@pytest.fixture
def connection(database_url):
    """A connection to the test's own database."""
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def start(connection, run_id, at=TOLD, ticker=None):
    """Begin a run; its log."""
    log = RunLog(connection, run_id)
    log.started(ticker, command="pipeline", live=True, at=at)
    return log


def stage(name, status, at, seconds=2.0, error=None):
    """A row of metrics.json."""
    return {
        "stage": name,
        "status": status,
        "timestamp": at.isoformat(),
        "rows_processed": 10,
        "duration_seconds": seconds,
        "error_message": error,
    }


def test_a_run_has_its_stages_its_seconds_and_those_it_left_out(connection):
    log, began = start(connection, "20260417_123000"), dt.datetime.now(dt.UTC)
    log.stage_ended(stage("data_ingest", "success", began))
    log.stage_ended(stage("data_cleaning", "partial", began + dt.timedelta(seconds=2)))
    results = {"status": "partial", "tickers": {"B.NS": DONE, "C.NS": FAILED, "A.NS": DONE}}
    log.finished(results, began + dt.timedelta(seconds=5))
    (run,) = runs.recent_runs(connection, 20)
    assert (run.status, run.succeeded, run.failed, run.told_at) == ("partial", 2, 1, TOLD)
    assert run.new_prices == 10
    # By the machine's clock, not by the one that the run was told.
    assert run.seconds == pytest.approx(5, abs=0.01)
    assert [each.stage for each in runs.stages_of(connection, run.run_id)] == [
        "data_ingest",
        "data_cleaning",
    ]
    (left_out,) = runs.left_out(connection, run.run_id, 200)
    assert (left_out.ticker, left_out.stage, left_out.error) == (
        "C.NS",
        "data_cleaning",
        "No bars.",
    )
    assert runs.run_of(connection, "20260417_123000") == run
    assert runs.run_of(connection, "another") is None


def test_a_run_whose_connection_is_gone_is_interrupted(connection, database_url):
    with psycopg.connect(database_url, autocommit=True) as other:
        start(other, "20260417_123000", ticker="TCS.NS")
        (run,) = runs.recent_runs(connection, 20)
        assert (run.status, run.sentence, run.seconds) == ("running", None, None)

    def is_interrupted():
        (run,) = runs.recent_runs(connection, 20)
        return (run.status, run.sentence) == ("interrupted", runs.DIED)

    # The server releases the lock a moment after the connection has gone.
    eventually(is_interrupted)


def test_runs_that_died_are_among_those_with_failures(connection, database_url):
    start(connection, "20260417_123000").finished({"status": "success", "tickers": {}}, TOLD)
    start(connection, "20260417_123001")
    with psycopg.connect(database_url, autocommit=True) as other:
        start(other, "20260417_123002")
        with_failures = {"failed": True, "ticker": None, "limit": 20}
        assert run_history.history(connection, None, **with_failures) == []

    def names():
        found = run_history.history(connection, None, **with_failures)
        return [(run.run_id, run.status) for run in found]

    # The server releases the lock a moment after the connection has gone.
    eventually(lambda: names() == [("20260417_123002", "interrupted")])
    # Nor does the first page take the one before it for the last.
    last = attention.last_run(connection)
    assert (last.run_id, last.status, last.sentence) == (*names()[0], runs.DIED)
    assert overview.last_try(connection) == (TOLD, "interrupted", None)
    start(connection, "20260417_123003").finished({"status": "success", "tickers": {}}, TOLD)
    assert attention.last_run(connection).run_id == "20260417_123003"
    assert attention.last_run(connection, badly=True).run_id == last.run_id


def test_a_run_that_was_asked_for_says_by_whom_and_ends_with_its_sentence(connection):
    wanted = NewRequest("1", "data", ["TCS.NS"], "stored", None, "A. Rao")
    request_id, _ = submit(connection, wanted)
    execution = Execution(connection, request_id)
    execution.claim()
    log = start(connection, "20260417_123000", ticker="TCS.NS")
    log.finished({"status": "failed", "error": "The run was interrupted."}, TOLD)
    execution.finish("cancelled", "20260417_123000", "Cancelled.")
    (run,) = runs.recent_runs(connection, 20)
    assert (run.kind, run.tickers, run.person) == ("data", ["TCS.NS"], "A. Rao")
    assert (run.status, run.sentence) == ("cancelled", "Cancelled.")


def test_the_tickers_with_most_trouble_come_first_and_no_more_than_asked(connection):
    for day in range(3):
        at = TOLD + dt.timedelta(days=day)
        log = start(connection, f"{at:%Y%m%d_%H%M%S}", at)
        tickers = {"A.NS": DONE, "B.NS": FAILED if day else DONE, "C.NS": DONE}
        log.finished({"status": "partial", "tickers": tickers}, at)
    rows = runs.runs_of_tickers(connection, runs=2, tickers=1)
    assert [(row.ticker, row.told_at.day, row.status) for row in rows] == [
        ("B.NS", 18, "failed"),
        ("B.NS", 19, "failed"),
    ]
