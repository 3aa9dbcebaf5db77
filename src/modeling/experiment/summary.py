"""Summarise a walk-forward: skill and coverage as results.json and the manifest report them."""

from __future__ import annotations

from typing import Any

import numpy as np

from src.core.arrays import Floats
from src.modeling.evaluation import interval_metrics, leaderboard, point_metrics
from src.modeling.experiment.run import WalkForwardResult
from src.modeling.intervals.quantiles import INTERVALS

# The pool's coverage is of every fifth session: all its quantiles are twenty times the size of
# its prices.
POOL_STEP = 5


def ticker_metrics(result: WalkForwardResult, ticker: str) -> list[dict[str, Any]]:
    """The ``point_metrics.score_table`` of one ticker, where all candidates have forecasts."""
    column = result.panel.tickers.index(ticker)
    points = {name: values[:, column] for name, values in result.points.items()}
    actual = result.actual[:, column]
    complete = np.isfinite(np.stack([actual, *points.values()])).all(axis=0)
    if not complete.any():
        return []
    return point_metrics.score_table(
        actual[complete],
        {name: values[complete] for name, values in points.items()},
        horizon=result.horizon,
        dates=result.panel.sessions[complete],
    )


def all_ticker_metrics(result: WalkForwardResult) -> dict[str, list[dict[str, Any]]]:
    """``ticker_metrics`` of every ticker of the pool."""
    return {ticker: ticker_metrics(result, ticker) for ticker in result.panel.tickers}


def pool_metrics(result: WalkForwardResult) -> list[dict[str, Any]]:
    """The leaderboard of every candidate and of what was served, over all tickers of the pool."""
    mean = result.points.get("mean", np.full(result.actual.shape, np.nan))
    actual, rows = result.scored, []
    scored: list[tuple[Floats, dict[str, Any]]] = []
    for name, points in result.series().items():
        # What was served is mostly zero, or one candidate, all the time.
        scores = next((row for other, row in scored if _equal(points, other)), None)
        if scores is None and (np.isfinite(actual) & np.isfinite(points)).any():
            scores = leaderboard.point_scores(actual, points, mean, result.horizon)
            scored.append((points, scores))
        if scores is not None:
            rows.append({"name": name, **scores})
    return rows


def _equal(points: Floats, others: Floats) -> bool:
    return np.array_equal(points, others, equal_nan=True)


def coverage(result: WalkForwardResult, ticker: str | None = None) -> dict[str, Any]:
    """Share of outcomes inside each interval, of a ticker or of the whole pool.

    The pool's is of every fifth session.

    Returns:
        ``n``, ``n_eff`` and ``levels``, share by level.
    """
    panel, distributions = result.panel, result.distributions
    rows = np.arange(distributions.since, len(panel.sessions))
    if ticker is None:
        rows = rows[::POOL_STEP]
        quantiles = distributions.quantiles(rows)
        return _coverage(result.actual[rows], quantiles, result.horizon, POOL_STEP)
    column = panel.tickers.index(ticker)
    quantiles = distributions.quantiles_of(rows, column)
    return _coverage(result.actual[rows, column], quantiles, result.horizon)


def _coverage(actual: Floats, quantiles: Floats, horizon: int, step: int = 1) -> dict[str, Any]:
    known = np.isfinite(actual) & np.isfinite(quantiles).all(axis=-1)
    dates = int(known.reshape(len(known), -1).any(axis=1).sum())
    levels = {
        f"{share:g}": float(interval_metrics.inside(actual[known], quantiles[known], share).mean())
        for share in INTERVALS
        if known.any()
    }
    return {"n": int(known.sum()), "n_eff": min(dates, dates * step / horizon), "levels": levels}
