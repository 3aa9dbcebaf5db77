"""The panel of what is stored of a pool."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput, UsageError
from src.core.tables import FEATURES_DAILY
from src.modeling.panel import pools
from tests.support.pools import panel_of_clean
from tests.support.prices import clean_walk, context, sessions, with_features

DAYS = sessions(dt.date(2024, 1, 1), 330)
REAL = ("INFY.NS", "M&M.NS", "TCS.NS")
DEMO = "DEMO.NS"
HORIZONS = {"short": 1, "long": 63}


def clean():
    """Three tickers, one of them listed late."""
    frames = [clean_walk(ticker, DAYS, seed=n) for n, ticker in enumerate(REAL)]
    return pl.concat([frames[0][30:], *frames[1:]])


@pytest.fixture
def stored(store, home, monkeypatch):
    """Features of three tickers and of a synthetic one; and a ticker ingested but not cleaned."""
    with_features(store, context(store, home, tickers=REAL), clean())
    demo = clean_walk(DEMO, DAYS, seed=5).with_columns(source=pl.lit("sample"))
    with_features(store, context(store, home, tickers=(DEMO,)), demo)
    monkeypatch.setattr(store, "tickers", lambda: sorted([*REAL, DEMO, "NEW.NS"]))
    return store


def same(ours, theirs):
    matrices = ("sessions", "close", "log_returns", "variance", "days_ahead")
    return (
        ours.tickers == theirs.tickers
        and all(
            np.array_equal(getattr(ours, n), getattr(theirs, n), equal_nan=True) for n in matrices
        )
        and all(
            np.array_equal(ours.targets(h), theirs.targets(h), equal_nan=True)
            for h in HORIZONS.values()
        )
        and np.array_equal(ours.inputs.per_bar, theirs.inputs.per_bar, equal_nan=True)
    )


def load(store, until=None):
    return pools.load_panel(store, REAL, nse(), HORIZONS, until)


def test_a_pool_is_loaded_as_it_was_computed(stored):
    found = load(stored)

    assert found.tickers == REAL
    assert same(found, panel_of_clean(clean(), (1, 63)))


def test_tickers_are_read_in_blocks(stored, monkeypatch):
    whole = load(stored)
    monkeypatch.setattr(pools, "BLOCK_SIZE", 2)

    assert same(load(stored), whole)


@pytest.mark.parametrize("last", [0, 10, 29, 30, 100, 329])
def test_up_to_a_day_is_as_if_nothing_later_were_stored(stored, last):
    then = load(stored, DAYS[last])

    assert same(pools.up_to(load(stored), DAYS[last]), then)
    # INFY.NS is listed at row 30.
    assert then.tickers == (REAL if last >= 30 else ("M&M.NS", "TCS.NS"))
    computed = panel_of_clean(clean().filter(pl.col("date") <= DAYS[last]), (1, 63))
    assert same(then, computed)


def test_up_to_a_day_without_a_session_ends_before_it(stored):
    # A Sunday.
    cut = pools.up_to(load(stored), dt.date(2024, 2, 18))

    assert cut.sessions[-1] == np.datetime64("2024-02-16")


def test_up_to_a_day_before_all_prices_is_refused(stored):
    with pytest.raises(BadInput, match="the first is of 2024-01-01"):
        pools.up_to(load(stored), dt.date(2023, 12, 29))


def test_members_are_those_with_features_by_pool(stored):
    assert pools.members(stored)["ticker"].to_list() == [DEMO, *REAL]
    assert pools.members(stored, "NSE")["ticker"].to_list() == list(REAL)
    assert pools.members(stored, "BSE").is_empty()


def test_tickers_of_two_pools_are_refused(stored):
    members = pools.members(stored)

    assert pools.pool_of_tickers(members, ["TCS.NS", "INFY.NS"]) == "NSE"
    with pytest.raises(UsageError, match=r"TCS\.NS.*NSE.*|DEMO\.NS.*SAMPLE"):
        pools.pool_of_tickers(members, ["TCS.NS", DEMO])


def test_the_hash_of_a_pool_is_that_of_its_tickers_rows(stored, home):
    before = pools.pool_hash(pools.members(stored, "NSE"))
    assert pools.pool_hash(pools.members(stored, "NSE").reverse()) == before

    bent = clean_walk("TCS.NS", DAYS, seed=8)
    with_features(stored, context(stored, home, tickers=("TCS.NS",)), bent)

    assert pools.pool_hash(pools.members(stored, "NSE")) != before


def test_features_of_another_version_say_what_to_run(stored):
    old = stored.load(FEATURES_DAILY, ["M&M.NS"]).with_columns(features_version=pl.lit("v0"))
    with stored.transaction():
        stored.replace(FEATURES_DAILY, ["M&M.NS"], old)

    with pytest.raises(BadInput, match=r"No features of M&M\.NS of this version .*write --all"):
        load(stored)
    with pytest.raises(BadInput, match="No features of this version"):
        pools.load_panel(stored, ["NEW.NS"], nse(), HORIZONS)
