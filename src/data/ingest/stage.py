"""The ingest stage: store a source's prices as received, and record what changed.

Changed values go to the revisions, rows that cannot be stored to the quarantine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

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
from src.data.history import as_known
from src.data.history.deliveries import pack
from src.data.history.revisions import Batch, revise
from src.data.ingest.batch_rows import (
    STAGE_NAME,
    batch_row,
    raw_rows,
    rejected_rows,
    revision_rows,
)
from src.data.ingest.fetch import fetch
from src.data.ingest.instrument_check import check_returns, check_sessions
from src.data.ingest.stored_prices import TABLES, stored_prices
from src.data.ingest.vintages import completes_last_bar, place_delivery
from src.stages.stage import RunContext, Stage, StageReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Delivery, Source


@dataclass
class IngestCounts:
    """A ticker's rows by what became of them; ``repeated`` counts deliveries stored already."""

    delivered: int = 0
    changed: int = 0
    restated: int = 0
    noise: int = 0
    rejected: int = 0
    repeated: int = 0

    @classmethod
    def total(cls, counts: Iterable[IngestCounts]) -> IngestCounts:
        """The sum over several tickers."""
        parts = [vars(part) for part in counts]
        return cls(**{name: sum(part[name] for part in parts) for name in vars(cls())})


def stage(source: Source | None) -> Stage:
    """The stage for one source; with None it fetches nothing and uses what is stored."""
    return Stage(
        name=STAGE_NAME,
        summary="Store a source's prices as received; rejected rows go to quarantine.",
        reads=(),
        writes=(
            *(INGEST_BATCHES, BATCH_CONTENTS, RAW_DAILY, RAW_HOURLY, PRICE_REVISIONS, QUARANTINE),
            *(CORPORATE_ACTIONS, ACTION_HISTORY),
        ),
        run=partial(run, source=source),
        gather=partial(gather, source=source),
    )


def gather(
    context: RunContext, *, source: Source | None
) -> dict[str, list[Delivery] | SourceUnavailable]:
    """Fetch every ticker's deliveries; where the source has none, why.

    Raises:
        BadInput: when the source rejects a ticker or its files cannot be read.
    """
    fetched: dict[str, list[Delivery] | SourceUnavailable] = {}
    if source is None:
        return fetched
    for ticker in context.tickers:
        try:
            fetched[ticker] = fetch(context, ticker, source)
        except SourceUnavailable as error:
            fetched[ticker] = error
    return fetched


def run(
    context: RunContext,
    fetched: Mapping[str, list[Delivery] | SourceUnavailable],
    *,
    source: Source | None,
) -> StageReport:
    """Store what was fetched of every ticker.

    Raises:
        SourceUnavailable: when the source cannot be reached and nothing is stored either.
        BadInput: when a delivery is of another instrument or contradicts the stored series.
    """
    counts = {ticker: IngestCounts() for ticker in context.tickers}
    warnings: list[str] = []
    notes: set[str] = set()
    for ticker in context.tickers:
        if source is None:
            _require_stored(context, ticker)
            continue
        deliveries = fetched[ticker]
        if isinstance(deliveries, SourceUnavailable):
            warnings.append(_continue_with_stored(context, ticker, deliveries))
            continue
        for delivery in deliveries:
            warnings += _store(context, delivery, counts[ticker])
            warnings += record_delivery(context.store, delivery)
            notes.update(f"{ticker}: {note}" for note in delivery.notes)
    total = IngestCounts.total(counts.values())
    notes.update(_summary(total))
    return StageReport(
        rows=total.changed,
        details={
            **vars(total),
            "source": source.name if source else "stored",
            "notes": sorted(notes),
        },
        warnings=tuple(warnings),
        counts={ticker: vars(part) for ticker, part in counts.items()},
    )


def _summary(total: IngestCounts) -> list[str]:
    """Notes about rows and deliveries that were not stored."""
    notes = []
    if total.rejected:
        notes.append(f"{total.rejected} rows rejected at ingest and kept in quarantine")
    if total.repeated:
        notes.append(
            f"Deliveries already stored, which changed nothing: {total.repeated} "
            "(--fetched-at TIME stores a file again)"
        )
    return notes


def _store(context: RunContext, delivery: Delivery, counts: IngestCounts) -> tuple[str, ...]:
    """Store a delivery's rows, revisions and rejected rows; returns warnings."""
    store = context.store
    counts.delivered += delivery.frame.height + delivery.rejected.height
    batches = store.load(INGEST_BATCHES, [delivery.ticker]).filter(
        kind=delivery.kind, source=delivery.vendor
    )
    if _is_repeat(delivery, batches, context.calendar):
        counts.repeated += 1
        return ()
    check_sessions(delivery, context.calendar)
    stored = stored_prices(context, delivery.ticker, delivery.vendor, delivery.kind)
    check_returns(delivery, stored)
    placed = place_delivery(delivery, stored)
    delivery = placed.delivery
    batch_id = store.add_batch(batch_row(delivery), pack(delivery.frame))
    batch = Batch(batch_id, delivery.price_basis, delivery.fetched_at)
    revised = revise(stored, delivery.frame, key=delivery.key, batch=batch)
    counts.changed += store.upsert(TABLES[delivery.kind], raw_rows(revised.rows, delivery))
    store.upsert(PRICE_REVISIONS, revision_rows(revised, delivery, batch))
    store.upsert(QUARANTINE, rejected_rows(revised, delivery, batch))
    noise = int(revised.revisions["noise"].sum())
    counts.noise += noise
    counts.restated += revised.revisions.height - noise
    counts.rejected += revised.rejected.height + delivery.rejected.height
    return placed.warnings


def _is_repeat(delivery: Delivery, batches: pl.DataFrame, calendar: Calendar) -> bool:
    """Whether a batch stored before has the same content, and the delivery adds nothing to it."""
    same = batches.filter(content_hash=delivery.content_hash, price_basis=delivery.price_basis)
    if same.is_empty():
        return False
    if not delivery.fetched_at_stated or delivery.fetched_at in same["fetched_at"].to_list():
        return True
    newest = batches.sort("fetched_at", "batch_id").row(-1, named=True)
    return newest["content_hash"] == delivery.content_hash and not completes_last_bar(
        delivery, newest["fetched_at"], calendar
    )


def _require_stored(context: RunContext, ticker: str) -> None:
    if as_known.newest_session(context, ticker) is not None:
        return
    until = f" up to {context.as_of}" if context.as_of else ""
    then = f" that were known at {context.known_at:%Y-%m-%d %H:%M} UTC" if context.known_at else ""
    raise SourceUnavailable(
        f"No prices of {ticker}{until}{then} are stored: fetch some with --source yahoo, or with "
        "--source csv --path FILE."
    )


def _continue_with_stored(context: RunContext, ticker: str, error: SourceUnavailable) -> str:
    """A warning that the source failed and stored prices are used; raises without any."""
    newest = as_known.newest_session(context, ticker)
    problem = str(error).rstrip(".")
    if newest is None:
        raise SourceUnavailable(
            f"{problem}; no prices of {ticker} are stored either: use --source csv --path FILE, or "
            "--source sample for the synthetic DEMO.NS."
        ) from error
    behind = context.calendar.count(newest, context.calendar.last_closed(context.now))
    return f"{problem}. Using stored prices up to {newest}, {behind} sessions old."
