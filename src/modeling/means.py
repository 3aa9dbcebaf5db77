"""Realised returns of a panel in; forecasts that are means of them out. Pure, expanding.

Matrices are (T, N), sessions by tickers. The forecast of row s rests on labels realised by then:
those of rows up to s - horizon.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# How much of the past mean is expected to go on: chosen on other stocks than those it is shown on.
SHRUNK = 0.25


def zero(y: Floats, horizon: int) -> Floats:
    """No change, for every row and ticker: the baseline that has to be beaten."""
    return np.zeros_like(y)


def own_mean(y: Floats, horizon: int) -> Floats:
    """Each ticker's mean of its own realised labels; NaN before the first."""
    return _expanding(y, horizon)


def pooled_drift(y: Floats, horizon: int) -> Floats:
    """A quarter of the mean of all tickers' realised labels, pooled by count."""
    total = np.nansum(y, axis=1, keepdims=True)
    count = np.isfinite(y).sum(axis=1, keepdims=True)
    return SHRUNK * np.repeat(_over(total, count, horizon), y.shape[1], axis=1)


def _expanding(y: Floats, horizon: int) -> Floats:
    return _over(np.nan_to_num(y), np.isfinite(y), horizon)


def _over(total: Floats, count: npt.NDArray[np.generic], horizon: int) -> Floats:
    """Running sum over running count, as far as labels were realised ``horizon`` rows later."""
    out = np.full(total.shape, np.nan)
    seen = np.cumsum(count, axis=0)[:-horizon].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        out[horizon:] = np.where(seen > 0, np.cumsum(total, axis=0)[:-horizon] / seen, np.nan)
    return out
