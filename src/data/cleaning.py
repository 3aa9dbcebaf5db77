"""Stage: raw daily and hourly prices in, one clean bar per session out, the rest in quarantine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from src.core.sessions import Calendar
from src.core.tables import (
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    INSTRUMENTS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
    Table,
)
from src.data.ledger import LEDGER_SCHEMA, derive
from src.data.rules import DAILY_RULES, HOURLY_RULES, sift
from src.stages.cli import guarded, stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport

STAGE_NAME = "data_cleaning"
EXCHANGE_ZONE = "Asia/Kolkata"
UTC = pl.Datetime("us", "UTC")
DAILY, HOURLY = list(CLEAN_DAILY.columns), list(CLEAN_HOURLY.columns)
# The ledger rows that every run makes anew; what a person decided is not among them.
BY_RULE = {"origin": "inferred", "decided_by": "rule"}


def run(context: RunContext) -> StageReport:
    """Clean both tables for the context's tickers and replace them as a whole."""
    calendar, precedence = context.calendar, context.settings.data.source_precedence
    ledger = context.store.load(CORPORATE_ACTIONS, context.tickers)
    daily = clean_daily(_with_batches(context, RAW_DAILY), ledger, calendar, precedence)
    hourly = clean_hourly(_with_batches(context, RAW_HOURLY), calendar, precedence)
    refused = pl.concat(
        [_quarantined(daily.refused, "daily"), _quarantined(hourly.refused, "hourly")]
    )
    context.store.replace(CLEAN_DAILY, context.tickers, daily.bars)
    context.store.replace(CLEAN_HOURLY, context.tickers, hourly.bars)
    context.store.replace(QUARANTINE, context.tickers, refused, within={"stage": STAGE_NAME})
    context.store.replace(CORPORATE_ACTIONS, context.tickers, daily.inferred, within=BY_RULE)
    return StageReport(
        rows=daily.bars.height,
        details={
            "daily_rows": daily.bars.height,
            "hourly_rows": hourly.bars.height,
            "quarantined": _by_rule(refused),
            "notes": _set_aside(refused),
            "sources": sorted(set(daily.bars["source"])),
            "actions_inferred": daily.inferred.filter(status="applied").height,
            "action_pending": int(daily.bars["action_pending"].sum()),
            "missing_sessions": missing_sessions(daily.bars, calendar),
        },
        warnings=(
            *_unused_source_warnings(context, daily.bars),
            *_inferred_warnings(daily.inferred),
            *_jump_warnings(daily.bars),
        ),
    )


@dataclass(frozen=True)
class Cleaned:
    """Clean bars, refused rows with ``rule`` and ``reason``, and inferred ledger rows.

    Rows of the chosen source = clean bars + refused rows.
    """

    bars: pl.DataFrame
    refused: pl.DataFrame
    inferred: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))


def clean_daily(
    raw: pl.DataFrame, ledger: pl.DataFrame, calendar: Calendar, precedence: Sequence[str]
) -> Cleaned:
    """Clean and adjust the daily bars of any number of tickers; one source is chosen per ticker.

    Args:
        raw: raw rows joined with their batch (see ``rules``), in any order.
        ledger: their corporate actions (see ``ledger``).
        calendar: the exchange's sessions.
        precedence: sources, the preferred one first.
    """
    sifted = [
        sift(_of_chosen_source(one, precedence).sort("date"), DAILY_RULES, calendar)
        for one in _tickers(raw)
    ]
    derived = [
        derive(one.kept, ledger.filter(pl.col("ticker").is_in(_names(one.kept))), calendar)
        for one in sifted
    ]
    unrepaired = pl.lit(None, dtype=pl.String).alias("repaired_by")
    return Cleaned(
        pl.concat([one.bars.with_columns(unrepaired).select(DAILY) for one in derived]),
        pl.concat([one.refused for one in sifted]),
        pl.concat([one.inferred for one in derived]),
    )


