import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from src.modeling.intervals import volatility
from src.modeling.panel.panel import Panel

NAN = np.nan


def market(seed, rows, tickers, young=False):
    """Bars of a market whose volatility comes in clusters; the last ticker may be young."""
    random = np.random.default_rng(seed)
    log_vol = np.zeros((rows, 1 + tickers))
    for t in range(1, rows):
        log_vol[t] = 0.97 * log_vol[t - 1] + random.normal(0, 0.12, 1 + tickers)
    moves = 0.012 * np.exp(log_vol) * random.standard_normal((rows, 1 + tickers))
    returns = moves[:, :1] + moves[:, 1:]
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    opened = close * np.exp(-0.7 * returns)
    wick = np.abs(random.normal(0, 0.006, (2, rows, tickers)))
    high = np.maximum(opened, close) * np.exp(wick[0])
    low = np.minimum(opened, close) * np.exp(-wick[1])
    missing = random.random(close.shape) < 0.02
    missing[: rows // 2, -1] |= young
    bars = [np.where(missing, NAN, x) for x in (opened, high, low, close)]
    return panel(*bars)


def panel(opened, high, low, close, pending=None):
    shape = close.shape
    return Panel(
        np.datetime64("2015-01-01") + np.arange(shape[0]),
        tuple(f"T{n:02}" for n in range(shape[1])),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=np.ones(shape),
        pending=np.zeros(shape, dtype=bool) if pending is None else pending,
    )


def cut(given, rows):
    parts = (given.open, given.high, given.low, given.close)
    return panel(*(x[:rows].copy() for x in parts), given.pending[:rows].copy())


def ruined(given, row):
    """The same up to the row; after it wild prices and pending moves."""
    random = np.random.default_rng(row)
    parts = [x.copy() for x in (given.open, given.high, given.low, given.close)]
    for x in parts:
        x[row + 1 :] *= np.exp(random.normal(0, 1, x[row + 1 :].shape))
    pending = given.pending.copy()
    pending[row + 1 :] = random.random(pending[row + 1 :].shape) < 0.1
    return panel(*parts, pending)


def column(*values):
    return np.array(values)[:, None]


def test_daily_variance_of_a_session_worked_by_hand():
    given = panel(
        column(99.0, 102.0), column(101.0, 104.0), column(98.0, 101.0), column(100.0, 103)
    )

    found = volatility.daily_variance(given)[:, 0]

    # Overnight ln 1.02 = .0198026; range ln(104/101) = .0292703; body ln(103/102) = .0097562:
    # .00039214 + .5 x .00085675 - .38629436 x .00009518.
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.00078375, abs=2e-8)


def test_without_open_or_with_a_pending_move_there_is_no_variance():
    flat = column(100.0, 101.0, 102.0)
    opened, pending = flat.copy(), np.zeros((3, 1), dtype=bool)
    opened[1], pending[2] = NAN, True

    found = volatility.daily_variance(panel(opened, flat * 1.01, flat * 0.99, flat, pending))

    assert np.isnan(found).all()


