"""Outcomes of served forecasts by day, on real tables, with numbers worked out by hand."""

import datetime as dt
import math

import numpy as np
import psycopg
import pytest

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.db.watched.drift import DriftTables
from src.monitoring.drift.feature_means import update_means
from tests.support.answers import put_member
from tests.support.logged_forecasts import log_forecasts, logged_forecast, record_outcomes

CALENDAR = calendar_of(exchange_of("TCS.NS"))
# The 14th is a holiday, the 18th a Saturday.
DAYS = [dt.date(2026, 4, day) for day in (13, 15, 16, 17, 20)]
CLOSES = {day: CALENDAR.hours(day).closes for day in DAYS}


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def tables(connection):
    for ticker, pool in (("TCS.NS", "NSE"), ("INFY.NS", "NSE"), ("TCS.BO", "BSE")):
        put_member(connection, ticker, pool)
    return DriftTables(connection)


@pytest.fixture
def log(connection):
    """Store forecasts with their outcomes."""

    def write(*rows):
        log_forecasts(connection, *rows)
        record_outcomes(connection, *rows)

    return write


def forecast(day=0, realised=0.01, **changes):
    """A forecast of the evening of one of ``DAYS`` for the next one, with its outcome."""
    return logged_forecast(DAYS[day], DAYS[day + 1], realised, **changes)


def outcomes(tables, pool="NSE"):
    return [
        (row["day"], row["bucket"], row["n"], row["absolute_gain"], row["squared_gain"])
        for row in tables.outcomes(pool, "short", DAYS[0], CLOSES)
    ]


def test_outcomes_are_counted_by_day_and_place_among_the_quantiles(tables, log):
    log(
        forecast(0, realised=0.01, point=0.004),
        forecast(0, realised=-0.03, ticker="INFY.NS"),
        forecast(1, realised=0.05),
        forecast(0, realised=0.9, ticker="TCS.BO"),
    )
    below, between, above = outcomes(tables)
    assert below == (DAYS[0], 0, 1, 0, 0)
    assert between[:3] == (DAYS[0], 2, 1)
    # |.01| - |.006| and .01^2 - .006^2.
    assert between[3:] == pytest.approx((0.004, 0.000064))
    assert above == (DAYS[1], 3, 1, 0, 0)
    assert outcomes(tables, "BSE") == [(DAYS[0], 3, 1, 0, 0)]


def test_a_forecast_made_after_the_close_that_decided_it_is_left_out(tables, log):
    log(forecast(0, made_at=CLOSES[DAYS[1]]))
    assert outcomes(tables) == []


def test_the_first_forecast_of_a_session_counts(tables, log):
    later = CLOSES[DAYS[0]] + dt.timedelta(hours=3)
    log(forecast(0, realised=0.01), forecast(0, 0.01, version="b" * 64, made_at=later, point=0.5))
    assert outcomes(tables) == [(DAYS[0], 2, 1, 0, 0)]


def test_a_restated_outcome_takes_the_place_of_the_first(tables, log):
    log(forecast(0, realised=0.01))
    log(forecast(0, realised=0.03, matured_at=CLOSES[DAYS[4]] + dt.timedelta(days=30)))
    assert [row[:3] for row in outcomes(tables)] == [(DAYS[0], 3, 1)]


def test_shadow_forecasts_are_not_served(tables, log):
    log(forecast(0, kind="shadow"))
    assert outcomes(tables) == []


def put_close(connection, ticker, day, close, *, pending=False):
    connection.execute(
        "INSERT INTO features_daily (ticker, date, close, adj_close, action_pending, warm_up, "
        "features_version, source) VALUES (%s, %s, %s, %s, %s, false, 'v', 'yahoo')",
        (ticker, day, close, close, pending),
    )


def paths(tables):
    later = {DAYS[0]: DAYS[2], DAYS[1]: DAYS[3]}
    return [(row["day"], row["bucket"], row["n"]) for row in tables.paths("NSE", "long", 2, later)]


@pytest.mark.parametrize(("moved", "bucket"), [(0.0099, 2), (0.0101, 3), (-0.0102, 0)])
def test_a_path_is_set_beside_the_range_that_time_has_scaled(
    tables, log, connection, moved, bucket
):
    # After 2 of 8 sessions half of the 2 % in logarithms may be used up: .0099 = 1.02 ^ .5 - 1.
    assert math.sqrt(1.02) - 1 == pytest.approx(0.00995, abs=1e-5)
    log(forecast(0, horizon="long", sessions=8))
    put_close(connection, "TCS.NS", DAYS[0], 100.0)
    put_close(connection, "TCS.NS", DAYS[2], 100.0 * (1 + moved))
    assert paths(tables) == [(DAYS[0], bucket, 1)]


