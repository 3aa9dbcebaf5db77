"""The risk premium and a ticker's own mean: by hand, by plain loops, and never ahead."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.points.baselines import own_mean, risk_premium

ROWS, TICKERS = 40, 3
nan = np.nan


def labels(seed=1, horizon=5):
    """Labels with holes; the last ones are not realised."""
    random = np.random.default_rng(seed)
    y = random.normal(0.1, 1, (ROWS, TICKERS))
    y[random.random(y.shape) < 0.2] = nan
    y[ROWS - horizon :] = nan
    return y


def test_a_risk_premium_by_hand():
    scores = np.array([[1.0, 2.0], [nan, 3.0], [nan, nan], [-4.0, nan], [9.0, 9.0], [nan, nan]])

    found = risk_premium(scores, 2, at_least=1)

    # A fifth of 3 / 2, 6 / 3, the same again and 2 / 4; the last two are not realised by row 5.
    assert found.tolist() == pytest.approx([nan, nan, 0.3, 0.4, 0.4, 0.1], nan_ok=True, rel=1e-12)


def test_an_own_mean_by_hand():
    y = np.array([[0.02, nan], [nan, 0.01], [-0.04, 0.03], [nan, nan]])

    found = own_mean(y, 1)

    expected = [[nan, nan], [0.02, nan], [0.02, 0.01], [-0.01, 0.02]]
    assert found == pytest.approx(np.array(expected), nan_ok=True, rel=1e-12)


@pytest.mark.parametrize("horizon", [1, 5, 39, 40, 63])
def test_a_risk_premium_is_a_fifth_of_the_mean_of_all_scores_realised_by_then(horizon):
    scores = labels(horizon=min(horizon, ROWS))

    found = risk_premium(scores, horizon, at_least=1)

    for row in range(ROWS):
        past = [value for t in range(ROWS) if t + horizon <= row for value in scores[t]]
        known = [value for value in past if not np.isnan(value)]
        expected = 0.2 * sum(known) / len(known) if known else nan
        assert found[row] == pytest.approx(expected, nan_ok=True, rel=1e-12)


@pytest.mark.parametrize("horizon", [1, 5, 39, 40, 63])
def test_an_own_mean_is_of_the_tickers_own_labels_realised_by_then(horizon):
    y = labels(horizon=min(horizon, ROWS))

    found = own_mean(y, horizon)

    for row in range(ROWS):
        for ticker in range(TICKERS):
            past = [y[t, ticker] for t in range(ROWS) if t + horizon <= row]
            known = [value for value in past if not np.isnan(value)]
            expected = sum(known) / len(known) if known else nan
            assert found[row, ticker] == pytest.approx(expected, nan_ok=True, rel=1e-12)


@pytest.mark.parametrize("forecast", [own_mean, partial(risk_premium, at_least=1)])
def test_no_sessions_have_no_mean(forecast):
    assert len(forecast(np.empty((0, 3)), 5)) == 0


@pytest.mark.parametrize("forecast", [own_mean, partial(risk_premium, at_least=1)])
def test_labels_that_were_never_realised_have_no_mean(forecast):
    assert np.isnan(forecast(np.full((9, 2), nan), 1)).all()


@settings(max_examples=60)
@given(st.integers(0, ROWS - 1), st.sampled_from([1, 5, 20]), st.integers(0, 2**16))
def test_labels_that_are_not_realised_yet_change_no_mean(cut, horizon, seed):
    y = labels(horizon=horizon)
    later = y.copy()
    first = max(cut - horizon + 1, 0)
    random = np.random.default_rng(seed)
    later[first:] = random.choice([nan, 9.0, -1e9], later[first:].shape)

    for forecast in (own_mean, risk_premium):
        here, there = forecast(y, horizon)[: cut + 1], forecast(later, horizon)[: cut + 1]
        assert np.array_equal(here, there, equal_nan=True)


def test_the_label_that_is_realised_at_a_row_does_change_its_mean():
    y = labels()
    other = y.copy()
    other[15] = 9.0

    assert risk_premium(other, 5, at_least=1)[19] == risk_premium(y, 5, at_least=1)[19]
    assert risk_premium(other, 5, at_least=1)[20] != risk_premium(y, 5, at_least=1)[20]
    assert (own_mean(other, 5)[20] != own_mean(y, 5)[20]).all()


@settings(max_examples=30)
@given(st.integers(0, 2**16), st.floats(0.1, 1e3))
def test_a_risk_premium_grows_with_its_scores(seed, factor):
    scores = labels(seed)

    assert risk_premium(factor * scores, 5, at_least=1) == pytest.approx(
        factor * risk_premium(scores, 5, at_least=1), rel=1e-9, abs=1e-9, nan_ok=True
    )


def test_a_risk_premium_exists_only_from_enough_outcomes_on():
    y = np.full((100, 3), 0.1)

    found = risk_premium(y, 5, at_least=12)

    # Row 8 knows the four rows 0 to 3, three outcomes each.
    assert np.isnan(found[:8]).all()
    assert found[8:] == pytest.approx(np.full(92, 0.02))


def test_a_series_shorter_than_the_horizon_has_no_forecast():
    y = np.full((4, 3), 0.1)

    assert np.isnan(own_mean(y, 63)).all()
    assert np.isnan(risk_premium(y, 63, at_least=0)).all()
