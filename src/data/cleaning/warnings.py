"""Say in sentences what cleaning did and what a person should know of it."""

from __future__ import annotations

import datetime as dt
import json
from math import log
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.corporate_actions.decisions.proposals import likely_splits
from src.data.corporate_actions.ledger import contradiction_of, explained_days
from src.data.corporate_actions.price_checks.partings import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.cleaning.clean_ticker import CleaningResult

ACTIONS_COMMAND = "python -m src.data.corporate_actions"
# A second source that differs this often may be of another instrument.
OFTEN = 0.2
# A warning is given when the preferred source has fewer rows than this share of another's.
SHORT = 0.8
WITHDRAW_COMMAND = "python -m src.data.ingest withdraw"
# Rows of more batches than this are not taken out by hand.
FEW_BATCHES = 3


def repair_notes(daily: CleaningResult) -> list[str]:
    """How many bars of each ticker were taken from elsewhere, and from what, one line each."""
    counts = daily.repaired.group_by("ticker", "kind", "source").len().sort("ticker", "kind")
    return [
        f"{ticker}: {count} {'newer ' if kind == 'continued' else ''}"
        f"session{'' if count == 1 else 's'} "
        f"{'taken' if kind == 'continued' else 'without a bar filled'} from "
        f"{'hourly bars of ' if kind == 'hourly' else ''}{source}"
        for ticker, kind, source, count in counts.iter_rows()
    ]


def later_action_notes(ledger: pl.DataFrame, closed: dt.date) -> list[str]:
    """The actions that apply only once the session of their ex-date has closed, one line each."""
    later = ledger.filter(pl.col("date") > closed, pl.col("status") != "rejected")
    return [
        f"{row['ticker']}: the {row['kind']} of {row['ratio'] or row['amount']:g} is not applied "
        f"before the session of {row['date']} has closed"
        for row in later.sort("ticker", "date").iter_rows(named=True)
    ]


def cleaning_warnings(daily: CleaningResult, precedence: Sequence[str]) -> tuple[str, ...]:
    """Everything that may be wrong, or waits for a person's decision.

    ``precedence`` are the sources, the preferred one first, as they are set.
    """
    chosen = daily.bars.filter(pl.col("repaired_by").is_null())
    sources = chosen.select("ticker", "source").unique()
    return (
        *_better_sources(sources, daily, precedence),
        *_inferred_splits(daily.inferred, sources),
        *_contradicted_actions(daily.contradicted),
        *_dividend_mismatches(daily.dividend_mismatches),
        *_incomparable_past(daily.refused),
        *_differing_sources(daily),
        *_pending_jumps(daily.bars, daily.inferred, daily.weighed),
    )


def _better_sources(
    chosen: pl.DataFrame, daily: CleaningResult, precedence: Sequence[str]
) -> list[str]:
    """Sources that go further than the clean prices, or have many more than the used one."""
    spans = daily.spans
    newest = daily.bars.group_by("ticker").agg(newest=pl.col("date").max())
    used = spans.join(chosen, on=["ticker", "source"])
    others = spans.join(chosen, on=["ticker", "source"], how="anti").join(
        used, on="ticker", suffix="_used"
    )
    others = others.join(newest, on="ticker")
    is_newer = pl.col("last") > pl.max_horizontal("last_used", "newest")
    has_more = pl.col("rows_used") < SHORT * pl.col("rows")
    return [
        f"{row['ticker']}: the clean prices are from {row['source_used']} ({row['rows_used']} rows "
        f"up to {row['last_used']}), but {row['source']} has {row['rows']} rows up to "
        f"{row['last']}: to use {row['source']}, {_how_to_use(row, precedence)}."
        for row in others.filter(is_newer | has_more).sort("ticker", "source").iter_rows(named=True)
    ]


def _how_to_use(row: dict[str, Any], precedence: Sequence[str]) -> str:
    """What puts another source first for all tickers; or takes out the few rows before it."""
    others = [name for name in precedence if name != row["source"]]
    setting = f"set FORECAST_DATA__SOURCE_PRECEDENCE='{json.dumps([row['source'], *others])}'"
    if row["rows_used"] >= SHORT * row["rows"] or len(row["batches_used"]) > FEW_BATCHES:
        return setting
    commands = [f"`{WITHDRAW_COMMAND} --batch {number}`" for number in row["batches_used"]]
    return f"{setting}, or take the rows of {row['source_used']} out: {' and '.join(commands)}"


