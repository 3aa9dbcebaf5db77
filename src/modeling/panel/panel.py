"""Arrange clean bars as matrices: one row a session, one column a ticker.

Everything that pools tickers works on these. A bar that is missing is NaN, never filled. Prices are
split- and dividend-adjusted alike: open, high and low are scaled by adj_close / close.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

    from src.core.calendars.calendar import Calendar

Days = npt.NDArray[np.datetime64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MATRICES = ("open", "high", "low", "close", "volume", "pending")


@dataclass(frozen=True, eq=False)
class Panel:
    """Sessions by tickers.

    Attributes:
        sessions: Every session from the first to the last bar, ascending; (T,).
        tickers: Column names, ascending; N of them.
        open, high, low, close: Adjusted prices; (T, N), NaN without a bar.
        volume: Split-adjusted shares; (T, N).
        pending: Sessions whose move waits for a decision on a corporate action; (T, N).
    """

    sessions: Days
    tickers: tuple[str, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    pending: Bools
    cache: dict[str, Floats] = field(default_factory=dict, init=False, repr=False)

    @property
    def log_returns(self) -> Floats:
        """ln(C_t / C of the bar before it), NaN without both; (T, N).

        Across sessions without a bar it is the whole move since the last one.
        """
        if "log_returns" not in self.cache:
            last = previous_bar(self.close)
            self.cache["log_returns"] = np.log(self.close / last)
        return self.cache["log_returns"]

    def targets(self, horizon: int) -> Floats:
        """C_{t+h} / C_t - 1 with t+h counted in sessions; (T, N).

        NaN where either bar is missing, the label is not realised yet, or a pending move lies
        after t and up to t+h: it may be an unadjusted split.
        """
        out = np.full(self.close.shape, np.nan)
        if horizon < self.sessions.size:
            out[:-horizon] = self.close[horizon:] / self.close[:-horizon] - 1
            moves = np.cumsum(self.pending, axis=0)
            out[:-horizon][moves[horizon:] > moves[:-horizon]] = np.nan
        return out


def build(clean: pl.DataFrame, calendar: Calendar) -> Panel:
    """The panel of rows of ``raw_daily_prices_clean``; raises ValueError when there are none."""
    if clean.is_empty():
        raise ValueError("a panel needs at least one bar")
    tickers = tuple(clean["ticker"].unique().sort().to_list())
    dates = clean["date"].to_numpy().astype("datetime64[D]")
    calendar_days = calendar.array
    sessions = calendar_days[(calendar_days >= dates.min()) & (calendar_days <= dates.max())]
    rows = np.searchsorted(sessions, dates)
    columns = np.searchsorted(np.array(tickers), clean["ticker"].to_numpy().astype(str))
    scale = clean["adj_close"].to_numpy() / clean["close"].to_numpy()

    def matrix(values: Floats) -> Floats:
        out = np.full((sessions.size, len(tickers)), np.nan)
        out[rows, columns] = values
        return out

    pending = np.zeros((sessions.size, len(tickers)), dtype=bool)
    pending[rows, columns] = clean["action_pending"].to_numpy()
    return Panel(
        sessions,
        tickers,
        open=matrix(clean["open"].to_numpy() * scale),
        high=matrix(clean["high"].to_numpy() * scale),
        low=matrix(clean["low"].to_numpy() * scale),
        close=matrix(clean["adj_close"].to_numpy()),
        volume=matrix(clean["volume"].to_numpy()),
        pending=pending,
    )


def previous_bar(values: Floats) -> Floats:
    """The last value before each row, NaN where there is none; (T, N)."""
    rows = np.where(np.isfinite(values), np.arange(len(values))[:, None], -1)
    last = np.maximum.accumulate(rows, axis=0)
    before = np.vstack([np.full((1, values.shape[1]), -1), last[:-1]])
    previous = np.take_along_axis(values, np.maximum(before, 0), axis=0)
    return np.where(before >= 0, previous, np.nan)


def pivot_wide(dates: Days, tickers: npt.NDArray[np.str_], *columns: Floats) -> list[Floats]:
    """Long columns, one row a date and ticker, as (T, N) matrices: ascending dates and tickers.

    Raises:
        ValueError: For a date and ticker that occur twice.
    """
    days, row = np.unique(dates, return_inverse=True)
    names, column = np.unique(tickers, return_inverse=True)
    position = row * names.size + column
    if np.unique(position).size < position.size:
        raise ValueError("each ticker may have one forecast a date")
    matrices = [np.full(days.size * names.size, np.nan) for _ in columns]
    for matrix, values in zip(matrices, columns, strict=True):
        matrix[position] = values
    return [matrix.reshape(days.size, names.size) for matrix in matrices]


def mean_by_date(values: Floats, *, at_least: int = 1) -> Floats:
    """Mean over the tickers that have a value; (T,), NaN on dates with fewer than ``at_least``."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.where(counts >= at_least, sums / np.maximum(counts, 1), np.nan)
