"""Find the stored rows of a source that are on the price level of its newest delivery."""

from __future__ import annotations

import polars as pl


def is_newest_vintage(rows: pl.DataFrame) -> pl.Expr:
    """Whether a row is on the newest delivery's price basis and, if that is ``total``, part of it.

    A ``total`` series is restated whole at every dividend: two vintages have two price levels.

    Args:
        rows: one source's rows of one ticker, at least one, with ``price_basis, batch_id`` and the
            ``fetched_at`` of their batch.
    """
    newest = rows.sort("fetched_at", "batch_id").row(-1, named=True)
    same_basis = pl.col("price_basis") == pl.lit(newest["price_basis"])
    same_batch = pl.col("batch_id") == pl.lit(newest["batch_id"])
    return same_basis & same_batch if newest["price_basis"] == "total" else same_basis
