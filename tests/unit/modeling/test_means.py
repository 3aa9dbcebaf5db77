"""Forecasts that are means of the past, against plain loops."""

import numpy as np
import pytest

from src.modeling.means import own_mean, reward, zero


def labels(seed=1, rows=40, tickers=3, horizon=5):
    """Labels with holes; the last ones are not realised."""
    random = np.random.default_rng(seed)
    y = random.normal(0.01, 0.05, (rows, tickers))
    y[random.random(y.shape) < 0.1] = np.nan
    y[-horizon:] = np.nan
    return y


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_ticker_is_forecast_the_mean_of_what_it_has_realised(horizon):
    y = labels(horizon=horizon)

    found = own_mean(y, horizon)

    for row in range(40):
        for ticker in range(3):
            past = [y[t, ticker] for t in range(row) if t + horizon <= row]
            known = [value for value in past if not np.isnan(value)]
            expected = sum(known) / len(known) if known else np.nan
            assert found[row, ticker] == pytest.approx(expected, nan_ok=True, rel=1e-12)


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_reward_is_a_fifth_of_what_all_have_realised(horizon):
    y = labels(horizon=horizon)

    found = reward(y, horizon)

    for row in range(40):
        past = [value for t in range(row) if t + horizon <= row for value in y[t]]
        known = [value for value in past if not np.isnan(value)]
        expected = 0.2 * sum(known) / len(known) if known else np.nan
        assert found[row] == pytest.approx(expected, nan_ok=True, rel=1e-12)


@pytest.mark.parametrize("forecast", [own_mean, reward])
@pytest.mark.parametrize("cut", [8, 20, 35])
def test_what_comes_later_changes_no_forecast(forecast, cut):
    y = labels()
    later = y.copy()
    later[cut - 5 + 1 :] = 9.0  # labels that are not realised at row ``cut``

    assert np.array_equal(forecast(y, 5)[: cut + 1], forecast(later, 5)[: cut + 1], equal_nan=True)


def test_a_series_shorter_than_the_horizon_has_no_forecast():
    y = labels(rows=4, horizon=1)

    assert np.isnan(own_mean(y, 63)).all()
    assert np.isnan(reward(y, 63)).all()
    assert (zero(y) == 0).all()
