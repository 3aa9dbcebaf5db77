"""Compute the features of one ticker's bars that the table ``features_daily`` shows.

Each function takes ``Bars`` of length n and gives float64 (n,), NaN where the window is not full.
The value at row t uses rows up to and including t. Returns are simple, never percent. Windows count
bars: a session without a bar is no row.
"""

from __future__ import annotations

import numpy as np

from src.core.arrays import Floats
from src.features import rolling
from src.features.bars import Bars, once


def lagged_return(bars: Bars, lag: int) -> Floats:
    """C_{t-lag+1} / C_{t-lag} - 1: lag 1 is the return of session t itself."""
    return rolling.lag(momentum(bars, 1), lag - 1)


@once
def moving_average(bars: Bars, window: int) -> Floats:
    """Mean of the last ``window`` closes, t included."""
    return rolling.mean(bars.close, window)


@once
def momentum(bars: Bars, window: int) -> Floats:
    """C_t / C_{t-window} - 1."""
    close = bars.close
    out, later = rolling.padded(close.size, window + 1)
    np.divide(close[window:], close[:-window], out=later)
    later -= 1
    return out


@once
def volatility(bars: Bars, window: int) -> Floats:
    """Sample standard deviation (ddof 1) of the last ``window`` simple returns."""
    return rolling.deviation(momentum(bars, 1), window)


def traded_volume(bars: Bars) -> Floats:
    """Split-adjusted volume of session t, in shares."""
    return bars.volume.copy()
