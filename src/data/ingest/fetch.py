"""What to ask a source for: all of it at first, then an overlap and what is new."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from src.core.errors import BadInput, SourceUnavailable
from src.core.tables import INGEST_BATCHES, RAW_DAILY, RAW_HOURLY, Table
from src.data.history import as_known
from src.data.history.revisions import Batch, revise
from src.data.sources.delivery import Delivery, Kind, Source
from src.stages.stage import RunContext

TABLES: dict[Kind, tuple[Table, str]] = {"daily": (RAW_DAILY, "date"), "hourly": (RAW_HOURLY, "ts")}


def fetch(context: RunContext, ticker: str, source: Source) -> list[Delivery]:
    """Daily bars, which must come, and hourly ones, which a source need not have."""
    daily = _incrementally(context, ticker, source, "daily")
    try:
        hourly = _incrementally(context, ticker, source, "hourly")
    except (SourceUnavailable, BadInput) as error:
        if not daily:
            raise
        return [replace(one, notes=(*one.notes, f"no hourly bars: {error}")) for one in daily]
    if not daily and not hourly and as_known.newest_session(context, ticker) is None:
        raise SourceUnavailable(f"The source {source.name} has no prices of {ticker}")
    return [*daily, *hourly]


def _incrementally(context: RunContext, ticker: str, source: Source, kind: Kind) -> list[Delivery]:
    """From an overlap before the newest stored bar; from the start when history was restated."""
    ask = source.fetch_daily if kind == "daily" else source.fetch_hourly
    since = _resume_from(context, ticker, source.name, kind)
    deliveries = ask(ticker, since, context.as_of)
    if since is not None and any(_restates_history(context, one) for one in deliveries):
        deliveries = ask(ticker, None, context.as_of)
    return deliveries


def _resume_from(context: RunContext, ticker: str, source_name: str, kind: Kind) -> dt.date | None:
    """The first session to ask for again, or None for all of them."""
    if source_name != "yahoo":
        return None
    stored = stored_rows(context, ticker, source_name, kind)
    if context.as_of is not None:
        key = pl.col(TABLES[kind][1])
        stored = stored.filter((key if kind == "daily" else key.dt.date()) <= context.as_of)
    newest = stored.sort("batch_fetched_at").tail(1)
    if newest.is_empty() or newest["price_basis"][0] != "split":
        return None
    last = stored[TABLES[kind][1]].max()
    day = last.date() if isinstance(last, dt.datetime) else last
    assert isinstance(day, dt.date)  # noqa: S101 the frame has rows
    # Twice as many days as sessions reach back at least that many sessions.
    reach = dt.timedelta(days=2 * context.settings.data.overlap_sessions)
    return max(day - reach, context.calendar.covered_from)


def _restates_history(context: RunContext, delivery: Delivery) -> bool:
    """Whether the overlap differs before its last bar: then older rows may differ as well."""
    stored = stored_rows(context, delivery.ticker, delivery.vendor, delivery.kind)
    key = TABLES[delivery.kind][1]
    revised = revise(stored, delivery.frame, key=key, batch=batch_of(delivery, 0))
    last = stored[key].max()
    at = pl.col("at") if key == "ts" else pl.col("at").dt.date()
    return not revised.revisions.filter(~pl.col("noise"), at < last).is_empty()


def stored_rows(context: RunContext, ticker: str, source: str, kind: Kind) -> pl.DataFrame:
    """Raw rows of one source with ``price_basis`` and ``batch_fetched_at`` of their batch."""
    rows = context.store.load(TABLES[kind][0], [ticker]).filter(source=source)
    batches = context.store.load(INGEST_BATCHES, [ticker]).select(
        "batch_id", "price_basis", batch_fetched_at="fetched_at"
    )
    return rows.join(batches, on="batch_id", how="left")


def batch_of(delivery: Delivery, batch_id: int) -> Batch:
    """What a comparison has to know of a delivery."""
    return Batch(batch_id, delivery.price_basis, delivery.fetched_at)
