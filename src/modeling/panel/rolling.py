"""Compute trailing and forward means of (T, N) matrices. NaN is skipped, never filled.

Row t of a trailing statistic depends on rows up to t alone, bit for bit: sums run from the first
row on, in order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def mean(values: Floats, window: int, *, at_least: int) -> Floats:
    """Mean over the last ``window`` rows, NaN with fewer than ``at_least`` values; (T, N)."""
    known = np.isfinite(values)
    total = _last(np.cumsum(np.where(known, values, 0.0), axis=0), window)
    count = _last(np.cumsum(known, axis=0, dtype=np.float64), window)
    out = np.full(values.shape, np.nan)
    np.divide(total, count, out=out, where=count >= at_least)
    return out


def ewma(values: Floats, alpha: float, *, at_least: int) -> Floats:
    """Exponentially weighted mean, weights scaled to sum to 1; (T, N).

    The newest value weighs ``alpha``. A row without a value repeats the last mean. NaN before
    ``at_least`` values.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    keep = np.where(known, 1.0 - alpha, 1.0)
    add = np.where(known, alpha, 0.0)
    total, weight = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    out = np.full(values.shape, np.nan)
    for row in range(len(values)):
        total = keep[row] * total + add[row] * filled[row]
        weight = keep[row] * weight + add[row]
        np.divide(total, weight, out=out[row], where=weight > 0)
    out[np.cumsum(known, axis=0) < at_least] = np.nan
    return out


def ahead(values: Floats, horizon: int) -> Floats:
    """Mean over rows t+1..t+horizon, NaN with less than half of them or past the end; (T, N)."""
    out = np.full(values.shape, np.nan)
    if horizon < len(values):
        out[:-horizon] = mean(values, horizon, at_least=(horizon + 1) // 2)[horizon:]
    return out


def _last(running: Floats, window: int) -> Floats:
    out = running.copy()
    out[window:] -= running[:-window]
    return out
