"""The store that stages load from and write to: the database, or a dry run over it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from src.core.tables import INGEST_BATCHES, Table
from src.db import bulk, completeness, instruments

if TYPE_CHECKING:
    import polars as pl

    from src.core.identities import Identities

# Batches of a dry run come after every stored one.
FIRST_DRY_RUN_ID = 2**62


class Store(Protocol):
    """Tables by name, for some tickers at a time; frames have the declared columns."""

    def load(
        self,
        table: Table,
        tickers: Sequence[str],
        until: dt.date | None = None,
        columns: Sequence[str] | None = None,
        since: dt.date | None = None,
    ) -> pl.DataFrame:
        """Rows in key order, with dates from ``since`` up to ``until``, both included.

        With the given ``columns``, or all.
        """
        ...

    def count_lacking(
        self,
        table: Table,
        tickers: Sequence[str],
        columns: Sequence[str],
        recent: int,
        until: dt.date | None = None,
    ) -> pl.DataFrame:
        """What rows with a ``warm_up`` lack, one row a ticker that has any, by ticker.

        ``rows``, those that are ``usable`` (beyond the warm-up), those of them ``lacking`` a value
        in one of the columns, the values ``not_finite``, and the date of the ``recent``-th newest
        row, or of the oldest.
        """
        ...

    def newest(self, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
        """The last date or time of each series in a table of raw prices.

        Columns ``ticker``, ``source`` and that of the time, which is the second of the key.
        """
        ...

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
        stored: pl.DataFrame | None = None,
    ) -> int:
        """Make ``frame`` the whole of ``tickers``, or of their rows with the values ``within``.

        ``stored`` are the tickers' rows, where the caller has read them before.

        Returns the number of rows that changed.
        """
        ...

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """Insert or update by key; the number of rows that changed."""
        ...

    def insert(self, table: Table, frame: pl.DataFrame) -> int:
        """Write rows whose keys the table does not have yet; the number of rows."""
        ...

    def reserve_batches(self, count: int) -> list[int]:
        """The numbers of so many rows of ``ingest_batches`` that are to be inserted."""
        ...

    def batches_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """The rows of ``ingest_batches`` of files with these hashes, but for withdrawn ones."""
        ...

    def bundles_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """The rows of ``bundle_files`` of all bundles that have one of the files in them."""
        ...

    def tickers(self) -> list[str]:
        """All tickers of today that have stored prices, in order."""
        ...

    def identities(self, known_at: dt.datetime | None = None) -> Identities:
        """Whose the rows under each symbol are that was changed, as stated by a time in UTC."""
        ...

    def listed_tickers(self) -> set[str]:
        """All tickers with facts of their listing."""
        ...

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[None]:
        """All writes inside become visible at once, or none does.

        With ``read_only`` nothing can be written, and all reads see the tables as they are at the
        first of them.
        """
        ...


class PostgresStore:
    """The live tables, over one open ADBC connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._identities = instruments.IdentityCache()

    def load(
        self,
        table: Table,
        tickers: Sequence[str],
        until: dt.date | None = None,
        columns: Sequence[str] | None = None,
        since: dt.date | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        return bulk.read(self._connection, table, tickers, (since, until), columns)

    def count_lacking(
        self,
        table: Table,
        tickers: Sequence[str],
        columns: Sequence[str],
        recent: int,
        until: dt.date | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        return bulk.count_lacking(self._connection, table, tickers, columns, recent, until)

    def newest(self, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return bulk.newest(self._connection, table, tickers)

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
        stored: pl.DataFrame | None = None,
    ) -> int:
        """See Store."""
        return bulk.replace(self._connection, table, tickers, frame, within, stored)

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        return bulk.upsert(self._connection, table, frame)

    def insert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        return bulk.insert(self._connection, table, frame)

    def reserve_batches(self, count: int) -> list[int]:
        """See Store."""
        with bulk.cursor(self._connection) as cur:
            bulk.execute(
                cur,
                "SELECT nextval(pg_get_serial_sequence($1, 'batch_id')) "
                "FROM generate_series(1, $2::integer)",
                (INGEST_BATCHES.name, count),
            )
            return bulk.fetch(cur).to_series().to_list()

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[None]:
        """See Store."""
        try:
            if read_only:
                self._connection.rollback()  # ends the transaction of what was read before
                with bulk.cursor(self._connection) as cur:
                    cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        except BaseException:
            # The error to report is the first one. An interrupted call leaves the connection busy,
            # so that rolling back fails as well; closing the connection rolls back then.
            with suppress(Exception):
                self._connection.rollback()
            raise
        self._connection.commit()

    def batches_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return bulk.batches_of_files(self._connection, hashes)

    def bundles_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return bulk.bundles_of_files(self._connection, hashes)

    def tickers(self) -> list[str]:
        """See Store."""
        with bulk.cursor(self._connection) as cur:
            cur.execute("SELECT ticker FROM stored_tickers ORDER BY ticker")
            return bulk.fetch(cur).to_series().to_list()

    def identities(self, known_at: dt.datetime | None = None) -> Identities:
        """See Store."""
        return self._identities.identities(self._connection, known_at)

    def listed_tickers(self) -> set[str]:
        """See Store."""
        return instruments.listed_tickers(self._connection)

    def close(self) -> None:
        """Give the connection back; an open transaction is undone."""
        self._connection.close()


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
    ) -> pl.DataFrame:
        """See Store."""
        import polars as pl

        changed = {t: self._frames[table.name, t] for t in tickers if self._is_changed(table, t)}
        if not changed and table.name not in self._added:
            return self._store.load(table, tickers, until, columns, since)
        frame = self._store.load(table, [t for t in tickers if t not in changed], until)
        if changed:
            frame = pl.concat([frame, *changed.values()], how="diagonal_relaxed")
        if table.name in self._added:
            added = pl.concat(self._added[table.name]).filter(pl.col("ticker").is_in(list(tickers)))
            frame = pl.concat([frame, added], how="diagonal_relaxed")
        if "date" in frame.columns:
            date = pl.col("date")
            frame = frame.filter(date <= (until or date), date >= (since or date))
        return frame.sort(table.key).select(columns or pl.all())

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
        return completeness.of_frame(rows, columns, recent)

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
