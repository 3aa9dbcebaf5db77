"""A contest in; the numbers that results.json and the manifest carry of it, out. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from src.modeling.evaluation import interval_metrics, leaderboard, point_metrics
from src.modeling.experiment.run import WalkForwardResult
from src.modeling.intervals.quantiles import INTERVALS

Floats = npt.NDArray[np.float64]

# Of a pool every fifth session: its quantiles are twenty times the size of its prices.
EVERY = 5


def own(result: WalkForwardResult, ticker: str) -> list[dict[str, Any]]:
    """The ``point_metrics.score_table`` of one ticker, over the rows all candidates forecast."""
    column = result.panel.tickers.index(ticker)
    said = {name: points[:, column] for name, points in result.points.items()}
    actual = result.actual[:, column]
    every = np.isfinite(np.stack([actual, *said.values()])).all(axis=0)
    if not every.any():
        return []
    days = result.panel.sessions[every]
    forecasts = {name: points[every] for name, points in said.items()}
    return point_metrics.score_table(actual[every], forecasts, horizon=result.horizon, dates=days)


def pool(result: WalkForwardResult) -> dict[str, Any]:
    """Every candidate and what would have been served, over all tickers, and how many those are."""
    mean = result.points.get("mean", np.full(result.actual.shape, np.nan))
    judged = result.judged
    rows = [
        {"name": name, **leaderboard.point_scores(judged, points, mean, result.horizon)}
        for name, points in result.series().items()
        if (np.isfinite(judged) & np.isfinite(points)).any()
    ]
    return {"tickers": len(result.panel.tickers), "metrics": rows}


def coverage(result: WalkForwardResult, ticker: str) -> dict[str, Any]:
    """Share of outcomes inside each interval: of the ticker, and of the pool's every fifth session.

    Returns:
        ``ticker`` and ``pool``, each with ``n``, ``n_eff`` and ``levels``, share by level.
    """
    column, since = result.panel.tickers.index(ticker), result.distributions.since
    rows = np.arange(since, len(result.panel.sessions))
    some = rows[::EVERY]
    ours = result.distributions.quantiles_of(rows, column)
    return {
        "ticker": _covered(result.actual[rows, column], ours, result.horizon),
        "pool": _covered(
            result.actual[some], result.distributions.quantiles(some), result.horizon, EVERY
        ),
    }


def _covered(actual: Floats, quantiles: Floats, horizon: int, every: int = 1) -> dict[str, Any]:
    known = np.isfinite(actual) & np.isfinite(quantiles).all(axis=-1)
    dates = int(known.reshape(len(known), -1).any(axis=1).sum())
    levels = {
        f"{share:g}": float(interval_metrics.inside(actual[known], quantiles[known], share).mean())
        for share in INTERVALS
        if known.any()
    }
    return {"n": int(known.sum()), "n_eff": min(dates, dates * every / horizon), "levels": levels}
