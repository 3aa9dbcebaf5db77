import numpy as np
import pandas as pd
import pytest

from src.modeling.intervals import regressors
from tests.support.price_panels import clustered

NAN = np.nan
TINY = 1e-8


def frames(panel):
    return pd.DataFrame(panel.variance), pd.DataFrame(panel.log_returns)


def trailing(frame, window):
    return frame.rolling(window, min_periods=(window + 1) // 2).mean()


def wide(series):
    return series.to_numpy()[:, None]


def assert_columns(columns, expected):
    assert len(columns) == len(expected)
    for column, right in zip(columns, expected, strict=True):
        np.testing.assert_allclose(column, right, rtol=1e-7, atol=1e-9)


def test_a_tickers_columns_are_what_pandas_makes_of_them():
    panel = clustered(1, 700, 6, young=True).panel()
    v, r = frames(panel)

    columns = regressors.of_ticker(panel.variance, panel.log_returns)

    month = np.sqrt(trailing(v, 22) + TINY)
    week = 5 * r.rolling(5, min_periods=3).mean()
    assert_columns(
        columns,
        [
            *(np.log(trailing(v, window) + TINY) for window in (1, 5, 22, 63, 252)),
            r.clip(upper=0) / month,
            week.clip(upper=0) / (month * np.sqrt(5)),
        ],
    )


def test_the_markets_columns_are_what_pandas_makes_of_complete_sessions():
    panel = clustered(1, 700, 6, young=True).panel()
    _, r = frames(panel)
    assert 0 < (~panel.complete).sum() < 100

    columns = regressors.of_market(panel.log_returns, panel.complete)

    m = r.mean(axis=1).where(r.count(axis=1) >= 5)[panel.complete]
    market = 0.5 * np.log((m**2).ewm(alpha=0.06, ignore_na=True).mean() + TINY)
    # ffill: a session that is not complete carries the values of the last complete one.
    expected = [
        wide(column.reindex(r.index).ffill())
        for column in (market, market.rolling(252, min_periods=60).mean())
    ]
    assert_columns(columns, expected)


def test_columns_of_the_next_session_are_what_pandas_makes_of_them():
    panel = clustered(2, 300, 6).panel()
    v, r = frames(panel)

    columns = regressors.of_next_session(
        panel.variance, panel.log_returns, panel.complete, panel.days_ahead
    )

    logs = np.log(v + 1e-6)
    m = logs.mean(axis=1).where(logs.count(axis=1) >= 5)[panel.complete]
    ahead = panel.days_ahead[:, None]
    assert_columns(
        columns,
        [
            ahead > 1,
            ahead > 3,
            (r.abs() / np.sqrt(trailing(v, 22) + TINY)).clip(upper=4),
            *(np.log(trailing(r**2, window) + TINY) for window in (5, 22)),
            *(wide(trailing(m, window).reindex(r.index).ffill()) for window in (1, 5, 22)),
        ],
    )
    assert set(panel.days_ahead) == {1, 3, 5}


def test_fewer_than_five_tickers_on_a_session_are_no_market():
    returns = np.full((3, 5), 0.01)
    returns[0, 4] = NAN

    market, _ = regressors.of_market(returns, np.array([True, True, True]))

    assert np.isnan(market[0])
    assert market[1:, 0] == pytest.approx(0.5 * np.log(1e-4 + TINY))


def test_a_pool_without_a_complete_session_has_no_market():
    columns = regressors.of_market(np.full((3, 5), 0.01), np.zeros(3, dtype=bool))

    assert all(np.isnan(column).all() and column.shape == (3, 1) for column in columns)


def test_prices_in_another_currency_have_the_same_columns():
    prices = clustered(3, 120, 5)
    other = type(prices)(*(bar * 80.0 for bar in prices.bars))
    before, after = prices.panel(), other.panel()

    for of in (regressors.of_ticker, lambda v, r: regressors.of_market(r, before.complete)):
        for column, same in zip(
            of(before.variance, before.log_returns),
            of(after.variance, after.log_returns),
            strict=True,
        ):
            np.testing.assert_allclose(column, same, rtol=1e-6, atol=1e-6)
