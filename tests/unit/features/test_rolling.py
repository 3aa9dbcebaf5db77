"""What is computed of trailing windows, against loops that see no other row than their window's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.features import rolling

NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.just(0.0), st.just(math.nan))
SERIES = st.lists(NUMBERS, max_size=120).map(lambda values: np.array(values, dtype=float) + 0.0)
WINDOWS = st.integers(2, 70)
OF_A_WINDOW = {
    "mean": rolling.mean,
    "deviation": rolling.deviation,
    "total": rolling.total,
    "highest": rolling.highest,
}


def same_bits(found, expected):
    """Whether two arrays are one to the last bit, NaN for NaN."""
    known = ~np.isnan(expected)
    places = np.array_equal(np.isnan(found), ~known)
    return places and found[known].tobytes() == expected[known].tobytes()


def doubled_sum(values):
    """The documented order: blocks of a power of two, each the sum of its halves, oldest first."""
    total, place = None, 0
    for bit in range(len(values).bit_length()):
        if len(values) >> bit & 1:
            part = halved(values[place : place + 2**bit])
            total, place = part if total is None else total + part, place + 2**bit
    return total


def halved(values):
    half = len(values) // 2
    return values[0] if not half else halved(values[:half]) + halved(values[half:])


@given(SERIES, WINDOWS)
def test_a_mean_is_of_the_window_summed_in_the_documented_order(values, window):
    ends = range(window, values.size + 1)
    expected = [doubled_sum(values[end - window : end].tolist()) / window for end in ends]

    found = rolling.mean(values, window)

    before = min(window - 1, values.size)
    assert same_bits(found, np.array([math.nan] * before + expected))


@pytest.mark.parametrize("name", OF_A_WINDOW)
@given(values=SERIES, window=WINDOWS)
def test_a_value_is_that_of_its_window_alone_to_the_last_bit(name, values, window):
    compute = OF_A_WINDOW[name]

    whole = compute(values, window)

    alone = [
        compute(values[max(t + 1 - window, 0) : t + 1], window)[-1] for t in range(values.size)
    ]
    assert same_bits(whole, np.array(alone))


@given(st.integers(0, 2**32 - 1), st.integers(1, 1500), st.sampled_from([0.94, 13 / 14, 0.5]))
def test_a_decayed_mean_is_the_decayed_sum_over_that_of_ones(seed, size, decay):
    values = np.random.default_rng(seed).normal(size=size)

    found = rolling.decayed_mean(values, decay, 3)

    expected = rolling.decayed_sum(values, decay) / rolling.decayed_sum(np.ones(size), decay)
    expected[:2] = math.nan
    assert same_bits(found, expected)
    weights = decay ** np.arange(min(size, rolling.MEMORY))
    recent = values[: -weights.size - 1 : -1]
    if size > 2:
        assert found[-1] == pytest.approx((weights * recent).sum() / weights.sum(), rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(600, 1500), st.integers(0, 500))
def test_a_decayed_mean_forgets_what_lies_before_its_memory(seed, size, cut):
    values = np.random.default_rng(seed).normal(size=size)
    cut = min(cut, size - rolling.MEMORY)

    late = rolling.decayed_mean(values[cut:], 0.94, 3)

    whole = rolling.decayed_mean(values, 0.94, 3)
    assert same_bits(late[rolling.MEMORY - 1 :], whole[cut + rolling.MEMORY - 1 :])


@given(SERIES)
def test_a_logarithm_is_known_of_what_lies_above_zero(values):
    expected = np.array([math.log(value) if value > 0 else math.nan for value in values])

    assert rolling.log(values).tolist() == pytest.approx(expected.tolist(), rel=1e-15, nan_ok=True)


@given(SERIES, st.integers(0, 130))
def test_a_quotient_by_zero_is_not_known(values, seed):
    divisors = np.random.default_rng(seed).choice([0.0, -0.0, 2.0], values.size)

    found = rolling.ratio(values, divisors)

    assert same_bits(found, np.where(divisors == 0, math.nan, values / 2))
