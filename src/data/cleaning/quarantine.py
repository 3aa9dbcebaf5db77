"""Make rows of the quarantine from the bars that cleaning refused or repaired, and count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import DAILY_VALUES, QUARANTINE
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.sources.delivery import KEY_COLUMNS

if TYPE_CHECKING:
    from src.data.cleaning.clean_ticker import CleaningResult
    from src.data.sources.delivery import Kind

STAGE_NAME = "data_cleaning"


def refused_rows(refused: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """One row with ``action`` rejected for each refused bar."""
    values = [name for name in DAILY_VALUES if name in refused.columns]
    return _quarantine_rows(refused, kind, values, action="rejected")


def repaired_rows(daily: CleaningResult) -> pl.DataFrame:
    """One row with ``action`` repaired for each filled bar; none where a series goes on.

    ``rule`` is the kind of repair, ``source`` and ``batch_id`` are of the bars it was taken from,
    and ``row`` is the bar that was refused there, with nulls where there was none.
    """
    replaced = daily.refused.select("ticker", "date", *DAILY_VALUES).unique(
        ["ticker", "date"], keep="last"
    )
    filled = daily.repaired.filter(pl.col("kind") != "continued")
    rows = filled.join(replaced, on=["ticker", "date"], how="left").with_columns(
        rule=pl.col("kind")
    )
    return _quarantine_rows(rows, "daily", list(DAILY_VALUES), action="repaired")


def count_every_rule(refused: pl.DataFrame) -> dict[str, int]:
    """Rows that each rule refused, in the order of the rules, with zeros."""
    counts = count_by_rule(refused)
    names = dict.fromkeys(rule.__name__ for rule in (*DAILY_RULES, *HOURLY_RULES))
    return {name: counts.get(name, 0) for name in names}


def count_by_rule(rows: pl.DataFrame) -> dict[str, int]:
    """How many rows of the quarantine each rule has put there."""
    return dict(rows.group_by("rule").len().sort("rule").iter_rows())


def _quarantine_rows(
    rows: pl.DataFrame, kind: Kind, values: list[str], *, action: str
) -> pl.DataFrame:
    at = pl.col(KEY_COLUMNS[kind]).cast(pl.String)
    return rows.with_columns(
        stage=pl.lit(STAGE_NAME),
        kind=pl.lit(kind),
        at=at,
        line=pl.lit(0, dtype=pl.Int64),
        action=pl.lit(action),
        row=pl.struct(at.alias("at"), *values).struct.json_encode(),
    ).select(list(QUARANTINE.columns))
