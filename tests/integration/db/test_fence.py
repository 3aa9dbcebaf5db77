"""A worker writes only while the run whose tickers it has holds them, and one after the other."""

import threading

import psycopg
import pytest

from src.core.errors import WorkerRefused
from src.core.tables import PREPARED_TICKERS
from src.db.connection import control_connection
from src.db.database import open_database
from src.db.fence import RunFence
from src.db.tables.locks import RUN_LOCKS, WRITER_LOCKS, TickerLocks

TICKERS = ["A.NS", "B.NS"]


@pytest.fixture
def run(database_url):
    """The connection of a run that holds its own lock and those of its tickers."""
    with control_connection(database_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, hashtext('one'))", (RUN_LOCKS,))
        assert TickerLocks(connection).take(TICKERS) == {}
        yield connection


@pytest.fixture
def worker(database_url, home):
    with open_database(database_url, home) as database:
        yield database


def write(worker, fingerprint="x"):
    import polars as pl

    frame = pl.DataFrame({"ticker": ["A.NS"], "fingerprint": [fingerprint]})
    worker.store.upsert(PREPARED_TICKERS, frame)


def stored(database_url):
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT ticker, fingerprint FROM prepared_tickers").fetchall()


def test_a_worker_writes_for_a_run_that_works(run, worker, database_url):
    fence = RunFence.of(run, "one")
    with fence.around(worker, TICKERS), worker.store.transaction():
        write(worker)
    assert stored(database_url) == [("A.NS", "x")]


@pytest.mark.parametrize("lost", ["ticker", "run", "connection", "name"])
def test_a_worker_of_a_run_that_has_ended_is_refused(run, worker, database_url, lost):
    fence = RunFence.of(run, "two" if lost == "name" else "one")
    if lost == "ticker":
        run.execute("SELECT pg_advisory_unlock(7203002, hashtext('B.NS'))")
    if lost == "run":
        run.execute("SELECT pg_advisory_unlock(%s, hashtext('one'))", (RUN_LOCKS,))
    if lost == "connection":
        run.close()
    with (
        fence.around(worker, TICKERS),
        pytest.raises(WorkerRefused, match=f"The run {fence.run_id} has ended"),
        worker.store.transaction(),
    ):
        write(worker)
    assert stored(database_url) == []


def test_a_new_run_waits_for_the_last_transaction_of_a_worker_left_over(run, worker, database_url):
    fence = RunFence.of(run, "one")
    taken = threading.Event()

    def begin_again():
        with control_connection(database_url) as connection:
            assert TickerLocks(connection).take(TICKERS) == {}
            taken.set()

    begins = threading.Thread(target=begin_again)
    with fence.around(worker, TICKERS), worker.store.transaction():
        write(worker)
        run.close()
        begins.start()
        assert not taken.wait(1)
    begins.join(timeout=30)
    assert taken.is_set()
    assert stored(database_url) == [("A.NS", "x")]


def test_a_new_run_and_a_worker_left_over_never_wait_for_each_other(database_url):
    taken = threading.Event()
    lock = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
    waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(database_url) as left_over, psycopg.connect(database_url) as watch:
        watch.autocommit = True
        pair = "SELECT a, b FROM (SELECT 'T' || n a, 'T' || n + 1 b FROM generate_series(1, 9) n) p"
        # By their names the other way round than by the hashes that a worker goes by.
        pair += " WHERE hashtext(a) > hashtext(b) LIMIT 1"
        later, first = watch.execute(pair).fetchone()
        left_over.execute(lock, (WRITER_LOCKS, first))

        def begin():
            with control_connection(database_url) as connection:
                assert TickerLocks(connection).take([later, first]) == {}
                taken.set()

        begins = threading.Thread(target=begin)
        begins.start()
        while not watch.execute(waits).fetchone():
            assert not taken.is_set()
        left_over.execute(lock, (WRITER_LOCKS, later))
        left_over.commit()
        begins.join(timeout=30)
    assert taken.is_set()
