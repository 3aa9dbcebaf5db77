"""Differences of returns between series, against a plain loop."""

from itertools import pairwise

import numpy as np
import pytest

from src.data.ingest.checks.stored_returns import (
    COMMON_DAYS,
    LEAST_MOVE,
    MOST,
    SAME_SHARE,
    SIFTED_DAYS,
    differences,
    may_be_alike,
)


def by_loop(own, other):
    days = [day for day in range(own.size) if other[day] > 0]
    compared = []
    for before, day in pairwise(days):
        move, theirs = own[day] / own[before] - 1, other[day] / other[before] - 1
        if abs(move) >= LEAST_MOVE:
            compared.append(abs((move - theirs) / move))
    if len(compared) < COMMON_DAYS:
        return np.inf
    return sorted(compared)[round(MOST * (len(compared) - 1))]


def walk(seed, days=60):
    return 100 * np.exp(np.random.default_rng(seed).normal(0, 0.02, days).cumsum())


@pytest.mark.parametrize("seed", range(5))
def test_each_series_is_compared_over_its_own_days(seed):
    rng = np.random.default_rng(seed)
    own, others = walk(seed), np.stack([walk(seed + 10), walk(seed + 20), walk(seed)], axis=1)
    others[rng.random(others.shape) < 0.2] = 0

    found = differences(own, others)

    np.testing.assert_allclose(found, [by_loop(own, other) for other in others.T], rtol=1e-12)


def test_the_same_share_on_another_level_does_not_differ():
    own = walk(1)

    assert differences(own, np.stack([own / 2, walk(2)], axis=1))[0] < 1e-9


def test_few_common_days_tell_nothing():
    own = walk(1)
    other = own.copy()
    other[COMMON_DAYS:] = 0

    assert differences(own, other[:, None])[0] == np.inf


@pytest.mark.parametrize("days", [20, 49, 60, 250])
@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_alike_passes_the_sieve(seed, days):
    rng = np.random.default_rng(seed)
    own = walk(seed, days)
    others = own[:, None] * np.exp(rng.normal(0, 0.0002 * np.arange(8), (days, 8)))
    # Also with gaps, and with days that differ, as many as there may be and more.
    others[rng.random(others.shape) < 0.1 * (seed % 3)] = 0
    others[rng.random(days) < 0.02 * (seed % 6)] *= 1.3

    alike = differences(own, others) < SAME_SHARE

    assert not (alike & ~may_be_alike(own, others[-SIFTED_DAYS:])).any()


def test_hardly_anyone_else_passes_the_sieve():
    others = np.stack([walk(seed, 250) for seed in range(1, 200)], axis=1)

    assert may_be_alike(walk(0, 250), others[-SIFTED_DAYS:]).sum() == 0
