"""When the silence of a worker, its deaths, and waiting requests are told."""

import datetime as dt

from src.db.queue.workers import StoredWorker
from src.monitoring.checks import workers as checks

NOW = dt.datetime(2026, 4, 16, 13, tzinfo=dt.UTC)


def worker(host="a", started=60.0, seen=0.0, stopped=False):
    """One that started and was last seen so many minutes ago."""
    started_at, seen_at = NOW - dt.timedelta(minutes=started), NOW - dt.timedelta(minutes=seen)
    ended = seen_at if stopped else None
    return StoredWorker(host, 1, started_at, seen_at, ended, started * 60, seen * 60)


def test_a_worker_is_dead_after_two_minutes_unless_it_stopped_or_was_replaced():
    assert not checks.dead([worker(seen=1.9)]).bad
    assert checks.dead([worker(seen=2.1)]).bad
    assert not checks.dead([worker(seen=2.1, stopped=True)]).bad
    assert not checks.dead([worker(started=1), worker(seen=2.1)]).bad
    assert checks.dead([worker("b", started=1), worker("a", seen=2.1)]).bad


def test_a_second_worker_of_a_machine_that_was_there_before_replaces_nobody():
    assert checks.dead([worker(started=30), worker(started=60, seen=5)]).bad


def test_a_machine_that_is_gone_is_forgotten_after_a_day_where_another_works():
    gone = worker("gone", started=3000, seen=1500)
    assert not checks.dead([worker("here"), gone]).bad
    assert checks.dead([gone]).bad


def test_three_deaths_of_one_machine_in_ten_minutes_are_too_many():
    died = [worker(started=n, seen=n - 0.5) for n in (2, 3, 4)]
    assert checks.restarts([worker(started=1), *died]).bad
    assert not checks.restarts([worker(started=1), *died[:2]]).bad
    assert not checks.restarts([worker(started=1), *died[:2], worker(started=11, seen=5)]).bad
    assert not checks.restarts([worker("b", started=1), *died]).bad
    stopped = [worker(started=n, seen=n - 0.5, stopped=True) for n in (2, 3, 4)]
    assert not checks.restarts([worker(started=1), *stopped]).bad
