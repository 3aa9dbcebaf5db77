"""The bars, model inputs and labels of a pool as rows in order of sessions.

A panel is made of them, and made into them. Newer rows stand behind those of before, so that what
has been read of a pool once need not be read again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from src.core.arrays import Bools, Days, Floats, Ints, Singles
from src.modeling.panel.assemble import PlacedRows, panel_of_rows
from src.modeling.panel.panel import BAR_COLUMNS, Panel, StoredInputs

if TYPE_CHECKING:
    import polars as pl

    from src.core.calendars.calendar import Calendar

_KEY = [("day", "<i4"), ("ticker", "<i4")]
# Days are counted from 1970-01-01; a ticker is its place in the list of them.
BAR = np.dtype([*_KEY, *((name, "<f8") for name in BAR_COLUMNS)])
LABEL = np.dtype([*_KEY, ("target", "<f8")])
Records = npt.NDArray[np.void]


@dataclass(frozen=True, eq=False)
class PanelRows:
    """Rows of a pool.

    Attributes:
        tickers: Ascending.
        bars: As ``BAR``, by session and then by ticker; (n,).
        inputs: Model inputs of each bar; (n, names).
        labels: Realised ones as ``LABEL``, in any order, by horizon in sessions; (m,) each.
    """

    tickers: tuple[str, ...]
    bars: Records
    inputs: Singles
    labels: Mapping[int, Records]

    def counts(self) -> Ints:
        """Bars of each ticker."""
        return np.bincount(self.bars["ticker"], minlength=len(self.tickers))

    def select(self, chosen: Sequence[str]) -> PanelRows:
        """Those of some of the tickers."""
        kept = np.isin(self.tickers, chosen)
        if kept.all():
            return self
        places = np.cumsum(kept) - 1
        there = kept[self.bars["ticker"]]

        def of_kept(rows: Records, there: Bools) -> Records:
            rows = rows[there]
            rows["ticker"] = places[rows["ticker"]]
            return rows

        return PanelRows(
            tuple(ticker for ticker, is_kept in zip(self.tickers, kept, strict=True) if is_kept),
            of_kept(self.bars, there),
            self.inputs[there],
            {h: of_kept(rows, kept[rows["ticker"]]) for h, rows in self.labels.items()},
        )


def follows(newer: PanelRows, last: dt.date) -> bool:
    """Whether all bars are of sessions after the last one."""
    return not newer.bars.size or bool(newer.bars["day"][0].astype("datetime64[D]").item() > last)


def merge(first: PanelRows, second: PanelRows) -> PanelRows:
    """The rows of both, in order; of the same bars there may be none in both."""
    tickers = tuple(sorted({*first.tickers, *second.tickers}))
    parts = [_coded(rows, tickers) for rows in (first, second)]
    bars = np.concatenate([bars for bars, _ in parts])
    order = np.lexsort((bars["ticker"], bars["day"]))
    inputs = np.concatenate([first.inputs, second.inputs])
    labels = {
        horizon: np.concatenate([labels[horizon] for _, labels in parts])
        for horizon in first.labels
    }
    return PanelRows(tickers, bars[order], inputs[order], labels)


def _coded(rows: PanelRows, tickers: Sequence[str]) -> tuple[Records, dict[int, Records]]:
    """Bars and labels with the places of their tickers in a longer list."""
    places = np.searchsorted(tickers, rows.tickers)

    def coded(records: Records) -> Records:
        records = records.copy()
        records["ticker"] = places[records["ticker"]]
        return records

    return coded(rows.bars), {h: coded(labels) for h, labels in rows.labels.items()}


def rows_of_frames(
    bars: pl.DataFrame, labels: Mapping[int, pl.DataFrame], tickers: Sequence[str], inputs: int
) -> PanelRows:
    """Rows of ``features_daily`` with so many ``inputs``, and of the tables of labels."""
    bars = bars.sort("date", "ticker")
    values = bars["inputs"].explode(empty_as_null=False).to_numpy().reshape(-1, inputs)
    return PanelRows(
        tuple(tickers),
        _records(bars, BAR, tickers),
        values.astype(np.float32),
        {horizon: _records(frame, LABEL, tickers) for horizon, frame in labels.items()},
    )


def _records(frame: pl.DataFrame, kind: np.dtype[np.void], tickers: Sequence[str]) -> Records:
    import polars as pl

    rows = np.empty(frame.height, dtype=kind)
    codes: Any = frame["ticker"].cast(pl.Enum(tickers)).to_physical()
    rows["day"], rows["ticker"] = frame["date"].to_physical().to_numpy(), codes.to_numpy()
    for name in kind.names or ():
        if name not in ("day", "ticker"):
            rows[name] = frame[name].to_numpy()
    return rows


def rows_of_panel(panel: Panel) -> PanelRows:
    """The rows that a panel is made of."""
    days = panel.sessions.astype("datetime64[D]").astype(np.int32)

    def records(kind: np.dtype[np.void], places: tuple[Ints, Ints], *matrices: Floats) -> Records:
        rows, columns = places
        made = np.empty(rows.size, dtype=kind)
        made["day"], made["ticker"] = days[rows], columns
        for name, matrix in zip((kind.names or ())[len(_KEY) :], matrices, strict=True):
            made[name] = matrix[rows, columns]
        return made

    places = panel.inputs.rows, panel.inputs.columns
    return PanelRows(
        panel.tickers,
        records(BAR, places, panel.close, panel.log_returns, panel.variance),
        panel.inputs.per_bar,
        {
            horizon: records(LABEL, _places(target), target)
            for horizon, target in panel.labels.items()
        },
    )


def _places(matrix: Floats) -> tuple[Ints, Ints]:
    rows, columns = np.nonzero(np.isfinite(matrix))
    return rows, columns


def panel_of(rows: PanelRows, names: Sequence[str], calendar: Calendar) -> Panel:
    """The panel of at least one bar; ``names`` are those of the model inputs."""
    days = rows.bars["day"].astype("datetime64[D]")
    sessions = calendar.array
    sessions = sessions[(sessions >= days[0]) & (sessions <= days[-1])]
    bars, shape = _placed(rows.bars, sessions), (sessions.size, len(rows.tickers))
    return panel_of_rows(
        sessions,
        rows.tickers,
        bars,
        {horizon: _placed(labels, sessions) for horizon, labels in rows.labels.items()},
        StoredInputs(tuple(names), bars.rows, bars.columns, rows.inputs, shape),
        calendar,
    )


def _placed(records: Records, sessions: Days) -> PlacedRows:
    days = records["day"].astype("datetime64[D]")
    values = {n: records[n] for n in records.dtype.names or () if n not in ("day", "ticker")}
    return PlacedRows(np.searchsorted(sessions, days), records["ticker"].astype(np.int64), values)
