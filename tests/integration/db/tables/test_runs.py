"""The locks of tickers and the log of runs on a real PostgreSQL."""

import datetime as dt
import threading
from contextlib import contextmanager

import pytest

from src.core.errors import RunLocked
from src.db.connection import control_connection
from src.db.tables.runs import RunLog, application_name, ticker_locks


@contextmanager
def connected(url, name="tests"):
    connection = control_connection(url, name)
    try:
        yield connection
    finally:
        connection.close()


def test_a_second_run_is_refused_and_the_first_is_named(database_url):
    first = application_name("20260413_180000")
    with (
        connected(database_url, first) as one,
        connected(database_url) as other,
        ticker_locks(one, ["TCS.NS", "INFY.NS"]),
        pytest.raises(RunLocked) as refused,
        ticker_locks(other, ["HDFC.NS", "TCS.NS"]),
    ):
        pytest.fail("the lock was held")

    assert str(refused.value).startswith(
        f"A run for TCS.NS is already in progress ({first}, since "
    )
    assert str(refused.value).endswith("wait for it to end, then try again.")


def test_a_refused_run_lets_go_of_what_it_had_already(database_url):
    with (
        connected(database_url) as one,
        connected(database_url) as other,
        connected(database_url) as third,
        ticker_locks(one, ["TCS.NS"]),
    ):
        with pytest.raises(RunLocked), ticker_locks(other, ["HDFC.NS", "TCS.NS"]):
            pytest.fail("the lock was held")

        with ticker_locks(third, ["HDFC.NS"]):
            pass


def test_runs_of_different_tickers_do_not_wait_for_each_other(database_url):
    with (
        connected(database_url) as one,
        connected(database_url) as other,
        ticker_locks(one, ["TCS.NS"]),
        ticker_locks(other, ["INFY.NS"]),
    ):
        assert not one.closed


def test_a_lock_is_free_after_the_run_even_when_it_failed(database_url):
    with connected(database_url) as one, connected(database_url) as other:
        with pytest.raises(RuntimeError), ticker_locks(one, ["TCS.NS"]):
            raise RuntimeError
        with ticker_locks(other, ["TCS.NS"]):
            assert not one.closed


def test_a_lock_is_free_when_its_process_was_killed(database_url, python):
    code = (
        "import sys, time; from src.db.connection import control_connection as c; "
        "from src.db.tables.runs import ticker_locks\n"
        "with ticker_locks(c(sys.argv[1]), ['TCS.NS']): print('held', flush=True); time.sleep(60)"
    )
    process = python(code, database_url)
    assert process.stdout.readline() == "held\n"
    with connected(database_url) as other:
        with pytest.raises(RunLocked), ticker_locks(other, ["TCS.NS"]):
            pytest.fail("the lock was held")
        process.kill()
        process.communicate()

        _until_free(other)


def _until_free(connection):
    for _ in range(100):
        try:
            with ticker_locks(connection, ["TCS.NS"]):
                return
        except RunLocked:
            threading.Event().wait(0.05)
    pytest.fail("the lock outlived its holder")


# --- the run log

STARTED = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def run_row(reader, run_id):
    columns = "status, live, started_at, finished_at, data_hash, error"
    return reader.execute(
        f"SELECT {columns} FROM pipeline_runs WHERE run_id = %s", (run_id,)
    ).fetchone()


def begin(reader, run_id, ticker="TCS.NS", live=True):
    log = RunLog(reader, run_id)
    log.started(ticker, command="pipeline", live=live, at=STARTED)
    return log


def test_a_run_is_noted_when_it_begins_and_when_it_ends(reader):
    log = begin(reader, "one")
    assert run_row(reader, "one") == ("running", True, STARTED, None, None, None)
    ended = STARTED + dt.timedelta(seconds=3)

    log.finished({"status": "success", "data_hash": "d", "config_hash": "c"}, ended)

    assert run_row(reader, "one") == ("success", True, STARTED, ended, "d", None)


def test_two_machines_may_begin_a_run_in_the_same_second(reader):
    first, second = begin(reader, "one"), begin(reader, "one", "INFY.NS")

    second.finished({"status": "success"}, STARTED)

    assert first.run_id == "one" != second.run_id
    assert run_row(reader, "one")[0] == "running"
    assert run_row(reader, second.run_id)[0] == "success"


def test_a_run_that_writes_nothing_interrupts_no_other(reader):
    begin(reader, "writing")

    begin(reader, "looking back", live=False)

    assert run_row(reader, "writing")[0] == "running"


def test_a_run_that_died_without_a_word_is_closed_by_the_next_of_its_ticker(reader):
    for run_id, ticker in (("dead", "TCS.NS"), ("other", "INFY.NS"), ("next", "TCS.NS")):
        begin(reader, run_id, ticker)

    assert [run_row(reader, run_id)[0] for run_id in ("dead", "other", "next")] == [
        *("interrupted", "running", "running"),
    ]
    assert run_row(reader, "dead")[-1] == "the process ended without finishing the run"


def test_a_run_that_ended_is_not_called_interrupted(reader):
    begin(reader, "one").finished({"status": "failed", "error": "no prices"}, STARTED)

    begin(reader, "two")

    assert run_row(reader, "one")[0] == "failed"
    assert run_row(reader, "one")[-1] == "no prices"


def test_a_stage_is_noted_under_its_run(reader):
    log = begin(reader, "one", live=False)
    metric = {
        "timestamp": STARTED.isoformat(),
        "stage": "data_cleaning",
        "status": "failed",
        "rows_processed": 0,
        "duration_seconds": 0.25,
        "error_message": "no prices",
    }

    log.stage_ended(metric)

    row = reader.execute(
        "SELECT stage, status, started_at, rows, duration_seconds, error FROM stage_runs"
    ).fetchone()
    assert row == ("data_cleaning", "failed", STARTED, 0, 0.25, "no prices")
