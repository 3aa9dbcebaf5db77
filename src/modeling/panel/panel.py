"""Arrange stored features and labels as matrices: one row a session, one column a ticker.

Everything that pools tickers works on these. What is missing is NaN, never filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from src.core.arrays import Bools, Days, Floats, Ints
from src.modeling.panel.stored_inputs import StoredInputs

if TYPE_CHECKING:
    import polars as pl

    from src.core.calendars.calendar import Calendar

# A session is complete when 4 of 5 tickers that had a bar in this many sessions have one.
RECENT = 5
BAR_COLUMNS = ("adj_close", "log_return", "variance")


@dataclass(frozen=True, eq=False)
class PlacedRows:
    """Rows of some columns, each with its session's row and its ticker's column; (n,)."""

    rows: Ints
    columns: Ints
    values: Mapping[str, Floats]

    def matrix(self, name: str, shape: tuple[int, int]) -> Floats:
        """A column as a matrix of this shape, NaN without a row."""
        out = np.full(shape, np.nan)
        out[self.rows, self.columns] = self.values[name]
        return out


@dataclass(frozen=True, eq=False)
class Panel:
    """Sessions by tickers.

    Attributes:
        sessions: Every session from the first to the last bar, ascending; (T,).
        tickers: Column names, ascending; N of them.
        close: Split- and dividend-adjusted; (T, N), NaN without a bar.
        log_returns: ln(C_t / C of the bar before it); (T, N). Across sessions without a bar it is
            the whole move since the last one; NaN where a corporate action waits for a decision.
        variance: The daily proxy; (T, N).
        days_ahead: Calendar days from each session to the next one; (T,).
        labels: Simple returns by horizon in sessions; (T, N), NaN where not realised.
        inputs: What models see of each ticker by itself, by name; (T, N) each.
    """

    sessions: Days
    tickers: tuple[str, ...]
    close: Floats
    log_returns: Floats
    variance: Floats
    days_ahead: Ints
    labels: Mapping[int, Floats]
    inputs: StoredInputs

    def targets(self, horizon: int) -> Floats:
        """The return over the ``horizon`` sessions after each; (T, N), NaN where not realised."""
        return self.labels[horizon]

    @cached_property
    def complete(self) -> Bools:
        """Whether at least 80 % of the tickers with a bar in the last five sessions have one."""
        present = np.isfinite(self.close)
        recent = present.copy()
        for back in range(1, min(RECENT, len(present))):
            recent[back:] |= present[:-back]
        there, expected = present.sum(axis=1), recent.sum(axis=1)
        return np.asarray((there > 0) & (5 * there >= 4 * expected))

    @property
    def last_complete(self) -> int:
        """Row of the last complete session."""
        return int(np.flatnonzero(self.complete)[-1])

    def select(
        self, rows: slice = slice(None), columns: Ints | Bools | slice = slice(None)
    ) -> Panel:
        """The sessions of a slice and some of the tickers, in the panel's order.

        As if no later session were stored: labels that end after the slice are not realised.
        """
        first, end, step = rows.indices(len(self.sessions))
        if step != 1:
            raise ValueError("labels count sessions: the rows of a panel stand next to each other")
        end, chosen = max(end, first), np.arange(len(self.tickers))[columns]

        def cut(values: Floats) -> Floats:
            return values[first:end][:, chosen]

        labels = {horizon: cut(values) for horizon, values in self.labels.items()}
        for horizon, values in labels.items():
            values[max(end - first - horizon, 0) :] = np.nan
        return Panel(
            self.sessions[first:end],
            tuple(self.tickers[column] for column in chosen),
            close=cut(self.close),
            log_returns=cut(self.log_returns),
            variance=cut(self.variance),
            days_ahead=self.days_ahead[first:end],
            labels=labels,
            inputs=self.inputs.select(first, end, chosen),
        )


def build(
    features: pl.DataFrame,
    names: Sequence[str],
    labels: Mapping[int, pl.DataFrame],
    calendar: Calendar,
) -> Panel:
    """The panel of rows of ``features_daily`` and of the tables of labels, in key order.

    Args:
        features: At least one row.
        names: Of the elements of ``inputs``.
        labels: Rows with ``ticker, date, target``, by horizon in sessions.
        calendar: The exchange's sessions.

    Raises:
        ValueError: There is no row.
    """
    return assemble(features, names, [features["inputs"]], labels, calendar)


def assemble(
    bars: pl.DataFrame,
    names: Sequence[str],
    inputs: Iterable[pl.Series],
    labels: Mapping[int, pl.DataFrame],
    calendar: Calendar,
) -> Panel:
    """``build`` from parts: ``bars`` without inputs, and these in pieces, in the order of the bars.

    So that the inputs of all tickers need not be in memory twice.
    """
    if bars.is_empty():
        raise ValueError("a panel needs at least one bar")
    tickers = tuple(bars["ticker"].unique().sort().to_list())
    dates = bars["date"].to_numpy().astype("datetime64[D]")
    days = calendar.array
    sessions = days[(days >= dates.min()) & (days <= dates.max())]
    placed = _placed(bars, BAR_COLUMNS, sessions, tickers)
    return panel_of_rows(
        sessions,
        tickers,
        placed,
        {h: _placed(frame, ("target",), sessions, tickers) for h, frame in labels.items()},
        _stored_inputs(tuple(names), inputs, placed, (sessions.size, len(tickers))),
        calendar,
    )


def panel_of_rows(
    sessions: Days,
    tickers: tuple[str, ...],
    bars: PlacedRows,
    labels: Mapping[int, PlacedRows],
    inputs: StoredInputs,
    calendar: Calendar,
) -> Panel:
    """The panel of rows with ``BAR_COLUMNS``, and of rows with a ``target`` by horizon."""
    days = calendar.array
    following = days[np.searchsorted(days, sessions) + 1]
    close, log_returns, variance = (bars.matrix(name, inputs.shape) for name in BAR_COLUMNS)
    return Panel(
        sessions,
        tickers,
        close=close,
        log_returns=log_returns,
        variance=variance,
        days_ahead=(following - sessions).astype(np.int64),
        labels={horizon: rows.matrix("target", inputs.shape) for horizon, rows in labels.items()},
        inputs=inputs,
    )


def matrix(frame: pl.DataFrame, name: str, panel: Panel) -> Floats:
    """A column of long rows of a panel's sessions and tickers; (T, N), NaN without a row."""
    placed = _placed(frame, (name,), panel.sessions, panel.tickers)
    return placed.matrix(name, panel.close.shape)


