"""Turn predicted ranks into tilts: returns that favour the tickers that rank high.

A tilt is slope x (predicted rank - mean predicted rank of the session) x volatility. It forecasts
which tickers do better than their peers, not where the market goes. (Ranks as targets: Qlib; the
slope turns them back into returns, and shrinks them by how well past ranks predicted.)

Matrices are (T, N), sessions by tickers; predictions of row t use rows up to t.
"""

from __future__ import annotations

import numpy as np

from src.core.arrays import Floats
from src.modeling.panel.panel import mean_by_date

# Least number of tickers to learn ranks from.
RANKED_FROM = 20
SLOPE_EVERY = 21
# Sessions with realised outcomes that a slope needs.
SLOPE_FROM = 126


def slopes(ranks: Floats, scores: Floats, horizon: int) -> Floats:
    """Past return per unit of predicted rank, in units of volatility, at least 0; (T,).

    Slope through the origin of realised scores on centred predicted ranks, over all tickers and
    sessions whose label was realised at the last refresh, every ``SLOPE_EVERY`` rows. NaN before
    ``SLOPE_FROM`` sessions.

    ``scores`` are realised returns over forecast volatility, NaN where not known.
    """
    centred = ranks - mean_by_date(ranks)[:, None]
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
    return (ranks - mean_by_date(ranks)[:, None]) * slope[:, None] * volatility
