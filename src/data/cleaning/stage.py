"""Stage ``data_cleaning``: clean the raw prices and store them, refused rows in the quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import shared_exchange
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
    BATCH_WITHDRAWALS,
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CONFIRMED_SERIES,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    INSTRUMENT_STATES,
    INSTRUMENTS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.data.cleaning.clean import clean_daily, clean_hourly
from src.data.cleaning.clean_ticker import CleaningResult
from src.data.cleaning.listing import Listings, find_first_days, left_out_warnings
from src.data.cleaning.quarantine import STAGE_NAME, refused_rows, repaired_rows
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
from src.data.cleaning.rules.engine import RuleResult
from src.data.cleaning.warnings import cleaning_warnings, later_action_notes, repair_notes
from src.data.corporate_actions.recording.history import record_rows
from src.data.history import as_known
from src.data.history.revisions import UTC
from src.stages.stage import RunContext, Stage, StageReport, count_by_ticker, merge_reports

DAILY, HOURLY = list(CLEAN_DAILY.columns), list(CLEAN_HOURLY.columns)
# Tickers in memory at a time.
BLOCK_SIZE = 25
# The ledger rows that every run makes anew; what a person decided is not among them.
INFERRED_BY_RULE = {"origin": "inferred", "decided_by": "rule"}


def run(context: RunContext) -> StageReport:
    """Clean both tables for the context's tickers and replace each of them as a whole."""
    tickers = context.tickers
    starts = range(0, len(tickers), BLOCK_SIZE)
    blocks = [tickers[start : start + BLOCK_SIZE] for start in starts]
    report = merge_reports([_run_block(replace(context, tickers=block)) for block in blocks])
    details = report.details
    whole = {
        "notes": [*_quarantine_note(details["quarantined"]), *details["notes"]],
        "sources": sorted(set(details["sources"])),
    }
    return replace(report, details={**details, **whole})


def _run_block(context: RunContext) -> StageReport:
    daily, hourly, listings = _clean(context)
    chosen_hourly = hourly.kept.filter("chosen")
    refused = pl.concat(
        [refused_rows(daily.refused, "daily"), refused_rows(hourly.refused, "hourly")]
    )
    repaired = repaired_rows(daily)
    store, tickers = context.store, context.tickers
    store.replace(CLEAN_DAILY, tickers, daily.bars.select(DAILY))
    store.replace(CLEAN_HOURLY, tickers, chosen_hourly.select(HOURLY))
    store.replace(QUARANTINE, tickers, pl.concat([refused, repaired]), within={"stage": STAGE_NAME})
    store.replace(CORPORATE_ACTIONS, tickers, daily.inferred, within=INFERRED_BY_RULE)
    record_rows(
        store, pl.concat([daily.contradicted, daily.reinstated, daily.weighed]), context.now
    )
    return StageReport(
        rows=daily.bars.height,
        details={
            "daily_rows": daily.bars.height,
            "hourly_rows": chosen_hourly.height,
            "rules": _count_every_rule(refused),
            "quarantined": _count_by_rule(refused),
            "repaired": _count_by_rule(repaired),
            "notes": [*repair_notes(daily), *_notes_of_later(context)],
            "sources": daily.bars.filter(pl.col("repaired_by").is_null())["source"]
            .unique()
            .to_list(),
            "actions_inferred": daily.inferred.filter(status="applied").height,
            "action_pending": int(daily.bars["action_pending"].sum()),
            "missing_sessions": _count_missing(daily.bars, context.calendar),
            "days_sources_differ": daily.differences.select("ticker", "date").n_unique(),
        },
        warnings=(
            *cleaning_warnings(daily, context.settings.data.source_precedence),
            *listings.warnings,
            *left_out_warnings(daily.refused, listings),
        ),
        counts=count_by_ticker(
            tickers,
            daily=daily.bars,
            hourly=chosen_hourly,
            quarantined=refused,
            repaired=repaired,
        ),
    )


