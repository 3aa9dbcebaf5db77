"""Find the stored rows of a source that are on the price level of its newest delivery."""

from __future__ import annotations

import polars as pl


def is_newest_vintage() -> pl.Expr:
    """Whether a row is on the newest delivery's price basis and, if that is ``total``, part of it.

    A ``total`` series is restated whole at every dividend: two vintages have two price levels. The
    rows are of one ticker and source with ``price_basis, batch_id, fetched_at``; for several, use
    it ``over`` them.
    """
    basis, batch = (
        pl.col(name).sort_by("fetched_at", "batch_id").last()
        for name in ("price_basis", "batch_id")
    )
    is_in_batch = (basis != "total") | (pl.col("batch_id") == batch)
    return (pl.col("price_basis") == basis) & is_in_batch
