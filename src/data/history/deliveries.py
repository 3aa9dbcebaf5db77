"""Deliveries as bytes and back, and the raw rows that a sequence of them makes; pure.

What was known at a time is what the deliveries fetched by then make, in the order in which they
were fetched: the same comparison that filled the raw tables, done again.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from src.data.history.revisions import Batch, revise

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

UTC = pl.Datetime("us", "UTC")


def pack(frame: pl.DataFrame) -> bytes:
    """The rows of a delivery as an Arrow IPC stream."""
    buffer = io.BytesIO()
    frame.rechunk().write_ipc_stream(buffer, compression="zstd")
    return buffer.getvalue()


def unpack(content: bytes) -> pl.DataFrame:
    """The rows that ``pack`` was given."""
    return pl.read_ipc_stream(io.BytesIO(content))


def replay(deliveries: Iterable[tuple[Batch, pl.DataFrame]], kind: Kind) -> pl.DataFrame:
    """The raw rows of one ticker and source after these deliveries, in the order they come.

    Args:
        deliveries: each batch with the rows it delivered (see ``Delivery.frame``).
        kind: ``daily`` or ``hourly``.

    Returns:
        The key, the price fields, ``batch_id`` and ``first_seen``, in key order.
    """
    key = "date" if kind == "daily" else "ts"
    stored: pl.DataFrame | None = None
    for batch, delivered in deliveries:
        known = _nothing(delivered) if stored is None else stored
        rows = revise(known, delivered, key=key, batch=batch).rows.with_columns(
            price_basis=pl.lit(batch.price_basis),
            batch_fetched_at=pl.lit(batch.fetched_at).cast(UTC),
        )
        kept = known.join(rows, on=key, how="anti")
        stored = pl.concat([kept, rows.select(kept.columns)])
    if stored is None:
        raise ValueError("there is nothing to replay")
    return stored.drop("price_basis", "batch_fetched_at").sort(key)


def _nothing(delivered: pl.DataFrame) -> pl.DataFrame:
    fields = {name: kind for name, kind in delivered.schema.items() if name != "line"}
    about = {"batch_id": pl.Int64(), "first_seen": UTC}
    return pl.DataFrame(
        schema={**fields, **about, "price_basis": pl.String(), "batch_fetched_at": UTC}
    )
