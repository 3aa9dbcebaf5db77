"""Fetch one ticker's prices: everything at first, then an overlap and what is new.

What is read for it from the store is read in short transactions: none is open while a source is
asked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput, SourceUnavailable
from src.core.tables import RAW_DAILY
from src.data.history import as_known
from src.data.history.joined import joined_batches, joined_rows
from src.data.history.revisions import Batch, revise
from src.data.ingest.storing.raw_block import TABLES, with_batches
from src.data.sources.delivery import KEY_COLUMNS, Delivery, Kind, Source
from src.data.sources.files.source import FileSource
from src.data.sources.nse.source import NseSource

if TYPE_CHECKING:
    from src.stages.stage import RunContext

# Sessions on which two sources are compared before one goes on from the other.
OVERLAP = 3


def fetch(context: RunContext, ticker: str, source: Source) -> list[Delivery]:
    """Daily bars, which a source must have, and hourly ones, which it need not have.

    Raises:
        SourceUnavailable: when there are no daily bars, or no bars at all and none are stored.
        BadInput: when the source rejects the ticker or its files cannot be read.
    """
    daily = _fetch_kind(context, ticker, source, "daily")
    try:
        hourly = _fetch_kind(context, ticker, source, "hourly")
    except (SourceUnavailable, BadInput) as error:
        if not daily:
            raise
        note = f"no hourly bars: {error}"
        return [replace(delivery, notes=(*delivery.notes, note)) for delivery in daily]
    if not daily and not hourly and not _has_prices(context, ticker, source):
        raise SourceUnavailable(f"The source {source.name} has no prices of {ticker}")
    return [*daily, *hourly]


def _has_prices(context: RunContext, ticker: str, source: Source) -> bool:
    if isinstance(source, FileSource) and source.repeated(ticker):
        return True
    with context.store.transaction():
        return ticker in as_known.newest_sessions(replace(context, tickers=(ticker,)))


def _fetch_kind(context: RunContext, ticker: str, source: Source, kind: Kind) -> list[Delivery]:
    """From an overlap before the newest stored bar; from the start when history was restated."""
    if isinstance(source, NseSource):
        return _fetch_nse(context, ticker, source) if kind == "daily" else []
    since = _resume_from(context, ticker, source.name, kind)
    deliveries = source.fetch(kind, ticker, since, context.as_of)
    if (
        source.name == "yahoo"
        and since is not None
        and any(_restates_history(context, part) for part in deliveries)
    ):
        deliveries = source.fetch(kind, ticker, None, context.as_of)
    return deliveries


def _resume_from(context: RunContext, ticker: str, source_name: str, kind: Kind) -> dt.date | None:
    """The first session to fetch again, or None for all of them."""
    if source_name != "yahoo":
        return None
    with context.store.transaction():
        stored = with_batches(context.store, TABLES[kind], [ticker]).filter(source=source_name)
    day = pl.col(KEY_COLUMNS[kind]).dt.date()
    if context.as_of is not None:
        stored = stored.filter(day <= context.as_of)
    newest = stored.sort("fetched_at").tail(1)
    if newest.is_empty() or newest["price_basis"][0] != "split":
        return None
    last: dt.date = stored.select(day.max()).item()
    # Twice as many days as sessions reach back at least that many sessions.
    overlap = dt.timedelta(days=2 * context.settings.data.overlap_sessions)
    return max(last - overlap, context.calendar.covered_from)


def _fetch_nse(context: RunContext, ticker: str, source: NseSource) -> list[Delivery]:
    """What NSE's files have that it did not bring before, or that it has corrected since."""
    with context.store.transaction():
        rows = joined_rows(context.store, RAW_DAILY, [ticker], source.identities)
        batches = joined_batches(context.store, [ticker], source.identities)
    fetched = batches.select("batch_id", "fetched_at")
    stored = rows.drop_nulls("close").join(fetched, on="batch_id", maintain_order="left")
    since = _continue_from(context, stored)
    return source.fetch_new(ticker, since, context.as_of, stored.filter(source=source.name))


def _continue_from(context: RunContext, stored: pl.DataFrame) -> dt.date | None:
    """The first session to take from NSE's files, or None where they would continue nothing.

    Cleaning goes on from another source only where it sees both on some of its last sessions. The
    last ones that NSE has brought are looked at again: it may have corrected them.
    """
    last = as_known.last_session(context)
    recent = stored.filter(pl.col("date") <= last).sort("date").group_by("source").tail(OVERLAP)
    whole = [
        (row["source"] == "nse", row["date"])
        for row in recent.iter_rows(named=True)
        if context.calendar.last_closed(row["fetched_at"]) >= row["date"]
    ]
    days: set[dt.date] = {day for is_nse, day in whole if is_nse}
    others = sorted(day for is_nse, day in whole if not is_nse)[-OVERLAP:]
    if days and (not others or days.intersection(others)):
        newest = max(days)
        return min(day for day in days if context.calendar.count(day, newest) < OVERLAP)
    return others[0] if others else None


def _restates_history(context: RunContext, delivery: Delivery) -> bool:
    """Whether the overlap differs before its last bar: then older rows may differ as well."""
    with context.store.transaction():
        prices = with_batches(context.store, TABLES[delivery.kind], [delivery.ticker])
        stored = prices.filter(source=delivery.vendor)
    batch = Batch(0, delivery.price_basis, delivery.fetched_at)
    revised = revise(stored, delivery.frame, key=delivery.key, batch=batch)
    last = stored[delivery.key].max()
    at = pl.col("at").dt.date() if delivery.kind == "daily" else pl.col("at")
    return not revised.revisions.filter(~pl.col("noise"), at < last).is_empty()
