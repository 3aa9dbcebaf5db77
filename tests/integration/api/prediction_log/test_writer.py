import datetime as dt

import pytest

from src.api.forecasts.response import prepare_forecast
from src.api.prediction_log.spool import Spool
from src.api.prediction_log.writer import PredictionLog
from src.core.calendars.nse import nse
from src.db.reconnect import Reconnector
from tests.support.answers import SERVING_ROW
from tests.support.models import make_artifact
from tests.support.services import eventually

NOW = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)


def row(**changes):
    inputs = {**SERVING_ROW, "ticker": "TCS.NS", "horizon": "short", "digest": "f" * 64}
    return {**prepare_forecast(make_artifact(), inputs, nse()).log_row, **changes}


def stored(connection):
    rows = connection.execute("SELECT data_hash FROM predictions ORDER BY 1").fetchall()
    return [data_hash for (data_hash,) in rows]


@pytest.fixture
def log(database_url, home):
    prediction_log = PredictionLog(
        Reconnector(database_url, home), Spool(home / "spool", "here"), 5, lambda: NOW
    )
    yield prediction_log
    prediction_log.stop()


def test_what_is_offered_is_stored_with_the_time_of_the_answer(log, connection):
    log.start()
    log.offer(row())

    eventually(lambda: log.written == 1)
    assert connection.execute("SELECT made_at FROM predictions").fetchone() == (NOW,)


def test_a_forecast_that_the_table_refuses_does_not_hold_up_the_others(log, connection):
    for name in "abc":
        bad = {"target_date": SERVING_ROW["feature_date"]} if name == "b" else {}
        log.offer(row(data_hash=name, **bad))
    log.start()

    eventually(lambda: stored(connection) == ["a", "c"])
    eventually(lambda: log.failures >= 2)
    assert (log.written, log.backlog) == (2, 1)
    log.offer(row(data_hash="d"))
    eventually(lambda: stored(connection) == ["a", "c", "d"])


def test_a_full_queue_takes_no_more_and_counts_it(log):
    taken = [log.offer(row(data_hash=str(n))) for n in range(7)]

    assert taken == [True] * 5 + [False] * 2
    assert log.overflows == 2


def test_what_is_being_stored_still_waits(log, connection):
    with connection.transaction():
        connection.execute("LOCK TABLE predictions")
        log.start()
        log.offer(row())
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        eventually(lambda: connection.execute(blocked, ("predictions",)).fetchone() == (1,))
        assert (log.backlog, log.written) == (1, 0)

    eventually(lambda: (log.backlog, log.written) == (0, 1))


def test_what_waits_is_stored_before_the_end(log, connection):
    log.start()
    for name in "abcde":
        log.offer(row(data_hash=name))
    log.stop()

    assert stored(connection) == list("abcde")
