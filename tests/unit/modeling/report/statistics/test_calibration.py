import numpy as np
import pandas as pd
import pytest
from scipy import stats

from src.modeling.intervals.quantiles import LEVELS
from src.modeling.report.statistics import calibration


def test_hits_are_told_for_each_interval():
    # A return is below its own level's quantile with that probability: quantiles equal levels.
    given = np.broadcast_to(LEVELS, (4, 1, len(LEVELS)))
    actual = np.array([[0.5], [0.2], [0.04], [np.nan]])

    found = calibration.hits(actual, given)

    assert found[0.5][:3, 0].tolist() == [1, 0, 0]
    assert found[0.8][:3, 0].tolist() == [1, 1, 0]
    assert found[0.9][:3, 0].tolist() == [1, 1, 0]
    assert found[0.95][:3, 0].tolist() == [1, 1, 1]
    assert np.isnan(found[0.95][3, 0])


def test_coverage_over_time_is_that_of_pandas_over_rows_with_pairs():
    random = np.random.default_rng(5)
    hits = (random.random((60, 4)) < 0.8).astype(float)
    hits[random.random(hits.shape) < 0.3] = np.nan
    hits[[10, 30, 31]] = np.nan

    found = calibration.rolling(hits, 12)

    seen = pd.DataFrame(hits).dropna(how="all")
    expected = seen.sum(axis=1).rolling(12).sum() / seen.count(axis=1).rolling(12).sum()
    assert found == pytest.approx(expected.reindex(range(60)).to_numpy(), nan_ok=True)


def test_a_record_shorter_than_the_window_has_no_coverage_over_time():
    assert np.isnan(calibration.rolling(np.ones((5, 1)), 6)).all()
    assert np.isnan(calibration.rolling(np.empty((0, 1)), 6)).all()


def test_each_ticker_is_calm_or_wild_by_its_own_measure():
    # The second ticker is ten times as volatile, but calm and wild on the same days.
    sigma = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])

    found = calibration.terciles(sigma, np.ones((3, 2), dtype=bool))

    assert found.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_what_is_not_known_belongs_to_no_third():
    sigma = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 5.0]])
    known = np.array([[True, False], [True, True], [True, False]])

    found = calibration.terciles(sigma, known)

    assert found.tolist() == [[0, -1], [1, -1], [2, -1]]
    nothing = calibration.terciles(sigma, np.zeros((3, 2), dtype=bool))
    assert (nothing == -1).all()


def test_outcomes_are_counted_by_the_tenth_of_their_distribution_in_which_they_fell():
    # Quantiles of a uniform distribution on (0, 1): an outcome is its own place.
    given = np.broadcast_to(LEVELS, (7, 1, len(LEVELS)))
    actual = np.array([[-3.0], [0.05], [0.1], [0.19], [0.55], [2.0], [np.nan]])

    found = calibration.pit_counts(actual, given)

    assert found.tolist() == [2, 2, 0, 0, 0, 1, 0, 0, 0, 1]


def test_the_counts_of_a_right_forecast_are_even():
    outcomes = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)[:, None]
    given = np.broadcast_to(stats.norm.ppf(LEVELS), (1000, 1, len(LEVELS)))

    assert calibration.pit_counts(outcomes, given).tolist() == [100] * 10


def test_the_band_of_chance_by_hand_and_by_the_binomial():
    # sqrt(.1 x .9 / 36) = .05, and 1.96 of it on either side.
    assert calibration.chance_band(36) == pytest.approx((0.002, 0.198), abs=1e-4)
    low, high = calibration.chance_band(900)
    exact = stats.binom.ppf([0.025, 0.975], 900, 0.1) / 900
    assert (low, high) == pytest.approx(exact, abs=0.0015)


def test_with_few_or_no_periods_chance_allows_nearly_everything():
    low, high = calibration.chance_band(2)
    assert low == 0.0
    assert high > 0.5
    assert calibration.chance_band(0) == (0.0, 1.0)
