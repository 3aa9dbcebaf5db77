"""Store newer clean bars, bring the quarantine of their tickers up to date, and report it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import CLEAN_DAILY, CLEAN_SERIES, CONFIRMED_SERIES, QUARANTINE
from src.data.cleaning.quarantine import (
    STAGE_NAME,
    count_by_rule,
    count_every_rule,
    refused_rows,
)
from src.stages.stage import RunContext, StageReport

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.cleaning.series.newer import NewerBars


def store_newer(context: RunContext, newer: NewerBars) -> StageReport:
    """Add clean bars, and bring the quarantine of these tickers up to date."""
    store, tickers = context.store, context.tickers
    store.insert(CLEAN_DAILY, newer.bars)
    store.replace(CLEAN_SERIES, tickers, newer.states_frame())
    quarantined = _quarantine_now(context, newer)
    states = newer.states.values()
    rows = sum(state["rows"] for state in states)
    spans = pl.DataFrame(
        {
            "first": [state["first_session"] for state in states],
            "last": [state["newest_session"] for state in states],
            "bars": [state["rows"] for state in states],
        }
    )
    counted = Counter(quarantined["ticker"])
    return StageReport(
        rows=rows,
        details={
            "daily_rows": rows,
            "hourly_rows": 0,
            "rules": count_every_rule(quarantined),
            "quarantined": count_by_rule(quarantined),
            "repaired": {},
            "notes": [],
            "sources": sorted({state["source"] for state in states}),
            "actions_inferred": 0,
            "action_pending": 0,
            "missing_sessions": count_missing(spans, context.calendar),
            "days_sources_differ": 0,
        },
        counts={
            ticker: {
                "daily": state["rows"],
                "hourly": 0,
                "quarantined": counted[ticker],
                "repaired": 0,
            }
            for ticker, state in newer.states.items()
        },
    )


def _quarantine_now(context: RunContext, newer: NewerBars) -> pl.DataFrame:
    """The refused rows of these tickers, stored where they differ from those before.

    Those that are not looked at again belong to the last batch that had them, as raw rows do.
    """
    store, tickers = context.store, context.tickers
    stored = store.load(QUARANTINE, tickers).filter(stage=STAGE_NAME)
    refused = refused_rows(newer.refused, "daily")
    if stored.is_empty() and refused.is_empty():
        return refused
    anchor = pl.col("ticker").replace_strict(newer.anchors, return_dtype=pl.Date)
    last = store.load(CONFIRMED_SERIES, tickers).filter(kind="daily")
    earlier = (
        stored.filter(pl.col("at").str.to_date() < anchor)
        .join(
            last.select("ticker", "source", last_batch="batch_id"),
            on=["ticker", "source"],
            how="left",
            maintain_order="left",
        )
        .with_columns(batch_id=pl.max_horizontal("batch_id", "last_batch"))
        .drop("last_batch")
    )
    rows = pl.concat([earlier, refused.select(earlier.columns)])
    store.replace(QUARANTINE, tickers, rows, within={"stage": STAGE_NAME})
    return rows


def bar_spans(clean: pl.DataFrame) -> pl.DataFrame:
    """Of each ticker its ``first`` and ``last`` session, and how many ``bars`` it has."""
    return clean.group_by("ticker").agg(
        first=pl.col("date").min(), last=pl.col("date").max(), bars=pl.len()
    )


def count_missing(spans: pl.DataFrame, calendar: Calendar) -> int:
    """Sessions between first and last bar, over all tickers, that have no bar."""
    first, last = (calendar.session_ids(spans[name].to_numpy()) for name in ("first", "last"))
    return int((last - first + 1).sum() - spans["bars"].sum())
