"""Keep features and labels as matrices: one row a session, one column a ticker.

Everything that pools tickers works on these. What is missing is NaN, never filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from src.core.arrays import Bools, Days, Floats, Ints, Singles

# A session is complete when 4 of 5 tickers that had a bar in this many sessions have one.
RECENT = 5
BAR_COLUMNS = ("adj_close", "log_return", "variance")


@dataclass(eq=False)
class StoredInputs(Mapping[str, Singles]):
    """What ``features_daily.inputs`` holds: a (T, N) matrix by name, NaN where it is not known.

    Kept as one row a bar, since young tickers would leave most of the matrices empty; a matrix is
    made at its first use.

    Attributes:
        names: In the order of ``per_bar``.
        rows, columns: Session and ticker of each bar, by session and then by ticker; (n,).
        per_bar: (n, names).
        shape: Of the matrices.
    """

    names: tuple[str, ...]
    rows: Ints
    columns: Ints
    per_bar: Singles
    shape: tuple[int, int]

    def __getitem__(self, name: str) -> Singles:
        out = np.full(self.shape, np.nan, dtype=np.float32)
        out[self.rows, self.columns] = self.per_bar[:, self.names.index(name)]
        return out

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def let_go(self) -> None:
        """Give the memory back, a third of what training on a large pool needs.

        Nothing of them can be read afterwards.
        """
        del self.rows, self.columns, self.per_bar

    def select(self, first: int, end: int, chosen: Ints) -> StoredInputs:
        """Those of the sessions from ``first`` to before ``end``, and of some tickers."""
        place = np.full(self.shape[1], -1)
        place[chosen] = np.arange(chosen.size)
        kept = (self.rows >= first) & (self.rows < end) & (place[self.columns] >= 0)
        return replace(
            self,
            rows=self.rows[kept] - first,
            columns=place[self.columns[kept]],
            per_bar=self.per_bar[kept],
            shape=(end - first, chosen.size),
        )


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
