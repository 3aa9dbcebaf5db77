"""Rank the models of a backtest: point forecasts and distributions, beside their baselines.

Every model stands beside predicting zero, the expanding mean of its ticker and, for intervals, the
quantiles of the ticker's last 500 realised returns. Panel tests average over tickers per date.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from src.core.arrays import Bools, Floats
from src.features.market import ranks
from src.modeling.evaluation import hac, interval_metrics, point_metrics
from src.modeling.intervals import quantiles
from src.modeling.intervals.quantiles import INTERVALS
from src.modeling.panel.panel import mean_by_date, pivot_wide
from src.modeling.points.rank_tilt import RANKED_FROM

# The columns of a backtest that bound intervals, and their levels.
BOUNDS = ("lo95", "lo90", "lo80", "lo50", "hi50", "hi80", "hi90", "hi95")
LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95, 0.975])
# Least number of periods that do not overlap for the test of a single ticker.
TICKER_N_EFF = 4
# Dates that are ranked, and tickers that are tested, at a time: of a large pool all of them would
# take as much memory as a dozen matrices of its prices.
BLOCK = 500


def point_leaderboard(forecasts: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per horizon and model.

    Args:
        forecasts: The backtest's columns, realised rows and others.

    Returns:
        ``horizon, model, tickers, n, n_eff, mae, skill_vs_zero, t, limit, skill_vs_mean,
        tickers_worse`` (share significantly worse than zero at 5 %), ``worst_ticker`` (its skill),
        ``rank_ic``, ``r2``.
    """
    realised = forecasts.filter(pl.col("actual").is_not_null(), pl.col("point").is_not_null())
    scores = []
    for (horizon,), rows in realised.group_by("horizon", maintain_order=True):
        means = rows.filter(model="mean").select("ticker", "made", mean="point")
        for (model,), of_model in rows.group_by("model", maintain_order=True):
            beside = of_model.join(means, on=["ticker", "made"], how="left", maintain_order="left")
            actual, point, mean = _matrices(beside, "actual", "point", "mean")
            measured = point_scores(actual, point, mean, int(horizon))
            scores.append({"horizon": horizon, "model": model, **measured})
    return sorted(scores, key=lambda row: row["horizon"])


def _matrices(rows: pl.DataFrame, *names: str) -> list[Floats]:
    """Columns of a backtest as (T, N) matrices, dates by tickers."""
    return pivot_wide(
        rows["made"].to_numpy().astype("datetime64[D]"),
        rows["ticker"].to_numpy().astype(str),
        *(rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in names),
    )


def point_scores(actual: Floats, point: Floats, mean: Floats, horizon: int) -> dict[str, Any]:
    """One model's row of the leaderboard, from (T, N) outcomes, its forecasts and the mean's.

    Over the pairs of an outcome and a forecast; there must be one.
    """
    paired = np.isfinite(actual) & np.isfinite(point)
    rows, columns = paired.any(axis=1), paired.any(axis=0)
    chosen = slice(None) if columns.all() else columns
    actual, point, mean = (
        np.where(paired[rows], matrix[rows], np.nan)[:, chosen] for matrix in (actual, point, mean)
    )
    known = np.isfinite(actual)
    error, zero = np.abs(actual - point), np.abs(actual)
    gain = zero - error
    panel = hac.mean_test(mean_by_date(gain), horizon)
    judged = known.sum(axis=0) >= TICKER_N_EFF * horizon
    worse = _are_worse(gain, horizon)
    moved = np.nansum(zero, axis=0)
    judged &= moved > 0
    per_ticker = 1 - np.nansum(error, axis=0) / np.where(moved > 0, moved, np.nan)
    return {
        "tickers": actual.shape[1],
        "n": int(known.sum()),
        "n_eff": len(actual) / horizon,
        "mae": float(np.nanmean(error)),
        "skill_vs_zero": _skill(error, zero),
        "t": float(panel.t) if np.isfinite(panel.t) else None,
        "limit": float(hac.critical(panel.b, 0.05)),
        "skill_vs_mean": _skill(error, np.abs(actual - mean)),
        "tickers_worse": float(worse[judged].mean()) if judged.any() else None,
        "worst_ticker": float(per_ticker[judged].min()) if judged.any() else None,
        "rank_ic": rank_ic(actual, point),
        "r2": point_metrics.r2(actual[known], point[known]),
    }


