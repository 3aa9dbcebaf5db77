"""Stage: raw daily and hourly prices in, one clean bar per session out, the rest in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import shared_exchange
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
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
from src.data.cleaning.clean import Cleaned, clean_daily, clean_hourly
from src.data.cleaning.quarantine import refused_rows, repaired_rows
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.cleaning.warnings import told_repairs, warnings_of
from src.data.corporate_actions.history import record
from src.data.history import as_known
from src.stages.cli import stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport, count_by_ticker, merge_reports

STAGE_NAME = "data_cleaning"
UTC = pl.Datetime("us", "UTC")
DAILY, HOURLY = list(CLEAN_DAILY.columns), list(CLEAN_HOURLY.columns)
# Tickers in memory at a time.
AT_ONCE = 20
# The ledger rows that every run makes anew; what a person decided is not among them.
BY_RULE = {"origin": "inferred", "decided_by": "rule"}


def run(context: RunContext) -> StageReport:
    """Clean both tables for the context's tickers and replace each of them as a whole."""
    tickers = context.tickers
    groups = [tickers[at : at + AT_ONCE] for at in range(0, len(tickers), AT_ONCE)]
    return merge_reports([_run(replace(context, tickers=group)) for group in groups])


def _run(context: RunContext) -> StageReport:
    daily, hourly = clean(context)
    refused = pl.concat(
        [
            refused_rows(daily.refused, "daily", STAGE_NAME),
            refused_rows(hourly.refused, "hourly", STAGE_NAME),
        ]
    )
    repaired = repaired_rows(daily, STAGE_NAME)
    store, tickers = context.store, context.tickers
    store.replace(CLEAN_DAILY, tickers, daily.bars.select(DAILY))
    store.replace(CLEAN_HOURLY, tickers, hourly.bars.filter("chosen").select(HOURLY))
    store.replace(QUARANTINE, tickers, pl.concat([refused, repaired]), within={"stage": STAGE_NAME})
    store.replace(CORPORATE_ACTIONS, tickers, daily.inferred, within=BY_RULE)
    record(store, pl.concat([daily.doubted, daily.believed]), context.now)
    return StageReport(
        rows=daily.bars.height,
        details={
            "daily_rows": daily.bars.height,
            "hourly_rows": int(hourly.bars["chosen"].sum()),
            "rules": _per_rule(refused),
            "quarantined": _by_rule(refused),
            "repaired": _by_rule(repaired),
            "notes": [*_set_aside(refused), *told_repairs(daily)],
            "sources": sorted(set(daily.bars.filter(pl.col("repaired_by").is_null())["source"])),
            "actions_inferred": daily.inferred.filter(status="applied").height,
            "action_pending": int(daily.bars["action_pending"].sum()),
            "missing_sessions": missing_sessions(daily.bars, context.calendar),
            "days_sources_differ": daily.differences.select("ticker", "date").n_unique(),
        },
        warnings=warnings_of(daily),
        counts=count_by_ticker(
            tickers,
            daily=daily.bars,
            hourly=hourly.bars.filter("chosen"),
            quarantined=refused,
            repaired=repaired,
        ),
    )


def clean(context: RunContext) -> tuple[Cleaned, Cleaned]:
    """The context's daily and hourly bars as cleaning makes them; nothing is written."""
    calendar, precedence = context.calendar, context.settings.data.source_precedence
    hourly = clean_hourly(_with_batches(context, RAW_HOURLY), calendar, precedence)
    raw = _with_batches(context, RAW_DAILY)
    daily = clean_daily(raw, as_known.ledger(context), hourly.bars, calendar, precedence)
    return daily, hourly


def missing_sessions(clean: pl.DataFrame, calendar: Calendar) -> int:
    """Sessions between first and last bar, over all tickers, that have no bar."""
    spans = clean.group_by("ticker").agg(
        first=pl.col("date").min(), last=pl.col("date").max(), bars=pl.len()
    )
    return sum(
        len(calendar.sessions(row["first"], row["last"])) - row["bars"]
        for row in spans.iter_rows(named=True)
    )


def _with_batches(context: RunContext, table: Table) -> pl.DataFrame:
    raw = as_known.raw_prices(context, table)
    if "ts" in raw.columns:
        zone = shared_exchange(context.tickers).zone
        raw = raw.with_columns(date=pl.col("ts").dt.convert_time_zone(zone).dt.date())
        if context.as_of is not None:
            raw = raw.filter(pl.col("date") <= context.as_of)
    batches = as_known.batches(context).select(
        "batch_id", "price_basis", "fetched_at", now=pl.lit(context.now).cast(UTC)
    )
    listed = context.store.load(INSTRUMENTS, context.tickers).select("ticker", "listed_on")
    return raw.join(batches, on="batch_id", how="left").join(listed, on="ticker", how="left")


def _per_rule(refused: pl.DataFrame) -> dict[str, int]:
    """Rows that each rule refused, in the order of the rules; those that found none as well."""
    found = _by_rule(refused)
    names = dict.fromkeys(rule.name for rule in (*DAILY_RULES, *HOURLY_RULES))
    return {name: found.get(name, 0) for name in names}


def _by_rule(rows: pl.DataFrame) -> dict[str, int]:
    counts = rows.group_by("rule").len().sort("rule")
    return dict(zip(counts["rule"].to_list(), counts["len"].to_list(), strict=True))


def _set_aside(refused: pl.DataFrame) -> list[str]:
    """How many rows are in quarantine and why, in one line, or none."""
    if refused.is_empty():
        return []
    rules = ", ".join(f"{rule} {count}" for rule, count in _by_rule(refused).items())
    return [f"{refused.height} rows set aside in quarantine: {rules}"]


STAGE = Stage(
    name=STAGE_NAME,
    summary="Clean raw daily and hourly prices; refused rows go to quarantine.",
    reads=(
        RAW_DAILY,
        RAW_HOURLY,
        INGEST_BATCHES,
        BATCH_CONTENTS,
        INSTRUMENTS,
        CORPORATE_ACTIONS,
        ACTION_HISTORY,
    ),
    writes=(CLEAN_DAILY, CLEAN_HOURLY, QUARANTINE, CORPORATE_ACTIONS, ACTION_HISTORY),
    run=run,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.data.cleaning``."""
    return stage_main(STAGE, argv, parser=stage_parser("src.data.cleaning", STAGE.summary))
