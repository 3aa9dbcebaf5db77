"""Which stored tickers stand in a pool."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput, UsageError
from src.core.tables import CLEAN_DAILY
from src.modeling.panel import panel, pools
from tests.support.prices import clean_walk, sessions

DAYS = sessions(dt.date(2024, 1, 1), 60)
REAL = ("INFY.NS", "RELIANCE.BO", "TCS.NS")
DEMO = "DEMO.NS"
US = "AAPL"


@pytest.fixture
def stored(store):
    """Three tickers of India, one of America, a synthetic one; and one ingested but not cleaned."""
    for seed, ticker in enumerate((*REAL, US, DEMO)):
        days = DAYS[30:] if ticker == "INFY.NS" else DAYS
        frame = clean_walk(ticker, days, seed=seed)
        if ticker == DEMO:
            frame = frame.with_columns(source=pl.lit("sample"))
        with store.transaction():
            store.replace(CLEAN_DAILY, [ticker], frame)
    return [*REAL, US, DEMO, "NEW.NS"]


def same(ours, theirs):
    names = ("open", "high", "low", "close", "volume", "pending")
    return (
        ours.tickers == theirs.tickers
        and np.array_equal(ours.sessions, theirs.sessions)
        and all(
            np.array_equal(getattr(ours, n), getattr(theirs, n), equal_nan=n != "pending")
            for n in names
        )
    )


def test_a_ticker_is_pooled_with_the_real_ones_of_its_exchange(store, stored):
    calendar, found = pools.pool_panel(store, ["TCS.NS"], stored)

    assert found.tickers == REAL
    assert calendar is nse()


def test_a_synthetic_ticker_stands_alone(store, stored):
    _, found = pools.pool_panel(store, [DEMO], stored)

    assert found.tickers == (DEMO,)


def test_a_ticker_with_one_synthetic_bar_is_kept_out_of_the_pool(store, stored):
    mixed = store.load(CLEAN_DAILY, ["INFY.NS"]).with_columns(
        source=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("sample")).otherwise("source")
    )
    with store.transaction():
        store.replace(CLEAN_DAILY, ["INFY.NS"], mixed)

    assert pools.pool_panel(store, ["TCS.NS"], stored)[1].tickers == ("RELIANCE.BO", "TCS.NS")
    assert pools.pool_panel(store, ["INFY.NS"], stored)[1].tickers == ("INFY.NS",)


def test_synthetic_and_real_ones_together_are_refused(store, stored):
    with pytest.raises(UsageError, match=r"DEMO\.NS are synthetic"):
        pools.pool_panel(store, ["TCS.NS", DEMO], stored)


def test_tickers_of_two_exchanges_are_refused(store, stored):
    with pytest.raises(UsageError, match="AAPL"):
        pools.pool_panel(store, ["TCS.NS", US], stored)


def test_a_ticker_without_clean_prices_says_what_to_run(store, stored):
    with pytest.raises(BadInput, match=r"No clean prices of NEW\.NS .*src\.data\.cleaning write"):
        pools.pool_panel(store, ["TCS.NS", "NEW.NS"], stored)


def test_everything_is_every_real_ticker(store, stored):
    of_india = [ticker for ticker in stored if ticker != US]

    assert pools.panel_of_all(store, of_india)[1].tickers == REAL
    assert pools.panel_of_all(store, [DEMO])[1].tickers == (DEMO,)
    with pytest.raises(BadInput, match="No clean prices"):
        pools.panel_of_all(store, ["NEW.NS"])


@pytest.mark.parametrize("last", [0, 10, 29, 30, 45, 59])
def test_up_to_a_day_is_as_if_nothing_later_were_stored(store, stored, last):
    _, whole = pools.pool_panel(store, ["TCS.NS"], stored)

    (prices,) = pools.pooled_prices(store, ["TCS.NS"], stored, DAYS[last])
    then = panel.build(prices, nse())

    assert same(pools.up_to(whole, DAYS[last]), then)
    # INFY.NS is listed at row 30.
    assert then.tickers == (REAL if last >= 30 else ("RELIANCE.BO", "TCS.NS"))


def test_up_to_a_day_without_a_session_ends_before_it(store, stored):
    _, whole = pools.pool_panel(store, ["TCS.NS"], stored)

    # A Sunday.
    cut = pools.up_to(whole, dt.date(2024, 2, 18))

    assert cut.sessions[-1] == np.datetime64("2024-02-16")
    assert same(pools.up_to(whole, dt.date(2030, 1, 1)), whole)


def test_up_to_a_day_before_all_prices_is_refused(store, stored):
    _, whole = pools.pool_panel(store, ["TCS.NS"], stored)

    with pytest.raises(BadInput, match="the first is of 2024-01-01"):
        pools.up_to(whole, dt.date(2023, 12, 29))


def test_bars_become_the_panel_they_are(store, stored):
    _, found = pools.pool_panel(store, ["TCS.NS"], stored)

    bars = store.load(CLEAN_DAILY, list(REAL))
    assert same(found, panel.build(bars, nse()))
