"""The locks of tickers and pools on a real PostgreSQL."""

import threading
from contextlib import contextmanager

import pytest

from src.core.errors import RunLocked
from src.db.connection import control_connection
from src.db.tables.locks import TickerLocks, pool_lock, ticker_locks
from src.db.tables.runs import application_name


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
        "from src.db.tables.locks import ticker_locks\n"
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


def test_a_run_of_many_gets_the_free_ones_and_is_told_who_has_the_others(database_url):
    first = application_name("20260413_180000")
    with (
        connected(database_url, first) as one,
        connected(database_url) as other,
        ticker_locks(one, ["TCS.NS"]),
    ):
        locks = TickerLocks(other)

        refused = locks.take(["INFY.NS", "TCS.NS", "WIPRO.NS"])

        assert list(refused) == ["TCS.NS"]
        assert first in refused["TCS.NS"]
        locks.release(["INFY.NS", "TCS.NS"])
        assert TickerLocks(one).take(["INFY.NS"]) == {}
        assert list(TickerLocks(one).take(["WIPRO.NS"])) == ["WIPRO.NS"]


def test_a_second_training_of_a_pool_waits_for_the_first(database_url):
    order = []

    def train(name, began, go_on):
        with connected(database_url) as connection, pool_lock(connection, "NSE"):
            order.append(name)
            began.set()
            go_on.wait(10)

    began, go_on = threading.Event(), threading.Event()
    go_on_at_once = threading.Event()
    go_on_at_once.set()
    first = threading.Thread(target=train, args=("first", began, go_on))
    second = threading.Thread(target=train, args=("second", threading.Event(), go_on_at_once))
    first.start()
    assert began.wait(10)
    second.start()
    with connected(database_url) as connection, pool_lock(connection, "BSE"):
        order.append("another pool")
    go_on.set()
    first.join(10)
    second.join(10)

    assert order == ["first", "another pool", "second"]


def test_who_waits_too_long_for_a_pool_is_told_the_holder(database_url):
    holder = application_name("20260413_180000")
    with (
        connected(database_url, holder) as one,
        connected(database_url) as other,
        pool_lock(one, "NSE"),
    ):
        with pytest.raises(RunLocked, match=f"trained by {holder}"), pool_lock(other, "NSE", 0.2):
            pytest.fail("the lock was held")
        (timeout,) = other.execute("SHOW lock_timeout").fetchone()

    assert timeout == "1min"
