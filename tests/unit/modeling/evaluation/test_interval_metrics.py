import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scores.probability import crps_for_ensemble

from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import quantiles

NORMAL = np.array(
    [-1.96, -1.6449, -1.2816, -1.0364, -0.8416, -0.6745, -0.5244, -0.3853, -0.2533, -0.1257, 0.0]
)
NORMAL = np.concatenate([NORMAL, -NORMAL[:-1][::-1]])


def drawn(seed, rows=40, levels=21):
    random = np.random.default_rng(seed)
    return random.normal(0, 1, rows), np.sort(random.normal(0, 1, (rows, levels)), axis=1)


@given(st.integers(0, 1000), st.integers(2, 60))
def test_crps_of_equally_likely_quantiles_is_the_ensembles(seed, members):
    y, forecast = drawn(seed, levels=members)
    levels = (np.arange(members) + 0.5) / members

    expected = crps_for_ensemble(
        xr.DataArray(forecast, dims=("row", "member")),
        xr.DataArray(y, dims="row"),
        "member",
        method="ecdf",
        preserve_dims="all",
    )

    np.testing.assert_allclose(interval_metrics.crps(y, forecast, levels), expected, atol=1e-12)


def test_crps_of_a_normal_comes_close_to_its_closed_form():
    y = np.array([-1.0, 0.0, 0.5])
    # Gneiting-Raftery 2007: y (2 Phi(y) - 1) + 2 phi(y) - 1 / sqrt(pi).
    exact = [
        v * math.erf(v / math.sqrt(2))
        + 2 * math.exp(-v * v / 2) / math.sqrt(2 * math.pi)
        - 1 / math.sqrt(math.pi)
        for v in y
    ]

    found = interval_metrics.crps(y, np.tile(NORMAL, (3, 1)))

    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_weights_are_the_parts_of_the_line_nearest_to_each_level():
    found = interval_metrics.level_weights(np.array([0.1, 0.5, 0.8]))

    np.testing.assert_allclose(found, [0.3, 0.35, 0.35])
    assert interval_metrics.level_weights().sum() == pytest.approx(1)


def test_crps_sums_the_quantile_losses_by_weight():
    y, forecast = np.array([2.0]), np.array([[0.0, 1.0, 5.0]])
    levels = np.array([0.1, 0.5, 0.8])

    # Losses .1 x 2, .5 x 1, .2 x 3; weights .3, .35, .35; twice their sum.
    expected = 2 * (0.3 * 0.2 + 0.35 * 0.5 + 0.35 * 0.6)

    assert interval_metrics.crps(y, forecast, levels)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("share", "held"),
    [(0.5, [0, 0, 0, 1]), (0.8, [0, 0, 1, 1]), (0.9, [0, 1, 1, 1]), (0.95, [0, 1, 1, 1])],
)
def test_inside_counts_outcomes_between_the_bounds(share, held):
    y = np.array([2.0, 1.5, -1.2, 0.6])

    found = interval_metrics.inside(y, np.tile(NORMAL, (4, 1)), share)

    assert found.tolist() == held


def test_a_bound_itself_lies_inside():
    assert interval_metrics.inside(
        np.array([1.6449, -1.6449]), np.tile(NORMAL, (2, 1)), 0.9
    ).tolist() == [1, 1]


def test_what_is_missing_stays_missing():
    y, forecast = np.array([np.nan, 0.0]), np.tile(NORMAL, (2, 1))
    forecast[1] = np.nan

    assert np.isnan(interval_metrics.inside(y, forecast, 0.9)).all()
    assert np.isnan(interval_metrics.crps(y, forecast)).all()
    assert np.isnan(quantiles.cdf(forecast, y)).all()


def test_width_is_upper_less_lower():
    assert interval_metrics.width(NORMAL[None], 0.9)[0] == pytest.approx(2 * 1.6449)


def test_the_place_in_a_distribution_says_where_outcomes_fell():
    y = np.array([0.0, 1.6449, 9.0, -9.0, -0.3199])

    found = quantiles.cdf(np.tile(NORMAL, (5, 1)), y)

    # The last lies half way between the quantiles of .35 and .40.
    low, high = NORMAL[7], NORMAL[8]
    between = 0.35 + 0.05 * (-0.3199 - low) / (high - low)
    np.testing.assert_allclose(found, [0.5, 0.95, 0.975, 0.025, between], atol=1e-12)


def test_an_interval_needs_both_its_levels_on_the_grid():
    with pytest.raises(ValueError, match=r"no level 0\.2"):
        quantiles.interval_bounds(0.6, np.array([0.1, 0.5, 0.8]))
