import crepes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.regression import SplitConformalRegressor
from sklearn.dummy import DummyRegressor

from src.modeling.intervals import quantiles
from src.modeling.intervals.quantiles import LEVELS

NAN = np.nan


def test_a_level_is_a_place_among_one_more_than_were_seen():
    ordered = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, NAN]])

    found = quantiles.of_sorted(ordered, np.array([0.025, 0.1, 0.25, 0.5, 0.95]))

    # Level x 10: the second and third stop at the first and lie between second and third.
    assert found.tolist() == [[1.0, 1.0, 2.5, 5.0, 9.0]]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60))
def test_equals_the_weibull_quantiles_of_numpy(values):
    ordered = np.full((1, 70), NAN)
    ordered[0, : len(values)] = np.sort(values)

    expected = np.quantile(values, LEVELS, method="weibull")

    np.testing.assert_allclose(quantiles.of_sorted(ordered)[0], expected, rtol=1e-12, atol=1e-12)


def test_rows_with_too_few_values_have_none():
    ordered = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, NAN], [NAN, NAN, NAN]])

    found = quantiles.of_sorted(ordered, np.array([0.5]), at_least=3)

    assert np.array_equal(found[:, 0], [2.0, NAN, NAN], equal_nan=True)


def test_intervals_are_those_of_a_conformal_predictive_system_of_crepes():
    scores = np.random.default_rng(3).standard_t(4, 199)
    sigma = np.array([0.5, 2.0])

    # 200 x level is a whole number: nothing is left to a convention.
    shown = np.array([0.025, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95, 0.975])
    found = quantiles.of_sorted(np.sort(scores)[None], shown)[0] * sigma[:, None]

    told = (
        crepes.ConformalPredictiveSystem()
        .fit(scores, sigmas=np.ones(199))
        .predict_percentiles(
            np.zeros(2),
            sigmas=sigma,
            lower_percentiles=[2.5, 5, 10, 25],
            higher_percentiles=[75, 90, 95, 97.5],
        )
    )
    np.testing.assert_allclose(found, told, rtol=1e-12)


def test_the_largest_error_allowed_is_that_of_mapies_split_conformal_regression():
    y = np.random.default_rng(4).normal(0, 1, 199)
    rows = np.zeros((199, 1))

    found = quantiles.of_sorted(np.sort(np.abs(y))[None], np.array([0.9, 0.95]))[0]

    zero = DummyRegressor(strategy="constant", constant=0.0).fit(rows, y)
    fitted = SplitConformalRegressor(zero, confidence_level=[0.9, 0.95]).conformalize(rows, y)
    _, told = fitted.predict_interval(rows[:1])
    np.testing.assert_allclose(found, told[0, 1], rtol=1e-12)


def test_few_outcomes_spread_quantiles_around_their_median():
    given_ = np.array([[-1.0, 1.0, 4.0], [-1.0, 1.0, 4.0]])

    found = quantiles.widen(given_, np.array([1 / 3, 1e12]))

    # sqrt(1 + 3) = 2.
    np.testing.assert_allclose(found, [[-3.0, 1.0, 7.0], [-1.0, 1.0, 4.0]], atol=1e-9)


def test_distribution_is_linear_between_quantiles_and_ends_at_the_outermost():
    at = np.array([[0.0, 1.0, 3.0]])
    levels = np.array([0.1, 0.5, 0.9])

    found = [quantiles.cdf(at, np.array([x]), levels)[0] for x in (-1, 0, 0.5, 2, 3, 9)]

    np.testing.assert_allclose(found, [0.1, 0.1, 0.3, 0.7, 0.9, 0.9])


def test_where_quantiles_coincide_the_distribution_is_in_their_middle():
    at = np.array([[-1.0, 0.0, 0.0, 0.0, 2.0]])
    levels = np.array([0.1, 0.2, 0.5, 0.6, 0.9])

    assert quantiles.cdf(at, np.zeros(1), levels)[0] == pytest.approx(0.4)


def test_distribution_of_what_is_unknown_is_unknown():
    at = np.array([[NAN] * 3, [0.0, 1.0, 2.0]])

    found = quantiles.cdf(at, np.array([0.0, NAN]), np.array([0.1, 0.5, 0.9]))

    assert np.isnan(found).all()


@given(st.integers(0, 1000), st.floats(-3, 3))
def test_distribution_equals_interpolation_by_numpy(seed, x):
    at = np.sort(np.random.default_rng(seed).normal(0, 1, 21))

    found = quantiles.cdf(at[None], np.array([x]))[0]

    assert found == pytest.approx(np.interp(x, at, LEVELS), abs=1e-12)


@pytest.mark.parametrize("horizon", [1, 63])
def test_the_reference_is_of_each_tickers_last_500_realised_outcomes(horizon):
    random = np.random.default_rng(5)
    y = random.normal(0, 1, (900, 3))
    y[random.random(y.shape) < 0.1] = NAN
    y[:700, 2] = NAN
    rows = np.array([50, 250, 620, 899])

    found = quantiles.trailing(y, horizon, rows)

    for k, row in enumerate(rows):
        for n in range(3):
            past = [y[t, n] for t in range(row - horizon + 1) if np.isfinite(y[t, n])][-500:]
            expected = (
                np.quantile(past, LEVELS, method="weibull")
                if len(past) >= 100
                else np.full(21, NAN)
            )
            np.testing.assert_allclose(found[k, n], expected, rtol=1e-12)
    assert np.isnan(found[0]).all()


def test_the_reference_needs_a_hundred_outcomes():
    found = quantiles.trailing(np.arange(200.0)[:, None], 1, np.array([99, 100]))

    # On row 100 the outcomes of rows 0 to 99 are realised.
    assert np.isnan(found[0]).all()
    assert found[1, 0, 10] == 49.5
