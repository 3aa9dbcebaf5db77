"""What stages load from and write to: the database, or the database with changes held aside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from src.core.tables import INGEST_BATCHES, Table
from src.db import bulk

if TYPE_CHECKING:
    import polars as pl


class Store(Protocol):
    """Tables by name, for some tickers at a time; frames have the declared columns."""

    def load(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> pl.DataFrame:
        """Rows in key order, with dates up to and including ``until``."""
        ...

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
    ) -> int:
        """Make ``frame`` the whole of ``tickers``, or of their rows with the values ``within``.

        Returns the number of rows that changed.
        """
        ...

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """Insert or update by key; the number of rows that changed."""
        ...

    def add_batch(self, batch: dict[str, Any], content: bytes) -> int:
        """Store a row of ``ingest_batches`` and what was delivered; its new id."""
        ...

    def tickers(self) -> list[str]:
        """Every ticker that prices are stored of."""
        ...

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Readers see all writes inside, or none."""
        ...


class PostgresStore:
    """The live tables, over one open ADBC connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def load(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> pl.DataFrame:
        """See Store."""
        return bulk.read(self._connection, table, tickers, until.isoformat() if until else None)

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
    ) -> int:
        """See Store."""
        return bulk.replace(self._connection, table, tickers, frame, within)

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        return bulk.upsert(self._connection, table, frame)

    def add_batch(self, batch: dict[str, Any], content: bytes) -> int:
        """See Store."""
        names = [name for name in INGEST_BATCHES.columns if name != "batch_id"]
        marks = [f"${i}::{INGEST_BATCHES.columns[n]}" for i, n in enumerate(names, 1)]
        with bulk.cursor(self._connection) as cur:
            cur.execute(
                f"WITH added AS (INSERT INTO ingest_batches ({', '.join(names)}) "  # noqa: S608 own names
                f"VALUES ({', '.join(marks)}) RETURNING batch_id, ticker, kind, source) "
                "INSERT INTO batch_contents (batch_id, ticker, kind, source, content) "
                f"SELECT *, ${len(names) + 1}::bytea FROM added RETURNING batch_id",
                (*(batch[n] for n in names), content),
            )
            return int(cur.fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See Store."""
        try:
            yield
        except BaseException:
            # What ended the work is told, not that undoing it failed as well (an interrupted call
            # leaves the connection busy): closing it undoes it.
            with suppress(Exception):
                self._connection.rollback()
            raise
        self._connection.commit()

    def tickers(self) -> list[str]:
        """See Store."""
        with bulk.cursor(self._connection) as cur:
            cur.execute("SELECT DISTINCT ticker FROM ingest_batches ORDER BY ticker")
            return [row[0] for row in cur.fetchall()]

    def close(self) -> None:
        """Give the connection back; an open transaction is undone."""
        self._connection.close()


class DryRunStore:
    """Another store's tables with every change kept in memory and nothing written."""

    def __init__(self, below: Store) -> None:
        self._below = below
        self._frames: dict[tuple[str, str], pl.DataFrame] = {}
        self._batches: list[dict[str, Any]] = []

    def load(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> pl.DataFrame:
        """See Store."""
        import polars as pl

        stored = self._below.load(table, [t for t in tickers if not self._held(table, t)], until)
        held = [self._frames[table.name, t] for t in tickers if self._held(table, t)]
        frame = pl.concat([stored, *held], how="diagonal_relaxed") if held else stored
        if table == INGEST_BATCHES and self._batches:
            aside = pl.DataFrame(self._batches, schema=frame.schema)
            frame = pl.concat([frame, aside.filter(pl.col("ticker").is_in(list(tickers)))])
        if until is not None and "date" in frame.columns:
            frame = frame.filter(pl.col("date") <= until)
        return frame.sort(table.key)

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
    ) -> int:
        """See Store."""
        import polars as pl

        if within:
            outside = pl.any_horizontal(pl.col(n) != v for n, v in within.items())
            kept = self.load(table, tickers).filter(outside)
            frame = pl.concat([kept, frame], how="diagonal_relaxed")
        before = self.load(table, tickers)
        for ticker in tickers:
            self._frames[table.name, ticker] = frame.filter(pl.col("ticker") == ticker)
        gone = before.join(frame, on=table.key, how="anti").height
        known = [name for name in frame.columns if name in before.columns]
        return gone + frame.join(before, on=known, how="anti", nulls_equal=True).height

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        tickers = frame["ticker"].unique().to_list()
        import polars as pl

        stored = self.load(table, tickers).join(frame, on=table.key, how="anti")
        whole = pl.concat([stored, frame], how="diagonal_relaxed")
        return self.replace(table, tickers, whole)

    def add_batch(self, batch: dict[str, Any], content: bytes) -> int:
        """See Store; batches held aside count downwards from -1, and their content is not kept."""
        number = -1 - len(self._batches)
        self._batches.append({"batch_id": number, **batch})
        return number

    def tickers(self) -> list[str]:
        """See Store; those below and those whose rows are held aside."""
        return sorted({*self._below.tickers(), *(ticker for _, ticker in self._frames)})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See Store."""
        yield

    def _held(self, table: Table, ticker: str) -> bool:
        return (table.name, ticker) in self._frames