def _are_worse(gain: Floats, horizon: int) -> Bools:
    """Which tickers' gains over zero, (T, N), are significantly negative at 5 %; (N,)."""
    if not (np.abs(gain) > 0).any():  # zero itself, which needs no test
        return np.zeros(gain.shape[1], dtype=bool)
    tests = (
        hac.mean_test(gain[:, start : start + BLOCK], horizon)
        for start in range(0, gain.shape[1], BLOCK)
    )
    return np.concatenate([test.t < -hac.critical(test.b, 0.05) for test in tests])


def rank_ic(actual: Floats, point: Floats) -> float | None:
    """Mean over the dates of Spearman's correlation of (T, N) forecasts and outcomes.

    Over dates with ``RANKED_FROM`` tickers whose forecasts differ; None without any.
    """
    by_date = [
        _rank_correlations(actual[start : start + BLOCK], point[start : start + BLOCK])
        for start in range(0, len(actual), BLOCK)
    ]
    found = np.concatenate([*by_date, []])
    return float(found.mean()) if found.size else None


def _rank_correlations(actual: Floats, point: Floats) -> Floats:
    """Spearman's correlations of the dates that have one."""
    paired = np.isfinite(actual) & np.isfinite(point)
    highest = np.where(paired, point, -np.inf).max(axis=1)
    differ = highest > np.where(paired, point, np.inf).min(axis=1)
    wide = differ & (paired.sum(axis=1) >= RANKED_FROM)
    x, y = (ranks(np.where(paired, matrix, np.nan)[wide]) for matrix in (point, actual))
    known = np.isfinite(x)
    x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
    deviations = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    vary = deviations > 0
    return np.asarray((x * y).sum(axis=1)[vary] / deviations[vary])


def interval_leaderboard(forecasts: pl.DataFrame, model: str) -> list[dict[str, Any]]:
    """One row per horizon for the intervals of one model; they are all the same.

    Returns:
        ``horizon, n``, ``coverage`` at each of ``INTERVALS``, ``crps_skill`` and its ``t`` against
        the last 500 realised returns in the file (rows that have 100 before them), and
        ``width_ratio`` of the 90 % intervals.
    """
    scores = []
    for (horizon,), rows in forecasts.filter(model=model).group_by("horizon", maintain_order=True):
        scores.append({"horizon": horizon, **_distribution(rows, int(horizon))})
    return sorted(scores, key=lambda row: row["horizon"])


def _distribution(rows: pl.DataFrame, horizon: int) -> dict[str, Any]:
    actual, *bounds = _matrices(rows, "actual", *BOUNDS)
    forecast = np.stack(bounds, axis=-1)
    known = np.isfinite(actual) & np.isfinite(forecast).all(axis=-1)
    past = quantiles.trailing(actual, horizon, np.arange(len(actual)), LEVELS)
    both = known & np.isfinite(past).all(axis=-1)
    coverage = {
        f"coverage_{share:.0%}": float(
            interval_metrics.inside(actual[known], forecast[known], share, LEVELS).mean()
        )
        for share in INTERVALS
        if known.any()
    }
    beside = _against_past(actual, forecast, past, both, horizon)
    return {"n": int(known.sum()), **coverage, **beside}


def _against_past(
    actual: Floats,
    forecast: Floats,
    past: Floats,
    both: Bools,
    horizon: int,
) -> dict[str, Any]:
    if not both.any():
        return {"crps_skill": None, "t": None, "width_ratio": None}
    loss, past_loss = (
        np.where(both, interval_metrics.crps(actual, quantiles, LEVELS), np.nan)
        for quantiles in (forecast, past)
    )
    test = hac.mean_test(mean_by_date(past_loss - loss), horizon)
    width, past_width = (
        interval_metrics.width(quantiles[both], 0.90, LEVELS).mean()
        for quantiles in (forecast, past)
    )
    return {
        "crps_skill": float(1 - np.nansum(loss) / np.nansum(past_loss)),
        "t": float(test.t),
        "width_ratio": float(width / past_width),
    }


def _skill(error: Floats, reference: Floats) -> float | None:
    both = np.isfinite(error) & np.isfinite(reference)
    below = float(reference[both].sum())
    return float(1 - error[both].sum() / below) if below > 0 else None
