"""Averages of a report and their errors, against statsmodels and by hand."""

from dataclasses import astuple

import numpy as np
import pytest
import statsmodels.api as sm
from scores.continuous import mae
from xarray import DataArray

from src.modeling.report.statistics import measures

# Kiefer and Vogelsang (2005), table 1: Bartlett's kernel, by what is left out on either side.
LIMITS = {
    0.05: (1.644854, 2.1859, 0.3142, -0.3427),
    0.025: (1.959964, 2.9694, 0.4160, -0.5324),
}


def limit(b, level=0.05):
    return sum(part * b**power for power, part in enumerate(LIMITS[level]))


def moving(rows=200, tickers=3, seed=1):
    """Outcomes that overlap, as those of forecasts some sessions ahead do."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.01, (rows + 4, tickers))
    return sum(steps[k : rows + k] for k in range(5))


@pytest.mark.parametrize("level", [0.05, 0.025])
@pytest.mark.parametrize(("horizon", "lags"), [(1, 18), (5, 18), (40, 39)])
def test_the_interval_of_a_gain_is_that_of_statsmodels_with_fixed_b_limits(horizon, lags, level):
    actual = moving()
    errors, reference = np.abs(actual - 0.004), np.abs(actual)

    found = measures.skill(errors, reference, horizon, level=level).pool

    # 1.3 x sqrt(200) = 18.4 lags, or the horizon less one.
    gains = (reference - errors).mean(axis=1)
    fit = sm.OLS(gains, np.ones(200)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    half = limit((lags + 1) / 200, level) * fit.bse[0]
    scale = reference.mean()
    assert found.value == pytest.approx(fit.params[0] / scale)
    assert found.low == pytest.approx((fit.params[0] - half) / scale)
    assert found.high == pytest.approx((fit.params[0] + half) / scale)
    assert (found.n, found.dates, found.n_eff) == (600, 200, 200 / horizon)


def test_a_gain_is_one_less_the_ratio_of_mean_absolute_errors():
    actual = moving()
    zero, forecast = DataArray(np.zeros_like(actual)), DataArray(np.full_like(actual, 0.004))
    expected = 1 - float(mae(forecast, DataArray(actual)) / mae(zero, DataArray(actual)))

    found = measures.skill(np.abs(actual - 0.004), np.abs(actual), 1).pool

    assert found.value == pytest.approx(expected)


def test_each_date_counts_once_whatever_the_number_of_tickers():
    errors = np.array([[1.0, 1.0], [1.0, np.nan]])
    reference = np.array([[2.0, 2.0], [4.0, np.nan]])

    # Mean gain (1 + 3) / 2 = 2 over a mean loss of (2 + 4) / 2 = 3.
    assert measures.skill(errors, reference, 1).pool.value == pytest.approx(2 / 3)


def test_a_pair_with_either_side_missing_is_no_pair():
    errors = np.array([[1.0, np.nan], [np.nan, 1.0], [1.0, 1.0]])
    reference = np.array([[2.0, 9.0], [9.0, np.nan], [2.0, 2.0]])

    found = measures.skill(errors, reference, 1).pool

    assert (found.value, found.n, found.dates) == (0.5, 3, 2)


def test_no_interval_is_told_of_fewer_than_four_periods():
    actual = moving(rows=120)
    errors, reference = np.abs(actual - 0.004), np.abs(actual)

    assert measures.skill(errors, reference, 30).pool.low is not None
    few = measures.skill(errors, reference, 31).pool
    assert (few.low, few.high, few.n_eff) == (None, None, 120 / 31)
    assert few.value is not None


def test_equal_forecasts_have_a_gain_of_nothing_and_no_interval():
    reference = np.abs(moving())

    found = measures.skill(reference, reference, 1).pool

    assert (found.value, found.low, found.high) == (0.0, None, None)


@pytest.mark.parametrize("loss", [np.nan, 0.0])
def test_nothing_to_compare_has_no_value(loss):
    nothing = np.full((3, 2), loss)

    assert measures.skill(nothing, nothing, 1).pool.value is None
    assert measures.skill(np.empty((0, 2)), np.empty((0, 2)), 1).pool.n == 0


def test_the_interval_of_a_share_is_that_of_statsmodels_summed_by_date():
    random = np.random.default_rng(3)
    hits = (moving(rows=150) > 0.005).astype(float)
    hits[:, 1:][random.random((150, 2)) < 0.3] = np.nan

    found = measures.share(hits, 1).pool

    row, column = np.nonzero(np.isfinite(hits))
    seen = hits[row, column]
    # Driscoll and Kraay's errors; 1.3 x sqrt(150) = 15.9 lags.
    fit = sm.OLS(seen, np.ones(len(seen))).fit(
        cov_type="hac-groupsum", cov_kwds={"time": row, "maxlags": 15, "use_correction": False}
    )
    half = limit(16 / 150) * fit.bse[0]
    assert found.value == pytest.approx(seen.mean())
    assert found.high - found.value == pytest.approx(half, rel=1e-6)
    assert found.value - found.low == pytest.approx(half, rel=1e-6)
    assert (found.n, found.dates) == (len(seen), 150)


def test_a_share_stays_between_none_and_all():
    hits = np.ones((40, 1))
    hits[7] = 0

    found = measures.share(hits, 1).pool

    assert found.value == 0.975
    assert found.high == 1.0
    assert found.low < 0.975


def test_a_share_of_nothing_is_not_known():
    found = measures.share(np.full((5, 2), np.nan), 1).pool

    assert (found.value, found.low, found.n, found.n_eff) == (None, None, 0, 0.0)


def test_periods_are_dates_over_the_horizon():
    hits = (moving(rows=630, tickers=1) > 0).astype(float)

    assert measures.share(hits, 63).pool.n_eff == 10.0


def test_each_ticker_is_measured_as_if_it_were_alone():
    random = np.random.default_rng(2)
    actual = moving(rows=300)
    actual[random.random(actual.shape) < 0.2] = np.nan
    errors, reference = np.abs(actual - 0.004), np.abs(actual)
    hits = np.where(np.isfinite(actual), actual > 0, np.nan)

    skills = measures.skill(errors, reference, 5, range(3))
    shares = measures.share(hits, 5, range(3))

    for column in range(3):
        alone = np.s_[:, column : column + 1]
        skill = measures.skill(errors[alone], reference[alone], 5).pool
        share = measures.share(hits[alone], 5).pool
        assert astuple(skills.of(column)) == pytest.approx(astuple(skill))
        assert astuple(shares.of(column)) == pytest.approx(astuple(share))


def test_nothing_is_known_of_a_ticker_that_is_not_there():
    assert measures.share(np.ones((9, 1)), 1).of(None) is measures.NOTHING
