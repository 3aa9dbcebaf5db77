"""Stage: a source's deliveries in, raw rows out; what changed is written to the revisions."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl

from src.config.settings import Settings
from src.core.errors import BadInput, SourceUnavailable
from src.core.sessions import nse
from src.core.tables import (
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
    Table,
)
from src.core.tickers import normalise_ticker
from src.data.revisions import Batch, Revised, revise
from src.data.sources.base import Delivery, Kind, Source
from src.data.sources.choose import add_arguments, open_source, request_of
from src.data.sources.csv import CsvSource
from src.stages.cli import guarded, moment, stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport

STAGE_NAME = "data_ingest"
TABLES: dict[Kind, tuple[Table, str]] = {"daily": (RAW_DAILY, "date"), "hourly": (RAW_HOURLY, "ts")}


@dataclass
class Tally:
    """What one run of the stage did, over all deliveries."""

    delivered: int = 0
    changed: int = 0
    restated: int = 0
    noise: int = 0
    rejected: int = 0
    repeated: int = 0


def stage(source: Source | None) -> Stage:
    """The stage for one source; with None it goes on from what is stored."""
    return Stage(
        name=STAGE_NAME,
        summary="Bring prices in: raw rows as received, revisions, rejected rows to quarantine.",
        reads=(),
        writes=(INGEST_BATCHES, RAW_DAILY, RAW_HOURLY, PRICE_REVISIONS, QUARANTINE),
        run=partial(run, source=source),
    )


def run(context: RunContext, *, source: Source | None) -> StageReport:
    """Fetch and store every ticker's prices.

    Raises:
        SourceUnavailable: when the source cannot be reached and nothing is stored either.
    """
    tally = Tally()
    warnings: list[str] = []
    notes: set[str] = set()
    for ticker in context.tickers:
        if source is None:
            warnings += _require_stored(context, ticker)
            continue
        try:
            deliveries = _fetch(context, ticker, source)
        except SourceUnavailable as error:
            warnings.append(_go_on_from_stored(context, ticker, error))
            continue
        for delivery in deliveries:
            _store(context, delivery, tally)
            notes.update(f"{ticker}: {note}" for note in delivery.notes)
    return StageReport(
        rows=tally.changed,
        details={
            **vars(tally),
            "source": source.name if source else "stored",
            "notes": sorted(notes),
        },
        warnings=tuple(warnings),
    )


def _fetch(context: RunContext, ticker: str, source: Source) -> list[Delivery]:
    """Daily bars, which must come, and hourly ones, which a source need not have."""
    daily = _incrementally(context, ticker, source, "daily")
    try:
        hourly = _incrementally(context, ticker, source, "hourly")
    except (SourceUnavailable, BadInput) as error:
        if not daily:
            raise
        return [replace(one, notes=(*one.notes, f"no hourly bars: {error}")) for one in daily]
    if not daily and not hourly and _newest_stored(context, ticker) is None:
        raise SourceUnavailable(f"The source {source.name} has no prices of {ticker}")
    return [*daily, *hourly]


def _incrementally(context: RunContext, ticker: str, source: Source, kind: Kind) -> list[Delivery]:
    """From an overlap before the newest stored bar; from the start when history was restated."""
    fetch = source.fetch_daily if kind == "daily" else source.fetch_hourly
    since = _resume_from(context, ticker, source.name, kind)
    deliveries = fetch(ticker, since, context.as_of)
    if since is not None and any(_restates_history(context, one) for one in deliveries):
        deliveries = fetch(ticker, None, context.as_of)
    return deliveries


def _resume_from(context: RunContext, ticker: str, source_name: str, kind: Kind) -> dt.date | None:
    """The first session to ask for again, or None for all of them."""
    if source_name != "yahoo":
        return None
    stored = _stored(context, ticker, source_name, kind)
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
    stored = _stored(context, delivery.ticker, delivery.vendor, delivery.kind)
    key = TABLES[delivery.kind][1]
    revised = revise(stored, delivery.frame, key=key, batch=_batch(delivery, 0))
    last = stored[key].max()
    at = pl.col("at") if key == "ts" else pl.col("at").dt.date()
    return not revised.revisions.filter(~pl.col("noise"), at < last).is_empty()


def _stored(context: RunContext, ticker: str, source: str, kind: Kind) -> pl.DataFrame:
    rows = context.store.load(TABLES[kind][0], [ticker]).filter(source=source)
    batches = context.store.load(INGEST_BATCHES, [ticker]).select(
        "batch_id", "price_basis", batch_fetched_at="fetched_at"
    )
    return rows.join(batches, on="batch_id", how="left")


def _store(context: RunContext, delivery: Delivery, tally: Tally) -> None:
    tally.delivered += delivery.frame.height + delivery.rejected.height
    known = context.store.load(INGEST_BATCHES, [delivery.ticker]).filter(
        kind=delivery.kind, source=delivery.vendor
    )
    if _is_repeat(delivery, known):
        tally.repeated += 1
        return
    batch = _batch(delivery, context.store.add_batch(_batch_row(delivery)))
    table, key = TABLES[delivery.kind]
    stored = _stored(context, delivery.ticker, delivery.vendor, delivery.kind)
    revised = revise(stored, delivery.frame, key=key, batch=batch)
    tally.changed += context.store.upsert(table, _keyed(revised.rows, delivery))
    context.store.upsert(PRICE_REVISIONS, _revisions(revised, delivery, batch))
    context.store.upsert(QUARANTINE, _quarantined(revised, delivery, batch, key))
    noise = int(revised.revisions["noise"].sum())
    tally.noise += noise
    tally.restated += revised.revisions.height - noise
    tally.rejected += revised.rejected.height + delivery.rejected.height


def _is_repeat(delivery: Delivery, known: pl.DataFrame) -> bool:
    """The same content as a batch stored before, and nothing says that it was fetched anew."""
    same = known.filter(content_hash=delivery.content_hash)
    if same.is_empty():
        return False
    if not delivery.fetched_at_stated:
        return True
    newest = known.sort("fetched_at", "batch_id")["content_hash"][-1]
    return newest == delivery.content_hash or delivery.fetched_at in same["fetched_at"].to_list()


def _batch(delivery: Delivery, batch_id: int) -> Batch:
    return Batch(batch_id, delivery.price_basis, delivery.fetched_at)


def _batch_row(delivery: Delivery) -> dict[str, Any]:
    return {
        "ticker": delivery.ticker,
        "kind": delivery.kind,
        "source": delivery.vendor,
        "layout": delivery.layout,
        "price_basis": delivery.price_basis,
        "content_hash": delivery.content_hash,
        "fetched_at": delivery.fetched_at.astimezone(dt.UTC),
        "fetched_at_stated": delivery.fetched_at_stated,
        "origin": delivery.origin,
        "rows_delivered": delivery.frame.height + delivery.rejected.height,
        "rows_rejected": delivery.rejected.height,
        "notes": "; ".join(delivery.notes),
    }


def _keyed(rows: pl.DataFrame, delivery: Delivery) -> pl.DataFrame:
    return rows.with_columns(ticker=pl.lit(delivery.ticker), source=pl.lit(delivery.vendor))


def _revisions(revised: Revised, delivery: Delivery, batch: Batch) -> pl.DataFrame:
    return revised.revisions.select(
        pl.all(),
        ticker=pl.lit(delivery.ticker),
        kind=pl.lit(delivery.kind),
        source=pl.lit(delivery.vendor),
        batch_id=pl.lit(batch.batch_id, dtype=pl.Int64),
        known_at=pl.lit(batch.fetched_at).cast(pl.Datetime("us", "UTC")),
    )


def _quarantined(revised: Revised, delivery: Delivery, batch: Batch, key: str) -> pl.DataFrame:
    at = pl.col(key).cast(pl.String)
    compared = revised.rejected.select(
        "line",
        "rule",
        "reason",
        at=at,
        row=pl.struct(
            at.alias("at"), pl.exclude("line", "rule", "reason", key)
        ).struct.json_encode(),
    )
    columns = ("line", "rule", "reason", "at", "row")
    refused = pl.concat([compared.select(columns), delivery.rejected.select(columns)])
    return refused.with_columns(
        ticker=pl.lit(delivery.ticker),
        stage=pl.lit(STAGE_NAME),
        kind=pl.lit(delivery.kind),
        source=pl.lit(delivery.vendor),
        action=pl.lit("rejected"),
        batch_id=pl.lit(batch.batch_id, dtype=pl.Int64),
    )


def _newest_stored(context: RunContext, ticker: str) -> dt.date | None:
    priced = context.store.load(RAW_DAILY, [ticker], context.as_of).drop_nulls("close")
    newest = priced["date"].max()
    return newest if isinstance(newest, dt.date) else None


def _require_stored(context: RunContext, ticker: str) -> Iterable[str]:
    if _newest_stored(context, ticker) is None:
        raise SourceUnavailable(
            f"No prices of {ticker} are stored: bring some in with --source yahoo, or with "
            "--source csv --path FILE."
        )
    return ()


def _go_on_from_stored(context: RunContext, ticker: str, error: SourceUnavailable) -> str:
    newest = _newest_stored(context, ticker)
    said = str(error).rstrip(".")
    if newest is None:
        raise SourceUnavailable(
            f"{said}; no prices of {ticker} are stored either: use --source csv --path FILE, or "
            "--source sample for the synthetic DEMO.NS."
        ) from error
    behind = context.calendar.count(newest, context.calendar.last_closed(context.now))
    return f"{said}. Going on from stored prices up to {newest}, {behind} sessions old."


def _prepare(
    args: argparse.Namespace, settings: Settings, now: dt.datetime
) -> tuple[Stage, list[str]]:
    asked = normalise_ticker(args.ticker, args.suffix) if args.ticker else None
    request = request_of(args)
    known = asked if asked or request.paths or args.all else settings.data.ticker
    source = open_source(
        request, ticker=known, settings=settings, calendar=nse(), now=now, as_of=args.as_of
    )
    return stage(source), source.tickers() if isinstance(source, CsvSource) else []


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.data.ingest``."""
    parser = stage_parser("src.data.ingest", stage(None).summary)
    add_arguments(parser, moment)
    return stage_main(stage(None), argv, parser=parser, prepare=_prepare)


if __name__ == "__main__":
    sys.exit(guarded(main))
