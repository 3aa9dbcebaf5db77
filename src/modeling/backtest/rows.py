"""Turn one ticker's walk-forward into the rows of the backtest's file."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.modeling.intervals.quantiles import INTERVALS, interval_bounds

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.modeling.experiment.run import WalkForwardResult


def forecast_rows(
    result: WalkForwardResult,
    ticker: str,
    calendar: Calendar,
    *,
    since: dt.date | None = None,
) -> pl.DataFrame:
    """One row per model and session of one ticker, in that order.

    Returns:
        ``ticker, made, target, horizon, model, point, actual, lo50, hi50, …, hi95``; simple
        returns, null where there is none.
    """
    panel = result.panel
    column = panel.tickers.index(ticker)
    rows = _row_numbers(result, column, since)
    made = panel.sessions[rows]
    shared = pl.DataFrame(
        {
            "made": made,
            "target": calendar.ahead_many(made, result.horizon),
            "actual": result.actual[rows, column],
            **_intervals(result, rows, column),
        }
    )
    frames = [
        shared.with_columns(
            ticker=pl.lit(ticker),
            horizon=pl.lit(result.horizon),
            model=pl.lit(name),
            point=pl.Series(points[rows, column]),
        )
        for name, points in result.series().items()
    ]
    columns = ("ticker", "made", "target", "horizon", "model", "point", "actual", "^(lo|hi).+$")
    return pl.concat(frames).select(columns).with_columns(pl.col(pl.Float64).fill_nan(None))


def _row_numbers(result: WalkForwardResult, column: int, since: dt.date | None) -> np.ndarray:
    """Complete sessions with a bar, from a date on and where distributions were computed."""
    sessions = result.panel.sessions
    wanted = np.isfinite(result.panel.close[:, column]) & result.panel.complete
    wanted[: result.distributions.since] = False
    if since is not None:
        wanted &= sessions >= np.datetime64(since)
    return np.flatnonzero(wanted)


def _intervals(result: WalkForwardResult, rows: np.ndarray, column: int) -> dict[str, np.ndarray]:
    quantiles = result.distributions.quantiles_of(rows, column)
    columns: dict[str, np.ndarray] = {}
    for share in INTERVALS:
        low, high = interval_bounds(share)
        name = f"{share:.0%}".rstrip("%")
        columns |= {f"lo{name}": quantiles[:, low], f"hi{name}": quantiles[:, high]}
    return columns
