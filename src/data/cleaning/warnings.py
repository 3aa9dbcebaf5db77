"""What cleaning did in; what a person should know of it, in sentences, out; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.data.cleaning.clean import Cleaned

DECIDE = "python -m src.data.corporate_actions"
# A second source that differs this often may be of another instrument.
OFTEN = 0.2
# A preferred source with fewer rows than this share of another's is told of.
SHORT = 0.8


def told_repairs(daily: Cleaned) -> list[str]:
    """How many bars of each ticker were filled and from what, one line each."""
    counts = daily.repaired.group_by("ticker", "kind", "source").len().sort("ticker", "kind")
    return [
        f"{ticker}: {count} sessions without a bar filled from "
        f"{'hourly bars of ' if kind == 'hourly' else ''}{source}"
        for ticker, kind, source, count in counts.iter_rows()
    ]


def warnings_of(daily: Cleaned) -> tuple[str, ...]:
    """All that may be wrong, or waits for a person."""
    own = daily.bars.filter(pl.col("repaired_by").is_null())
    return (
        *_sources(own, daily.spans),
        *_inferred(daily, own),
        *_doubts(daily.doubted),
        *_contradictions(daily.contradicted),
        *_cut(daily.refused),
        *_differences(daily),
        *_jumps(daily),
    )


def _sources(own: pl.DataFrame, spans: pl.DataFrame) -> list[str]:
    """Sources that have newer prices, or many more, than the one that is used."""
    chosen = own.select("ticker", "source").unique()
    used = spans.join(chosen, on=["ticker", "source"])
    beside = spans.join(chosen, on=["ticker", "source"], how="anti").join(
        used, on="ticker", suffix="_used"
    )
    told = (pl.col("last") > pl.col("last_used")) | (pl.col("rows_used") < SHORT * pl.col("rows"))
    return [
        f"{row['ticker']}: the prices from {row['source']} are stored, but the clean ones are from "
        f"{row['source_used']} (data.source_precedence): {row['rows']} rows up to {row['last']} "
        f"against {row['rows_used']} up to {row['last_used']}."
        for row in beside.filter(told).sort("ticker", "source").iter_rows(named=True)
    ]


def _inferred(daily: Cleaned, own: pl.DataFrame) -> list[str]:
    used = own.select("ticker", "source").unique()
    applied = daily.inferred.filter(status="applied").join(used, on=["ticker", "source"])
    return [
        f"{row['ticker']}: a split of {row['ratio']:g} for 1 on {row['date']} was inferred from "
        "the prices and applied."
        for row in applied.sort("ticker", "date").iter_rows(named=True)
    ]


def _doubts(doubted: pl.DataFrame) -> list[str]:
    return [
        f"{row['ticker']}: the {row['kind']} of {row['ratio'] or row['amount']:g} stated for "
        f"{row['date']} is left out until a person decides: {json.loads(row['evidence'])['doubt']} "
        f"({DECIDE} accept or reject)."
        for row in doubted.sort("ticker", "date").iter_rows(named=True)
    ]


def _contradictions(contradicted: pl.DataFrame) -> list[str]:
    found = contradicted.group_by("ticker").agg("date", pl.col("why").first()).sort("ticker")
    return [
        f"{ticker}: the adjusted close does not agree with the stated dividends on {len(dates)} "
        f"dates, so total returns there may be wrong (first {dates[0]}: {why})."
        for ticker, dates, why in found.iter_rows()
    ]


def _cut(refused: pl.DataFrame) -> list[str]:
    cut = (
        refused.filter(rule="before_break")
        .group_by("ticker")
        .agg(rows=pl.len(), last=pl.col("date").max(), why=pl.col("reason").first())
    )
    return [
        f"{ticker}: {rows} rows up to {last} are left out: {why}."
        for ticker, rows, last, why in cut.sort("ticker").iter_rows()
    ]


def _differences(daily: Cleaned) -> list[str]:
    """Second sources whose closes differ on so many days that something is wrong with one."""
    days = (
        daily.differences.filter(field="close")
        .group_by("ticker", "other")
        .agg(differing=pl.col("date").n_unique())
    )
    rows = daily.spans.rename({"source": "other"})
    often = days.join(rows, on=["ticker", "other"]).filter(
        pl.col("differing") > OFTEN * pl.col("rows")
    )
    return [
        f"{row['ticker']}: the closes from {row['other']} differ on {row['differing']} days: one "
        "source is wrong, or of another instrument (python -m src.data.report lists them)."
        for row in often.sort("ticker", "other").iter_rows(named=True)
    ]


def _jumps(daily: Cleaned) -> list[str]:
    before = pl.col("close").shift(1).over("ticker")
    marked = daily.bars.with_columns(ratio=pl.col("close") / before).filter("action_pending")
    return [
        f"{row['ticker']}: the close of {row['date']} is {row['ratio'] or 1:.3g} times the one "
        "before with no corporate action stated that explains it: labels across it are left out."
        for row in marked.iter_rows(named=True)
    ]
