import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.modeling.panel import rolling

NAN = np.nan


def holes(seed, rows=80, columns=3):
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (rows, columns))
    values[random.random(values.shape) < 0.2] = NAN
    return values


def test_mean_skips_what_is_missing_and_needs_enough_of_it():
    values = np.array([[2.0], [NAN], [4.0], [NAN], [NAN], [6.0]])

    found = rolling.mean(values, 3, at_least=2)

    assert np.array_equal(found[:, 0], [NAN, NAN, 3.0, NAN, NAN, NAN], equal_nan=True)


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 5))
def test_mean_is_the_rolling_mean_of_pandas(seed, window, at_least):
    values = holes(seed)
    least = min(at_least, window)

    expected = pd.DataFrame(values).rolling(window, min_periods=least).mean().to_numpy()

    found = rolling.mean(values, window, at_least=least)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@given(st.integers(0, 1000), st.floats(0.01, 0.9))
def test_ewma_is_the_adjusted_one_of_pandas(seed, alpha):
    values = holes(seed)

    frame = pd.DataFrame(values).ewm(alpha=alpha, adjust=True, ignore_na=True, min_periods=4)

    found = rolling.ewma(values, alpha, at_least=4)
    np.testing.assert_allclose(found, frame.mean().to_numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("horizon", "expected"),
    [
        (1, [NAN, 3.0, 4.0, 8.0, NAN]),
        (2, [3.0, 3.5, 6.0, NAN, NAN]),
        (4, [5.0, NAN, NAN, NAN, NAN]),
        (5, [NAN] * 5),
    ],
)
def test_ahead_is_the_mean_of_the_sessions_after_a_row(horizon, expected):
    values = np.array([[1.0], [NAN], [3.0], [4.0], [8.0]])

    found = rolling.ahead(values, horizon)

    assert np.array_equal(found[:, 0], expected, equal_nan=True)


def test_ahead_needs_half_of_the_sessions():
    values = np.array([[1.0], [NAN], [NAN], [4.0], [8.0]])

    found = rolling.ahead(values, 3)

    assert np.array_equal(found[:, 0], [NAN, 6.0, NAN, NAN, NAN], equal_nan=True)


@given(st.integers(0, 1000), st.integers(1, 79))
def test_a_row_needs_no_later_one(seed, cut):
    values = holes(seed)
    changed = values.copy()
    changed[cut:] = 1e6

    for made in (
        lambda v: rolling.mean(v, 7, at_least=3),
        lambda v: rolling.ewma(v, 0.1, at_least=2),
    ):
        whole = made(values)[:cut]
        assert np.array_equal(made(values[:cut].copy()), whole, equal_nan=True)
        assert np.array_equal(made(changed)[:cut], whole, equal_nan=True)
