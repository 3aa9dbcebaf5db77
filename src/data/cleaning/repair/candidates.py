"""Collect the bars that may fill missing sessions: from hourly bars and from other sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import polars as pl

from src.data.cleaning.repair.fill_gaps import CandidateBars
from src.data.cleaning.repair.hourly_to_daily import daily_bars

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar


def hourly_candidates(
    hourly: pl.DataFrame, sources: Iterable[str], calendar: Calendar
) -> list[CandidateBars]:
    """The sessions that clean hourly bars of one ticker cover, with complete volume first.

    The bars are in time order, the preferred source is the first.
    """
    bars_of = {name: daily_bars(hourly.filter(source=name), calendar) for name in sources}
    has_volume = pl.col("silent") == 0
    candidates = []
    for is_wanted in (has_volume, ~has_volume):
        for name, bars in bars_of.items():
            rebuilt = pl.format("rebuilt from {} hourly bars of {}", "hours", pl.lit(name))
            lacking = pl.format(", {} of them without volume", "silent")
            reason = rebuilt + pl.when(has_volume).then(pl.lit("")).otherwise(lacking)
            # Every day shows the price level, with or without volume.
            bars_with_reason = bars.with_columns(reason=pl.when(is_wanted).then(reason))
            candidates.append(CandidateBars("hourly", name, bars_with_reason))
    return candidates


def second_source_candidates(
    others: Sequence[pl.DataFrame], kind: Literal["second_source", "continued"] = "second_source"
) -> list[CandidateBars]:
    """The clean, adjusted bars of other sources, in their order."""
    return [
        CandidateBars(
            kind,
            bars["source"][0],
            bars.with_columns(reason=pl.format("taken from {}", pl.col("source"))),
            is_total=bars["price_basis"][0] == "total",
        )
        for bars in others
        if bars.height
    ]