def test_a_path_over_a_pending_split_is_left_out(tables, log, connection):
    log(forecast(0, horizon="long", sessions=8), forecast(1, horizon="long", sessions=8))
    put_close(connection, "TCS.NS", DAYS[0], 100.0)
    put_close(connection, "TCS.NS", DAYS[1], 50.0, pending=True)
    put_close(connection, "TCS.NS", DAYS[2], 50.0)
    put_close(connection, "TCS.NS", DAYS[3], 50.0)
    assert paths(tables) == [(DAYS[1], 1, 1)]


def means_of(store, tables, again):
    """The means of ``DAYS`` after those of ``again`` and later were computed."""
    update_means(store, tables, "NSE", DAYS[0], again)
    return tables.feature_means("NSE", DAYS[0])


def put_inputs(connection, ticker, day, inputs, version="v"):
    connection.execute(
        "INSERT INTO features_daily (ticker, date, close, warm_up, features_version, inputs, "
        "source) VALUES (%s, %s, 1, false, %s, %s, 'yahoo') "
        "ON CONFLICT (ticker, date) DO UPDATE SET inputs = excluded.inputs",
        (ticker, day, version, inputs),
    )


def test_means_of_inputs_are_kept_and_the_newest_computed_again(tables, connection, store):
    connection.execute("UPDATE pool_members SET features_version = 'v'")
    connection.execute("INSERT INTO feature_sets VALUES ('v', %s)", (["momentum", "volume"],))
    for day in DAYS[:2]:
        put_inputs(connection, "TCS.NS", day, [1.0, math.nan])
        put_inputs(connection, "INFY.NS", day, [2.0, 4.0])
    names, means = means_of(store, tables, DAYS[1])
    assert names == ["momentum", "volume"]
    assert means == [(DAYS[0], [1.5, 4.0]), (DAYS[1], [1.5, 4.0])]
    for day in DAYS[:2]:
        put_inputs(connection, "TCS.NS", day, [4.0, math.nan])
    _, means = means_of(store, tables, DAYS[1])
    assert means == [(DAYS[0], [1.5, 4.0]), (DAYS[1], [3.0, 4.0])]


@pytest.mark.parametrize("seed", range(5))
def test_means_session_by_session_are_those_of_all_at_once(tables, connection, store, seed):
    numbers = np.random.default_rng(seed)
    for version in ("v", "w"):
        connection.execute("INSERT INTO feature_sets VALUES (%s, %s)", (version, ["a", "b"]))
    for last, day in enumerate(DAYS):
        # The code changes on the way: all sessions are computed anew, those of old rows not at all.
        version = "v" if last < numbers.integers(1, 4) else "w"
        connection.execute("UPDATE pool_members SET features_version = %s", (version,))
        connection.execute("UPDATE features_daily SET features_version = %s", (version,))
        for ticker in numbers.permutation(["TCS.NS", "INFY.NS", "TCS.BO"])[
            : numbers.integers(1, 4)
        ]:
            inputs = [float(numbers.choice([math.nan, numbers.normal()])) for _ in "ab"]
            put_inputs(connection, str(ticker), day, inputs, version)
        means_of(store, tables, day)

    one_by_one = repr(means_of(store, tables, DAYS[-1]))
    connection.execute("DELETE FROM feature_means")

    assert repr(means_of(store, tables, DAYS[-1])) == one_by_one


def test_the_newest_measures_are_read(tables):
    def measure(day, bad):
        return {
            **{"pool": "NSE", "horizon": "short", "measure": "coverage", "session": day},
            **{"value": 0.8, "expected": 0.9, "n": 63, "t": -5.0, "limit_t": 4.0, "bad": bad},
            **{"sentence": "s", "measured_at": CLOSES[day]},
        }

    tables.write([measure(DAYS[1], bad=True), measure(DAYS[0], bad=False)])
    assert [(row["session"], row["bad"]) for row in tables.latest()] == [(DAYS[1], True)]
    tables.write([measure(DAYS[1], bad=None)])
    assert [row["bad"] for row in tables.latest()] == [None]
    assert tables.pool_sizes() == {"NSE": 2, "BSE": 1}
