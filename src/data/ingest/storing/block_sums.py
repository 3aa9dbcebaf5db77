"""Keep the sums of the series of a block of tickers: read once, written when they have changed."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from src.core.row_sums import add
from src.core.tables import CLEAN_SERIES, RAW_SERIES
from src.data.history.series_sums import price_sum, stored_sums, sums_frame
from src.data.sources.delivery import KEY_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from src.data.ingest.storing.appended_rows import AppendedRows
    from src.data.sources.delivery import Kind
    from src.db.store import Store

    Key = tuple[object, ...]
    Sum = tuple[int, str]


class BlockSums:
    """How many rows the stored series of some tickers have, and their sums."""

    def __init__(self, store: Store, tickers: Sequence[str]) -> None:
        self._store = store
        self._tickers = tickers
        self._stored: dict[tuple[str, str, str], Sum] | None = None

    def stored(self, kind: Kind, series: Key) -> Sum | None:
        """Rows and sum of a ticker's rows of a source before this run, where they are known."""
        if self._stored is None:
            self._stored = stored_sums(self._store, self._tickers)
        ticker, source = map(str, series)
        return self._stored.get((ticker, kind, source))

    def write(
        self,
        kind: Kind,
        changed: Mapping[Key, pl.DataFrame],
        longer: Mapping[Key, tuple[Sum, Sequence[AppendedRows]]],
    ) -> None:
        """Write the sums of series that have changed, or got rows after those of before.

        ``changed`` are all rows of series that did not only get longer: these tickers are cleaned
        as a whole the next time.
        """
        key = KEY_COLUMNS[kind]
        sums = {series: (rows.height, price_sum(rows, key)) for series, rows in changed.items()}
        for series, (before, parts) in longer.items():
            newer = [(part.rows.height, price_sum(part.rows, key)) for part in parts]
            sums[series] = reduce(_joined, newer, before)
        tickers = sorted({str(ticker) for ticker, _ in changed})
        if tickers:
            self._store.replace(CLEAN_SERIES, tickers, self._store.load(CLEAN_SERIES, []))
        if sums:
            rows = [(str(t), kind, str(source), *each) for (t, source), each in sums.items()]
            self._store.upsert(RAW_SERIES, sums_frame(rows))


def _joined(first: Sum, second: Sum) -> Sum:
    return first[0] + second[0], add(first[1], second[1])
