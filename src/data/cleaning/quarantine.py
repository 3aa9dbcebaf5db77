"""Bars that cleaning refused or rebuilt in, rows of the quarantine out; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.data.cleaning.clean import Cleaned
    from src.data.sources.delivery import Kind

FIELDS = ("open", "high", "low", "close", "volume", "adj_close")


def refused_rows(refused: pl.DataFrame, kind: Kind, stage: str) -> pl.DataFrame:
    """One row with ``action`` rejected for each refused bar."""
    own = [name for name in FIELDS if name in refused.columns]
    at = pl.col("ts") if kind == "hourly" else pl.col("date")
    return refused.select(
        "ticker",
        stage=pl.lit(stage),
        kind=pl.lit(kind),
        source=pl.col("source"),
        at=at.cast(pl.String),
        line=pl.lit(0, dtype=pl.Int64),
        rule=pl.col("rule"),
        reason=pl.col("reason"),
        action=pl.lit("rejected"),
        row=pl.struct(at.cast(pl.String).alias("at"), *own).struct.json_encode(),
        batch_id=pl.col("batch_id"),
    )


def repaired_rows(daily: Cleaned, stage: str) -> pl.DataFrame:
    """One row with ``action`` repaired for each rebuilt bar.

    ``rule`` is what it was rebuilt by, ``source`` and ``batch_id`` are of the evidence, and
    ``row`` is what had stood in its place, with nulls where nothing had.
    """
    replaced = daily.refused.select("ticker", "date", *FIELDS).unique(
        ["ticker", "date"], keep="last"
    )
    rows = daily.repaired.join(replaced, on=["ticker", "date"], how="left")
    return rows.select(
        "ticker",
        stage=pl.lit(stage),
        kind=pl.lit("daily"),
        source=pl.col("source"),
        at=pl.col("date").cast(pl.String),
        line=pl.lit(0, dtype=pl.Int64),
        rule=pl.col("kind"),
        reason=pl.col("reason"),
        action=pl.lit("repaired"),
        row=pl.struct(pl.col("date").cast(pl.String).alias("at"), *FIELDS).struct.json_encode(),
        batch_id=pl.col("batch_id"),
    )