def test_regressors_are_what_pandas_makes_of_them():
    given = market(1, 700, 6, young=True)
    v = pd.DataFrame(volatility.daily_variance(given))
    r = pd.DataFrame(given.log_returns)

    found = volatility.regressors(v.to_numpy(), given.log_returns)

    tiny = 1e-8
    expected = [
        np.log(v.rolling(w, min_periods=(w + 1) // 2).mean() + tiny) for w in (1, 5, 22, 63, 252)
    ]
    m = r.mean(axis=1).where(r.count(axis=1) >= 5)
    market_vol = 0.5 * np.log((m**2).ewm(alpha=0.06, ignore_na=True).mean() + tiny)
    for one in (market_vol, market_vol.rolling(252, min_periods=60).mean()):
        expected.append(pd.concat([one] * 6, axis=1))
    month = np.sqrt(v.rolling(22, min_periods=11).mean() + tiny)
    expected.append(r.clip(upper=0) / month)
    week = 5 * r.rolling(5, min_periods=3).mean()
    expected.append(week.clip(upper=0) / (month * np.sqrt(5)))
    assert len(found) == len(expected) == 9
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.to_numpy(), rtol=1e-7, atol=1e-9)


def test_fewer_than_five_tickers_are_no_market():
    assert len(volatility.build_inputs(market(1, 400, 4)).columns) == 7
    assert len(volatility.build_inputs(market(1, 400, 5)).columns) == 9


@pytest.mark.parametrize(("horizon", "tickers"), [(1, 6), (63, 5), (5, 1)])
def test_a_fit_is_the_least_squares_of_statsmodels_on_labels_realised_plus_five(horizon, tickers):
    given = market(2, 700, tickers, young=tickers == 6)
    known = volatility.build_inputs(given)

    fit = volatility.refits(known, horizon)[-1]

    rows, labels = [], []
    for t in range(fit.row - 5 - horizon + 1):
        for n in range(tickers):
            ahead = known.variance[t + 1 : t + 1 + horizon, n]
            x = [c[t, n] for c in known.columns]
            if 2 * np.isfinite(ahead).sum() >= horizon and np.isfinite(x).all():
                rows.append([1.0, *x])
                labels.append(np.log(np.nanmean(ahead) + 1e-8))
    assert fit.row == 630
    np.testing.assert_allclose(fit.beta, sm.OLS(labels, rows).fit().params, rtol=1e-6, atol=1e-8)


def test_the_first_fit_waits_for_250_sessions_and_the_horizon():
    known = volatility.build_inputs(market(3, 700, 5))

    # Fits stand every 126 rows; 252 >= 250 + 1, and 378 >= 250 + 63.
    first = [
        next(f.row for f in volatility.refits(known, horizon) if f.beta is not None)
        for horizon in (1, 63)
    ]
    assert first == [252, 378]


def test_a_lone_ticker_waits_until_200_rows_are_whole():
    known = volatility.build_inputs(market(3, 700, 1))

    made = volatility.refits(known, 1)

    # The year's mean needs 126 sessions: at most 122 rows at session 252, some 240 at 378.
    assert [fit.row for fit in made if fit.beta is None] == [0, 126, 252]


def test_a_forecast_is_the_root_of_the_fitted_variance_over_the_horizon():
    known = volatility.build_inputs(market(4, 600, 5))
    fit = next(f for f in volatility.refits(known, 5) if f.row == 504)

    found = volatility.forecast(known, 5)

    x = np.array([1.0, *(c[551, 1] for c in known.columns)])
    assert found[551, 1] == pytest.approx(np.exp(x @ fit.beta / 2) * np.sqrt(5), rel=1e-12)


def test_the_ewma_speaks_before_the_first_fit_and_without_the_four_prices():
    given = market(5, 500, 5)
    given.open[:, 2] = NAN
    expected = pd.DataFrame(given.log_returns**2).ewm(alpha=0.06, ignore_na=True, min_periods=20)
    plain = np.sqrt(expected.mean().to_numpy()) * np.sqrt(5)
    barred = np.isfinite(given.close)

    found = volatility.forecast(volatility.build_inputs(given), 5)

    assert np.array_equal(np.isfinite(found[:250]), np.isfinite(plain[:250]) & barred[:250])
    np.testing.assert_allclose(found[:250][barred[:250]], plain[:250][barred[:250]], rtol=1e-9)
    np.testing.assert_allclose(found[barred[:, 2], 2], plain[barred[:, 2], 2], rtol=1e-9)


def test_a_pending_move_is_no_return_yet():
    given = market(5, 300, 1)
    close = given.close.copy()
    close[200:] /= 2
    pending = np.zeros(close.shape, dtype=bool)
    pending[200] = True
    split = panel(given.open, given.high, given.low, close, pending)

    found = volatility.build_inputs(split).ewma

    # The last mean is repeated, and the halved price never counts as a fall of 69 %.
    assert found[200] == found[199]
    assert np.nanmax(found[200:]) < 0.1


def test_the_floor_is_a_tenth_of_the_median_variance_known_at_the_refit():
    given = market(6, 300, 5)
    v = volatility.daily_variance(given)

    found = volatility.build_inputs(given).floor

    # Without an overnight return the first session counts by its squared return: it has none.
    for k, row in enumerate((0, 126, 252)):
        for n in range(5):
            past = v[: row + 1, n][np.isfinite(v[: row + 1, n])]
            expected = 0.1 * np.quantile(past, 0.5, method="lower") if past.size else 1e-8
            assert found[k, n] == pytest.approx(expected)


def test_dead_rows_cannot_make_volatility_vanish():
    given = market(6, 700, 5)
    for prices in (given.open, given.high, given.low, given.close):
        prices[400:, 0] = 50.0
    median = np.nanmedian(volatility.daily_variance(given)[:505, 0])

    found = volatility.forecast(volatility.build_inputs(given), 1)

    # The floor of row 504 stands until the next refit.
    assert found[600, 0] >= np.sqrt(0.1 * median) * 0.999
    assert found[600, 0] > 0.001


@pytest.mark.parametrize("tickers", [1, 6])
@pytest.mark.parametrize("row", [30, 252, 253, 377, 511, 640, 698])
def test_a_row_needs_no_later_one(tickers, row):
    given = market(7, 700, tickers, young=tickers == 6)

    for horizon in (1, 63):
        whole = volatility.forecast(volatility.build_inputs(given), horizon)[: row + 1]
        for other in (cut(given, row + 1), ruined(given, row)):
            found = volatility.forecast(volatility.build_inputs(other), horizon)[: row + 1]
            assert np.array_equal(found, whole, equal_nan=True)


def test_the_regression_forecasts_clusters_better_than_the_ewma():
    given = market(8, 1500, 6)
    known = volatility.build_inputs(given)
    ahead = np.log(known.variance[701:])

    def error(sigma):
        gap = ahead - 2 * np.log(sigma[700:-1])
        return np.nanstd(gap)

    assert error(volatility.forecast(known, 1)) < 0.97 * error(known.ewma)
