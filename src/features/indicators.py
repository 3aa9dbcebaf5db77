"""Features of one ticker's bars: pure functions from arrays in session order to one value a row.

Each takes ``Bars`` of length n and gives float64 (n,), NaN where the window is not full. The
value at row t uses rows up to and including t. Returns are simple, never percent. Windows count
bars: a session without a bar is no row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """Split-adjusted bars of one ticker: prices in currency, volume in shares, each (n,)."""

    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array


def lagged_return(bars: Bars, lag: int) -> Array:
    """C_{t-lag+1} / C_{t-lag} - 1: lag 1 is the return of session t itself."""
    close = bars.close
    out = np.full(close.size, np.nan)
    returns = close[1:] / close[:-1] - 1
    out[lag:] = returns[: max(close.size - lag, 0)]
    return out


def moving_average(bars: Bars, window: int) -> Array:
    """Mean of the last ``window`` closes, t included."""
    return _rolled(bars.close, window, _mean)


def momentum(bars: Bars, span: int) -> Array:
    """C_t / C_{t-span} - 1."""
    close = bars.close
    out = np.full(close.size, np.nan)
    out[span:] = close[span:] / close[:-span] - 1 if close.size > span else []
    return out


def volatility(bars: Bars, window: int) -> Array:
    """Sample standard deviation (ddof 1) of the last ``window`` simple returns."""
    return _rolled(lagged_return(bars, 1), window, _sample_deviation)


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
    out = np.full(bars.close.size, np.nan)
    out[1:] = bars.open[1:] / bars.close[:-1] - 1
    return out


def volume_surprise(bars: Bars, window: int) -> Array:
    """How far ln(1 + volume) stands from its last ``window`` values, in their deviations.

    Zero where volume did not vary at all.
    """
    logs = np.log1p(bars.volume)
    spread = _rolled(logs, window, _sample_deviation)
    distance = logs - _rolled(logs, window, _mean)
    return np.where(spread == 0, 0.0, _over(distance, spread))


def _rolled(values: Array, window: int, statistic: Callable[[Array], Array]) -> Array:
    out = np.full(values.size, np.nan)
    if values.size >= window:
        out[window - 1 :] = statistic(sliding_window_view(values, window))
    return out


def _mean(windows: Array) -> Array:
    return np.asarray(np.mean(windows, axis=-1))


def _sample_deviation(windows: Array) -> Array:
    return np.asarray(np.std(windows, axis=-1, ddof=1))


def _over(numerator: Array, denominator: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)
