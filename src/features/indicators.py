"""Compute the features of one ticker's bars that the table ``features_daily`` shows.

Each function takes ``Bars`` of length n and gives float64 (n,), NaN where the window is not full.
The value at row t uses rows up to and including t. Returns are simple, never percent. Windows count
bars: a session without a bar is no row.
"""

from __future__ import annotations

import numpy as np

from src.core.arrays import Floats
from src.features.bars import Bars, once
from src.features.rolling import deviation, mean, pad_front, ratio


def lagged_return(bars: Bars, lag: int) -> Floats:
    """C_{t-lag+1} / C_{t-lag} - 1: lag 1 is the return of session t itself."""
    returns = momentum(bars, 1)
    return pad_front(returns[1 : max(returns.size - lag, 0) + 1], returns.size)


@once
def moving_average(bars: Bars, window: int) -> Floats:
    """Mean of the last ``window`` closes, t included."""
    return mean(bars.close, window)


@once
def momentum(bars: Bars, window: int) -> Floats:
    """C_t / C_{t-window} - 1."""
    close = bars.close
    return pad_front(close[window:] / close[:-window] - 1, close.size)


@once
def volatility(bars: Bars, window: int) -> Floats:
    """Sample standard deviation (ddof 1) of the last ``window`` simple returns."""
    return deviation(lagged_return(bars, 1), window)


def traded_volume(bars: Bars) -> Floats:
    """Split-adjusted volume of session t, in shares."""
    return bars.volume.copy()


def scaled_return(bars: Bars, lag: int, window: int) -> Floats:
    """The lagged return in units of the volatility at t."""
    return ratio(lagged_return(bars, lag), volatility(bars, window))


def scaled_momentum(bars: Bars, span: int, window: int) -> Floats:
    """Momentum over the volatility of ``span`` independent sessions: a t-value of the trend."""
    return ratio(momentum(bars, span), volatility(bars, window) * np.sqrt(span))


def close_over_average(bars: Bars, window: int) -> Floats:
    """C_t over its moving average, less 1."""
    return ratio(bars.close, moving_average(bars, window)) - 1


def session_range(bars: Bars) -> Floats:
    """ln(high / low) of session t."""
    return np.log(bars.high / bars.low)


def overnight_gap(bars: Bars) -> Floats:
    """O_t / C_{t-1} - 1."""
    return pad_front(bars.open[1:] / bars.close[:-1] - 1, bars.close.size)


def volume_surprise(bars: Bars, window: int) -> Floats:
    """How far ln(1 + volume) is from its mean over ``window`` bars, in their deviations.

    Zero where volume did not vary at all.
    """
    logs = np.log1p(bars.volume)
    logs = logs - logs[:1]
    usual, distance = deviation(logs, window), logs - mean(logs, window)
    return np.where(usual == 0, 0.0, ratio(distance, usual))
