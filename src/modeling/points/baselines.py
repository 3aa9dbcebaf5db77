"""Realised returns of a panel in; forecasts that are means of them out. Pure, expanding.

Matrices are (T, N), sessions by tickers. The forecast of row s rests on labels realised by then:
those of rows up to s - horizon.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# How much of the past reward for risk is expected to go on. A ticker that only ever fell would
# err by SHRUNK x (mean score / mean size of a score), some 8 %, more than with zero.
SHRUNK = 0.2
# Outcomes from which a mean of them is worth saying.
REWARD_FROM = 250


def zero(y: Floats) -> Floats:
    """No change, for every row and ticker: the baseline that has to be beaten."""
    return np.zeros_like(y)


def own_mean(y: Floats, horizon: int) -> Floats:
    """Each ticker's mean of its own realised labels; NaN before the first."""
    return _over(np.nan_to_num(y), np.isfinite(y), horizon)


def reward(scores: Floats, horizon: int, *, at_least: int = REWARD_FROM) -> Floats:
    """``SHRUNK`` times the mean of all tickers' realised scores, pooled by count; (T,).

    A drift in proportion to the ticker's own volatility: what a unit of risk was paid with, the
    same for all (Merton 1980), of which little can be counted on.

    Args:
        scores: Return over the volatility that was forecast for it; (T, N).
        horizon: Sessions from a row to its label's end.
        at_least: Realised scores below which there is none, NaN.
    """
    count = np.isfinite(scores).sum(axis=1)
    mean = _over(np.nansum(scores, axis=1), count, horizon)
    seen = np.concatenate([np.zeros(min(horizon, len(count))), np.cumsum(count)[:-horizon]])
    return np.where(seen >= at_least, SHRUNK * mean, np.nan)


def _over(total: Floats, count: npt.NDArray[np.generic], horizon: int) -> Floats:
    """Running sum over running count, as far as labels were realised ``horizon`` rows later."""
    out = np.full(total.shape, np.nan)
    seen = np.cumsum(count, axis=0)[:-horizon].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        out[horizon:] = np.where(seen > 0, np.cumsum(total, axis=0)[:-horizon] / seen, np.nan)
    return out
