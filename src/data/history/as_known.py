"""Read prices and actions as a run may know them: all that is stored, or as of a ``known_at``."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.core.tables import (
    ACTION_HISTORY,
    CORPORATE_ACTIONS,
    RAW_DAILY,
    Table,
)
from src.data.corporate_actions.recording.history import ledger_known_at
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.history.joined import joined_batches, joined_rows, under_tickers
from src.data.history.rebuild import archived_batches, rebuild_prices

if TYPE_CHECKING:
    from src.stages.stage import RunContext


def batches(context: RunContext) -> pl.DataFrame:
    """Rows of ``ingest_batches`` that were fetched by the run's ``known_at`` and not withdrawn."""
    identities = context.store.identities(context.known_at)
    valid = joined_batches(context.store, context.tickers, identities, context.known_at)
    if context.known_at is None:
        return valid
    return valid.filter(pl.col("fetched_at") <= context.known_at)


def raw_prices(context: RunContext, table: Table) -> pl.DataFrame:
    """Raw rows as the run may know them, up to its as-of, in key order."""
    identities = context.store.identities(context.known_at)
    if context.known_at is None:
        return joined_rows(context.store, table, context.tickers, identities, context.as_of)
    rebuilt = _rebuilt(context, table).select(list(table.columns))
    if identities.concern(context.tickers):
        rebuilt = under_tickers(rebuilt, table.key, context.tickers, identities)
    if context.as_of is not None and "date" in rebuilt.columns:
        rebuilt = rebuilt.filter(pl.col("date") <= context.as_of)
    return rebuilt.sort(table.key)


def ledger(context: RunContext) -> pl.DataFrame:
    """The corporate actions as the run may know them, also those that are still to come."""
    identities = context.store.identities(context.known_at)
    table = CORPORATE_ACTIONS if context.known_at is None else ACTION_HISTORY
    rows = joined_actions(context.store, table, context.tickers, identities)
    return rows if context.known_at is None else ledger_known_at(rows, context.known_at)


def last_session(context: RunContext) -> dt.date:
    """The last session that the run may use: it has closed, and is not after the as-of."""
    closed = context.calendar.last_closed(context.now)
    return closed if context.as_of is None else min(closed, context.as_of)


def newest_sessions(context: RunContext) -> dict[str, dt.date]:
    """The newest session with a price of any source that the run may know, by ticker."""
    if context.known_at is None:
        identities, columns = context.store.identities(), ("ticker", "date", "close")
        symbols = identities.symbols_of(context.tickers)
        stored = context.store.load(RAW_DAILY, symbols, context.as_of, columns)
        named = identities.resolve_rows(stored)
        raw = named.filter(pl.col("ticker").is_in(list(context.tickers)))
    else:
        raw = raw_prices(context, RAW_DAILY)
    priced = raw.drop_nulls("close").group_by("ticker").agg(pl.col("date").max())
    return dict(priced.iter_rows())


def _rebuilt(context: RunContext, table: Table) -> pl.DataFrame:
    """The raw rows rebuilt from the batches known by then, in the order they were fetched."""
    kind = "daily" if table == RAW_DAILY else "hourly"
    archived = archived_batches(context.store, batches(context).filter(kind=kind))
    if archived["content"].null_count():
        raise BadInput(
            f"{context.tickers[0]}: some prices were stored before deliveries were archived, so "
            "the prices known at that time cannot be rebuilt: ingest their files again with "
            "--fetched-at."
        )
    by_source = archived.partition_by("ticker", "source", maintain_order=True)
    parts = [rebuild_prices(batches_of_source) for batches_of_source in by_source]
    return pl.concat(parts) if parts else context.store.load(table, [])