def _placed(
    frame: pl.DataFrame, names: Sequence[str], sessions: Days, tickers: Sequence[str]
) -> PlacedRows:
    places = _positions(frame, sessions, tickers)
    return PlacedRows(*places, {name: frame[name].to_numpy() for name in names})


def _positions(frame: pl.DataFrame, sessions: Days, tickers: Sequence[str]) -> tuple[Ints, Ints]:
    """Session and ticker of each row, as a row and a column of the panel."""
    import polars as pl

    rows = np.searchsorted(sessions, frame["date"].to_numpy().astype("datetime64[D]"))
    codes: Any = frame["ticker"].cast(pl.Enum(tickers)).to_physical()
    return rows, codes.to_numpy().astype(np.int64)


def _stored_inputs(
    names: tuple[str, ...], pieces: Iterable[pl.Series], bars: PlacedRows, shape: tuple[int, int]
) -> StoredInputs:
    order = np.lexsort((bars.columns, bars.rows))
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    values = np.empty((order.size, len(names)), dtype=np.float32)
    start = 0
    for piece in pieces:
        end = start + len(piece)
        values[place[start:end]] = piece.explode().to_numpy().reshape(-1, len(names))
        start = end
    return StoredInputs(names, bars.rows[order], bars.columns[order], values, shape)


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