def clean(context: RunContext) -> tuple[CleaningResult, RuleResult]:
    """Clean the context's daily and hourly bars without writing anything."""
    daily, hourly, _ = _clean(context)
    return daily, hourly


def _clean(context: RunContext) -> tuple[CleaningResult, RuleResult, Listings]:
    calendar, precedence = context.calendar, context.settings.data.source_precedence
    rows, ledger = as_known.raw_prices(context, RAW_DAILY), as_known.ledger(context)
    listings = _listings(context, rows, ledger)
    raw_hourly = _with_batches(context, as_known.raw_prices(context, RAW_HOURLY), listings)
    hourly = clean_hourly(raw_hourly, calendar, precedence)
    raw = _with_batches(context, rows, listings)
    until = as_known.last_session(context)
    daily = clean_daily(raw, ledger, hourly.kept, calendar, precedence, until)
    return daily, hourly, listings


def _listings(context: RunContext, raw: pl.DataFrame, ledger: pl.DataFrame) -> Listings:
    """From which day on prices count; a listing itself is no matter of when it became known."""
    load, tickers, known_at = context.store.load, context.tickers, context.known_at
    states = load(INSTRUMENT_STATES, tickers)
    if known_at is not None:
        states = states.filter(pl.col("stated_at") <= known_at)
    identities = context.store.identities(known_at)
    return find_first_days(load(INSTRUMENTS, tickers), raw, ledger, states, identities)


def _count_missing(clean: pl.DataFrame, calendar: Calendar) -> int:
    """Sessions between first and last bar, over all tickers, that have no bar."""
    spans = clean.group_by("ticker").agg(
        first=pl.col("date").min(), last=pl.col("date").max(), bars=pl.len()
    )
    first, last = (calendar.session_ids(spans[name].to_numpy()) for name in ("first", "last"))
    return int((last - first + 1).sum() - spans["bars"].sum())


def _with_batches(context: RunContext, raw: pl.DataFrame, listings: Listings) -> pl.DataFrame:
    if "ts" in raw.columns:
        zone = shared_exchange(context.tickers).zone
        raw = raw.with_columns(date=pl.col("ts").dt.convert_time_zone(zone).dt.date())
        if context.as_of is not None:
            raw = raw.filter(pl.col("date") <= context.as_of)
    batches = as_known.batches(context).select(
        "batch_id", "price_basis", "fetched_at", now=pl.lit(context.now).cast(UTC)
    )
    listed = listings.first_days
    return raw.join(batches, on="batch_id", how="left").join(listed, on="ticker", how="left")


def _count_every_rule(refused: pl.DataFrame) -> dict[str, int]:
    """Rows that each rule refused, in the order of the rules, with zeros."""
    counts = _count_by_rule(refused)
    names = dict.fromkeys(rule.__name__ for rule in (*DAILY_RULES, *HOURLY_RULES))
    return {name: counts.get(name, 0) for name in names}


def _count_by_rule(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.group_by("rule").len().sort("rule").iter_rows())


def _quarantine_note(quarantined: Mapping[str, int]) -> list[str]:
    """How many rows are in quarantine and why, in one line, or none."""
    if not quarantined:
        return []
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(quarantined.items()))
    return [f"{sum(quarantined.values())} rows set aside in quarantine: {rules}"]


def _notes_of_later(context: RunContext) -> list[str]:
    closed = context.calendar.last_closed(context.now)
    return later_action_notes(as_known.ledger(context), closed)


STAGE = Stage(
    name=STAGE_NAME,
    summary="Clean raw daily and hourly prices; refused rows go to quarantine.",
    reads=(
        RAW_DAILY,
        RAW_HOURLY,
        INGEST_BATCHES,
        BATCH_CONTENTS,
        BATCH_WITHDRAWALS,
        CONFIRMED_SERIES,
        INSTRUMENTS,
        INSTRUMENT_STATES,
        CORPORATE_ACTIONS,
        ACTION_HISTORY,
    ),
    writes=(CLEAN_DAILY, CLEAN_HOURLY, QUARANTINE, CORPORATE_ACTIONS, ACTION_HISTORY),
    run=run,
)
