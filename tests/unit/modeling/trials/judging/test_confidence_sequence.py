import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.evaluation import hac
from src.modeling.trials.judging.confidence_sequence import (
    confidence_sequence,
    first_dates,
    mixture_boundary,
    sessions_until_sure,
    surely_inside,
)


def differences(n=500, mean=0.2, seed=1):
    return mean + np.random.default_rng(seed).standard_normal(n)


def test_the_boundary_is_the_mixture_of_normals():
    # Mixed over means of normal(0, 1 / r), the likelihood ratio of a sum s of n unit normals is
    # sqrt(r / (n + r)) exp(s^2 / (2 (n + r))): at the boundary it is 1 / .01.
    n, precision = np.array([10, 100, 1000]), 500 / 11.7564

    s = mixture_boundary(n, 500)

    ratio = np.sqrt(precision / (n + precision)) * np.exp(s**2 / (2 * (n + precision)))
    assert ratio == pytest.approx(100, rel=1e-4)


def test_the_boundary_is_narrowest_where_it_was_asked_to_be():
    n = np.array([400])

    widths = [float(mixture_boundary(n, at)[0]) for at in (200, 390, 400, 410, 800)]

    assert min(widths) == widths[2]


def test_bounds_are_the_widened_boundary_around_the_mean():
    values = differences(300)
    # Windows of three roots of 300.
    lags = 51 - 1
    u = values - values.mean()
    weighted = [2 * (1 - j / (lags + 1)) * (u[j:] * u[:-j]).sum() for j in range(1, lags + 1)]
    noise = math.sqrt((u @ u + sum(weighted)) / 300)
    b = 51 / 300
    widened = (3.090232 + 7.9671 * b - 0.2978 * b**2 - 1.3852 * b**3) / 3.090232

    sequence = confidence_sequence(values, 1, 600)

    half = noise * widened * float(mixture_boundary(np.array(300), 300)) / 300
    assert sequence.mean[-1] == pytest.approx(values.mean())
    assert sequence.low[-1] == pytest.approx(values.mean() - half)
    assert sequence.high[-1] == pytest.approx(values.mean() + half)


@pytest.mark.parametrize(("horizon", "first"), [(1, 250), (63, 504)])
def test_there_are_no_bounds_before_the_first_periods(horizon, first):
    sequence = confidence_sequence(differences(600), horizon, 1260)

    assert first_dates(horizon) == first
    assert np.isnan(sequence.low[: first - 1]).all()
    assert np.isfinite(sequence.low[first - 1 :]).all()
    assert np.isfinite(sequence.high[first - 1 :]).all()
    assert np.isfinite(sequence.mean).all()


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(250, 310), seed=st.integers(0, 99))
def test_later_sessions_change_no_earlier_bounds(rows, seed):
    values = differences(310, seed=seed)

    whole, part = confidence_sequence(values, 1, 600), confidence_sequence(values[:rows], 1, 600)

    for of_whole, of_part in zip(whole, part, strict=True):
        np.testing.assert_allclose(of_whole[:rows], of_part, rtol=1e-9)


def test_a_session_without_a_difference_keeps_the_mean():
    values = differences(200)
    values[150] = np.nan

    sequence = confidence_sequence(values, 1, 600)

    assert sequence.mean[150] == sequence.mean[149]
    assert sequence.mean[-1] == pytest.approx(np.nanmean(values))


def test_differences_that_do_not_vary_have_no_bounds():
    sequence = confidence_sequence(np.zeros(100), 1, 600)

    assert (sequence.mean == 0).all()
    assert np.isnan(sequence.low).all()


def test_nothing_has_no_bounds():
    sequence = confidence_sequence(np.full(80, np.nan), 1, 600)

    assert np.isnan(np.stack(sequence)).all()
    assert confidence_sequence(np.zeros(0), 1, 600).mean.shape == (0,)


def test_columns_are_bounded_alone():
    columns = np.stack([differences(300, seed=seed) for seed in (1, 2)], axis=1)

    together = confidence_sequence(columns, 1, 600)

    alone = [confidence_sequence(column, 1, 600).low for column in columns.T]
    np.testing.assert_allclose(together.low, np.stack(alone, axis=1))


def test_no_difference_is_surely_inside_and_a_large_one_is_not():
    losses = np.abs(differences(400, seed=3))
    none = np.zeros(400)

    assert surely_inside(none, losses, 0.005, 1, 600)
    assert not surely_inside(none, losses, 0.0, 1, 600)
    assert not surely_inside(0.01 * losses, losses, 0.005, 1, 600)
    assert not surely_inside(-0.01 * losses, losses, 0.005, 1, 600)


def test_a_noisy_difference_is_inside_only_when_it_is_sure():
    losses = np.abs(differences(400, seed=3))
    noisy = 0.05 * differences(400, mean=0.0, seed=4)
    noisy -= noisy.mean()

    # The boundary over 400 of 600 sessions is some 3.6 standard errors of .05 / sqrt(400), .009,
    # and widened; the mean loss is about .8.
    assert not surely_inside(noisy, losses, 0.005, 1, 600)
    assert surely_inside(noisy, losses, 0.02, 1, 600)


def test_sessions_until_it_is_inside_are_those_at_which_it_is():
    losses = 1 + 0.1 * differences(100, mean=0.0, seed=5)
    noisy = 0.05 * differences(100, mean=0.0, seed=6)
    noisy -= noisy.mean()

    more = sessions_until_sure(noisy, losses, 0.01, 1, 600)

    n = 100 + more
    b = 3 * math.sqrt(n) / n
    widened = float(hac.critical(np.array(b), 0.001)) / 3.090232
    half = 0.05 * widened * float(mixture_boundary(np.array(n), 300)) / n
    # Half the width is the limit, .01, to what the noise of a hundred values is known.
    assert half == pytest.approx(0.01, rel=0.5)
    assert sessions_until_sure(noisy + 0.02, losses, 0.01, 1, 600) is None
    # A loss as small as that gain becomes sure in about a quarter of the sessions.
    assert sessions_until_sure(noisy - 0.02, losses, 0.01, 1, 600) < more


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_of_luck_is_inside_its_bounds(seed):
    # A handful of histories; the study counts misses over hundreds.
    values = differences(600, mean=0.0, seed=seed)

    sequence = confidence_sequence(values, 1, 600)

    assert np.nanmax(sequence.low) < 0 < np.nanmin(sequence.high)
