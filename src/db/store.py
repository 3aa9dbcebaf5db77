"""The store that stages load from and write to, and the one over the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from src.db.bulk import identities, reading, writing
from src.db.bulk.cursors import cursor

if TYPE_CHECKING:
    import polars as pl

    from src.core.identities import Identities
    from src.core.tables import Table


class Store(Protocol):
    """Tables by name, for some tickers at a time; frames have the declared columns."""

    def load(
        self,
        table: Table,
        tickers: Sequence[str],
        until: dt.date | None = None,
        columns: Sequence[str] | None = None,
        since: dt.date | None = None,
        within: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """Rows in key order, with dates from ``since`` up to ``until``, both included.

        With the given ``columns``, or all; of the rows with the values ``within``, or of all.
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

    def count(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> dict[str, int]:
        """How many rows each ticker has with dates up to ``until``, by ticker that has any."""
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
        """The rows of ``ingest_batches`` of files with these hashes that still stand.

        Not those that were withdrawn, nor those with rows that were later than the clock.
        """
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
    """The live tables, over one open ADBC connection.

    Attributes:
        begin: Called with the connection at the beginning of each transaction that may write.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.begin: Callable[[Any], None] | None = None
        self._identities = identities.IdentityCache()

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
        return reading.read(self._connection, table, tickers, (since, until), columns, within)

    def count_lacking(
        self,
        table: Table,
        tickers: Sequence[str],
        columns: Sequence[str],
        recent: int,
        until: dt.date | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        return reading.count_lacking(self._connection, table, tickers, columns, recent, until)

    def count(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> dict[str, int]:
        """See Store."""
        return reading.count(self._connection, table, tickers, until)

    def newest(self, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return reading.newest(self._connection, table, tickers)

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
        stored: pl.DataFrame | None = None,
    ) -> int:
        """See Store."""
        return writing.replace(self._connection, table, tickers, frame, within, stored)

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        return writing.upsert(self._connection, table, frame)

    def insert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        return writing.insert(self._connection, table, frame)

    def reserve_batches(self, count: int) -> list[int]:
        """See Store."""
        return reading.reserve_batches(self._connection, count)

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[None]:
        """See Store."""
        try:
            if read_only:
                self._connection.rollback()  # ends the transaction of what was read before
                with cursor(self._connection) as cur:
                    cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            elif self.begin is not None:
                self._connection.rollback()  # of what was read before, its locks
                self.begin(self._connection)
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
        return reading.batches_of_files(self._connection, hashes)

    def bundles_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return reading.bundles_of_files(self._connection, hashes)

    def tickers(self) -> list[str]:
        """See Store."""
        return reading.stored_tickers(self._connection)

    def identities(self, known_at: dt.datetime | None = None) -> Identities:
        """See Store."""
        return self._identities.identities(self._connection, known_at)

    def listed_tickers(self) -> set[str]:
        """See Store."""
        return identities.listed_tickers(self._connection)

    def close(self) -> None:
        """Give the connection back; an open transaction is undone."""
        self._connection.close()
