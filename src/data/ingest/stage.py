"""Stage: a source's deliveries in, raw rows out; what changed is written to the revisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import polars as pl

from src.core.calendars.calendar import Calendar
from src.core.errors import SourceUnavailable
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.data.corporate_actions.history import record_delivery
from src.data.history import as_known as known
from src.data.history.deliveries import pack
from src.data.history.revisions import revise
from src.data.ingest.batch_rows import batch_row, raw_rows, rejected_rows, revision_rows
from src.data.ingest.fetch import TABLES, batch_of, fetch, stored_rows
from src.data.ingest.instrument_check import check_moves, check_sessions
from src.data.ingest.vintages import brings_the_last_session, in_order
from src.data.sources.delivery import Delivery, Source
from src.stages.stage import RunContext, Stage, StageReport

STAGE_NAME = "data_ingest"


@dataclass
class Tally:
    """Rows by what became of them, and ``repeated`` deliveries."""

    delivered: int = 0
    changed: int = 0
    restated: int = 0
    noise: int = 0
    rejected: int = 0
    repeated: int = 0

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Tally:
        """The sum over several tickers."""
        each = [vars(tally) for tally in tallies]
        return cls(**{name: sum(row[name] for row in each) for name in vars(cls())})


def stage(source: Source | None) -> Stage:
    """The stage for one source; with None it goes on from what is stored."""
    return Stage(
        name=STAGE_NAME,
        summary="Bring prices in: raw rows as received, revisions, rejected rows to quarantine.",
        reads=(),
        writes=(
            *(INGEST_BATCHES, BATCH_CONTENTS, RAW_DAILY, RAW_HOURLY, PRICE_REVISIONS, QUARANTINE),
            *(CORPORATE_ACTIONS, ACTION_HISTORY),
        ),
        run=partial(run, source=source),
    )


def run(context: RunContext, *, source: Source | None) -> StageReport:
    """Fetch and store every ticker's prices.

    Raises:
        SourceUnavailable: when the source cannot be reached and nothing is stored either.
        BadInput: when a delivery is of another instrument or cannot stand beside what is stored.
    """
    tallies = {ticker: Tally() for ticker in context.tickers}
    warnings: list[str] = []
    notes: set[str] = set()
    for ticker, tally in tallies.items():
        if source is None:
            warnings += _require_stored(context, ticker)
            continue
        try:
            deliveries = fetch(context, ticker, source)
        except SourceUnavailable as error:
            warnings.append(_go_on_from_stored(context, ticker, error))
            continue
        for delivery in deliveries:
            warnings += _store(context, delivery, tally)
            warnings += record_delivery(context.store, delivery)
            notes.update(f"{ticker}: {note}" for note in delivery.notes)
    total = Tally.total(tallies.values())
    if total.rejected:
        notes.add(f"{total.rejected} rows set aside in quarantine at ingest")
    if total.repeated:
        notes.add(
            f"{total.repeated} deliveries were stored already and changed nothing "
            "(--fetched-at TIME takes a file anew)"
        )
    return StageReport(
        rows=total.changed,
        details={
            **vars(total),
            "source": source.name if source else "stored",
            "notes": sorted(notes),
        },
        warnings=tuple(warnings),
        counts={ticker: vars(tally) for ticker, tally in tallies.items()},
    )


def _store(context: RunContext, delivery: Delivery, tally: Tally) -> tuple[str, ...]:
    tally.delivered += delivery.frame.height + delivery.rejected.height
    known = context.store.load(INGEST_BATCHES, [delivery.ticker]).filter(
        kind=delivery.kind, source=delivery.vendor
    )
    if _is_repeat(delivery, known, context.calendar):
        tally.repeated += 1
        return ()
    check_sessions(delivery, context.calendar)
    table, key = TABLES[delivery.kind]
    stored = stored_rows(context, delivery.ticker, delivery.vendor, delivery.kind)
    check_moves(delivery, stored, key)
    ordered = in_order(delivery, stored, key)
    delivery = ordered.delivery
    number = context.store.add_batch(batch_row(delivery), pack(delivery.frame))
    batch = batch_of(delivery, number)
    revised = revise(stored, delivery.frame, key=key, batch=batch)
    tally.changed += context.store.upsert(table, raw_rows(revised.rows, delivery))
    context.store.upsert(PRICE_REVISIONS, revision_rows(revised, delivery, batch))
    context.store.upsert(QUARANTINE, rejected_rows(revised, delivery, batch, STAGE_NAME))
    noise = int(revised.revisions["noise"].sum())
    tally.noise += noise
    tally.restated += revised.revisions.height - noise
    tally.rejected += revised.rejected.height + delivery.rejected.height
    return ordered.warnings


def _is_repeat(delivery: Delivery, known: pl.DataFrame, calendar: Calendar) -> bool:
    """The same content as a batch stored before, and nothing new is said of it."""
    same = known.filter(content_hash=delivery.content_hash, price_basis=delivery.price_basis)
    if same.is_empty():
        return False
    if not delivery.fetched_at_stated:
        return True
    if delivery.fetched_at in same["fetched_at"].to_list():
        return True
    newest = known.sort("fetched_at", "batch_id").row(-1, named=True)
    return newest["content_hash"] == delivery.content_hash and not brings_the_last_session(
        delivery, newest["fetched_at"], calendar
    )


def _require_stored(context: RunContext, ticker: str) -> Iterable[str]:
    if known.newest_session(context, ticker) is None:
        until = f" up to {context.as_of}" if context.as_of else ""
        when = (
            f" that were known at {context.known_at:%Y-%m-%d %H:%M} UTC" if context.known_at else ""
        )
        raise SourceUnavailable(
            f"No prices of {ticker}{until}{when} are stored: bring some in with --source yahoo, or "
            "with --source csv --path FILE."
        )
    return ()


def _go_on_from_stored(context: RunContext, ticker: str, error: SourceUnavailable) -> str:
    newest = known.newest_session(context, ticker)
    said = str(error).rstrip(".")
    if newest is None:
        raise SourceUnavailable(
            f"{said}; no prices of {ticker} are stored either: use --source csv --path FILE, or "
            "--source sample for the synthetic DEMO.NS."
        ) from error
    behind = context.calendar.count(newest, context.calendar.last_closed(context.now))
    return f"{said}. Going on from stored prices up to {newest}, {behind} sessions old."
