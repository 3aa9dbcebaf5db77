"""The scoreboard is computed again when forecasts or outcomes were added, and only then."""

import datetime as dt

import orjson
import pytest

from src.api.database.score_cache import ANSWERS, ScoreCache
from src.api.forecasts.response import prepare_forecast
from src.core.calendars.nse import nse
from src.core.tables import PREDICTIONS
from src.db.tables.forecasts import ForecastLog
from tests.support.answers import SERVING_ROW, put_price
from tests.support.models import make_artifact

MADE = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)


def log_forecast(connection, ticker):
    """Log a forecast of zero for the 15th."""
    inputs = {**SERVING_ROW, "ticker": ticker, "horizon": "short"}
    row = prepare_forecast(make_artifact(), inputs, None, nse()).log_row
    ForecastLog(connection).log([{**row, "point": 0.0, "made_at": MADE}])
    return {name: row[name] for name in PREDICTIONS.key}


def record(connection, key, realised_return, day=15):
    outcome = {
        "matured_at": dt.datetime(2026, 4, day, 12, 0, tzinfo=dt.UTC),
        "label_end": dt.date(2026, 4, 15),
        "realised_return": realised_return,
        "return_basis": "total",
        "note": "",
    }
    ForecastLog(connection).record([key | outcome])


@pytest.fixture
def cache():
    return ScoreCache()


def scores(body):
    """Number of logged forecasts, and the mean absolute error of those served by ticker."""
    content = orjson.loads(body)
    served = [row for row in content["rows"] if row["kind"] == "served"]
    return content["logged"], {row["ticker"]: row["mae"] for row in served}


def test_an_added_forecast_or_outcome_is_in_the_next_answer(cache, connection):
    assert scores(cache.answer(None, connection)) == (0, {})

    key = log_forecast(connection, "TCS.NS")
    assert scores(cache.answer(None, connection)) == (1, {})
    record(connection, key, 0.02)
    assert scores(cache.answer(None, connection)) == (1, {"": 0.02, "TCS.NS": 0.02})
    record(connection, key, 0.03, day=16)
    assert scores(cache.answer(None, connection)) == (1, {"": 0.03, "TCS.NS": 0.03})


def test_an_answer_is_given_again_while_nothing_was_added_to_it(cache, connection):
    record(connection, log_forecast(connection, "TCS.NS"), 0.02)
    every, one = cache.answer(None, connection), cache.answer("TCS.NS", connection)

    put_price(connection, "INFY.NS")
    assert cache.answer(None, connection) is every
    assert cache.answer(None, connection) is every
    record(connection, log_forecast(connection, "INFY.NS"), 0.04)
    assert cache.answer("TCS.NS", connection) is one
    assert scores(cache.answer(None, connection)) == (
        2,
        {"": 0.03, "INFY.NS": 0.04, "TCS.NS": 0.02},
    )


def test_the_answers_of_the_tickers_that_were_asked_for_last_are_kept(cache, connection):
    first = cache.answer("FIRST.NS", connection)
    second = cache.answer("SECOND.NS", connection)
    for number in range(ANSWERS - 1):
        cache.answer(f"OTHER{number}.NS", connection)

    assert cache.answer("SECOND.NS", connection) is second
    assert cache.answer("FIRST.NS", connection) is not first
