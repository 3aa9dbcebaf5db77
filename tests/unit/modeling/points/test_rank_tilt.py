"""Slopes of past returns on predicted ranks, and the tilts made of them; never ahead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.points.rank_tilt import SLOPE_EVERY, SLOPE_FROM, slopes, tilts

ROWS, TICKERS = 260, 6
nan = np.nan


def panel(seed=1, horizon=1, holes=0.2, rows=ROWS):
    """Predicted ranks, and scores of which they explain a part; the last are not realised."""
    random = np.random.default_rng(seed)
    ranks = random.uniform(-0.5, 0.5, (rows, TICKERS))
    scores = 0.8 * ranks + random.normal(size=ranks.shape)
    ranks[random.random(ranks.shape) < holes] = nan
    scores[random.random(ranks.shape) < holes] = nan
    scores[rows - horizon :] = nan
    return ranks, scores


def least_squares_slope(ranks, scores, first, last):
    """Least squares through the origin of the scores of some rows on their centred ranks."""
    x, y = [], []
    for row in range(first, last + 1):
        known = [value for value in ranks[row] if not np.isnan(value)]
        for rank, score in zip(ranks[row], scores[row], strict=True):
            if not np.isnan(rank) and not np.isnan(score):
                x.append([rank - sum(known) / len(known)])
                y.append(score)
    return float(np.linalg.lstsq(np.array(x), np.array(y), rcond=None)[0][0])


def test_no_sessions_have_no_slopes_or_tilts():
    nothing = np.empty((0, 3))

    assert slopes(nothing, nothing, 5).shape == (0,)
    assert tilts(nothing, np.empty(0), nothing).shape == (0, 3)


# --- slopes


@pytest.mark.parametrize("horizon", [1, 5, 63])
def test_a_slope_is_least_squares_over_what_was_realised_at_the_last_refresh(horizon):
    ranks, scores = panel(horizon=horizon)

    found = slopes(ranks, scores, horizon)

    for row in range(ROWS):
        refreshed = row // 21 * 21
        last = refreshed - horizon
        # From the 126th session with an outcome on; every row here has one.
        expected = least_squares_slope(ranks, scores, 0, last) if last + 1 >= 126 else nan
        assert found[row] == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert np.isfinite(found).any()


def test_ranks_that_went_the_wrong_way_have_no_slope():
    ranks, scores = panel()

    found = slopes(ranks, -scores, 1)

    assert (found[np.isfinite(found)] == 0).all()
    assert np.isfinite(found).any()


def test_only_sessions_with_a_rank_and_an_outcome_count_towards_the_first_slope():
    ranks, scores = panel(holes=0)
    scores[:50:2] = nan
    ranks[1:50:2] = nan

    found = slopes(ranks, scores, 1)

    # 126 sessions from row 50 on end at row 175, realised at 176; the refresh after it is 189.
    assert np.flatnonzero(np.isfinite(found))[0] == 189
    assert found[200] == pytest.approx(least_squares_slope(ranks, scores, 50, 188), rel=1e-9)


def test_the_first_slope_waits_for_exactly_so_many_sessions():
    ranks, scores = panel(holes=0)
    first = 7 * SLOPE_EVERY
    ranks[: first - SLOPE_FROM] = nan

    on_time = slopes(ranks, scores, 1)
    ranks[first - SLOPE_FROM] = nan
    late = slopes(ranks, scores, 1)

    # Row 147 knows the outcomes of rows 21 to 146, 126 of them.
    assert np.flatnonzero(np.isfinite(on_time))[0] == 147
    assert np.flatnonzero(np.isfinite(late))[0] == 168


def test_the_session_of_the_refresh_itself_does_not_count():
    ranks, scores = panel(holes=0)
    other = scores.copy()
    other[168 - 5 + 1 :] = 1e6

    assert slopes(ranks, other, 5)[168] == slopes(ranks, scores, 5)[168]
    other[168 - 5] = 1e6
    assert slopes(ranks, other, 5)[168] != slopes(ranks, scores, 5)[168]


def test_ranks_that_are_all_alike_have_no_slope():
    _, scores = panel()

    assert np.isnan(slopes(np.full(scores.shape, 0.25), scores, 1)).all()


def test_a_panel_shorter_than_the_horizon_has_no_slope():
    ranks, scores = panel(rows=40)

    assert np.isnan(slopes(ranks, scores, 63)).all()


def test_a_slope_does_not_change_with_what_the_ranks_are_counted_from():
    ranks, scores = panel()
    shifts = np.random.default_rng(3).normal(size=(ROWS, 1))

    assert slopes(ranks + shifts, scores, 1) == pytest.approx(
        slopes(ranks, scores, 1), rel=1e-9, nan_ok=True
    )


@settings(max_examples=40)
@given(st.integers(0, ROWS - 1), st.sampled_from([1, 5, 63]), st.integers(0, 2**16))
def test_nothing_later_changes_a_slope_or_a_tilt(cut, horizon, seed):
    ranks, scores = panel(horizon=horizon)
    volatility = np.abs(panel(seed=9, holes=0.1)[0])
    later = [ranks.copy(), scores.copy(), volatility.copy()]
    random = np.random.default_rng(seed)
    # Outcomes that are realised after ``cut``, and all else that is only said then.
    unknown = (cut + 1, max(cut - horizon + 1, 0), cut + 1)
    for values, first in zip(later, unknown, strict=True):
        values[first:] = random.choice([nan, 3.0, -8.0, 1e6], values[first:].shape)

    here, there = (
        (slope := slopes(r, s, horizon), tilts(r, slope, v))
        for r, s, v in ((ranks, scores, volatility), later)
    )

    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one[: cut + 1], other[: cut + 1], equal_nan=True)


@settings(max_examples=25)
@given(st.integers(0, ROWS - 1))
def test_a_panel_that_ends_earlier_has_the_same_slopes_until_then(cut):
    ranks, scores = panel(horizon=5)

    whole = slopes(ranks, scores, 5)
    realised = scores[: cut + 1].copy()
    realised[max(cut - 4, 0) :] = nan

    short = slopes(ranks[: cut + 1], realised, 5)
    assert np.array_equal(short, whole[: cut + 1], equal_nan=True)


# --- tilts


def test_a_tilt_by_hand():
    ranks = np.array([[0.3, -0.1, 0.1]])

    found = tilts(ranks, np.array([0.5]), np.array([[0.01, 0.02, 0.04]]))

    # .1 is the mean: .2, -.2 and 0 above it, times .5, times the volatility.
    assert found[0] == pytest.approx([0.001, -0.002, 0.0], abs=1e-15)


def test_a_tilt_needs_a_rank_a_slope_and_a_volatility():
    ranks = np.array([[0.3, nan, 0.1], [0.3, 0.2, 0.1]])
    volatility = np.array([[0.01, 0.02, nan], [0.01, 0.02, 0.03]])

    found = tilts(ranks, np.array([0.5, nan]), volatility)

    assert np.isfinite(found).tolist() == [[True, False, False], [False, False, False]]


@settings(max_examples=60)
@given(st.integers(0, 2**16), st.floats(0, 5), st.floats(0.0, 0.8))
def test_the_tilts_of_a_session_sum_to_zero_in_units_of_volatility(seed, slope, holes):
    ranks, _ = panel(seed=seed, holes=holes, rows=8)
    volatility = np.random.default_rng(seed).lognormal(-4, 1, ranks.shape)

    found = tilts(ranks, np.full(8, slope), volatility) / volatility

    assert np.nansum(found, axis=1) == pytest.approx(np.zeros(8), abs=1e-12)
    assert np.isfinite(found).sum() == np.isfinite(ranks).sum()


@settings(max_examples=30)
@given(st.integers(0, 2**16), st.permutations(range(TICKERS)))
def test_the_order_of_the_tickers_changes_nothing(seed, order):
    ranks, scores = panel(seed=seed)

    one, other = slopes(ranks, scores, 1), slopes(ranks[:, order], scores[:, order], 1)

    assert other == pytest.approx(one, rel=1e-9, abs=1e-12, nan_ok=True)
