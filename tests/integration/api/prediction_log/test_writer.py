import datetime as dt

import orjson
import pytest

from src.api.forecasts.response import prepare_forecast
from src.api.prediction_log.dead_letters import DeadLetters
from src.api.prediction_log.spool import Spool
from src.api.prediction_log.writer import REFUSALS, PredictionLog
from src.core.calendars.nse import nse
from src.db.reconnect import Reconnector
from tests.support.answers import SERVING_ROW
from tests.support.models import make_artifact
from tests.support.services import eventually

NOW = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)


def row(data_hash="e", **changes):
    """A forecast from data that are named; from other data another one."""
    inputs = {**SERVING_ROW, "ticker": "TCS.NS", "horizon": "short", "data_hash": data_hash}
    made = prepare_forecast(make_artifact(), inputs, None, nse()).log_row
    return {**made, "sigma": ord(data_hash) / 1000, **changes}


def stored(connection):
    rows = connection.execute("SELECT data_hash FROM predictions ORDER BY 1").fetchall()
    return [data_hash for (data_hash,) in rows]


@pytest.fixture
def folder(home):
    return home / "spool"


@pytest.fixture
def start(database_url, home, folder):
    """Start a log as a service of its own; all are stopped in the end."""
    logs = []

    def started(capacity=5):
        spool, dead_letters = Spool(folder, "here"), DeadLetters(folder, "here")
        log = PredictionLog(
            Reconnector(database_url, home), spool, dead_letters, capacity, lambda: NOW
        )
        logs.append(log)
        return log

    yield started
    for log in logs:
        log.stop()


@pytest.fixture
def log(start):
    return start()


def test_what_is_offered_is_stored_with_the_time_of_the_answer(log, connection):
    log.start()
    log.offer(row())

    eventually(lambda: log.written == 1)
    assert connection.execute("SELECT made_at FROM predictions").fetchone() == (NOW,)


BAD = {"target_date": SERVING_ROW["feature_date"]}


def test_a_forecast_that_the_table_refuses_does_not_hold_up_the_others(log, connection):
    for name in "abc":
        log.offer(row(data_hash=name, **(BAD if name == "b" else {})))
    log.start()

    eventually(lambda: stored(connection) == ["a", "c"])
    log.offer(row(data_hash="d"))
    eventually(lambda: stored(connection) == ["a", "c", "d"])
    assert log.written == 3


def test_a_forecast_that_is_refused_again_and_again_is_set_aside_with_the_reason(
    log, connection, folder
):
    log.start()
    log.offer(row(data_hash="a", **BAD))
    eventually(lambda: log.failure)
    assert "refused a value" in log.failure
    eventually(lambda: log.backlog == 0)

    (line,) = filter(None, log.dead_letters.path.read_bytes().split(b"\n"))
    refused = orjson.loads(line)
    assert {name: refused[name] for name in ("data_hash", "ticker", "made_at", "refused_at")} == {
        "data_hash": "a",
        "ticker": "TCS.NS",
        "made_at": "2026-04-13T12:00:00+00:00",
        "refused_at": "2026-04-13T12:00:00+00:00",
    }
    assert "violates check constraint" in refused["reason"]
    assert (log.failures, log.failure, log.written) == (REFUSALS - 1, None, 0)
    assert log.dead_letters.count() == 1
    # The spool is empty: the next service has nothing to recover.
    (spool,) = folder.glob("here-*.jsonl")
    assert spool.stat().st_size == 0


@pytest.mark.parametrize(
    "value", [{"model": "a\0b"}, {"levels": {"a": 1}}, {"sessions": "one"}, {"point": [0.5]}]
)
def test_what_cannot_even_be_sent_to_the_table_is_set_aside_too(log, connection, value):
    log.start()
    log.offer(row(data_hash="a", **value))
    log.offer(row(data_hash="b"))

    eventually(lambda: (log.backlog, log.dead_letters.count()) == (0, 1))
    assert stored(connection) == ["b"]


def test_a_forecast_of_an_older_version_without_a_column_is_set_aside(log, connection):
    log.start()
    old = row(data_hash="a")
    log.offer({name: value for name, value in old.items() if name != "verdict"})

    eventually(lambda: (log.backlog, log.dead_letters.count()) == (0, 1))


def test_what_was_set_aside_is_tried_once_more_by_the_next_service_under_the_spool_s_name(
    start, connection, folder
):
    first = start()
    first.start()
    first.offer(row(data_hash="a", point=0.25, **BAD))
    eventually(lambda: first.dead_letters.count() == 1)
    first.stop()
    connection.execute("ALTER TABLE predictions DROP CONSTRAINT predictions_check")
    first.dead_letters.path.rename(folder / "here-again.jsonl")

    second = start()
    second.start()

    eventually(lambda: stored(connection) == ["a"])
    assert connection.execute("SELECT point FROM predictions").fetchone() == (0.25,)
    assert second.dead_letters.count() == 0


def test_a_table_that_nobody_may_write_to_refuses_no_forecast(log, connection):
    """It is not the row's fault: it waits until the table can be written to."""
    connection.execute("ALTER TABLE predictions RENAME TO elsewhere")
    log.start()
    log.offer(row(data_hash="a"))
    eventually(lambda: log.failures > REFUSALS)
    assert (log.backlog, log.dead_letters.count()) == (1, 0)
    connection.execute("ALTER TABLE elsewhere RENAME TO predictions")

    eventually(lambda: stored(connection) == ["a"])


def test_a_refused_forecast_that_cannot_be_set_aside_stays_in_the_queue(log, folder):
    log.dead_letters.path.mkdir(parents=True)
    log.start()
    log.offer(row(data_hash="a", **BAD))

    eventually(lambda: log.failures > REFUSALS)
    assert log.backlog == 1
    log.dead_letters.path.rmdir()
    eventually(lambda: (log.backlog, log.dead_letters.count()) == (0, 1))


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
