"""Score quantile forecasts: how narrow they are, and how often outcomes fall inside.

Forecasts are (..., K), ascending along K; outcomes and results (...). NaN stays NaN.
"""

from __future__ import annotations

import numpy as np

from src.core.arrays import Floats
from src.modeling.intervals.quantiles import LEVELS, interval_bounds


def level_weights(levels: Floats = LEVELS) -> Floats:
    """The part of (0, 1) nearest to each level; (K,), summing to 1."""
    bounds = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    return np.diff(bounds)


def crps(y: Floats, forecast: Floats, levels: Floats = LEVELS) -> Floats:
    """Continuous ranked probability score on the grid of levels; (...), in units of y.

    Twice the integral of the pinball loss over the levels (Gneiting-Ranjan 2011), as a sum.
    """
    # Level by level, so that a panel's forecasts are in memory only once.
    out = np.zeros(y.shape)
    for k, weight in enumerate(level_weights(levels)):
        error = y - forecast[..., k]
        out += 2 * weight * np.maximum(levels[k] * error, (levels[k] - 1) * error)
    return out


def inside(y: Floats, forecast: Floats, share: float, levels: Floats = LEVELS) -> Floats:
    """1 where the central interval of ``share`` contains the outcome, 0 where not; (...).

    Raises:
        ValueError: For a share whose bounds are no levels of the grid.
    """
    low, high = interval_bounds(share, levels)
    contained = (forecast[..., low] <= y) & (y <= forecast[..., high])
    known = np.isfinite(y) & np.isfinite(forecast[..., low] + forecast[..., high])
    return np.where(known, contained.astype(np.float64), np.nan)


def width(forecast: Floats, share: float, levels: Floats = LEVELS) -> Floats:
    """Upper less lower bound of the central interval; (...), in units of y."""
    low, high = interval_bounds(share, levels)
    return np.asarray(forecast[..., high] - forecast[..., low])