def clean_hourly(raw: pl.DataFrame, calendar: Calendar, precedence: Sequence[str]) -> Cleaned:
    """Clean the hourly bars of any number of tickers, as delivered; see ``clean_daily``."""
    sifted = [
        sift(_of_chosen_source(one, precedence).sort("ts"), HOURLY_RULES, calendar)
        for one in _tickers(raw)
    ]
    unrepaired = pl.lit(None, dtype=pl.String).alias("repaired_by")
    return Cleaned(
        pl.concat([one.kept.with_columns(unrepaired).select(HOURLY) for one in sifted]),
        pl.concat([one.refused for one in sifted]),
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


def _names(bars: pl.DataFrame) -> list[str]:
    return bars["ticker"].unique().to_list()


def _tickers(raw: pl.DataFrame) -> list[pl.DataFrame]:
    return raw.partition_by("ticker", maintain_order=True) or [raw]


def _of_chosen_source(raw: pl.DataFrame, precedence: Sequence[str]) -> pl.DataFrame:
    present = raw["source"].unique().to_list()
    return raw.filter(pl.col("source") == choose_source(present, precedence)) if present else raw


def _with_batches(context: RunContext, table: Table) -> pl.DataFrame:
    raw = context.store.load(table, context.tickers, context.as_of)
    if "ts" in raw.columns:
        raw = raw.with_columns(date=pl.col("ts").dt.convert_time_zone(EXCHANGE_ZONE).dt.date())
        if context.as_of is not None:
            raw = raw.filter(pl.col("date") <= context.as_of)
    batches = context.store.load(INGEST_BATCHES, context.tickers).select(
        "batch_id", "price_basis", "fetched_at", now=pl.lit(context.now).cast(UTC)
    )
    listed = context.store.load(INSTRUMENTS, context.tickers).select("ticker", "listed_on")
    return raw.join(batches, on="batch_id", how="left").join(listed, on="ticker", how="left")


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


def _set_aside(refused: pl.DataFrame) -> list[str]:
    """How many rows are in quarantine and why, in one line, or none."""
    if refused.is_empty():
        return []
    rules = ", ".join(f"{rule} {count}" for rule, count in _by_rule(refused).items())
    return [f"{refused.height} rows set aside in quarantine: {rules}"]


def _unused_source_warnings(context: RunContext, bars: pl.DataFrame) -> list[str]:
    """A sentence for each ticker whose newest daily batch is of a source that is not used."""
    batches = context.store.load(INGEST_BATCHES, context.tickers).filter(kind="daily")
    newest = batches.sort("batch_id").unique("ticker", keep="last", maintain_order=True)
    chosen = bars.select("ticker", "source").unique()
    unused = newest.join(chosen, on="ticker", suffix="_chosen").filter(
        pl.col("source") != pl.col("source_chosen")
    )
    return [
        f"{row['ticker']}: the prices from {row['source']} are stored, but the clean ones are from "
        f"{row['source_chosen']} (data.source_precedence)."
        for row in unused.iter_rows(named=True)
    ]


def _inferred_warnings(inferred: pl.DataFrame) -> list[str]:
    return [
        f"{row['ticker']}: a split of {row['ratio']:g} for 1 on {row['date']} was inferred from "
        "the prices and applied."
        for row in inferred.filter(status="applied").iter_rows(named=True)
    ]


def _jump_warnings(clean: pl.DataFrame) -> list[str]:
    before = pl.col("close").shift(1).over("ticker")
    jumps = clean.with_columns(ratio=pl.col("close") / before).filter("action_pending")
    return [
        f"{row['ticker']}: the close of {row['date']} is {row['ratio']:.3g} times the one before "
        "with no corporate action stated: labels across it are left out."
        for row in jumps.iter_rows(named=True)
    ]


STAGE = Stage(
    name=STAGE_NAME,
    summary="Clean raw daily and hourly prices; refused rows go to quarantine.",
    reads=(RAW_DAILY, RAW_HOURLY, INGEST_BATCHES, INSTRUMENTS, CORPORATE_ACTIONS),
    writes=(CLEAN_DAILY, CLEAN_HOURLY, QUARANTINE, CORPORATE_ACTIONS),
    run=run,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.data.cleaning``."""
    return stage_main(STAGE, argv, parser=stage_parser("src.data.cleaning", STAGE.summary))


if __name__ == "__main__":
    sys.exit(guarded(main))
