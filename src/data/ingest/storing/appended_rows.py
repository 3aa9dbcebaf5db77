"""Build the stored rows of deliveries that only add to what is stored, all of a block at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.data.history.revisions import UTC
from src.data.ingest.storing.batch_rows import STAGE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.history.revisions import Batch
    from src.data.sources.delivery import Delivery


@dataclass(frozen=True)
class AppendedRows:
    """Rows of a delivery whose keys its series does not have yet, as in ``Delivery.frame``."""

    delivery: Delivery
    batch: Batch
    rows: pl.DataFrame


def raw_rows_of(appended: Sequence[AppendedRows]) -> pl.DataFrame:
    """Rows of a raw table with the ``price_basis`` and ``fetched_at`` of their batch.

    The deliveries, at least one, are of one kind.
    """
    rows = pl.concat([part.rows for part in appended]).drop("line")
    facts = _repeated(appended, [part.rows.height for part in appended])
    return pl.concat([rows, facts.drop("kind")], how="horizontal").with_columns(
        first_seen=pl.col("fetched_at")
    )


def rejected_rows_of(appended: Sequence[AppendedRows]) -> pl.DataFrame | None:
    """Rows of the quarantine: those that the deliveries rejected themselves; None without any."""
    with_rejected = [part for part in appended if part.delivery.rejected.height]
    if not with_rejected:
        return None
    rows = pl.concat([part.delivery.rejected for part in with_rejected])
    facts = _repeated(with_rejected, [part.delivery.rejected.height for part in with_rejected])
    return pl.concat(
        [rows, facts.select("ticker", "kind", "source", "batch_id")], how="horizontal"
    ).with_columns(stage=pl.lit(STAGE_NAME), action=pl.lit("rejected"))


def _repeated(appended: Sequence[AppendedRows], counts: Sequence[int]) -> pl.DataFrame:
    """Facts of each delivery and its batch, on as many rows as it has."""
    facts = [
        (d.ticker, d.kind, d.vendor, b.batch_id, b.price_basis, b.fetched_at)
        for d, b in ((part.delivery, part.batch) for part in appended)
    ]
    texts = dict.fromkeys(("ticker", "kind", "source"), pl.String())
    schema = {**texts, "batch_id": pl.Int64(), "price_basis": pl.String(), "fetched_at": UTC}
    return pl.DataFrame(facts, schema=schema, orient="row")[
        np.repeat(np.arange(len(counts)), counts)
    ]
