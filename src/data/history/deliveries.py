"""Pack deliveries into bytes, and rebuild raw rows by replaying a sequence of deliveries.

What was known at a time is rebuilt from the deliveries fetched by then, in the order in which they
were fetched, by the same comparison that filled the raw tables.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from src.data.history.revisions import UTC, Batch, revise
from src.data.sources.delivery import KEY_COLUMNS

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind


def pack(frame: pl.DataFrame) -> bytes:
    """The rows of a delivery as an Arrow IPC stream."""
    buffer = io.BytesIO()
    frame.rechunk().write_ipc_stream(buffer, compression="zstd")
    return buffer.getvalue()


def unpack(content: bytes) -> pl.DataFrame:
    """The rows that ``pack`` was given."""
    return pl.read_ipc_stream(io.BytesIO(content))


def replay(deliveries: Iterable[tuple[Batch, pl.DataFrame]], kind: Kind) -> pl.DataFrame:
    """The raw rows of one ticker and source after these deliveries, at least one, as they come.

    Each is a batch with its rows (see ``Delivery.frame``). The result has the key, the price
    fields, ``batch_id`` and ``first_seen``, in key order.
    """
    key = KEY_COLUMNS[kind]
    stored: pl.DataFrame | None = None
    for batch, delivered in deliveries:
        before = _no_rows(delivered) if stored is None else stored
        rows = revise(before, delivered, key=key, batch=batch).rows.with_columns(
            price_basis=pl.lit(batch.price_basis), fetched_at=pl.lit(batch.fetched_at).cast(UTC)
        )
        unchanged = before.join(rows, on=key, how="anti")
        stored = pl.concat([unchanged, rows.select(before.columns)])
    if stored is None:
        raise ValueError("no deliveries to replay")
    return stored.drop("price_basis", "fetched_at").sort(key)


def _no_rows(delivered: pl.DataFrame) -> pl.DataFrame:
    fields = {name: kind for name, kind in delivered.schema.items() if name != "line"}
    batch = {"batch_id": pl.Int64(), "first_seen": UTC}
    return pl.DataFrame(schema={**fields, **batch, "price_basis": pl.String(), "fetched_at": UTC})
