"""The confidence sequence beside that of an independent library, on independent data."""

import numpy as np
import pytest
import ville

from src.modeling.trials.judging.confidence_sequence import (
    NARROWEST,
    confidence_sequence,
    mixture_boundary,
)

LONGEST = 4000


@pytest.fixture(scope="module")
def values():
    return 0.1 + np.random.default_rng(3).standard_t(5, 20_000)


def theirs(values):
    return ville.AsymptoticCS(alpha=0.01, t_opt=LONGEST // 2, min_samples=60).fit(values)


@pytest.mark.parametrize("narrowest_at", [100, 630, 2000])
def test_its_boundary_is_theirs(narrowest_at):
    n = np.geomspace(10, 1e6, 40)
    precision = ville.best_rho(narrowest_at, 0.01)

    assert narrowest_at / precision == pytest.approx(NARROWEST, rel=1e-3)
    assert mixture_boundary(n, narrowest_at) == pytest.approx(
        ville.normal_mixture(n, 0.01, precision), rel=1e-4
    )


def test_with_the_same_noise_its_bounds_are_theirs(values):
    n = np.arange(1, len(values) + 1)
    noise = np.array([values[:k].std(ddof=1) for k in (100, 1000, 20_000)])
    at = np.array([99, 999, 19_999])

    half = noise * mixture_boundary(n[at], LONGEST / 2) / n[at]

    assert theirs(values).upper_[at] - theirs(values).estimate_[at] == pytest.approx(half, rel=1e-4)


def test_on_independent_data_it_is_a_little_wider_than_theirs(values):
    some = values[:5000]
    ours, other = confidence_sequence(some, 1, LONGEST), theirs(some)

    assert ours.mean == pytest.approx(other.estimate_)
    ratio = (ours.high - ours.low) / (other.upper_ - other.lower_)
    # The window's share of 5,000 sessions is .042, for which the limit at .1 % is 11 % larger;
    # noise from 24 windows is sure to some 15 %.
    assert ratio[-1] == pytest.approx(1.11, abs=0.2)
    # From early on the widening makes up for noise that few sessions may show too small.
    assert np.nanmedian(ratio[:1000]) > 1.05
