"""Each feature of one ticker against a plain loop over its formula."""

import math

import numpy as np
import pytest
import talib

from src.features import time_series as sf
from src.features.bars import Bars
from src.features.catalogue import time_series_features
from tests.support.pools import wandering

NONE = math.nan
FEATURES = {one.name: one for one in time_series_features()}


def bars_of(prices, ticker=0):
    fields = ("open", "high", "low", "close", "volume")
    return Bars(**{name: np.ascontiguousarray(getattr(prices, name)[:, ticker]) for name in fields})


def flat(size=400, **others):
    """Bars that never move, with whatever a test bends."""
    same = {name: np.full(size, 50.0) for name in ("open", "high", "low", "close", "volume")}
    return Bars(**(same | others))


@pytest.fixture(scope="module")
def bars():
    return bars_of(wandering(), ticker=3)


# --- the same, slowly


class Slow:
    """The method's formulas with lists and loops, row by row; NONE before they are defined."""

    def __init__(self, bars):
        self.o, self.h, self.l, self.c, self.v = (
            getattr(bars, name).tolist() for name in ("open", "high", "low", "close", "volume")
        )
        self.size = len(self.c)
        self.r = [NONE, *(math.log(b / a) for a, b in zip(self.c, self.c[1:], strict=False))]
        self.var = [NONE] + [self._variance(t) for t in range(1, self.size)]
        self.s = [self._volatility(t) for t in range(self.size)]

    def _variance(self, t):
        overnight = math.log(self.o[t] / self.c[t - 1])
        spread, inside = math.log(self.h[t] / self.l[t]), math.log(self.c[t] / self.o[t])
        return overnight**2 + max(0, 0.5 * spread**2 - (2 * math.log(2) - 1) * inside**2)

    def _volatility(self, t):
        if t < 63:
            return NONE
        weights = [0.94 ** (t - k) for k in range(1, t + 1)]
        squares = [w * x * x for w, x in zip(weights, self.r[1 : t + 1], strict=True)]
        return math.sqrt(sum(squares) / sum(weights))

    def last(self, values, t, window):
        return values[t - window + 1 : t + 1] if t - window + 1 >= 0 else [NONE]

    def mean(self, values, t, window):
        found = self.last(values, t, window)
        return sum(found) / len(found)

    def ret(self, t, lag):
        return self.r[t - lag + 1] / self.s[t] if t >= lag else NONE

    def mom(self, t, span, skip=0):
        if t < span:
            return NONE
        move = math.log(self.c[t - skip] / self.c[t - span])
        return move / self.s[t] / math.sqrt(span - skip)

    def over_sma(self, t, window):
        return math.log(self.c[t] / self.mean(self.c, t, window)) / self.s[t] / math.sqrt(window)

    def location(self, t):
        return (self.c[t] - self.l[t]) / (self.h[t] - self.l[t]) - 0.5

    def log_var(self, t, window):
        return math.log(self.mean(self.var, t, window) + 1e-8)

    def skew(self, t, window):
        r = self.last(self.r, t, window)
        centre = sum(r) / len(r)
        second = sum((x - centre) ** 2 for x in r) / len(r)
        third = sum((x - centre) ** 3 for x in r) / len(r)
        return third / second**1.5 if second else NONE

    def rsi(self, t, window):
        if t < window:
            return NONE
        moves = [b - a for a, b in zip(self.c, self.c[1 : t + 1], strict=False)]
        up = sum(max(x, 0) for x in moves[:window]) / window
        down = sum(max(-x, 0) for x in moves[:window]) / window
        for x in moves[window:]:
            up = (up * (window - 1) + max(x, 0)) / window
            down = (down * (window - 1) + max(-x, 0)) / window
        return up / (up + down) - 0.5

    def volume_z(self, t):
        logs = [math.log(x) for x in self.v]
        long = self.last(logs, t, 63)
        centre = sum(long) / len(long)
        spread = math.sqrt(sum((x - centre) ** 2 for x in long) / 62)
        return (logs[t] - self.mean(logs, t, 21)) / spread if spread else NONE

    def volume_change(self, t):
        logs = [math.log(x) for x in self.v]
        return self.mean(logs, t, 5) - self.mean(logs, t, 63)

    def illiquidity(self, t):
        cost = [abs(r) / (c * v) for r, c, v in zip(self.r, self.c, self.v, strict=True)]
        return math.log(self.mean(cost, t, 21) / self.mean(cost, t, 252))

    def extreme(self, t, pick):
        found = self.last(self.c, t, 252)
        return math.log(self.c[t] / pick(found))


