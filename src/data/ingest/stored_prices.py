"""Read stored raw prices, each row with facts of its batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.core.tables import INGEST_BATCHES, RAW_DAILY, RAW_HOURLY, Table

if TYPE_CHECKING:
    import polars as pl

    from src.data.sources.delivery import Kind
    from src.db.store import Store

TABLES: dict[Kind, Table] = {"daily": RAW_DAILY, "hourly": RAW_HOURLY}


def with_batches(store: Store, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
    """Raw rows with the ``price_basis`` and ``fetched_at`` of their batch, in key order."""
    batches = store.load(INGEST_BATCHES, tickers, columns=("batch_id", "price_basis", "fetched_at"))
    rows = store.load(table, tickers)
    return rows.join(batches, on="batch_id", how="left", maintain_order="left")
