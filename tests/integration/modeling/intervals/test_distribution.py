"""The distributions that a run gives its tickers."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.tables import CLEAN_DAILY
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.modeling.intervals import distribution
from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION, ReturnDistribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.panel import panel
from src.modeling.panel.pools import load_pools
from src.modeling.serving.inputs import last_bar
from tests.support.prices import TCS, StubSource, bar, clean_walk, context, delivery, run, sessions

DAYS = sessions(dt.date(2023, 1, 2), 400)
DEMO, INFY, LATE = "DEMO.NS", "INFY.NS", "LATE.NS"


def kept(store, *frames):
    for frame in frames:
        with store.transaction():
            store.replace(CLEAN_DAILY, [frame["ticker"][0]], frame)


def walk(ticker, seed, days=DAYS):
    return clean_walk(ticker, days, seed=seed)


def demo():
    return walk(DEMO, 9).with_columns(source=pl.lit("sample"))


def newest(horizon, *frames):
    """The quantiles of a panel's last row, by ticker."""
    whole = panel.build(pl.concat(frames), nse())
    last = np.array([len(whole.sessions) - 1])
    quantiles = distribution.walk_forward(whole, horizon).quantiles(last)[0]
    return dict(zip(whole.tickers, quantiles, strict=True))


def forecast_distributions(run, horizons):
    """The distribution of each ticker at each horizon, pooled as a run pools them."""
    by_ticker = {}
    for bars in load_pools(run):
        whole = panel.build(bars, nse())
        for horizon in horizons:
            forecasts = distribution.walk_forward(whole, horizon)
            for ticker in set(run.tickers) & set(whole.tickers):
                row = last_bar(whole, ticker)
                by_ticker[ticker, horizon] = forecasts.at(row, whole.tickers.index(ticker))
    return by_ticker


@pytest.mark.parametrize("horizon", [1, 63])
def test_each_ticker_is_given_its_own_quantiles(store, home, horizon):
    frames = [walk(TCS, 1), walk(INFY, 2)]
    kept(store, *frames)

    found = forecast_distributions(context(store, home, tickers=(TCS, INFY)), [horizon])

    expected = newest(horizon, *frames)
    assert set(found) == {(TCS, horizon), (INFY, horizon)}
    for ticker in (TCS, INFY):
        assert np.array_equal(found[ticker, horizon].quantiles, expected[ticker])
        assert np.isfinite(expected[ticker]).all()


def test_a_synthetic_ticker_neither_lends_nor_takes_anything(store, home):
    kept(store, walk(TCS, 1), walk(INFY, 2))
    real = forecast_distributions(context(store, home, tickers=(TCS, INFY)), [1])
    kept(store, demo())
    alone = forecast_distributions(context(store, home, tickers=(DEMO,)), [1])

    found = forecast_distributions(context(store, home, tickers=(DEMO, TCS, INFY)), [1])

    for ticker in (TCS, INFY):
        assert np.array_equal(found[ticker, 1].quantiles, real[ticker, 1].quantiles)
    assert np.array_equal(found[DEMO, 1].quantiles, alone[DEMO, 1].quantiles)
    assert np.array_equal(alone[DEMO, 1].quantiles, newest(1, demo())[DEMO])


def test_a_ticker_whose_bars_ended_is_judged_at_its_last(store, home):
    frames = [walk(TCS, 1), walk(INFY, 2, DAYS[:380])]
    kept(store, *frames)

    found = forecast_distributions(context(store, home, tickers=(TCS, INFY)), [1])

    whole = panel.build(pl.concat(frames), nse())
    made = distribution.walk_forward(whole, 1).quantiles(np.array([379, 399]))
    assert np.array_equal(found[INFY, 1].quantiles, made[0, 0])
    assert np.array_equal(found[TCS, 1].quantiles, made[1, 1])


def test_a_run_up_to_a_past_session_knows_nothing_later(store, home):
    kept(store, walk(TCS, 1), walk(INFY, 2))
    past = forecast_distributions(context(store, home, as_of=DAYS[350]), [1, 63])
    kept(store, walk(TCS, 1, DAYS)[:351], walk(INFY, 2, DAYS)[:351])

    then = forecast_distributions(context(store, home), [1, 63])

    assert set(past) == set(then)
    assert all(np.array_equal(past[key].quantiles, then[key].quantiles) for key in then)


def test_too_few_bars_say_nothing(store, home):
    kept(store, walk(TCS, 1)[:15])

    found = forecast_distributions(context(store, home), [1])[TCS, 1]

    assert (found.prob_up, found.intervals(100.0)) == (None, [])
    assert forecast_distributions(context(store, home, tickers=(INFY,)), [1]) == {}


def test_a_mate_fetched_later_was_not_known(store, home):
    asked = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    days = DAYS[:300]
    for ticker, seed, fetched in ((TCS, 1, -5), (INFY, 2, -5), (LATE, 3, 5)):
        rows = [
            bar(day, close)
            for day, close in walk(ticker, seed, days).select("date", "close").rows()
        ]
        given = context(store, home, tickers=(ticker,))
        what = delivery(rows, ticker=ticker, fetched_at=asked + dt.timedelta(days=fetched))
        run(ingest.stage(StubSource([what])), given)
        run(cleaning.STAGE, given)
    then = context(store, home, known_at=asked)
    run(cleaning.STAGE, then)

    (pool,) = load_pools(then)

    assert sorted(pool["ticker"].unique()) == [INFY, TCS]
    (today,) = load_pools(context(store, home))
    assert sorted(today["ticker"].unique()) == [INFY, LATE, TCS]
    assert pool.filter(ticker=INFY).equals(today.filter(ticker=INFY))


def test_intervals_are_read_off_the_levels():
    # Quantiles at 2.5, 5, 10, 15, …, 95, 97.5 %, each a tenth of its level less .04.
    found = ReturnDistribution(LEVELS / 10 - 0.04)

    half, _, _, most = found.intervals(200.0)
    assert half["level"] == 0.5
    assert (half["low_return"], half["high_return"]) == pytest.approx((-0.015, 0.035))
    assert (half["low_close"], half["high_close"]) == pytest.approx((197.0, 207.0))
    assert most["level"] == 0.95
    assert (most["low_return"], most["high_return"]) == pytest.approx((-0.0375, 0.0575))
    # The level at which the quantile is 0 is 40 %.
    assert found.prob_up == pytest.approx(0.6)


def test_nothing_known_is_nothing_said():
    assert (UNKNOWN_DISTRIBUTION.prob_up, UNKNOWN_DISTRIBUTION.intervals(100.0)) == (None, [])