SLOWLY = {
    **{f"ret_lag{k}_s": lambda x, t, k=k: x.ret(t, k) for k in (1, 2, 3, 4, 5)},
    **{f"mom_{k}_s": lambda x, t, k=k: x.mom(t, k) for k in (5, 10, 21, 63, 126, 252)},
    "mom_252_21_s": lambda x, t: x.mom(t, 252, 21),
    **{f"over_sma_{k}_s": lambda x, t, k=k: x.over_sma(t, k) for k in (7, 21, 50, 200)},
    "max_ret_21_s": lambda x, t: max(x.last(x.r, t, 21)) / x.s[t],
    "overnight_s": lambda x, t: math.log(x.o[t] / x.c[t - 1]) / x.s[t],
    "range_s": lambda x, t: math.log(x.h[t] / x.l[t]) / x.s[t],
    "close_location": lambda x, t: x.location(t),
    "close_location_5": lambda x, t: (
        sum(x.location(t - k) for k in range(5)) / 5 if t > 3 else NONE
    ),
    **{f"log_var_{k}": lambda x, t, k=k: x.log_var(t, k) for k in (5, 21, 63)},
    "log_var_5_63": lambda x, t: x.log_var(t, 5) - x.log_var(t, 63),
    "log_var_21_252": lambda x, t: x.log_var(t, 21) - x.log_var(t, 252),
    "skew_63": lambda x, t: x.skew(t, 63),
    "volume_z_21_63": lambda x, t: x.volume_z(t),
    "volume_5_63": lambda x, t: x.volume_change(t),
    "illiquidity_21_252": lambda x, t: x.illiquidity(t),
    "drawdown_252": lambda x, t: x.extreme(t, max),
    "run_up_252": lambda x, t: x.extreme(t, min),
    "rsi_14": lambda x, t: x.rsi(t, 14),
}


@pytest.fixture(scope="module")
def slow(bars):
    return Slow(bars)


def test_every_feature_has_an_oracle():
    assert set(SLOWLY) == set(FEATURES)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_is_what_its_formula_says(name, bars, slow):
    expected = [SLOWLY[name](slow, t) for t in range(slow.size)]

    found = FEATURES[name].compute(bars)

    assert found.dtype == np.float64
    assert np.isfinite(found).sum() == slow.size - FEATURES[name].lookback
    assert found.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-11, nan_ok=True)


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("size", [0, 1, 2, 14, 15, 64])
def test_there_is_one_value_a_bar_however_short_the_series(name, size):
    found = FEATURES[name].compute(bars_of(wandering(sessions=100).until(size)))

    assert found.shape == (size,)
    assert np.isfinite(found).sum() == max(size - FEATURES[name].lookback, 0)


def test_the_strength_is_ta_libs_rsi(bars):
    oracle = talib.RSI(bars.close, timeperiod=14) / 100 - 0.5

    found = sf.relative_strength(bars, 14)

    assert found.tolist() == pytest.approx(oracle.tolist(), abs=1e-13, nan_ok=True)


# --- what the loops do not reach


def test_volatility_is_the_textbook_recursion_once_its_start_has_faded():
    r = np.random.default_rng(3).normal(0, 0.02, 3000)
    expected = 0.0
    for one in r:
        expected = 0.94 * expected + 0.06 * one**2

    close = 100 * np.exp(np.cumsum(np.concatenate([[0], r])))
    found = sf.volatility(flat(3001, close=close))

    assert found[-1] == pytest.approx(math.sqrt(expected), rel=1e-11)


def test_a_series_of_closes_alone_has_the_squared_return_as_variance():
    close = np.array([100.0, 110.0, 99.0])
    nothing = np.full(3, np.nan)
    bars = Bars(open=nothing, high=nothing, low=nothing, close=close, volume=nothing)

    found = sf.daily_variance(bars)

    assert found.tolist() == pytest.approx(
        [NONE, math.log(1.1) ** 2, math.log(0.9) ** 2], nan_ok=True
    )


def test_variance_is_never_below_the_overnight_move():
    # A close above a high that rounding left too low: the session's estimate is negative.
    bars = Bars(*(np.array(x) for x in ([9, 10.0], [9, 10.0], [9, 10.0], [9, 11.0], [1, 1.0])))

    assert sf.daily_variance(bars)[1] == pytest.approx(math.log(10 / 9) ** 2, rel=1e-12)


def test_prices_that_never_move_have_no_feature_but_a_volatility_and_a_place():
    said = {n for n, one in FEATURES.items() if np.isfinite(one.compute(flat())).any()}

    volatility = {"log_var_5", "log_var_21", "log_var_63", "log_var_5_63", "log_var_21_252"}
    assert said == volatility | {"volume_5_63", "drawdown_252", "run_up_252"}


def test_a_session_without_trades_has_no_log_of_its_volume(bars):
    volume = bars.volume.copy()
    volume[100] = 0
    bent = Bars(bars.open, bars.high, bars.low, bars.close, volume)

    lost = np.isnan(sf.volume_change(bent, 5, 63)) & np.isfinite(sf.volume_change(bars, 5, 63))

    assert np.flatnonzero(lost).tolist() == list(range(100, 163))


def test_a_session_of_one_price_has_no_place_in_its_range():
    found = sf.close_location(flat(3, high=np.array([50.0, 60.0, 50.0])), 1)

    assert found.tolist() == pytest.approx([NONE, -0.5, NONE], nan_ok=True)


def test_a_close_that_rounding_put_above_the_high_stands_at_it():
    found = sf.close_location(
        flat(1, high=np.array([50.0]), low=np.array([49.0]), close=np.array([50.1])), 1
    )

    assert found.tolist() == [0.5]


def test_no_feature_changes_the_bars(bars):
    before = {n: getattr(bars, n).copy() for n in ("open", "high", "low", "close", "volume")}

    for one in FEATURES.values():
        one.compute(bars)

    assert all(np.array_equal(getattr(bars, name), was) for name, was in before.items())
