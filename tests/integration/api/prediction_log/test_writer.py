import datetime as dt

import pytest

from src.api.forecasts import response
from src.api.prediction_log.spool import Journal
from src.api.prediction_log.writer import Logbook
from src.core.calendars.nse import nse
from src.db.reconnect import Reconnector
from tests.support.answers import ASKED
from tests.support.models import made
from tests.support.services import eventually

NOW = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)


def row(**changes):
    asked = {**ASKED, "ticker": "TCS.NS", "horizon": "short", "digest": "f" * 64}
    return {**response.prepared(made(), asked, nse()).logged, **changes}


def stored(connection):
    found = connection.execute("SELECT data_hash FROM predictions ORDER BY 1").fetchall()
    return [one[0] for one in found]


@pytest.fixture
def book(database_url, home):
    opened = Logbook(
        Reconnector(database_url, home), Journal(home / "journal", "here"), 5, lambda: NOW
    )
    yield opened
    opened.stop()


def test_what_is_offered_is_stored_with_the_time_of_the_answer(book, connection):
    book.start()
    book.offer(row())

    eventually(lambda: book.written == 1)
    assert connection.execute("SELECT made_at FROM predictions").fetchone() == (NOW,)


def test_a_forecast_that_the_table_refuses_does_not_hold_up_the_others(book, connection):
    for name in "abc":
        bad = {"target_date": ASKED["feature_date"]} if name == "b" else {}
        book.offer(row(data_hash=name, **bad))
    book.start()

    eventually(lambda: stored(connection) == ["a", "c"])
    eventually(lambda: book.failures >= 2)
    assert (book.written, book.backlog) == (2, 1)
    book.offer(row(data_hash="d"))
    eventually(lambda: stored(connection) == ["a", "c", "d"])


def test_a_full_queue_takes_no_more_and_counts_it(book):
    taken = [book.offer(row(data_hash=str(n))) for n in range(7)]

    assert taken == [True] * 5 + [False] * 2
    assert book.overflows == 2


def test_what_is_being_stored_still_waits(book, connection):
    with connection.transaction():
        connection.execute("LOCK TABLE predictions")
        book.start()
        book.offer(row())
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        eventually(lambda: connection.execute(blocked, ("predictions",)).fetchone() == (1,))
        assert (book.backlog, book.written) == (1, 0)

    eventually(lambda: (book.backlog, book.written) == (0, 1))


def test_what_waits_is_stored_before_the_end(book, connection):
    book.start()
    for name in "abcde":
        book.offer(row(data_hash=name))
    book.stop()

    assert stored(connection) == list("abcde")
