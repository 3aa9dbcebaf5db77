"""Hold the batches and raw rows of a block of tickers: read once, written once at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.row_sums import NOTHING
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
from src.data.history.series_sums import price_sum, rows_after
from src.data.ingest.storing.appended_rows import AppendedRows, raw_rows_of, rejected_rows_of
from src.data.ingest.storing.block_sums import BlockSums
from src.data.sources.delivery import KEY_COLUMNS

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
        self._newest: dict[Kind, dict[Key, object]] = {}
        self._sums = BlockSums(store, tickers)
        self._read: dict[Kind, pl.DataFrame] = {}
        self._series: dict[Kind, dict[Key, pl.DataFrame]] = {}
        self._changed: dict[Kind, set[str]] = {"daily": set(), "hourly": set()}
        # Of a series: rows after those read, and the last batch that had all rows before its own.
        self._appended: dict[Kind, dict[Key, list[AppendedRows]]] = {"daily": {}, "hourly": {}}
        self._confirmed: dict[Kind, dict[Key, Batch]] = {"daily": {}, "hourly": {}}
        self._no_batches = pl.DataFrame()
        # Of batches that are not stored yet: numbers for them, their rows, and what they delivered.
        self._numbers: list[int] = []
        self._added: list[dict[str, object]] = []
        self._added_to: dict[Key, list[dict[str, object]]] = {}
        self._contents: list[tuple[object, ...]] = []
        self._revisions: list[pl.DataFrame] = []
        self._rejected: list[pl.DataFrame] = []
        self._refusing: list[AppendedRows] = []

    def batches(self, delivery: Delivery) -> pl.DataFrame:
        """The valid batches of the delivery's series: rows of ``ingest_batches``."""
        key = (delivery.ticker, delivery.kind, delivery.vendor)
        batches = self._batches()
        of_series = batches.get(key, self._no_batches)
        if added := self._added_to.pop(key, None):
            of_series = pl.concat([of_series, pl.DataFrame(added, schema=of_series.schema)])
            batches[key] = of_series
        return of_series

    def prices(self, delivery: Delivery) -> pl.DataFrame:
        """The raw rows of its series with ``price_basis, fetched_at`` of their batch."""
        self._read_kind(delivery.kind)
        return self._current(delivery.kind, (delivery.ticker, delivery.vendor))

    def rows_after(self, delivery: Delivery) -> pl.DataFrame | None:
        """The delivery's rows after those stored; None unless it has all of these, unchanged.

        None also where the series has none, or rows on another price basis.
        """
        kind, basis = delivery.kind, delivery.price_basis
        series = (delivery.ticker, delivery.vendor)
        bases = self.batches(delivery)["price_basis"].unique().to_list()
        known = self._sums.stored(kind, series)
        is_touched = delivery.ticker in self._changed[kind] or series in self._appended[kind]
        if known is None or is_touched or bases != [basis]:
            stored = self.prices(delivery)
            if stored.is_empty() or stored["price_basis"].unique().to_list() != [basis]:
                return None
            known = stored.height, price_sum(stored, delivery.key)
        return rows_after(delivery, *known)

    def newest(self, delivery: Delivery) -> object:
        """The last date or time of its series' rows, None where there is none.

        What is stored of it need not be read for that.
        """
        kind, key = delivery.kind, (delivery.ticker, delivery.vendor)
        if delivery.ticker in self._changed[kind]:
            return self.prices(delivery)[delivery.key].max()
        lasts = [part.rows[delivery.key].max() for part in self._appended[kind].get(key, ())]
        stored = self._newest_stored(kind).get(key)
        times: list[Any] = [last for last in (stored, *lasts) if last is not None]
        return max(times, default=None)

    def has_prices(self, ticker: str) -> bool:
        """Whether there are daily bars of a ticker, from any source."""
        series = (self._newest_stored("daily"), self._series.get("daily", ()))
        appended = self._appended["daily"]
        return any(key[0] == ticker for keys in (*series, appended) for key in keys)

    def add_batch(
        self, delivery: Delivery, row: Mapping[str, object], content: bytes, actions: bytes
    ) -> int:
        """Add a row of ``ingest_batches`` with what was delivered; its number."""
        self._batches()
        if not self._numbers:
            self._numbers = self.store.reserve_batches(len(self._tickers))
        number = self._numbers.pop(0)
        key = (delivery.ticker, delivery.kind, delivery.vendor)
        added = {"batch_id": number, **row}
        self._added.append(added)
        self._added_to.setdefault(key, []).append(added)
        whose = (delivery.ticker, number, delivery.kind, delivery.vendor)
        self._contents.append((*whose, content, actions))
        return number

    def archive(self) -> Store:
        """The store, with all batches so far."""
        if self._added:
            added = pl.DataFrame(self._added, schema=self._no_batches.schema)
            self.store.insert(INGEST_BATCHES, added)
            contents = pl.DataFrame(self._contents, schema=CONTENTS, orient="row")
            self.store.insert(BATCH_CONTENTS, contents)
            self._added, self._contents = [], []
        return self.store

    def set_prices(self, delivery: Delivery, rows: pl.DataFrame) -> None:
        """Make these the raw rows of the delivery's series; columns as in ``prices``."""
        key = (delivery.ticker, delivery.vendor)
        self._series[delivery.kind][key] = rows
        self._appended[delivery.kind].pop(key, None)
        self._confirmed[delivery.kind].pop(key, None)
        self._changed[delivery.kind].add(delivery.ticker)

    def append(
        self, delivery: Delivery, batch: Batch, rows: pl.DataFrame, *, confirms: bool = False
    ) -> None:
        """Add newer rows of a delivery to its series, and what it rejected itself.

        It ``confirms`` the others of the series where it had all of them, unchanged.
        """
        key = (delivery.ticker, delivery.vendor)
        appended = AppendedRows(delivery, batch, rows)
        self._appended[delivery.kind].setdefault(key, []).append(appended)
        if confirms:
            self._confirmed[delivery.kind][key] = batch
        self._refusing.append(appended)

    def add_revisions(self, revisions: pl.DataFrame, rejected: pl.DataFrame) -> None:
        """Note rows of ``price_revisions`` and of the quarantine."""
        for rows, noted in ((revisions, self._revisions), (rejected, self._rejected)):
            if rows.height:
                noted.append(rows)

    def write(self) -> None:
        """Write what has changed."""
        self.archive()
        for kind, tickers in self._changed.items():
            self._write_sums(kind)
            if tickers:
                self._write_prices(kind, sorted(tickers))
            self._write_appended(kind)
        rejected = rejected_rows_of(self._refusing)
        if rejected is not None:
            self._rejected.append(rejected)
        for table, frames in ((PRICE_REVISIONS, self._revisions), (QUARANTINE, self._rejected)):
            if frames:
                self.store.upsert(table, pl.concat(frames, how="diagonal"))

    def _write_prices(self, kind: Kind, tickers: Sequence[str]) -> None:
        table, columns = TABLES[kind], list(TABLES[kind].columns)
        keys = {**self._series[kind], **self._appended[kind]}
        series = [self._current(kind, key) for key in keys if key[0] in tickers]
        stored = self._read[kind].filter(pl.col("ticker").is_in(tickers)).select(columns)
        self.store.replace(table, tickers, pl.concat(series).select(columns), stored=stored)

    def _write_sums(self, kind: Kind) -> None:
        """Write the sums of the series that change."""
        appended, changed = self._appended[kind], self._changed[kind]
        series = {**self._series.get(kind, {}), **appended} if changed else {}
        whole = {key: self._current(kind, key) for key in series if key[0] in changed}
        longer = {
            key: (self._sum_before(kind, key), parts)
            for key, parts in appended.items()
            if key[0] not in changed
        }
        self._sums.write(kind, whole, longer)

    def _sum_before(self, kind: Kind, series: Key) -> tuple[int, str]:
        """Rows and sum of what was stored of a series before this run."""
        stored = self._sums.stored(kind, series)
        if stored is not None or series not in self._newest_stored(kind):
            return stored or (0, NOTHING)
        # It was stored before sums were kept.
        self._read_kind(kind)
        rows = self._series[kind][series]
        return rows.height, price_sum(rows, KEY_COLUMNS[kind])

    def _write_appended(self, kind: Kind) -> None:
        """Write the newer rows of series of tickers of which nothing else has changed."""
        whole, table = self._changed[kind], TABLES[kind]
        parts = [
            part
            for key, of_series in self._appended[kind].items()
            if key[0] not in whole
            for part in of_series
        ]
        if parts:
            self.store.insert(table, raw_rows_of(parts).select(list(table.columns)))
        confirmed = [
            (*key, kind, batch.batch_id)
            for key, batch in self._confirmed[kind].items()
            if key[0] not in whole
        ]
        if confirmed:
            schema = dict.fromkeys((*SERIES, "kind"), pl.String) | {"batch_id": pl.Int64}
            rows = pl.DataFrame(confirmed, schema=schema, orient="row")
            self.store.upsert(CONFIRMED_SERIES, rows)

    def _current(self, kind: Kind, key: Key) -> pl.DataFrame:
        """The rows of a series; where a batch had all that were stored by then, they are its."""
        rows = self._series[kind].get(key, self._read[kind].clear())
        if key in self._appended[kind]:
            newer = raw_rows_of(self._appended[kind][key]).select(rows.columns)
            rows = pl.concat([rows, newer])
        if key not in self._confirmed[kind]:
            return rows
        batch = self._confirmed[kind][key]
        is_before = pl.col("batch_id") < batch.batch_id
        fetched_at = pl.lit(batch.fetched_at).cast(UTC)
        return rows.with_columns(
            batch_id=pl.max_horizontal("batch_id", pl.lit(batch.batch_id, dtype=pl.Int64)),
            fetched_at=pl.when(is_before).then(fetched_at).otherwise("fetched_at"),
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

    def _newest_stored(self, kind: Kind) -> dict[Key, object]:
        """The last date or time that was stored before this run, by ticker and source."""
        if kind not in self._newest:
            newest = self.store.newest(TABLES[kind], self._tickers)
            self._newest[kind] = {(t, source): at for t, source, at in newest.iter_rows()}
        return self._newest[kind]


def _by(rows: pl.DataFrame, *columns: str) -> dict[Key, pl.DataFrame]:
    return rows.partition_by(columns, as_dict=True, maintain_order=True)


def with_batches(store: Store, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
    """Raw rows with the ``price_basis`` and ``fetched_at`` of their batch, in key order."""
    batches = store.load(INGEST_BATCHES, tickers, columns=("batch_id", "price_basis", "fetched_at"))
    rows = load_raw(store, table, tickers)
    return rows.join(batches, on="batch_id", how="left", maintain_order="left")
