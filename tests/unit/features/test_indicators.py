import math

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from src.features import indicators as ind
from src.features.bars import Bars

CLOSE = np.array([100.0, 110.0, 99.0, 99.0, 120.0])
NONE = math.nan


def bars(close=CLOSE, **others):
    """Bars around some closes, all fields equal to them unless said otherwise."""
    close = np.asarray(close, dtype=float)
    fields = dict.fromkeys(("open", "high", "low", "volume"), close)
    return Bars(close=close, **(fields | {k: np.asarray(v, float) for k, v in others.items()}))


def same(found, expected):
    return found.tolist() == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.fixture(scope="module")
def walk():
    random = np.random.default_rng(7)
    return 3000 * np.exp(np.cumsum(random.normal(0, 0.015, 400)))


@pytest.mark.parametrize(
    ("lag", "expected"),
    [
        (1, [NONE, 0.1, -0.1, 0.0, 120 / 99 - 1]),
        (2, [NONE, NONE, 0.1, -0.1, 0.0]),
        (4, [NONE, NONE, NONE, NONE, 0.1]),
        (5, [NONE] * 5),
        (9, [NONE] * 5),
    ],
)
def test_lag_1_is_the_return_of_the_session_itself(lag, expected):
    assert same(ind.lagged_return(bars(), lag), expected)


def test_a_moving_average_includes_the_session_itself():
    assert same(ind.moving_average(bars(), 3), [NONE, NONE, 103.0, 308 / 3, 106.0])


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (1, [NONE, 0.1, -0.1, 0.0, 120 / 99 - 1]),
        (3, [NONE, NONE, NONE, -0.01, 120 / 110 - 1]),
        (5, [NONE] * 5),
    ],
)
def test_momentum_looks_back_over_its_span(span, expected):
    assert same(ind.momentum(bars(), span), expected)


def test_volatility_is_the_sample_deviation_of_the_last_returns():
    # Returns .1, -.1, 0: deviations .1, -.1, 0 from a mean of 0, over 3 - 1.
    found = ind.volatility(bars(CLOSE[:4]), 3)

    assert same(found, [NONE, NONE, NONE, 0.1])


def test_volume_is_as_it_was_traded():
    volume = np.array([5.0, 0.0, 7.0])
    found = ind.traded_volume(bars([1, 2, 3], volume=volume))

    assert found.tolist() == [5, 0, 7]
    assert not np.shares_memory(found, volume)


def test_prices_that_never_varied_have_no_volatility():
    assert ind.volatility(bars([100.0] * 6), 3)[3:].tolist() == [0, 0, 0]


# --- an oracle


@pytest.mark.parametrize("window", [2, 7, 21, 50])
def test_the_moving_average_is_ta_libs(walk, window):
    oracle = talib.SMA(walk, timeperiod=window)

    assert same(ind.moving_average(bars(walk), window), oracle.tolist())


@pytest.mark.parametrize("span", [1, 7, 30])
def test_momentum_is_ta_libs_rate_of_change_as_a_fraction(walk, span):
    oracle = talib.ROCP(walk, timeperiod=span)

    found = ind.momentum(bars(walk), span)
    assert found.tolist() == pytest.approx(oracle.tolist(), rel=1e-9, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("window", [5, 14, 21])
def test_volatility_is_ta_libs_deviation_with_one_degree_of_freedom_less(walk, window):
    returns = walk[1:] / walk[:-1] - 1
    # TA-Lib divides by n and subtracts squares, which costs it some digits.
    oracle = talib.STDDEV(returns, timeperiod=window) * math.sqrt(window / (window - 1))

    found = ind.volatility(bars(walk), window)[1:]
    assert found.tolist() == pytest.approx(oracle.tolist(), rel=1e-7, nan_ok=True)


# --- any series

SERIES = st.lists(st.floats(0.01, 1e6), max_size=40).map(np.array)
EVERY = {
    "lagged_return": ind.lagged_return,
    "moving_average": ind.moving_average,
    "momentum": ind.momentum,
    "volatility": ind.volatility,
    "traded_volume": lambda b, _: ind.traded_volume(b),
}


@pytest.mark.parametrize("name", EVERY)
@given(close=SERIES, window=st.integers(2, 12))
def test_there_is_one_value_a_row_however_short_the_series(name, close, window):
    found = EVERY[name](bars(close), window)

    assert found.shape == close.shape
    assert found.dtype == np.float64


@given(close=SERIES, window=st.integers(2, 12))
def test_returns_do_not_know_the_currency(close, window):
    rupees, paise = bars(close), bars(close * 64)  # a power of two is exact

    for name in ("lagged_return", "momentum", "volatility"):
        assert same(EVERY[name](paise, window), EVERY[name](rupees, window).tolist())
