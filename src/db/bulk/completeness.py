"""Count what the rows of each ticker lack: in the database, or in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.db import sql

if TYPE_CHECKING:
    import polars as pl

    from src.core.tables import Table

COLUMNS = ("ticker", "rows", "usable", "lacking", "not_finite", "recent")


def query(table: Table, columns: Sequence[str], recent: int, until: str = "") -> str:
    """Select ``COLUMNS`` of the tickers in parameter $1; ``until`` is one more condition."""
    not_finite = (f"count(*) FILTER (WHERE NOT abs(\"{name}\") < 'infinity')" for name in columns)
    return f"""
SELECT ticker, rows, usable, lacking, not_finite, coalesce((
    SELECT date FROM {table.name} r WHERE r.ticker = counted.ticker {until}
    ORDER BY date DESC OFFSET {recent - 1} LIMIT 1), oldest) AS recent
FROM (SELECT ticker, count(*) AS rows, count(*) FILTER (WHERE NOT warm_up) AS usable,
        count(*) FILTER (WHERE NOT warm_up AND num_nulls({sql.names(columns)}) > 0) AS lacking,
        {" + ".join(not_finite)} AS not_finite, min(date) AS oldest
    FROM {table.name} WHERE ticker = ANY(string_to_array($1, ',')) {until}
    GROUP BY ticker) counted
"""  # noqa: S608 names of declared tables and columns


def of_frame(rows: pl.DataFrame, columns: Sequence[str], recent: int) -> pl.DataFrame:
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
