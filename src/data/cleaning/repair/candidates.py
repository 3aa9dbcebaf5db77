"""Hourly bars and other sources' daily ones in; what may stand in for missing bars out; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.data.cleaning.repair.fill_gaps import Evidence
from src.data.cleaning.repair.hourly_to_daily import daily_bars

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar


def by_hour(hourly: pl.DataFrame, sources: Sequence[str], calendar: Calendar) -> list[Evidence]:
    """The sessions that hourly bars cover, those first whose volume is whole."""
    per_source = [(name, daily_bars(hourly.filter(source=name), calendar)) for name in sources]
    has_all = pl.col("silent") == 0
    evidence = []
    for is_wanted in (has_all, ~has_all):
        for name, bars in per_source:
            told = pl.format("rebuilt from {} hourly bars of {}", "hours", pl.lit(name))
            lacking = pl.format(", {} of them without volume", "silent")
            clause = told + pl.when(has_all).then(pl.lit("")).otherwise(lacking)
            # The level is told by every day, with or without the volumes.
            shown = bars.with_columns(told=pl.when(is_wanted).then(clause))
            evidence.append(Evidence("hourly", name, shown))
    return evidence


def second_sources(others: Sequence[pl.DataFrame]) -> list[Evidence]:
    """The clean, adjusted bars of other sources, in their order."""
    return [
        Evidence(
            "second_source",
            one["source"][0],
            one.with_columns(told=pl.format("taken from {}", pl.col("source"))),
            is_total=one["price_basis"][0] == "total",
        )
        for one in others
        if one.height
    ]
