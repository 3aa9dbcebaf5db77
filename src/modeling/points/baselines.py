"""Forecast with means of past outcomes: a ticker's own, or the risk premium of all.

Matrices are (T, N), sessions by tickers. The forecast of row s rests on labels realised by then:
those of rows up to s - horizon.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from src.core.arrays import Floats
from src.modeling.panel import rolling

# Share of the past risk premium that is expected to persist. A ticker that only ever fell would
# err by SHRINKAGE x (mean score / mean size of a score), some 8 %, more than with zero.
SHRINKAGE = 0.2
# Least number of outcomes for a mean.
PREMIUM_FROM = 250


def own_mean(y: Floats, horizon: int) -> Floats:
    """Each ticker's mean of its own realised labels; NaN before the first."""
    return _expanding_ratio(np.nan_to_num(y), np.isfinite(y), horizon)


def risk_premium(scores: Floats, horizon: int, *, at_least: int = PREMIUM_FROM) -> Floats:
    """``SHRINKAGE`` times the mean of all tickers' realised scores, pooled by count; (T,).

    A drift in proportion to the ticker's own volatility: the return per unit of risk, the same for
    all tickers (Merton 1980), of which only a small share is expected to persist.

    Args:
        scores: Return over the volatility that was forecast for it; (T, N).
        horizon: Sessions from a row to its label's end.
        at_least: Least number of realised scores; NaN below.
    """
    count = np.isfinite(scores).sum(axis=1)
    mean = _expanding_ratio(np.nansum(scores, axis=1), count, horizon)
    seen = np.concatenate([np.zeros(min(horizon, len(count))), np.cumsum(count)[:-horizon]])
    return np.where(seen >= at_least, SHRINKAGE * mean, np.nan)


def _expanding_ratio(total: Floats, count: npt.NDArray[np.generic], horizon: int) -> Floats:
    """Running sum over running count, as far as labels were realised ``horizon`` rows later."""
    out = np.full(total.shape, np.nan)
    seen = rolling.running_sums(count, np.int64)[:-horizon].astype(np.float64)
    sums = rolling.running_sums(total, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        out[horizon:] = np.where(seen > 0, sums[:-horizon] / seen, np.nan)
    return out
