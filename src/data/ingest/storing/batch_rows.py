"""Build the rows of the tables that ingest writes, from a delivery and what it changed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.history.revisions import UTC, Batch, RevisionResult
from src.data.sources.delivery import Delivery

if TYPE_CHECKING:
    from src.data.sources.files.market.merge import Bundle

STAGE_NAME = "data_ingest"


def batch_row(delivery: Delivery) -> dict[str, Any]:
    """The row of ``ingest_batches``, without its number."""
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
        "file_hash": delivery.file_hash,
        "file_parts": delivery.file_parts,
    }


def bundle_rows(bundle: Bundle) -> pl.DataFrame:
    """Rows of ``bundle_files``."""
    rows = [(bundle.bundle_hash, first, file_hash, name) for file_hash, name, first in bundle.files]
    texts = dict.fromkeys(("file_hash", "name"), pl.String())
    schema = {"bundle_hash": pl.String(), "first_line": pl.Int64(), **texts}
    return pl.DataFrame(rows, schema=schema, orient="row")


def raw_rows(rows: pl.DataFrame, delivery: Delivery, batches: pl.DataFrame) -> pl.DataFrame:
    """Rows of the raw table, from those to store, with facts of their batch among ``batches``."""
    facts = batches.select("batch_id", "price_basis", "fetched_at")
    whose = {"ticker": pl.lit(delivery.ticker), "source": pl.lit(delivery.vendor)}
    return rows.join(facts, on="batch_id", how="left", maintain_order="left").with_columns(**whose)


def revision_rows(revised: RevisionResult, delivery: Delivery, batch: Batch) -> pl.DataFrame:
    """Rows of ``price_revisions``, known since the delivery was fetched."""
    return revised.revisions.select(
        pl.all(),
        ticker=pl.lit(delivery.ticker),
        kind=pl.lit(delivery.kind),
        source=pl.lit(delivery.vendor),
        batch_id=pl.lit(batch.batch_id, dtype=pl.Int64),
        known_at=pl.lit(batch.fetched_at).cast(UTC),
    )


def rejected_rows(revised: RevisionResult, delivery: Delivery, batch: Batch) -> pl.DataFrame:
    """Rows of the quarantine: those without a key, and those refused in favour of stored rows."""
    key = delivery.key
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
