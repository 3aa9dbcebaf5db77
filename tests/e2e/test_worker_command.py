"""The worker as a process: what is due, what is asked for, its own end, and deaths in between."""

import datetime as dt
import os
import signal

import pytest

from src.db.tables import run_requests
from src.db.tables.locks import pool_lock
from src.db.tables.run_requests import NewRequest
from tests.support.many_tickers import names, write_files
from tests.support.services import eventually

# Wednesday and Thursday; 26 June 2026 is a holiday.
BEFORE, SESSION = dt.date(2026, 6, 24), dt.date(2026, 6, 25)
EVENING = f"{SESSION}T18:00+05:30"


@pytest.fixture
def settings(database_url, home, command):
    """The environment of a worker on the evening of a session, with three tickers of the day."""
    write_files(home / "prices", 3, 60, BEFORE)
    common = {
        "DATABASE_URL": database_url,
        "FORECAST_DATA__MIN_ROWS_REQUIRED": "20",
        "FORECAST_WORKER__SOURCE": "csv",
    }
    arguments = ("--all", "--source", "csv", "--path", home / "prices", "--skip-training")
    command("mlops.pipeline", *arguments, FORECAST_NOW=f"{BEFORE}T18:00+05:30", **common)
    write_files(home / "prices", 3, 60, SESSION)
    return common | {"FORECAST_NOW": EVENING}


def requests(connection):
    """Status of every request, in order."""
    rows = run_requests.newest(connection, 20)
    return [row.status for row in sorted(rows, key=lambda row: row.request_id)]


def finished(connection):
    """The tickers that a run has finished the session for."""
    query = "SELECT ticker FROM run_tickers WHERE session = %s AND status = 'success' ORDER BY 1"
    return [ticker for (ticker,) in connection.execute(query, (SESSION,)).fetchall()]


def test_once_runs_what_is_due_and_then_nothing(settings, command, connection):
    done = command("mlops.worker", "--once", **settings)
    assert done.stdout == "XNSE 2026-06-25 is due for 3 stocks.\nRequest 1: success.\n"
    assert (done.returncode, finished(connection)) == (0, names(3))
    again = command("mlops.worker", "--once", **settings)
    assert (again.returncode, again.stdout) == (0, "Nothing is due, and no request waits.\n")
    shown = command("mlops.worker", "status", **settings).stdout
    assert "XNSE: session 2026-06-25 is finished for 3 of 3 stocks" in shown


def test_once_says_by_its_exit_code_that_a_run_failed(settings, command, connection, home):
    for file in (home / "prices").glob("*.csv"):
        file.unlink()
    done = command("mlops.worker", "--once", **settings)
    assert (done.returncode, requests(connection)) == (1, ["failed"])
    assert "Request 1: failed. " in done.stdout


def test_a_session_that_did_not_come_is_said_with_its_reason(settings, command, connection):
    nowhere = {"FORECAST_WORKER__SOURCE": "yahoo", "FORECAST_YAHOO_URL": "http://127.0.0.1:1"}
    done = command("mlops.worker", "--once", **settings | nowhere)
    assert (done.returncode, requests(connection), finished(connection)) == (1, ["success"], [])
    assert (
        "Request 1: incomplete. Session 2026-06-25 did not come for 3 of 3 stocks: Yahoo did not "
        "answer for S000.NS" in done.stdout
    )
    assert "Using stored prices up to 2026-06-24, 1 session old. Next try at 2026-06-25" in (
        done.stdout
    )
    again = command("mlops.worker", "--once", **settings | nowhere)
    assert "XNSE 2026-06-25 is due again at 2026-06-25 18:" in again.stdout
    shown = command("mlops.worker", "status", **settings).stdout
    assert "XNSE: session 2026-06-25 is finished for 0 of 3 stocks; the next session" in shown
    assert "from 2026-06-29 16:00 IST (10:30 UTC)." in shown
    assert "XNSE 2026-06-25: 1 try so far, next try at 2026-06-25 18:" in shown
    assert "The last one: Session 2026-06-25 did not come for 3 of 3 stocks: Yahoo" in shown


def test_a_folder_for_prices_that_is_not_there_is_to_be_made(settings, command, home):
    (home / "prices").rename(home / "elsewhere")
    done = command("mlops.worker", "--once", **settings)
    assert f"The folder {home / 'prices'} is not there: make it" in done.stdout
    assert done.returncode == 1


def test_whatever_is_killed_the_session_is_finished_once(settings, start, connection):
    with pool_lock(connection, "NSE"):
        worker = start("mlops.worker", **settings)
        run = eventually(lambda: waits_for_pool(connection))
        os.kill(run, signal.SIGKILL)
        # The next try follows at once.
        second = eventually(lambda: waits_for_pool(connection, run))
        worker.kill()
        assert worker.wait() == -signal.SIGKILL
        other = start("mlops.worker", **settings)
        eventually(lambda: len(workers(connection)) == 2)
        # A run that outlives its worker is left alone.
        assert requests(connection) == ["interrupted", "running"]
        os.kill(second, signal.SIGKILL)
        eventually(lambda: waits_for_pool(connection, second))
    eventually(lambda: requests(connection) == ["interrupted", "interrupted", "success"])
    assert finished(connection) == names(3)
    other.terminate()
    assert other.wait(30) == 0
    assert [stopped for (stopped,) in workers(connection)] == [False, True]


def test_a_worker_that_is_stopped_ends_its_run_which_is_due_again(settings, start, connection):
    with pool_lock(connection, "NSE"):
        worker = start("mlops.worker", **settings)
        eventually(lambda: waits_for_pool(connection))
        worker.terminate()
        assert worker.wait(60) == 0
    (request,) = run_requests.newest(connection, 5)
    assert request.status == "interrupted"
    assert request.error.startswith("The process that ran it was told to end")
    person = NewRequest("1", "data", ["S001.NS"], "stored", None, "A. Rao")
    run_requests.submit(connection, person)
    other = start("mlops.worker", **settings)
    eventually(lambda: len(requests(connection)) == 3 and finished(connection) == names(3))
    other.send_signal(signal.SIGINT)
    assert other.wait(30) == 0


def waits_for_pool(connection, other_than=0):
    """The process of a run that waits to train the pool; None without one."""
    row = connection.execute(
        "SELECT r.pid FROM pg_stat_activity a JOIN pipeline_runs r "
        "ON a.application_name LIKE '%% pid ' || r.pid WHERE a.datname = current_database() "
        "AND a.wait_event_type = 'Lock' AND r.pid <> %s",
        (other_than,),
    ).fetchone()
    return row and row[0]


def workers(connection):
    """Whether each worker said that it stops, in the order of their starts."""
    query = "SELECT stopped_at IS NOT NULL FROM workers ORDER BY worker_id"
    return connection.execute(query).fetchall()
