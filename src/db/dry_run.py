"""A store over another one that keeps every change in memory and writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from src.core import completeness

if TYPE_CHECKING:
    import polars as pl

    from src.core.identities import Identities
    from src.core.tables import Table
    from src.db.store import Store

# Batches of a dry run come after every stored one.
FIRST_DRY_RUN_ID = 2**62


class DryRunStore:
    """The tables of another store, with every change kept in memory and nothing written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._frames: dict[tuple[str, str], pl.DataFrame] = {}
        self._added: dict[str, list[pl.DataFrame]] = {}
        self._reserved = 0

    def load(
        self,
        table: Table,
        tickers: Sequence[str],
        until: dt.date | None = None,
        columns: Sequence[str] | None = None,
        since: dt.date | None = None,
        within: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        import polars as pl

        changed = {t: self._frames[table.name, t] for t in tickers if self._is_changed(table, t)}
        if not changed and table.name not in self._added:
            return self._store.load(table, tickers, until, columns, since, within)
        frame = self._store.load(table, [t for t in tickers if t not in changed], until)
        if changed:
            frame = pl.concat([frame, *changed.values()], how="diagonal_relaxed")
        if table.name in self._added:
            added = pl.concat(self._added[table.name]).filter(pl.col("ticker").is_in(list(tickers)))
            frame = pl.concat([frame, added], how="diagonal_relaxed")
        if "date" in frame.columns:
            date = pl.col("date")
            frame = frame.filter(date <= (until or date), date >= (since or date))
        chosen = frame.filter(**within) if within else frame
        return chosen.sort(table.key).select(columns or pl.all())

    def count_lacking(
        self,
        table: Table,
        tickers: Sequence[str],
        columns: Sequence[str],
        recent: int,
        until: dt.date | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        rows = self.load(table, tickers, until, ("ticker", "date", "warm_up", *columns))
        return completeness.count_lacking(rows, columns, recent)

    def count(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> dict[str, int]:
        """See Store."""
        rows = self.load(table, tickers, until, ("ticker",))
        return dict(rows["ticker"].value_counts().iter_rows())

    def newest(self, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        rows = self.load(table, tickers, columns=("ticker", "source", table.key[1]))
        return rows.group_by("ticker", "source").max()

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
        stored: pl.DataFrame | None = None,
    ) -> int:
        """See Store."""
        import polars as pl

        if within:
            outside = pl.any_horizontal(pl.col(n) != v for n, v in within.items())
            frame = pl.concat(
                [self.load(table, tickers).filter(outside), frame], how="diagonal_relaxed"
            )
        before = self.load(table, tickers)
        if table.name in self._added:
            others = ~pl.col("ticker").is_in(list(tickers))
            self._added[table.name] = [f.filter(others) for f in self._added[table.name]]
        for ticker in tickers:
            self._frames[table.name, ticker] = frame.filter(pl.col("ticker") == ticker)
        removed = before.join(frame, on=table.key, how="anti").height
        # Lists cannot be joined on; theirs never change alone.
        shared = [
            name
            for name, kind in frame.schema.items()
            if name in before.columns and not kind.is_nested()
        ]
        return removed + frame.join(before, on=shared, how="anti", nulls_equal=True).height

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store; what belongs to no ticker is read by nobody in a dry run, and left out."""
        import polars as pl

        if "ticker" not in frame.columns:
            return 0
        tickers = frame["ticker"].unique().to_list()
        stored = self.load(table, tickers).join(frame, on=table.key, how="anti")
        whole = pl.concat([stored, frame], how="diagonal_relaxed")
        return self.replace(table, tickers, whole)

    def insert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store; what is stored need not be read for it."""
        if "ticker" not in frame.columns:
            return 0
        self._added.setdefault(table.name, []).append(frame)
        return frame.height

    def reserve_batches(self, count: int) -> list[int]:
        """See Store; numbers count upwards from far beyond the stored ones."""
        first = FIRST_DRY_RUN_ID + self._reserved
        self._reserved += count
        return list(range(first, first + count))

    def batches_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store; without those that were added here."""
        return self._store.batches_of_files(hashes)

    def bundles_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store; without those that were added here."""
        return self._store.bundles_of_files(hashes)

    def tickers(self) -> list[str]:
        """See Store."""
        added = (frame["ticker"] for frames in self._added.values() for frame in frames)
        changed = {ticker for _, ticker in self._frames}.union(*added)
        return sorted(changed.union(self._store.tickers()))

    def identities(self, known_at: dt.datetime | None = None) -> Identities:
        """See Store; as they are stored."""
        return self._store.identities(known_at)

    def listed_tickers(self) -> set[str]:
        """See Store; as they are stored."""
        return self._store.listed_tickers()

    @contextmanager
    def transaction(self, *, read_only: bool = True) -> Iterator[None]:
        """See Store; the store below is only read, whatever is asked for."""
        with self._store.transaction(read_only=True):
            yield

    def _is_changed(self, table: Table, ticker: str) -> bool:
        return (table.name, ticker) in self._frames
