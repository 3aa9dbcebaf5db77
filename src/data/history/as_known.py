"""What a run may know of the prices: all that is stored, or what had been fetched by a time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, cast

import polars as pl

from src.core.errors import BadInput
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    RAW_DAILY,
    Table,
)
from src.data.corporate_actions.history import ledger_known_at
from src.data.history.deliveries import replay, unpack
from src.data.history.revisions import Batch

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis, Kind
    from src.stages.stage import RunContext


def batches(context: RunContext) -> pl.DataFrame:
    """Rows of ``ingest_batches`` that the run may know of."""
    stored = context.store.load(INGEST_BATCHES, context.tickers)
    if context.known_at is None:
        return stored
    return stored.filter(pl.col("fetched_at") <= context.known_at)


def raw_prices(context: RunContext, table: Table) -> pl.DataFrame:
    """Raw rows as the run may know them, up to its as-of, in key order."""
    if context.known_at is None:
        return context.store.load(table, context.tickers, context.as_of)
    rebuilt = _rebuilt(context, table).select(list(table.columns))
    if context.as_of is not None and "date" in rebuilt.columns:
        rebuilt = rebuilt.filter(pl.col("date") <= context.as_of)
    return rebuilt.sort(table.key)


def ledger(context: RunContext) -> pl.DataFrame:
    """The corporate actions as the run may know them, up to its as-of."""
    if context.known_at is None:
        return context.store.load(CORPORATE_ACTIONS, context.tickers, context.as_of)
    history = context.store.load(ACTION_HISTORY, context.tickers, context.as_of)
    return ledger_known_at(history, context.known_at)


def newest_session(context: RunContext, ticker: str) -> dt.date | None:
    """The newest session with a price of any source that the run may know."""
    priced = raw_prices(context, RAW_DAILY).filter(ticker=ticker).drop_nulls("close")
    newest = priced["date"].max()
    return newest if isinstance(newest, dt.date) else None


def _rebuilt(context: RunContext, table: Table) -> pl.DataFrame:
    """The raw rows that the batches known by then make, in the order in which they were fetched."""
    kind: Kind = "daily" if table == RAW_DAILY else "hourly"
    known = batches(context).filter(kind=kind).sort("fetched_at", "batch_id")
    contents = context.store.load(BATCH_CONTENTS, context.tickers).select("batch_id", "content")
    held = known.join(contents, on="batch_id", how="left", maintain_order="left")
    if held["content"].null_count():
        raise BadInput(
            f"{context.tickers[0]}: some prices were stored before deliveries were kept, so what "
            "was known then cannot be rebuilt: bring their files again with --fetched-at."
        )
    parts = []
    for one in held.partition_by("ticker", "source", maintain_order=True):
        rows = replay(((_batch(row), unpack(row["content"])) for row in one.rows(named=True)), kind)
        parts.append(
            rows.with_columns(ticker=pl.lit(one["ticker"][0]), source=pl.lit(one["source"][0]))
        )
    return pl.concat(parts) if parts else context.store.load(table, [])


def _batch(row: dict[str, object]) -> Batch:
    return Batch(
        cast("int", row["batch_id"]),
        cast("Basis", row["price_basis"]),
        cast("dt.datetime", row["fetched_at"]),
    )
