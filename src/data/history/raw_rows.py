"""Read the stored raw rows.

Most deliveries have all that is stored of their series, unchanged, and newer rows. Then only the
newer rows are written: that the others were in this batch, too, is kept once for the whole series.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import CONFIRMED_SERIES, RAW_DAILY, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.db.store import Store


def load_raw(
    store: Store,
    table: Table,
    tickers: Sequence[str],
    until: dt.date | None = None,
    since: dt.date | None = None,
) -> pl.DataFrame:
    """Rows of a raw table in key order, each with the last batch that had it as ``batch_id``."""
    rows = store.load(table, tickers, until, since=since)
    kind = "daily" if table == RAW_DAILY else "hourly"
    confirmed = store.load(CONFIRMED_SERIES, tickers).filter(kind=kind)
    if confirmed.is_empty():
        return rows
    last = confirmed.select("ticker", "source", last_batch="batch_id")
    joined = rows.join(last, on=["ticker", "source"], how="left", maintain_order="left")
    # Rows that were stored after the confirmation are of later batches.
    latest = pl.max_horizontal("batch_id", "last_batch")
    return joined.with_columns(batch_id=latest).drop("last_batch")
