"""Read prices and actions as a run may know them: all that is stored, or as of a ``known_at``."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

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
    from src.data.sources.delivery import Kind
    from src.stages.stage import RunContext


def batches(context: RunContext) -> pl.DataFrame:
    """Rows of ``ingest_batches`` that were fetched by the run's ``known_at``."""
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
    priced = raw_prices(replace(context, tickers=(ticker,)), RAW_DAILY).drop_nulls("close")
    newest = priced["date"].max()
    return newest if isinstance(newest, dt.date) else None


def _rebuilt(context: RunContext, table: Table) -> pl.DataFrame:
    """The raw rows rebuilt from the batches known by then, in the order they were fetched."""
    kind: Kind = "daily" if table == RAW_DAILY else "hourly"
    fetched = batches(context).filter(kind=kind).sort("fetched_at", "batch_id")
    contents = context.store.load(BATCH_CONTENTS, context.tickers).select("batch_id", "content")
    archived = fetched.join(contents, on="batch_id", how="left", maintain_order="left")
    if archived["content"].null_count():
        raise BadInput(
            f"{context.tickers[0]}: some prices were stored before deliveries were archived, so "
            "the prices known at that time cannot be rebuilt: ingest their files again with "
            "--fetched-at."
        )
    parts = []
    for series in archived.partition_by("ticker", "source", maintain_order=True):
        pieces = (
            (
                Batch(row["batch_id"], row["price_basis"], row["fetched_at"]),
                unpack(row["content"]),
            )
            for row in series.rows(named=True)
        )
        whose = {name: pl.lit(series[name][0]) for name in ("ticker", "source")}
        parts.append(replay(pieces, kind).with_columns(**whose))
    return pl.concat(parts) if parts else context.store.load(table, [])
