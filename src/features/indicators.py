"""Features of one ticker's bars: pure functions from arrays in session order to one value a row.

Each takes ``Bars`` of length n and gives float64 (n,), NaN where the window is not full. The
value at row t uses rows up to and including t. Returns are simple, never percent. Windows count
bars: a session without a bar is no row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bars:
    """Split-adjusted bars of one ticker: prices in currency, volume in shares, each (n,).

    ``known`` keeps what several features are made of, so that it is computed once.
    """

    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    known: dict[tuple[str, int], Array] = field(default_factory=dict, init=False, repr=False)


class Windowed(Protocol):
    """An indicator of one window."""

    __name__: str

    def __call__(self, bars: Bars, window: int) -> Array:
        """One value a row."""


def _once(indicator: Windowed) -> Windowed:
    """Compute an indicator of one window once per ``Bars``."""

    @wraps(indicator)
    def kept(bars: Bars, window: int) -> Array:
        key = (indicator.__name__, window)
        if key not in bars.known:
            bars.known[key] = indicator(bars, window)
        return bars.known[key]

    return kept


def lagged_return(bars: Bars, lag: int) -> Array:
    """C_{t-lag+1} / C_{t-lag} - 1: lag 1 is the return of session t itself."""
    returns = momentum(bars, 1)
    return _filled(returns[1 : max(returns.size - lag, 0) + 1], returns.size)


@_once
def moving_average(bars: Bars, window: int) -> Array:
    """Mean of the last ``window`` closes, t included."""
    return _mean(bars.close, window)


@_once
def momentum(bars: Bars, window: int) -> Array:
    """C_t / C_{t-window} - 1."""
    close = bars.close
    return _filled(close[window:] / close[:-window] - 1, close.size)


@_once
def volatility(bars: Bars, window: int) -> Array:
    """Sample standard deviation (ddof 1) of the last ``window`` simple returns."""
    return _deviation(lagged_return(bars, 1), window)


def traded_volume(bars: Bars) -> Array:
    """Split-adjusted volume of session t, in shares."""
    return bars.volume.copy()


def scaled_return(bars: Bars, lag: int, window: int) -> Array:
    """The lagged return over the volatility known at t: how unusual that session was."""
    return _over(lagged_return(bars, lag), volatility(bars, window))


def scaled_momentum(bars: Bars, span: int, window: int) -> Array:
    """Momentum over the volatility of as many independent sessions: a t-value of the trend."""
    return _over(momentum(bars, span), volatility(bars, window) * np.sqrt(span))


def close_over_average(bars: Bars, window: int) -> Array:
    """C_t over its moving average, less 1."""
    return _over(bars.close, moving_average(bars, window)) - 1


def session_range(bars: Bars) -> Array:
    """ln(high / low) of session t."""
    return np.log(bars.high / bars.low)


def overnight_gap(bars: Bars) -> Array:
    """O_t / C_{t-1} - 1."""
    return _filled(bars.open[1:] / bars.close[:-1] - 1, bars.close.size)


def volume_surprise(bars: Bars, window: int) -> Array:
    """How far ln(1 + volume) stands from its last ``window`` values, in their deviations.

    Zero where volume did not vary at all.
    """
    logs = np.log1p(bars.volume)
    logs = logs - logs[:1]
    spread, distance = _deviation(logs, window), logs - _mean(logs, window)
    return np.where(spread == 0, 0.0, _over(distance, spread))


def _filled(values: Array, size: int) -> Array:
    """``values`` at the end of ``size`` rows, NaN before them."""
    out = np.empty(size)
    empty = size - values.size
    out[:empty], out[empty:] = np.nan, values
    return out


def _mean(values: Array, window: int) -> Array:
    return _filled(_window_sums(values, window) / window, values.size)


def _deviation(values: Array, window: int) -> Array:
    """Sample standard deviation of each window (ddof 1).

    From sums of values and squares, so ``values`` should lie around zero.
    """
    sums, squares = _window_sums(values, window), _window_sums(values * values, window)
    variance = np.maximum(squares - sums * sums / window, 0.0) / (window - 1)
    return _filled(np.sqrt(variance), values.size)


def _window_sums(values: Array, window: int) -> Array:
    """The sum of every full window: (n - window + 1,), or none.

    Put together from sums of 1, 2, 4, … neighbours: a few passes whatever the window, and no
    running total, so that no value outside a window (a NaN, a rounding error) reaches it.
    """
    count = values.size - window + 1
    if count <= 0:
        return np.empty(0)
    total = np.zeros(count)
    block, size, offset = values, 1, 0
    for bit in range(window.bit_length()):
        if bit:
            block, size = block[:-size] + block[size:], size * 2
        if window >> bit & 1:
            total += block[offset : offset + count]
            offset += size
    return total


def _over(numerator: Array, denominator: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)
