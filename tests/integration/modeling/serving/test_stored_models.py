"""The inputs that are stored of each ticker of a pool: its distribution, at its own last bar."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.modeling.intervals import distribution
from src.modeling.panel.pools import load_panel
from src.modeling.serving.pool_data import load_members, load_pool_panel, pools_of
from src.modeling.serving.stored_models import computed_rows
from tests.support.prices import TCS, clean_walk, context, register, sessions, with_features

DAYS = sessions(dt.date(2023, 1, 2), 400)
DEMO, INFY = "DEMO.NS", "INFY.NS"
AHEAD = {"short": 1, "long": 63}


@pytest.fixture
def given(store, home, models):
    def build(*tickers, **looking_back):
        return context(store, home, tickers=tickers, models=models, **looking_back)

    return build


def kept(store, run_context, *frames):
    register(run_context.records.connection, run_context.tickers)
    with_features(store, run_context, pl.concat(frames))


def walk(ticker, seed, days=DAYS):
    return clean_walk(ticker, days, seed=seed)


def rows_of(run_context):
    """Rows by ticker and horizon, as a run without training computes them."""
    found = {}
    for pool, tickers in pools_of(run_context).items():
        members = load_members(run_context, pool)
        panel = load_pool_panel(run_context, members)
        for row in computed_rows(run_context, members, panel, tickers, {}):
            found[row["ticker"], row["horizon"]] = row
    return found


def quantiles_at(run_context, ticker, horizon, day, *pooled):
    """By the panel of the pooled tickers alone."""
    panel = load_panel(run_context.store, pooled, run_context.calendar, AHEAD)
    forecasts = distribution.walk_forward(panel, AHEAD[horizon])
    row = int(np.searchsorted(panel.sessions, np.datetime64(day)))
    return forecasts.at(row, panel.tickers.index(ticker)).quantiles


@pytest.mark.parametrize("horizon", ["short", "long"])
def test_each_ticker_is_given_its_own_quantiles(store, given, horizon):
    both = given(TCS, INFY)
    kept(store, both, walk(TCS, 1), walk(INFY, 2))

    rows = rows_of(both)

    for ticker in (TCS, INFY):
        row = rows[ticker, horizon]
        assert row["feature_date"] == DAYS[-1]
        assert row["quantiles"] == quantiles_at(both, ticker, horizon, DAYS[-1], INFY, TCS)
        assert row["note"] is None
    assert rows[TCS, horizon]["quantiles"] != rows[INFY, horizon]["quantiles"]


def test_a_synthetic_ticker_neither_lends_nor_takes_anything(store, given):
    every = given(TCS, INFY, DEMO)
    synthetic = walk(DEMO, 9).with_columns(source=pl.lit("sample"))
    kept(store, every, walk(TCS, 1), walk(INFY, 2), synthetic)

    rows = rows_of(every)

    assert rows[DEMO, "short"]["pool"] == "SAMPLE"
    assert rows[DEMO, "short"]["quantiles"] == quantiles_at(every, DEMO, "short", DAYS[-1], DEMO)
    assert rows[TCS, "short"]["pool"] == "NSE"
    assert rows[TCS, "short"]["quantiles"] == quantiles_at(every, TCS, "short", DAYS[-1], INFY, TCS)


def test_a_ticker_whose_bars_ended_is_answered_at_its_last(store, given):
    both = given(TCS, INFY)
    kept(store, both, walk(TCS, 1), walk(INFY, 2, DAYS[:380]))

    row = rows_of(both)[INFY, "short"]

    assert row["feature_date"] == DAYS[379]
    assert row["quantiles"] == quantiles_at(both, INFY, "short", DAYS[379], INFY, TCS)
    assert row["note"] is None


def test_too_few_bars_give_no_range(store, given):
    alone = given(TCS)
    kept(store, alone, walk(TCS, 1, DAYS[:15]))

    row = rows_of(alone)[TCS, "short"]

    assert (row["quantiles"], row["sigma"]) == ([], None)
    assert set(row["inputs"]) == set()
