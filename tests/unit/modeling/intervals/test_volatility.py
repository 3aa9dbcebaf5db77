from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from src.modeling.intervals import regression, volatility
from tests.support.price_panels import Prices, clustered

NAN = np.nan


def forecast(prices, horizon):
    return volatility.forecast(volatility.build_inputs(prices.panel()), horizon)


def same(left, right):
    return np.array_equal(left, right, equal_nan=True)


def test_below_five_tickers_there_is_no_market_in_any_column():
    four = volatility.build_inputs(clustered(1, 400, 4).panel())
    five = volatility.build_inputs(clustered(1, 400, 5).panel())

    assert four.pooled(1) == four.pooled(63) == []
    assert four.pooled_from == 400
    assert [len(five.pooled(horizon)) for horizon in (1, 63)] == [17, 9]
    assert five.pooled_from == 10


def test_a_forecast_is_the_root_of_the_fitted_variance_over_the_horizon():
    known = volatility.build_inputs(clustered(4, 600, 4).panel())
    label = np.log(pd.DataFrame(known.variance).rolling(5, min_periods=3).mean().shift(-5) + 1e-8)
    fit = regression.refits(known.ticker, label.to_numpy(), 5)[4]

    sigma = volatility.forecast(known, 5)

    x = np.array([1.0, *(c[551, 1] for c in known.ticker)])
    assert fit.row == 504
    assert sigma[551, 1] == pytest.approx(np.exp(x @ fit.beta / 2) * np.sqrt(5), rel=1e-9)


def test_beyond_one_session_a_pool_is_drawn_half_way_to_its_long_run_volatility():
    known = volatility.build_inputs(clustered(4, 600, 5).panel())
    variance = pd.DataFrame(known.variance)
    long_run = np.sqrt(variance.ewm(halflife=750, ignore_na=True, min_periods=22).mean())
    alone = volatility.forecast(replace(known, long_run=np.full(known.ewma.shape, NAN)), 63)

    sigma = volatility.forecast(known, 63)

    # sigma = sqrt(63) sqrt(s s_long), and alone = sqrt(63) s.
    expected = np.sqrt(alone * np.sqrt(63) * long_run.to_numpy())
    np.testing.assert_allclose(sigma[30:], expected[30:], rtol=1e-9)
    # Before 22 variances there is no long run.
    assert same(sigma[:22], alone[:22])


def test_one_session_ahead_nothing_is_drawn_to_the_long_run():
    known = volatility.build_inputs(clustered(4, 400, 5).panel())

    assert same(
        volatility.forecast(known, 1),
        volatility.forecast(replace(known, long_run=known.long_run * 9), 1),
    )


@pytest.mark.parametrize("horizon", [1, 63])
def test_a_fifth_ticker_changes_nothing_before_it_makes_a_market(horizon):
    five = clustered(9, 900, 5)
    for bar in five.bars:
        bar[:500, 4] = NAN

    sigma, four = forecast(five, horizon), forecast(five.of(slice(4)), horizon)

    assert same(sigma[:500, :4], four[:500])
    # A market is known from row 501 on; the regression without it speaks until there is one with.
    later = slice(510, 630)
    if horizon == 1:
        np.testing.assert_allclose(sigma[later, :4], four[later], rtol=0.2)
    assert not same(sigma[770:, :4], four[770:])
    assert np.isfinite(sigma[600:][np.isfinite(five.close[600:])]).all()


def test_a_session_of_few_tickers_is_not_learnt_from_and_has_the_market_of_the_last_one():
    prices = clustered(10, 700, 8)
    panel, sparse = prices.panel(), prices.until(700)
    for bar in sparse.bars:
        bar[699, 2:] = NAN
    assert panel.complete[698:].all()

    known = volatility.build_inputs(sparse.panel())

    assert not known.complete[699]
    for column in [*known.market, *known.next_session[5:]]:
        assert column.shape == (700, 1)
        assert column[699] == column[698]
    assert np.isfinite(volatility.forecast(known, 1)[699, :2]).all()


def test_the_ewma_speaks_before_the_first_fit_and_without_the_four_prices():
    prices = clustered(5, 500, 4)
    prices.bars[0][:, 2] = NAN
    panel = prices.panel()
    expected = pd.DataFrame(panel.log_returns**2).ewm(alpha=0.06, ignore_na=True, min_periods=20)
    plain = np.sqrt(expected.mean().to_numpy()) * np.sqrt(5)
    barred = np.isfinite(panel.close)

    sigma = forecast(prices, 5)

    assert np.array_equal(np.isfinite(sigma[:250]), np.isfinite(plain[:250]) & barred[:250])
    np.testing.assert_allclose(sigma[:250][barred[:250]], plain[:250][barred[:250]], rtol=1e-9)
    np.testing.assert_allclose(sigma[barred[:, 2], 2], plain[barred[:, 2], 2], rtol=1e-9)


def test_a_pending_move_is_no_return_yet():
    prices = clustered(5, 300, 1)
    close, pending = prices.close.copy(), np.zeros((300, 1), dtype=bool)
    close[200:] /= 2
    pending[200] = True
    split = Prices(*prices.bars[:3], close, pending)

    ewma = volatility.build_inputs(split.panel()).ewma

    # The last mean is repeated, and the halved price never counts as a fall of 69 %.
    assert ewma[200] == ewma[199]
    assert np.nanmax(ewma[200:]) < 0.1


def test_the_floor_is_a_tenth_of_the_median_variance_known_at_the_refit():
    panel = clustered(6, 300, 5).panel()

    floor = volatility.build_inputs(panel).floor

    # Without an overnight return the first session counts by its squared return: it has none.
    for k, row in enumerate((0, 126, 252)):
        for n in range(5):
            past = panel.variance[: row + 1, n]
            past = past[np.isfinite(past)]
            expected = 0.1 * np.quantile(past, 0.5, method="lower") if past.size else 1e-8
            assert floor[k, n] == pytest.approx(expected)


def test_dead_rows_cannot_make_volatility_vanish():
    prices = clustered(6, 700, 5)
    for bar in prices.bars:
        bar[400:, 0] = 50.0
    median = np.nanmedian(prices.panel().variance[:505, 0])

    # The floor of row 504 stands until the next refit.
    assert forecast(prices, 1)[600, 0] >= np.sqrt(0.1 * median) * 0.999 > 0.001


@pytest.mark.parametrize("tickers", [1, 6])
@pytest.mark.parametrize("row", [30, 252, 253, 377, 511, 640, 698])
def test_a_row_needs_no_later_one(tickers, row):
    prices = clustered(7, 700, tickers, young=tickers == 6)

    for horizon in (1, 63):
        whole = forecast(prices, horizon)[: row + 1]
        for other in (prices.until(row + 1), prices.ruined_after(row)):
            assert same(forecast(other, horizon)[: row + 1], whole)


@pytest.mark.parametrize("tickers", [1, 6])
def test_prices_in_another_currency_have_the_same_volatility(tickers):
    prices = clustered(7, 500, tickers)
    other = Prices(*(bar * 80.0 for bar in prices.bars))

    for horizon in (1, 63):
        np.testing.assert_allclose(forecast(other, horizon), forecast(prices, horizon), rtol=1e-6)


def test_the_regression_forecasts_clusters_better_than_the_ewma():
    known = volatility.build_inputs(clustered(8, 1500, 6).panel())
    ahead = np.log(known.variance[701:])

    def error(sigma):
        return np.nanstd(ahead - 2 * np.log(sigma[700:-1]))

    assert error(volatility.forecast(known, 1)) < 0.97 * error(known.ewma)
