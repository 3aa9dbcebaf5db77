"""Read the stored raw prices of one ticker and source, each row with facts of its batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.core.tables import INGEST_BATCHES, RAW_DAILY, RAW_HOURLY, Table

if TYPE_CHECKING:
    import polars as pl

    from src.data.sources.delivery import Kind
    from src.stages.stage import RunContext

TABLES: dict[Kind, Table] = {"daily": RAW_DAILY, "hourly": RAW_HOURLY}


def stored_prices(context: RunContext, ticker: str, source: str, kind: Kind) -> pl.DataFrame:
    """Raw rows with the ``price_basis`` and ``fetched_at`` of their batch, in no certain order."""
    rows = context.store.load(TABLES[kind], [ticker]).filter(source=source)
    batches = context.store.load(INGEST_BATCHES, [ticker]).select(
        "batch_id", "price_basis", "fetched_at"
    )
    return rows.join(batches, on="batch_id", how="left")
