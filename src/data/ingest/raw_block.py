"""Hold the batches and raw rows of a block of tickers: read once, written once at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import (
    BATCH_CONTENTS,
    CONFIRMED_SERIES,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
    Table,
)
from src.data.history.raw_rows import load_raw
from src.data.history.rebuild import valid_batches
from src.data.history.revisions import UTC

if TYPE_CHECKING:
    from src.data.history.revisions import Batch
    from src.data.sources.delivery import Delivery, Kind
    from src.db.store import Store

    Key = tuple[object, ...]

SERIES = ("ticker", "source")
CONTENTS = {
    "ticker": pl.String,
    "batch_id": pl.Int64,
    "kind": pl.String,
    "source": pl.String,
    "content": pl.Binary,
    "actions": pl.Binary,
}
TABLES: dict[Kind, Table] = {"daily": RAW_DAILY, "hourly": RAW_HOURLY}


class RawBlock:
    """What is stored of some tickers, with what the deliveries of this run have changed so far."""

    def __init__(self, store: Store, tickers: Sequence[str]) -> None:
        self.store = store
        self._tickers = tickers
        self._of_series: dict[Key, pl.DataFrame] | None = None
        self._read: dict[Kind, pl.DataFrame] = {}
        self._series: dict[Kind, dict[Key, pl.DataFrame]] = {}
        self._changed: dict[Kind, set[str]] = {"daily": set(), "hourly": set()}
        # Of a series that was only continued: the last batch of it, and the rows after those read.
        self._continued: dict[Kind, dict[Key, tuple[Batch, list[pl.DataFrame]]]]
        self._continued = {"daily": {}, "hourly": {}}
        self._no_batches = pl.DataFrame()
        # Of batches that are not stored yet: numbers for them, their rows, and what they delivered.
        self._numbers: list[int] = []
        self._added: list[pl.DataFrame] = []
        self._contents: list[tuple[object, ...]] = []
        self._revisions: list[pl.DataFrame] = []
        self._rejected: list[pl.DataFrame] = []

    def batches(self, delivery: Delivery) -> pl.DataFrame:
        """The valid batches of the delivery's series: rows of ``ingest_batches``."""
        key = (delivery.ticker, delivery.kind, delivery.vendor)
        of_series = self._batches()
        return of_series.get(key, self._no_batches)

    def prices(self, delivery: Delivery) -> pl.DataFrame:
        """The raw rows of its series with ``price_basis, fetched_at`` of their batch."""
        self._read_kind(delivery.kind)
        return self._current(delivery.kind, (delivery.ticker, delivery.vendor))

    def has_prices(self, ticker: str) -> bool:
        """Whether there are daily bars of a ticker, from any source."""
        self._read_kind("daily")
        return any(key[0] == ticker for key in self._series["daily"])

    def add_batch(
        self, delivery: Delivery, row: Mapping[str, object], content: bytes, actions: bytes
    ) -> int:
        """Add a row of ``ingest_batches`` with what was delivered; its number."""
        before = self.batches(delivery)
        if not self._numbers:
            self._numbers = self.store.reserve_batches(len(self._tickers))
        number = self._numbers.pop(0)
        added = pl.DataFrame([{"batch_id": number, **row}], schema=before.schema)
        key = (delivery.ticker, delivery.kind, delivery.vendor)
        self._batches()[key] = pl.concat([before, added])
        whose = (delivery.ticker, number, delivery.kind, delivery.vendor)
        self._contents.append((*whose, content, actions))
        self._added.append(added)
        return number

    def archive(self) -> Store:
        """The store, with all batches so far."""
        if self._added:
            self.store.insert(INGEST_BATCHES, pl.concat(self._added))
            contents = pl.DataFrame(self._contents, schema=CONTENTS, orient="row")
            self.store.insert(BATCH_CONTENTS, contents)
            self._added, self._contents = [], []
        return self.store

    def set_prices(self, delivery: Delivery, rows: pl.DataFrame) -> None:
        """Make these the raw rows of the delivery's series; columns as in ``prices``."""
        key = (delivery.ticker, delivery.vendor)
        self._series[delivery.kind][key] = rows
        self._continued[delivery.kind].pop(key, None)
        self._changed[delivery.kind].add(delivery.ticker)

    def continue_series(self, delivery: Delivery, batch: Batch, rows: pl.DataFrame) -> None:
        """Add newer rows to the delivery's series, whose other rows it had unchanged."""
        key, continued = (delivery.ticker, delivery.vendor), self._continued[delivery.kind]
        before = continued[key][1] if key in continued else []
        continued[key] = batch, [*before, rows]

    def add_revisions(self, revisions: pl.DataFrame, rejected: pl.DataFrame) -> None:
        """Note rows of ``price_revisions`` and of the quarantine."""
        for rows, noted in ((revisions, self._revisions), (rejected, self._rejected)):
            if rows.height:
                noted.append(rows)

    def write(self) -> None:
        """Write what has changed."""
        self.archive()
        for kind, tickers in self._changed.items():
            if tickers:
                self._write_prices(kind, sorted(tickers))
            self._write_continued(kind)
        for table, frames in ((PRICE_REVISIONS, self._revisions), (QUARANTINE, self._rejected)):
            if frames:
                self.store.upsert(table, pl.concat(frames))

    def _write_prices(self, kind: Kind, tickers: Sequence[str]) -> None:
        table, columns = TABLES[kind], list(TABLES[kind].columns)
        series = [self._current(kind, key) for key in self._series[kind] if key[0] in tickers]
        stored = self._read[kind].filter(pl.col("ticker").is_in(tickers)).select(columns)
        self.store.replace(table, tickers, pl.concat(series).select(columns), stored=stored)

    def _write_continued(self, kind: Kind) -> None:
        """Write the newer rows of series of tickers of which nothing else has changed."""
        whole = self._changed[kind]
        continued = {k: value for k, value in self._continued[kind].items() if k[0] not in whole}
        if not continued:
            return
        table = TABLES[kind]
        newer = pl.concat([rows for _, parts in continued.values() for rows in parts])
        self.store.insert(table, newer.select(list(table.columns)))
        confirmed = [(*key, kind, batch.batch_id) for key, (batch, _) in continued.items()]
        schema = dict.fromkeys((*SERIES, "kind"), pl.String) | {"batch_id": pl.Int64}
        self.store.upsert(CONFIRMED_SERIES, pl.DataFrame(confirmed, schema=schema, orient="row"))

    def _current(self, kind: Kind, key: Key) -> pl.DataFrame:
        """The rows of a series; where it was continued, all of them are of the last batch."""
        rows = self._series[kind].get(key)
        if rows is None:
            return self._read[kind].clear()
        if key not in self._continued[kind]:
            return rows
        batch, newer = self._continued[kind][key]
        return pl.concat([rows, *newer]).with_columns(
            batch_id=pl.lit(batch.batch_id, dtype=pl.Int64),
            fetched_at=pl.lit(batch.fetched_at).cast(UTC),
        )

    def _batches(self) -> dict[Key, pl.DataFrame]:
        """Valid batches by ticker, kind and source, read when they are first needed."""
        if self._of_series is None:
            batches = valid_batches(self.store, self._tickers)
            self._no_batches = batches.clear()
            self._of_series = _by(batches, "ticker", "kind", "source")
        return self._of_series

    def _read_kind(self, kind: Kind) -> pl.DataFrame:
        if kind not in self._read:
            self._read[kind] = with_batches(self.store, TABLES[kind], self._tickers)
            self._series[kind] = _by(self._read[kind], *SERIES)
        return self._read[kind]


def _by(rows: pl.DataFrame, *columns: str) -> dict[Key, pl.DataFrame]:
    return rows.partition_by(columns, as_dict=True, maintain_order=True)


def with_batches(store: Store, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
    """Raw rows with the ``price_basis`` and ``fetched_at`` of their batch, in key order."""
    batches = store.load(INGEST_BATCHES, tickers, columns=("batch_id", "price_basis", "fetched_at"))
    rows = load_raw(store, table, tickers)
    return rows.join(batches, on="batch_id", how="left", maintain_order="left")
