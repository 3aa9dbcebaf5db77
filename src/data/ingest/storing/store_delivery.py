"""Store one delivery: its rows, what it changed, what was refused, and the actions it states."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.corporate_actions.recording.history import record_delivery
from src.data.corporate_actions.recording.rebuild import rebuild_stated
from src.data.history.deliveries import pack
from src.data.history.rebuild import (
    archived_batches,
    archived_series,
    rebuild_prices,
    stating_deliveries,
)
from src.data.history.revisions import Batch, RevisionResult, differences, revise
from src.data.ingest.checks.instrument_check import check_returns, check_sessions
from src.data.ingest.checks.vintages import PlacedDelivery, completes_last_bar, place_delivery
from src.data.ingest.storing.batch_rows import batch_row, raw_rows, rejected_rows, revision_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from src.core.calendars.calendar import Calendar
    from src.data.ingest.storing.raw_block import RawBlock
    from src.data.sources.delivery import Delivery


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


def store_delivery(
    block: RawBlock, delivery: Delivery, calendar: Calendar, counts: IngestCounts
) -> tuple[str, ...]:
    """Put a delivery into the block and add to the counts; returns warnings.

    Raises:
        BadInput: when it is of another instrument or contradicts the stored series.
    """
    counts.delivered += delivery.frame.height + delivery.rejected.height
    batches = block.batches(delivery)
    if _is_repeat(delivery, batches, calendar):
        counts.repeated += 1
        return record_delivery(block.store, delivery, batches)
    check_sessions(delivery, calendar)
    placed = _place_and_store(block, delivery, counts)
    if delivery.actions is None:
        return placed.warnings
    recorded = record_delivery(block.store, delivery, block.batches(delivery))
    _rebuild_actions(block, placed.delivery)
    return (*placed.warnings, *recorded)


def _place_and_store(block: RawBlock, delivery: Delivery, counts: IngestCounts) -> PlacedDelivery:
    """Store the prices of a delivery, by as little comparing as its place in the series needs."""
    is_late = _is_late(block, delivery)
    if not is_late and _is_all_newer(block, delivery):
        _append(block, delivery, delivery.frame, counts, confirms=False)
        return PlacedDelivery(delivery)
    newer = None if is_late else block.rows_after(delivery)
    if newer is not None:
        _append(block, delivery, newer, counts, confirms=True)
        return PlacedDelivery(delivery)
    stored = block.prices(delivery)
    check_returns(delivery, stored)
    placed = place_delivery(delivery, stored)
    _store_prices(block, placed.delivery, stored, counts)
    return placed


def _is_all_newer(block: RawBlock, delivery: Delivery) -> bool:
    """Whether each row is after all stored ones, and both can lie beside each other.

    So it is with what is stored of a ticker for the first time, and with a session's file.
    """
    newest: Any = block.newest(delivery)
    first: Any = delivery.frame[delivery.key].min()
    if newest is None or first is None:
        return newest is None
    bases = block.batches(delivery)["price_basis"].unique().to_list()
    return (
        bool(first > newest) and delivery.price_basis != "total" and bases == [delivery.price_basis]
    )


def _append(
    block: RawBlock,
    delivery: Delivery,
    newer: pl.DataFrame,
    counts: IngestCounts,
    *,
    confirms: bool,
) -> None:
    """Store the newer rows of a delivery.

    One that ``confirms`` has all stored rows unchanged: they are now rows of its batch, too.
    """
    batch = _add_batch(block, delivery)
    block.append(delivery, batch, newer, confirms=confirms)
    counts.changed += delivery.frame.height
    counts.rejected += delivery.rejected.height


def _add_batch(block: RawBlock, delivery: Delivery) -> Batch:
    actions = b"" if delivery.actions is None else pack(delivery.actions)
    number = block.add_batch(delivery, batch_row(delivery), pack(delivery.frame), actions)
    return Batch(number, delivery.price_basis, delivery.fetched_at)


def _store_prices(
    block: RawBlock, delivery: Delivery, stored: pl.DataFrame, counts: IngestCounts
) -> None:
    batch = _add_batch(block, delivery)
    revised = revise(stored, delivery.frame, key=delivery.key, batch=batch)
    rebuilt = _rebuilt_if_late(block, delivery)
    batches = block.batches(delivery)
    if rebuilt is None:
        rows = raw_rows(revised.rows, delivery, batches).select(stored.columns)
        left = stored.join(rows, on=delivery.key, how="anti")
        block.set_prices(delivery, pl.concat([left, rows]))
        counts.changed += rows.height
    else:
        rows = raw_rows(rebuilt, delivery, batches).select(stored.columns)
        block.set_prices(delivery, rows)
        counts.changed += _count_changed(stored, rebuilt, delivery.key)
        changes = differences(stored, rebuilt, delivery.key)
        revised = RevisionResult(revised.rows, changes, revised.rejected)
    block.add_revisions(
        revision_rows(revised, delivery, batch), rejected_rows(revised, delivery, batch)
    )
    noise = int(revised.revisions["noise"].sum())
    counts.noise += noise
    counts.restated += revised.revisions.height - noise
    counts.rejected += revised.rejected.height + delivery.rejected.height


def _count_changed(stored: pl.DataFrame, rebuilt: pl.DataFrame, key: str) -> int:
    """Rows that are gone, new or different."""
    gone = stored.join(rebuilt, on=key, how="anti").height
    columns = [name for name in stored.columns if name not in ("price_basis", "fetched_at")]
    return gone + rebuilt.join(stored, on=columns, how="anti", nulls_equal=True).height


def _rebuilt_if_late(block: RawBlock, delivery: Delivery) -> pl.DataFrame | None:
    """The raw rows of its series in the order of fetch; None unless it is late.

    None also where a batch was not archived: then they cannot be replayed.
    """
    if not _is_late(block, delivery):
        return None
    archived = archived_batches(block.archive(), block.batches(delivery))
    if archived["content"].null_count():
        return None
    return rebuild_prices(archived)


def _rebuild_actions(block: RawBlock, delivery: Delivery) -> None:
    """After a late delivery: the ledger as if all had arrived in the order of their fetch."""
    if delivery.actions is None or delivery.kind != "daily":
        return
    if _is_late(block, delivery):
        series = archived_series(block.archive(), delivery.ticker, delivery.kind, delivery.vendor)
        if not series[0]["content"].null_count():
            deliveries, withdrawn = map(stating_deliveries, series)
            rebuild_stated(block.store, delivery.ticker, delivery.vendor, deliveries, withdrawn)


def _is_late(block: RawBlock, delivery: Delivery) -> bool:
    """Whether something of its series that was fetched later is stored already."""
    newest = block.batches(delivery)["fetched_at"].max()
    return isinstance(newest, dt.datetime) and newest > delivery.fetched_at


def _is_repeat(delivery: Delivery, batches: pl.DataFrame, calendar: Calendar) -> bool:
    """Whether a batch stored before has the same content, and the delivery adds nothing to it."""
    if delivery.content_hash not in batches["content_hash"].to_list():
        return False
    same = batches.filter(content_hash=delivery.content_hash, price_basis=delivery.price_basis)
    # Fewer rows are refused where the clock had been behind the prices of the file.
    if same.is_empty() or delivery.rejected.height < same["rows_rejected"].to_numpy().min():
        return False
    if not delivery.fetched_at_stated or delivery.fetched_at in same["fetched_at"].to_list():
        return True
    newest = batches.sort("fetched_at", "batch_id").row(-1, named=True)
    return (
        newest["content_hash"] == delivery.content_hash
        and newest["fetched_at"] < delivery.fetched_at
        and not completes_last_bar(delivery, newest["fetched_at"], calendar)
    )
