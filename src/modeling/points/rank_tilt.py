"""Predicted ranks of a panel in; tilts, returns that favour what ranks high, out. Pure.

A tilt is slope x (predicted rank - mean predicted rank of the session) x volatility. It says
nothing of where the market goes: only what beats its peers. (Ranks as targets: Qlib; the slope
makes them returns again, and shrinks them to what past ranks were worth.)

Matrices are (T, N), sessions by tickers; row t of predictions was made knowing row t and before.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Fewer tickers are too few to learn ranks from.
RANKED_FROM = 20
SLOPE_EVERY = 21
# Sessions with realised outcomes that a slope needs.
SLOPE_FROM = 126


def pool_means(ranks: Floats) -> Floats:
    """Mean predicted rank of each session; (T,), NaN without any."""
    known = np.isfinite(ranks)
    count = known.sum(axis=1)
    total = np.where(known, ranks, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def slopes(ranks: Floats, scores: Floats, horizon: int) -> Floats:
    """What a rank was worth in the past, in units of volatility, at least 0; (T,).

    Slope through the origin of realised scores on centred predicted ranks, over all tickers and
    sessions whose label was realised at the last refresh, every ``SLOPE_EVERY`` rows. NaN before
    ``SLOPE_FROM`` sessions.

    Args:
        ranks: Predicted.
        scores: Realised return over forecast volatility, NaN where not known.
        horizon: Sessions from a row to its label's end.
    """
    centred = ranks - pool_means(ranks)[:, None]
    known = np.isfinite(centred) & np.isfinite(scores)
    x, y = np.where(known, centred, 0.0), np.where(known, scores, 0.0)
    products, squares = np.cumsum((x * y).sum(axis=1)), np.cumsum((x * x).sum(axis=1))
    sessions = np.cumsum(known.any(axis=1))
    refreshed = np.arange(len(ranks)) // SLOPE_EVERY * SLOPE_EVERY
    last = np.maximum(refreshed - horizon, 0)
    ready = (sessions[last] >= SLOPE_FROM) & (squares[last] > 0)
    out = np.full(len(ranks), np.nan)
    np.divide(products[last], squares[last], out=out, where=ready)
    return np.asarray(np.maximum(out, 0.0))


def tilts(ranks: Floats, slope: Floats, volatility: Floats) -> Floats:
    """Forecast returns; (T, N)."""
    return (ranks - pool_means(ranks)[:, None]) * slope[:, None] * volatility
