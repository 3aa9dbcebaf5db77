"""Rebuild prices and stated actions from archived deliveries, in the order of their fetch.

Whatever the order in which deliveries arrive, the result is that of the order in which they were
fetched: it is the same for what is stored, for what was known at a time, and for a new database.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import BATCH_CONTENTS, BATCH_WITHDRAWALS, INGEST_BATCHES
from src.data.history.deliveries import replay, unpack
from src.data.history.revisions import Batch
from src.data.sources.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.db.store import Store


def valid_batches(
    store: Store, tickers: Sequence[str], at: dt.datetime | None = None
) -> pl.DataFrame:
    """The rows of ``ingest_batches`` without those that are withdrawn, or were at a time."""
    withdrawals = store.load(BATCH_WITHDRAWALS, tickers)
    if at is not None:
        withdrawals = withdrawals.filter(pl.col("withdrawn_at") <= at)
    return store.load(INGEST_BATCHES, tickers).join(withdrawals, on="batch_id", how="anti")


def archived_series(
    store: Store, ticker: str, kind: str, source: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The valid batches of a series with what they delivered, and those that are withdrawn."""
    series = store.load(INGEST_BATCHES, [ticker]).filter(kind=kind, source=source)
    archived = archived_batches(store, series)
    valid = valid_batches(store, [ticker])
    return (
        archived.join(valid, on="batch_id", how="semi", maintain_order="left"),
        archived.join(valid, on="batch_id", how="anti", maintain_order="left"),
    )


def archived_batches(store: Store, batches: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``ingest_batches`` in the order of their fetch, with what was delivered.

    ``content`` is null where a batch was not archived, ``actions`` where its actions were not.
    """
    tickers = batches["ticker"].unique().to_list()
    contents = store.load(BATCH_CONTENTS, tickers).select("batch_id", "content", "actions")
    ordered = batches.sort("fetched_at", "batch_id")
    return ordered.join(contents, on="batch_id", how="left", maintain_order="left")


def rebuild_prices(archived: pl.DataFrame) -> pl.DataFrame:
    """The raw rows after these deliveries, which are of one ticker, kind and source."""
    first = archived.row(0, named=True)
    pieces = (
        (Batch(row["batch_id"], row["price_basis"], row["fetched_at"]), unpack(row["content"]))
        for row in archived.iter_rows(named=True)
    )
    whose = {name: pl.lit(first[name]) for name in ("ticker", "source")}
    return replay(pieces, first["kind"]).with_columns(**whose)


def stating_deliveries(archived: pl.DataFrame) -> list[Delivery]:
    """The deliveries that state actions, as they came, without their rejected rows."""
    return [
        Delivery(
            ticker=row["ticker"],
            kind=row["kind"],
            vendor=row["source"],
            layout=row["layout"],
            price_basis=row["price_basis"],
            frame=unpack(row["content"]),
            rejected=pl.DataFrame(),
            content_hash=row["content_hash"],
            fetched_at=row["fetched_at"],
            origin=row["origin"],
            fetched_at_stated=True,
            actions=unpack(row["actions"]),
        )
        for row in archived.iter_rows(named=True)
        if row["actions"]
    ]
