"""Quantile forecasts and outcomes in; how sharp and how honest they were out.

Forecasts are (..., K), ascending along K; outcomes and results (...). NaN stays NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from src.modeling.intervals.quantiles import LEVELS, distribution_at

Floats = npt.NDArray[np.float64]

# Central intervals that are shown, and what share of outcomes each should hold.
SHARES = (0.5, 0.8, 0.9, 0.95)


def pinball(y: Floats, forecast: Floats, levels: Floats = LEVELS) -> Floats:
    """Quantile loss (Koenker-Bassett 1978) per level; (..., K), in units of y."""
    error = y[..., None] - forecast
    return np.maximum(levels * error, (levels - 1) * error)


def weights(levels: Floats = LEVELS) -> Floats:
    """The part of (0, 1) nearest to each level; (K,), summing to 1."""
    bounds = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    return np.diff(bounds)


def crps(y: Floats, forecast: Floats, levels: Floats = LEVELS) -> Floats:
    """Continuous ranked probability score on the grid of levels; (...), in units of y.

    Twice the integral of the pinball loss over the levels (Gneiting-Ranjan 2011), as a sum.
    """
    # Level by level, so that a panel's forecasts are not held a second time.
    out = np.zeros(y.shape)
    for k, weight in enumerate(weights(levels)):
        error = y - forecast[..., k]
        out += 2 * weight * np.maximum(levels[k] * error, (levels[k] - 1) * error)
    return out


def inside(y: Floats, forecast: Floats, share: float, levels: Floats = LEVELS) -> Floats:
    """1 where the central interval of ``share`` held the outcome, 0 where not; (...).

    Raises:
        ValueError: For a share whose bounds are no levels of the grid.
    """
    low, high = bounds(share, levels)
    held = (forecast[..., low] <= y) & (y <= forecast[..., high])
    known = np.isfinite(y) & np.isfinite(forecast[..., low] + forecast[..., high])
    return np.where(known, held.astype(np.float64), np.nan)


def width(forecast: Floats, share: float, levels: Floats = LEVELS) -> Floats:
    """Upper less lower bound of the central interval; (...), in units of y."""
    low, high = bounds(share, levels)
    return np.asarray(forecast[..., high] - forecast[..., low])


def pit(y: Floats, forecast: Floats, levels: Floats = LEVELS) -> Floats:
    """Where in its distribution each outcome fell (Dawid 1984); (...).

    Uniform if the forecasts are right, up to the outermost levels, where it stops.
    """
    return distribution_at(forecast, y, levels)


def bounds(share: float, levels: Floats = LEVELS) -> tuple[int, int]:
    """Positions of the levels (1 - share) / 2 and (1 + share) / 2; ValueError if not there."""
    found = []
    for level in ((1 - share) / 2, (1 + share) / 2):
        at = int(np.argmin(np.abs(levels - level)))
        if abs(levels[at] - level) > 1e-9:
            raise ValueError(f"the grid has no level {level:.4g} for an interval of {share:.4g}")
        found.append(at)
    return found[0], found[1]
