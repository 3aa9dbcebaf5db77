"""What live models forecast from, on a real PostgreSQL: exact, unchanged where equal, tidied."""

import datetime as dt
import math
import threading

import psycopg
import pytest

from src.core.tables import POOL_INPUTS, SERVING_INPUTS
from src.db.tables.live_inputs import data_version
from src.db.tables.serving_inputs import ServingInputs
from tests.support.answers import put_member

WRITTEN = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
LATER = WRITTEN + dt.timedelta(days=2)
OLD, LIVE = "a" * 64, "b" * 64
TICKERS = ("TCS.NS", "INFY.NS", "WIPRO.NS")


def row(**changes):
    usual = {
        "ticker": "TCS.NS",
        "horizon": "short",
        "pool": "NSE",
        "feature_date": dt.date(2026, 4, 13),
        "features_version": "v1",
        "last_close": 3500.1,
        "inputs": {"mom_5": 0.1 + 0.2},
        "levels": [0.05, 0.5, 0.95],
        "quantiles": [-0.02, 0.0, 0.1 + 0.2],
        "sigma": 0.012,
        "metrics": [{"name": "zero", "n": 479, "n_eff": 7.6, "skill_vs_zero": None}],
        "note": None,
        "data_source": "yahoo",
        "return_basis": "total",
        "data_hash": "d" * 64,
        "written_at": WRITTEN,
    }
    return usual | changes


def pool_row(**changes):
    usual = {
        "pool": "NSE",
        "horizon": "short",
        "digest": LIVE,
        "session": dt.date(2026, 4, 13),
        "inputs": {"rank_mean": 0.1 + 0.2},
        "written_at": WRITTEN,
    }
    return usual | changes


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        for ticker in TICKERS:
            put_member(opened, ticker)
        yield opened


@pytest.fixture
def serving(connection):
    return ServingInputs(connection)


def test_rows_come_back_as_they_went_in(serving):
    rows = [row(), row(horizon="long"), row(ticker="INFY.NS", note="not yet")]
    assert serving.write(rows) == 3
    serving.write_pool([pool_row()])

    assert serving.read(["TCS.NS"]) == rows[:2]
    assert serving.read(["TCS.NS", "INFY.NS"], "short") == [rows[2], rows[0]]
    assert serving.of_pool("NSE", "short") == [rows[2], rows[0]]
    assert serving.read_pool("NSE", "short", LIVE) == pool_row()
    assert list(row()) == list(SERVING_INPUTS.columns)
    assert list(pool_row()) == list(POOL_INPUTS.columns)


@pytest.mark.parametrize(
    "value",
    [0.1, 1 / 3, math.pi * 1e-300, 5e-324, 1.7976931348623157e308, 1e22, -2.0, 123456789.0, 0.0],
)
def test_a_float_survives_to_the_last_bit(serving, value):
    serving.write([row(inputs={"x": value, "y": -value}, quantiles=[-value, 0.0, value])])

    (stored,) = serving.read(["TCS.NS"])
    assert stored["inputs"]["x"].hex() == value.hex() == stored["quantiles"][2].hex()
    assert stored["inputs"]["y"] == -value
    assert {type(each) for each in stored["inputs"].values()} == {float}


def test_a_distribution_that_is_not_known_is_empty(serving):
    serving.write([row(levels=[], quantiles=[], sigma=None, inputs={}, metrics=[])])

    (stored,) = serving.read(["TCS.NS"])
    assert [stored[name] for name in ("inputs", "levels", "quantiles", "sigma", "metrics")] == [
        *({}, [], [], None, []),
    ]


def test_what_is_unchanged_is_not_written_again_and_nobody_is_told(serving, connection):
    serving.write([row()])
    serving.write_pool([pool_row()])
    before = data_version(connection)

    assert serving.write([row(written_at=LATER)]) == 0
    assert serving.write_pool([pool_row(written_at=LATER)]) == 0

    assert data_version(connection) == before
    assert serving.read(["TCS.NS"])[0]["written_at"] == WRITTEN


@pytest.mark.parametrize(
    "change",
    [
        {"feature_date": dt.date(2026, 4, 15)},
        {"inputs": {"mom_5": 0.3}},
        {"quantiles": [-0.02, 0.0, 0.3]},
        {"sigma": None},
        {"metrics": []},
        {"note": "not yet"},
        {"data_hash": "e" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_takes_the_place_of_the_old_one(serving, connection, change):
    serving.write([row(), row(ticker="INFY.NS")])
    before = data_version(connection)

    assert serving.write([row(**change, written_at=LATER), row(ticker="INFY.NS")]) == 1

    assert serving.read(["TCS.NS"]) == [row(**change, written_at=LATER)]
    assert data_version(connection) == before + 1


def test_many_rows_are_one_change(serving, connection):
    before = data_version(connection)

    serving.write([row(ticker=ticker) for ticker in TICKERS])

    assert data_version(connection) == before + 1


def test_rows_of_tickers_that_left_the_pool_go_with_the_next_writing_of_it(serving, connection):
    serving.write([row(ticker=ticker) for ticker in TICKERS])
    put_member(connection, "DEMO.NS", pool="SAMPLE")
    serving.write([row(ticker="DEMO.NS", pool="SAMPLE")])
    connection.execute("DELETE FROM pool_members WHERE ticker IN ('INFY.NS', 'DEMO.NS')")

    serving.write([row()])

    assert [each["ticker"] for each in serving.read([*TICKERS, "DEMO.NS"])] == [
        *("DEMO.NS", "TCS.NS", "WIPRO.NS"),
    ]


def test_of_a_pool_and_horizon_the_written_model_alone_has_inputs(serving):
    serving.write_pool([pool_row(digest=OLD), pool_row(digest=OLD, horizon="long")])

    serving.write_pool([pool_row()])

    assert serving.read_pool("NSE", "short", OLD) is None
    assert serving.read_pool("NSE", "short", LIVE) == pool_row()
    assert serving.read_pool("NSE", "long", OLD) is not None


def test_all_rows_are_written_or_none(serving):
    with pytest.raises(psycopg.errors.CheckViolation):
        serving.write([row(), row(horizon="long", last_close=0.0)])

    assert serving.read(["TCS.NS"]) == []


def test_nothing_to_write_is_nothing_written(serving):
    assert (serving.write([]), serving.write_pool([])) == (0, 0)


def test_two_that_write_the_same_rows_in_another_order_wait_for_each_other(
    serving, connection, database_url
):
    """One has changed the pool's row and goes on to a ticker's, the other begins with that."""
    serving.write([row()])

    def write_beside():
        with psycopg.connect(database_url, autocommit=True) as other:
            ServingInputs(other).write([row(last_close=3502.0)])

    beside = threading.Thread(target=write_beside)
    with connection.transaction():
        serving.write_pool([pool_row()])
        beside.start()
        assert any(_waits(connection) for _ in range(5000))
        serving.write([row(last_close=3501.0)])
    beside.join()

    assert serving.read(["TCS.NS"])[0]["last_close"] == 3502.0


def _waits(connection):
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    return connection.execute(sql).fetchone()[0]
