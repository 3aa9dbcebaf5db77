"""Requests for runs: one for each ticker at a time, whoever asks, and none that its death keeps."""

import subprocess
import sys
import threading
from dataclasses import replace

import psycopg
import pytest

from src.core.errors import UsageError
from src.db.tables import run_requests
from src.db.tables.run_requests import Execution, NewRequest, cancel, newest, submit
from tests.support.services import eventually

TCS = NewRequest("1", "full", ["TCS.NS"], "stored", None, "A. Rao")
# Claims a request, says so, and waits to be killed.
CLAIMER = """
import sys, psycopg
from src.db.tables.run_requests import Execution
connection = psycopg.connect(sys.argv[1], autocommit=True)
assert Execution(connection, int(sys.argv[2])).claim()
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def connect(database_url):
    """Opens connections of the test's own database."""
    opened = []

    def make():
        opened.append(psycopg.connect(database_url, autocommit=True))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def status(connection, request_id):
    """How a page shows a request."""
    return next(r.status for r in newest(connection, 20) if r.request_id == request_id)


def test_of_ten_people_who_press_at_once_one_starts_a_run(connect):
    connections, results = [connect() for _ in range(10)], []
    barrier = threading.Barrier(10)

    def press(n):
        barrier.wait()
        results.append(submit(connections[n], replace(TCS, idempotency_key=f"key {n}")))

    threads = [threading.Thread(target=press, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({request_id for request_id, _ in results}) == 1
    assert [new for _, new in results].count(True) == 1


@pytest.mark.parametrize(
    ("tickers", "is_new"),
    [(["TCS.NS"], False), (["INFY.NS", "TCS.NS"], False), (None, False), (["INFY.NS"], True)],
)
def test_a_live_request_stands_for_all_that_share_a_ticker(connect, tickers, is_new):
    connection = connect()
    first, _ = submit(connection, TCS)
    second, new = submit(connection, replace(TCS, idempotency_key="2", tickers=tickers))
    assert (second != first, new) == (is_new, is_new)


def test_newer_requests_that_have_ended_hide_none_that_waits_or_runs(connect):
    connection = connect()
    waiting, _ = submit(connection, TCS)
    running, _ = submit(connection, replace(TCS, idempotency_key="2", tickers=["INFY.NS"]))
    Execution(connection, running).claim()
    for key in "345":
        other, _ = submit(connection, replace(TCS, idempotency_key=key, tickers=["ACE.NS"]))
        cancel(connection, other)
    shown = [(row.request_id, row.is_live) for row in newest(connection, 3)]
    assert shown == [(running, True), (waiting, True), (other, False)]


def test_the_same_key_is_the_same_request_also_when_it_has_ended(connect):
    connection = connect()
    first, _ = submit(connection, TCS)
    Execution(connection, first).claim()
    Execution(connection, first).finish("success", "20260417_123000", None)
    assert submit(connection, TCS) == (first, False)
    assert submit(connection, replace(TCS, idempotency_key="2"))[1]


def test_a_request_is_claimed_once(connect):
    first, second = connect(), connect()
    request_id, _ = submit(first, TCS)
    claimed = Execution(first, request_id).claim()
    assert claimed.status == "running"
    assert claimed.tickers == ["TCS.NS"]
    assert Execution(second, request_id).claim() is None
    Execution(first, request_id).finish("failed", None, "No.")
    first.close()
    assert Execution(second, request_id).claim() is None
    assert status(second, request_id) == "failed"


def test_a_number_that_is_none_is_refused(connect):
    with pytest.raises(UsageError, match="no request 7"):
        Execution(connect(), 7).claim()


def test_a_request_that_waits_is_cancelled_at_once(connect):
    connection = connect()
    request_id, _ = submit(connection, TCS)
    cancel(connection, request_id)
    assert status(connection, request_id) == "cancelled"
    assert Execution(connection, request_id).claim() is None
    assert submit(connection, replace(TCS, idempotency_key="2"))[1]


def test_a_request_that_runs_is_told_of_its_end(connect):
    worker, page = connect(), connect()
    request_id, _ = submit(page, TCS)
    execution = Execution(worker, request_id)
    execution.claim()
    assert not execution.progress("validation", 3, 20, host="here", pid=1)
    cancel(page, request_id)
    assert execution.progress("training", 20, 20, host="here", pid=1)
    (row,) = newest(page, 20)
    assert (row.status, row.stage, row.tickers_done) == ("running", "training", 20)


def test_a_run_that_died_under_the_same_number_is_not_taken_for_the_own_one(connect):
    connection = connect()
    request_id, _ = submit(connection, TCS)
    execution = Execution(connection, request_id)
    execution.claim()

    def run_of(run_id):
        connection.execute(
            "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, host, pid) "
            "VALUES (%s, 'pipeline', 'running', true, '2026-04-17T12:30:00Z', 'here', 1)",
            (run_id,),
        )
        execution.progress("", 0, 0, host="here", pid=1)
        return newest(connection, 1)[0].run_id

    run_of("dead")
    connection.execute("UPDATE pipeline_runs SET status = 'interrupted'")
    assert run_of("own") == "own"
    connection.execute("UPDATE pipeline_runs SET status = 'success'")
    execution.finish("success", "own", None)
    assert newest(connection, 1)[0].run_id == "own"


def test_a_process_that_was_killed_is_shown_as_interrupted_and_keeps_nobody(connect, database_url):
    page = connect()
    request_id, _ = submit(page, TCS)
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIMER, database_url, str(request_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "claimed\n"
    assert status(page, request_id) == "running"
    process.kill()
    process.communicate()
    # The server releases the lock a moment after the connection has gone.
    eventually(lambda: status(page, request_id) == "interrupted")
    (row,) = newest(page, 20)
    assert row.sentence == run_requests.DIED
    second, new = submit(page, replace(TCS, idempotency_key="2"))
    assert new
    Execution(page, second).claim()
    assert page.execute(
        "SELECT status, error FROM run_requests WHERE request_id = %s", (request_id,)
    ).fetchone() == ("interrupted", run_requests.DIED)
