"""The canary over rows that have everything says what it says over whole matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.features.leakage_check import correlations, of_rows


def test_a_correlation_of_rows_by_hand():
    # x: deviations -1 0 1 and -1 1 0, so 1 / (sqrt 2 sqrt 2); its reverse beside it.
    inputs = np.array([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]])

    one, other = of_rows(("x", "y"), inputs, np.array([1.0, 3.0, 2.0]), tickers=2, sessions=2)

    assert (one.feature, other.feature) == ("x", "y")
    assert (one.correlation, other.correlation) == pytest.approx((0.5, -0.5), rel=1e-12)
    # Five over the root of two sessions.
    assert (one.n, one.tickers, one.limit) == (3, 2, pytest.approx(5 / 2**0.5))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.integers(5, 40), st.integers(1, 30))
def test_rows_without_a_gap_give_what_their_matrices_give(seed, sessions, tickers):
    random = np.random.default_rng(seed)
    target, *features = random.normal(size=(3, sessions, tickers))
    gaps = random.random(target.shape) < 0.2
    gaps[0] = False
    for one in (target, *features):
        one[gaps] = np.nan
    whole = ~gaps

    found = of_rows(
        ("a", "b"),
        np.column_stack([one[whole] for one in features]),
        target[whole],
        tickers=int(whole.any(axis=0).sum()),
        sessions=int(whole.any(axis=1).sum()),
    )

    assert found == correlations({"a": features[0], "b": features[1]}, target)


@pytest.mark.parametrize(
    ("inputs", "target"),
    [
        (np.empty((0, 1)), np.empty(0)),
        (np.full((4, 1), 0.1), np.arange(4.0)),
        (np.arange(4.0)[:, None], np.full(4, 0.1)),
        (np.ones((1, 1)), np.ones(1)),
    ],
)
def test_rows_that_do_not_vary_have_no_correlation_and_raise_nothing(inputs, target):
    (found,) = of_rows(("x",), inputs, target, tickers=0, sessions=0)

    assert (found.correlation, found.leaks) == (0.0, False)


def test_no_features_have_no_correlations():
    assert of_rows((), np.empty((3, 0)), np.ones(3), tickers=1, sessions=3) == []
