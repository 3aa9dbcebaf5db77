"""Stage: raw daily and hourly prices in, one clean bar per session out, the rest in quarantine."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import polars as pl

from src.core.sessions import Calendar
from src.core.tables import (
    CLEAN_DAILY,
    CLEAN_HOURLY,
    INGEST_BATCHES,
    INSTRUMENTS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
    Table,
)
from src.data.rules import DAILY_RULES, HOURLY_RULES, Rule, Sifted, pending_jumps, sift
from src.stages.cli import guarded, stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport

STAGE_NAME = "data_cleaning"
EXCHANGE_ZONE = "Asia/Kolkata"


def run(context: RunContext) -> StageReport:
    """Clean both tables for the context's tickers and replace them as a whole."""
    calendar, precedence = context.calendar, context.settings.data.source_precedence
    daily, refused_daily = clean(
        _with_batches(context, RAW_DAILY), CLEAN_DAILY, calendar, precedence
    )
    hourly, refused_hourly = clean(
        _with_batches(context, RAW_HOURLY), CLEAN_HOURLY, calendar, precedence
    )
    refused = pl.concat(
        [_quarantined(refused_daily, "daily"), _quarantined(refused_hourly, "hourly")]
    )
    context.store.replace(CLEAN_DAILY, context.tickers, daily)
    context.store.replace(CLEAN_HOURLY, context.tickers, hourly)
    context.store.replace(QUARANTINE, context.tickers, refused, within={"stage": STAGE_NAME})
    return StageReport(
        rows=daily.height,
        details={
            "daily_rows": daily.height,
            "hourly_rows": hourly.height,
            "quarantined": _by_rule(refused),
            "sources": sorted(set(daily["source"])),
            "action_pending": int(daily["action_pending"].sum()),
            "missing_sessions": missing_sessions(daily, context.calendar),
        },
        warnings=tuple(_jump_warnings(daily)),
    )


def clean(
    raw: pl.DataFrame, table: Table, calendar: Calendar, precedence: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Clean bars of any number of tickers, and the refused rows with ``rule`` and ``reason``.

    One source is chosen per ticker; rows of the chosen source = clean rows + refused rows.

    Args:
        raw: raw rows joined with their batch (see ``rules``), in any order.
        table: ``CLEAN_DAILY`` or ``CLEAN_HOURLY``, which decides rules and columns.
        calendar: the exchange's sessions.
        precedence: sources, the preferred one first.
    """
    rules, finish, key = KINDS[table.name]
    parts = [_of_chosen_source(one, key, rules, calendar, precedence) for one in _tickers(raw)]
    return (
        pl.concat([finish(part.kept) for part in parts]),
        pl.concat([part.refused for part in parts]),
    )


def missing_sessions(clean: pl.DataFrame, calendar: Calendar) -> int:
    """Sessions between first and last bar, over all tickers, that have no bar."""
    spans = clean.group_by("ticker").agg(
        first=pl.col("date").min(), last=pl.col("date").max(), bars=pl.len()
    )
    return sum(
        len(calendar.sessions(row["first"], row["last"])) - row["bars"]
        for row in spans.iter_rows(named=True)
    )


def choose_source(present: Sequence[str], precedence: Sequence[str]) -> str:
    """The first of the precedence that is present, else the first by name."""
    for name in precedence:
        if name in present:
            return name
    return min(present)


def _tickers(raw: pl.DataFrame) -> list[pl.DataFrame]:
    return raw.partition_by("ticker", maintain_order=True) or [raw]


def _of_chosen_source(
    raw: pl.DataFrame,
    key: str,
    rules: tuple[Rule, ...],
    calendar: Calendar,
    precedence: Sequence[str],
) -> Sifted:
    present = raw["source"].unique().to_list()
    source = choose_source(present, precedence) if present else ""
    return sift(raw.filter(pl.col("source") == source).sort(key), rules, calendar)


def _with_batches(context: RunContext, table: Table) -> pl.DataFrame:
    raw = context.store.load(table, context.tickers, context.as_of)
    if "ts" in raw.columns:
        raw = raw.with_columns(date=pl.col("ts").dt.convert_time_zone(EXCHANGE_ZONE).dt.date())
        if context.as_of is not None:
            raw = raw.filter(pl.col("date") <= context.as_of)
    batches = context.store.load(INGEST_BATCHES, context.tickers).select(
        "batch_id", "price_basis", "fetched_at", "fetched_at_stated"
    )
    listed = context.store.load(INSTRUMENTS, context.tickers).select("ticker", "listed_on")
    return raw.join(batches, on="batch_id", how="left").join(listed, on="ticker", how="left")


def _finished_daily(kept: pl.DataFrame) -> pl.DataFrame:
    has_dividends = kept.height > 0 and kept["adj_close"].null_count() == 0
    total = has_dividends or (kept.height > 0 and kept["price_basis"][0] == "total")
    finished = kept.with_columns(
        adj_close=pl.col("adj_close") if has_dividends else pl.col("close"),
        return_basis=pl.lit("total" if total else "price"),
        action_pending=pl.Series(pending_jumps(kept["close"].to_numpy())),
        repaired_by=pl.lit(None, dtype=pl.String),
    )
    return finished.select(list(CLEAN_DAILY.columns))


def _finished_hourly(kept: pl.DataFrame) -> pl.DataFrame:
    finished = kept.with_columns(repaired_by=pl.lit(None, dtype=pl.String))
    return finished.select(list(CLEAN_HOURLY.columns))


def _quarantined(refused: pl.DataFrame, kind: str) -> pl.DataFrame:
    own = [c for c in ("open", "high", "low", "close", "volume", "adj_close") if c in refused]
    at = pl.col("ts") if kind == "hourly" else pl.col("date")
    return refused.select(
        "ticker",
        stage=pl.lit(STAGE_NAME),
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


def _by_rule(refused: pl.DataFrame) -> dict[str, int]:
    counts = refused.group_by("rule").len().sort("rule")
    return dict(zip(counts["rule"].to_list(), counts["len"].to_list(), strict=True))


def _jump_warnings(clean: pl.DataFrame) -> list[str]:
    before = pl.col("close").shift(1).over("ticker")
    jumps = clean.with_columns(ratio=pl.col("close") / before).filter("action_pending")
    return [
        f"{row['ticker']}: the close of {row['date']} is {row['ratio']:.3f} times the one before "
        "with no corporate action stated: labels across it are left out."
        for row in jumps.iter_rows(named=True)
    ]


KINDS = {
    CLEAN_DAILY.name: (DAILY_RULES, _finished_daily, "date"),
    CLEAN_HOURLY.name: (HOURLY_RULES, _finished_hourly, "ts"),
}

STAGE = Stage(
    name=STAGE_NAME,
    summary="Clean raw daily and hourly prices; refused rows go to quarantine.",
    reads=(RAW_DAILY, RAW_HOURLY, INGEST_BATCHES, INSTRUMENTS),
    writes=(CLEAN_DAILY, CLEAN_HOURLY, QUARANTINE),
    run=run,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.data.cleaning``."""
    return stage_main(STAGE, argv, parser=stage_parser("src.data.cleaning", STAGE.summary))


if __name__ == "__main__":
    sys.exit(guarded(main))
