"""Count what the rows of each ticker lack, of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("ticker", "rows", "usable", "lacking", "not_finite", "recent")


def count_lacking(rows: pl.DataFrame, columns: Sequence[str], recent: int) -> pl.DataFrame:
    """``COLUMNS`` of rows with ``ticker, date, warm_up`` and the columns."""
    import polars as pl

    usable = ~pl.col("warm_up")
    lacks = pl.any_horizontal(pl.col(name).is_null() for name in columns)
    not_finite = pl.sum_horizontal((~pl.col(name).is_finite()).sum() for name in columns)
    counted = rows.group_by("ticker").agg(
        rows=pl.len().cast(pl.Int64),
        usable=usable.sum().cast(pl.Int64),
        lacking=(usable & lacks).sum().cast(pl.Int64),
        not_finite=not_finite.cast(pl.Int64),
        recent=pl.col("date").top_k(recent).min(),
    )
    return counted.sort("ticker").select(COLUMNS)
