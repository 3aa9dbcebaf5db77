"""Requests that the schedule makes, on a real database: one for all workers, and none for ever."""

import datetime as dt
import threading

import pytest

from mlops.worker.schedule import request_due_runs
from src.config.settings import Settings, WorkerSettings
from src.data.sources.nse.cache import Cache
from src.db.queue import schedule
from src.db.tables import run_requests
from src.db.tables.run_requests import Execution, NewRequest
from tests.support.installations import TICKERS, Installation
from tests.support.prices import register
from tests.support.services import eventually

# Friday 17 April 2026, the session after that of the installation, closed at 10:00 UTC.
NEXT = dt.date(2026, 4, 17)
EVENING = dt.datetime(2026, 4, 17, 10, 30, tzinfo=dt.UTC)


@pytest.fixture
def settings(database_url, home):
    """Of three tickers whose session of 16 April a run has finished."""
    Installation(database_url, home)
    return Settings(home=home, database_url=database_url)


def keys(connection):
    query = "SELECT idempotency_key FROM run_requests ORDER BY request_id"
    return [key for (key,) in connection.execute(query).fetchall()]


def test_ten_workers_at_once_request_a_session_once(settings, connect):
    connections, made = [connect() for _ in range(10)], []
    barrier = threading.Barrier(10)

    def look(connection):
        barrier.wait()
        made.extend(request_due_runs(connection, settings, EVENING))

    threads = [threading.Thread(target=look, args=(each,)) for each in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(run.exchange, run.session, run.tickers) for run in made] == [("XNSE", NEXT, TICKERS)]
    assert keys(connections[0]) == ["schedule:XNSE:2026-04-17:1"]


def test_what_a_run_has_finished_is_due_no_longer(settings, connect):
    connection = connect()
    assert request_due_runs(connection, settings, EVENING - dt.timedelta(minutes=1)) == []
    connection.execute("UPDATE run_tickers SET session = %s WHERE ticker = 'TCS.NS'", (NEXT,))
    (run,) = request_due_runs(connection, settings, EVENING)
    assert run.tickers == ("INFY.NS", "RELIANCE.NS")


@pytest.mark.parametrize("state", ["suspended", "delisted"])
def test_a_share_that_is_stated_not_to_be_traded_is_not_due(settings, connect, state):
    connection = connect()
    connection.execute(
        "INSERT INTO instrument_states VALUES ('INFY.NS', %s, %s, 'a circular', 'A. Rao', now())",
        (state, NEXT),
    )

    (run,) = request_due_runs(connection, settings, EVENING)

    assert run.tickers == ("RELIANCE.NS", "TCS.NS")


def test_where_no_share_is_traded_any_longer_nothing_is_due(settings, connect):
    connection = connect()
    for ticker in TICKERS:
        connection.execute(
            "INSERT INTO instrument_states VALUES (%s, 'delisted', %s, 'x', 'A. Rao', now())",
            (ticker, NEXT),
        )

    assert request_due_runs(connection, settings, EVENING) == []


def test_nothing_is_due_while_its_source_may_not_be_asked(settings, connect):
    connection = connect()
    connection.execute(
        "INSERT INTO source_pace (source, tokens, counted_at, refused_at, resumes_at) "
        "VALUES ('yahoo', 0, now(), now(), now() + interval '15 min')"
    )
    assert request_due_runs(connection, settings, EVENING) == []
    files = settings.model_copy(update={"worker": WorkerSettings(source="csv")})
    assert len(request_due_runs(connection, files, EVENING)) == 1
    connection.execute("DELETE FROM run_requests")
    connection.execute("UPDATE source_pace SET resumes_at = now()")
    (run,) = request_due_runs(connection, settings, EVENING)
    assert run.tickers == TICKERS


def test_more_than_a_hundred_tickers_are_asked_for_at_nse(settings, connect):
    connection = connect()
    register(connection, [f"S{number:03}.NS" for number in range(98)])
    (run,) = request_due_runs(connection, settings, EVENING)
    assert (len(run.tickers), run.source) == (101, "nse")
    (request_id,) = run_requests.waiting(connection)
    assert run_requests.read(connection, request_id).source == "nse"


def test_nses_actions_of_the_last_days_make_yahoo_unneeded_on_a_monday(settings, home, connect):
    connection = connect()
    register(connection, [f"S{number:03}.NS" for number in range(98)])
    monday = dt.datetime(2026, 4, 20, 12, tzinfo=dt.UTC)
    (run,) = request_due_runs(connection, settings, monday)
    assert run.source == "yahoo"
    connection.execute("DELETE FROM run_requests")
    kept = Cache(home / "var" / "nse" / "www.nseindia.com")
    kept.write("actions_2026-04.json", b"[]", monday - dt.timedelta(days=3))
    (run,) = request_due_runs(connection, settings, monday)
    assert run.source == "nse"


def test_a_run_whose_process_died_is_due_again(settings, connect):
    connection, dying = connect(), connect()
    request_due_runs(connection, settings, EVENING)
    (request_id,) = run_requests.waiting(connection)
    Execution(dying, request_id).claim()
    assert request_due_runs(connection, settings, EVENING) == []
    dying.close()
    # The server releases the locks of a connection a moment after its end.
    (run,) = eventually(lambda: request_due_runs(connection, settings, EVENING))
    assert run.number == 2
    first = run_requests.read(connection, request_id)
    assert (first.status, first.error) == ("interrupted", run_requests.DIED)


def test_a_request_of_a_person_comes_first_and_stands_for_the_schedule(settings, connect):
    connection = connect()
    other = NewRequest("1", "data", ["ACE.NS"], "stored", None, "A. Rao")
    request_due_runs(connection, settings, EVENING)
    late, _ = run_requests.submit(connection, other)
    assert run_requests.waiting(connection)[0] == late
    run_requests.cancel(connection, run_requests.waiting(connection)[1])
    connection.execute("DELETE FROM run_requests WHERE exchange IS NOT NULL")
    run_requests.submit(connection, NewRequest("2", "full", ["TCS.NS"], "stored", None, "A. Rao"))
    assert request_due_runs(connection, settings, EVENING) == []


def test_sessions_that_were_passed_over_are_noted_once(settings, connect):
    connection = connect()
    # Monday 20 and Tuesday 21 April are sessions.
    evening = dt.datetime(2026, 4, 21, 12, tzinfo=dt.UTC)
    request_due_runs(connection, settings, evening)
    connection.execute("DELETE FROM run_requests")
    request_due_runs(connection, settings, evening)
    noted = [(each.exchange, each.session) for each in schedule.missed(connection)]
    assert noted == [("XNSE", dt.date(2026, 4, 20)), ("XNSE", NEXT)]


def test_without_stored_tickers_the_configured_one_is_due(database_url, home, connect):
    settings = Settings(home=home, database_url=database_url, data={"ticker": "INFY.NS"})
    (run,) = request_due_runs(connect(), settings, EVENING)
    assert (run.tickers, run.session) == (("INFY.NS",), NEXT)