def _inferred_splits(inferred: pl.DataFrame, chosen: pl.DataFrame) -> list[str]:
    applied = inferred.filter(status="applied").join(chosen, on=["ticker", "source"])
    return [
        f"{row['ticker']}: a split of {row['ratio']:g} for 1 on {row['date']} was inferred from "
        "the prices and applied."
        for row in applied.sort("ticker", "date").iter_rows(named=True)
    ]


def _contradicted_actions(contradicted: pl.DataFrame) -> list[str]:
    return [
        f"{row['ticker']}: the {row['kind']} of {row['ratio'] or row['amount']:g} stated for "
        f"{row['date']} is not applied because {contradiction_of(row)}: accept or reject it with "
        f"`{ACTIONS_COMMAND}`."
        for row in contradicted.sort("ticker", "date").iter_rows(named=True)
    ]


def _dividend_mismatches(mismatches: pl.DataFrame) -> list[str]:
    by_ticker = mismatches.group_by("ticker").agg("date", pl.col("why").first()).sort("ticker")
    return [
        f"{ticker}: the adjusted close does not agree with the stated dividends on {len(dates)} "
        f"dates, so total returns there may be wrong (first {dates[0]}: {why})."
        for ticker, dates, why in by_ticker.iter_rows()
    ]


def _incomparable_past(refused: pl.DataFrame) -> list[str]:
    cut = (
        refused.filter(rule="before_break")
        .group_by("ticker")
        .agg(rows=pl.len(), last=pl.col("date").max(), reason=pl.col("reason").first())
    )
    return [
        f"{ticker}: {rows} rows up to {last} are left out: {reason}."
        for ticker, rows, last, reason in cut.sort("ticker").iter_rows()
    ]


def _differing_sources(daily: CleaningResult) -> list[str]:
    """Second sources whose closes differ on so many days that one of the two must be wrong."""
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


def _pending_jumps(bars: pl.DataFrame, inferred: pl.DataFrame, weighed: pl.DataFrame) -> list[str]:
    def move(name: str) -> pl.Expr:
        return (pl.col(name) / pl.col(name).shift(1).over("ticker")).fill_null(1.0)

    moves = bars.with_columns(close_move=move("close"), adj_move=move("adj_close"))
    pending = moves.filter("action_pending")
    likely = {
        (row["ticker"], row["date"]): likely_splits(row)
        for row in inferred.filter(status="pending").iter_rows(named=True)
    }
    explained = _explained(pending, weighed)
    return [
        f"{row['ticker']}: {explained.get(key) or _unexplained(row, likely.get(key, ''))}: "
        "labels across it are left out."
        for row in pending.iter_rows(named=True)
        if (key := (row["ticker"], row["date"]))
    ]


def _explained(pending: pl.DataFrame, weighed: pl.DataFrame) -> dict[tuple[str, dt.date], str]:
    """What moved on the pending sessions that stated events and rights explain."""
    moves = {(row["ticker"], row["date"]): row["close_move"] for row in pending.rows(named=True)}
    return {
        (ticker, day): (
            f"the close of {day} is {moves[ticker, day]:.3g} times the one before, by {cause} "
            f"(see `{ACTIONS_COMMAND} accept`, `reject`)"
        )
        for (ticker,), rows in weighed.group_by("ticker")
        for day, cause in explained_days(rows).items()
        if (ticker, day) in moves
    }


def _unexplained(row: dict[str, Any], likely: str) -> str:
    """What moved on a pending session: the close, or adj_close away from it."""
    close, adjusted = row["close_move"], row["adj_move"]
    if abs(log(adjusted / close)) > LEAST:
        return (
            f"the adjusted close of {row['date']} is {adjusted:.3g} times the one before and the "
            f"close {close:.3g} times, and no stated dividend explains the difference (correct the "
            f"prices, or enter what explains it with `{ACTIONS_COMMAND} add`)"
        )
    if likely:
        likely = (
            f" (if it was a split, of {likely}: see `{ACTIONS_COMMAND} accept`, `add`, `reject`)"
        )
    return (
        f"the close of {row['date']} is {close:.3g} times the one before, and no stated corporate "
        f"action explains it{likely}"
    )
