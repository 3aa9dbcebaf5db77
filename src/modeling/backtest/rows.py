"""A contest in, one ticker's forecasts as rows out; pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.modeling.intervals.quantiles import INTERVALS, interval_bounds

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.modeling.experiment.run import WalkForwardResult


def rows(
    contest: WalkForwardResult,
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
    panel = contest.panel
    column = panel.tickers.index(ticker)
    at = _rows(contest, column, since)
    made = panel.sessions[at]
    shared = pl.DataFrame(
        {
            "made": made,
            "target": calendar.ahead_many(made, contest.horizon),
            "actual": contest.actual[at, column],
            **_intervals(contest, at, column),
        }
    )
    parts = [
        shared.with_columns(
            ticker=pl.lit(ticker),
            horizon=pl.lit(contest.horizon),
            model=pl.lit(name),
            point=pl.Series(points[at, column]),
        )
        for name, points in contest.series().items()
    ]
    order = ["ticker", "made", "target", "horizon", "model", "point", "actual"]
    together = pl.concat(parts).select(
        *order, *(n for n in shared.columns if n[:2] in ("lo", "hi"))
    )
    return together.with_columns(pl.col(pl.Float64).fill_nan(None))


def _rows(contest: WalkForwardResult, column: int, since: dt.date | None) -> np.ndarray:
    """Rows with a bar, from a date on and where distributions may be asked for."""
    sessions = contest.panel.sessions
    wanted = np.isfinite(contest.panel.close[:, column])
    wanted[: contest.distributions.since] = False
    if since is not None:
        wanted &= sessions >= np.datetime64(since)
    return np.flatnonzero(wanted)


def _intervals(contest: WalkForwardResult, at: np.ndarray, column: int) -> dict[str, np.ndarray]:
    quantiles = contest.distributions.quantiles_of(at, column)
    found: dict[str, np.ndarray] = {}
    for share in INTERVALS:
        low, high = interval_bounds(share)
        name = f"{share:.0%}".rstrip("%")
        found |= {f"lo{name}": quantiles[:, low], f"hi{name}": quantiles[:, high]}
    return found
