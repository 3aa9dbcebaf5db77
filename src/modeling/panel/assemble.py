"""Arrange stored features and labels as the matrices of a panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Days, Floats, Ints
from src.modeling.panel.panel import BAR_COLUMNS, Panel, StoredInputs

if TYPE_CHECKING:
    import polars as pl

    from src.core.calendars.calendar import Calendar


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
    days, dates = calendar.array, bars["date"]
    first, last = (np.datetime64(str(day), "D") for day in (dates.min(), dates.max()))
    sessions = days[(days >= first) & (days <= last)]
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
