"""The log of runs on a real PostgreSQL."""

import datetime as dt

import psycopg
import pytest

from src.db.tables.runs import RunLog

STARTED = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


@pytest.fixture
def connect(database_url):
    """Open a connection of its own for each run; ended runs close theirs."""
    opened = []

    def open_one():
        opened.append(psycopg.connect(database_url, autocommit=True))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


def run_row(reader, run_id):
    columns = "status, live, started_at, finished_at, data_hash, error"
    return reader.execute(
        f"SELECT {columns} FROM pipeline_runs WHERE run_id = %s", (run_id,)
    ).fetchone()


def begin(connection, run_id, ticker="TCS.NS", live=True):
    log = RunLog(connection, run_id)
    log.started(ticker, command="pipeline", live=live, at=STARTED)
    return log


def test_a_run_is_noted_when_it_begins_and_when_it_ends(reader):
    log = begin(reader, "one")
    assert run_row(reader, "one") == ("running", True, STARTED, None, None, None)
    ended = STARTED + dt.timedelta(seconds=3)

    log.finished({"status": "success", "data_hash": "d", "config_hash": "c"}, ended)

    assert run_row(reader, "one") == ("success", True, STARTED, ended, "d", None)


def test_two_machines_may_begin_a_run_in_the_same_second(reader, connect):
    first, second = begin(connect(), "one"), begin(connect(), "one", "INFY.NS")

    second.finished({"status": "success"}, STARTED)

    assert first.run_id == "one" != second.run_id
    assert run_row(reader, "one")[0] == "running"
    assert run_row(reader, second.run_id)[0] == "success"


@pytest.mark.parametrize("ticker", ["TCS.NS", None])
def test_a_run_that_died_without_a_word_is_closed_by_the_next_and_no_other_is(
    reader, connect, ticker
):
    killed = connect()
    begin(killed, "dead", ticker)
    begin(connect(), "at work", ticker)
    killed.close()

    begin(connect(), "next", "INFY.NS", live=False)

    assert [run_row(reader, run_id)[0] for run_id in ("dead", "at work", "next")] == [
        *("interrupted", "running", "running"),
    ]
    assert run_row(reader, "dead")[-1] == "the process ended without finishing the run"


def test_a_run_that_ended_is_not_called_interrupted(reader, connect):
    begin(connect(), "one").finished({"status": "failed", "error": "no prices"}, STARTED)

    begin(connect(), "two")

    assert run_row(reader, "one")[0] == "failed"
    assert run_row(reader, "one")[-1] == "no prices"


def test_a_stage_is_noted_under_its_run_and_brought_up_to_date(reader):
    log = begin(reader, "one", live=False)
    metric = {
        "timestamp": STARTED.isoformat(),
        "stage": "data_cleaning",
        "status": "success",
        "rows_processed": 20,
        "duration_seconds": 0.25,
        "error_message": None,
    }

    log.stage_ended(metric)
    later = {"status": "partial", "rows_processed": 30, "error_message": "x"}
    log.stage_ended(metric | later | {"peak_memory_mib": 201.5})

    row = reader.execute(
        "SELECT stage, status, started_at, rows, duration_seconds, error, peak_memory_mib "
        "FROM stage_runs"
    ).fetchone()
    assert row == ("data_cleaning", "partial", STARTED, 30, 0.25, "x", 201.5)


TICKERS = {
    "A.NS": {"status": "success", "stage": None, "error": None, "feature_date": "2026-04-13"},
    "B.NS": {"status": "failed", "stage": "data_ingest", "error": "no", "feature_date": None},
    "C.NS": {"status": "locked", "stage": None, "error": "taken", "feature_date": None},
}


@pytest.mark.parametrize("live", [True, False])
def test_how_a_live_run_ended_for_each_ticker_is_noted(reader, live):
    log = begin(reader, "one", None, live=live)

    log.finished({"status": "partial", "tickers": TICKERS}, STARTED)

    rows = reader.execute(
        "SELECT ticker, session, status, stage, error FROM run_tickers ORDER BY ticker"
    ).fetchall()
    ended = [
        ("A.NS", dt.date(2026, 4, 13), "success", None, None),
        ("B.NS", None, "failed", "data_ingest", "no"),
    ]
    assert rows == (ended if live else [])
