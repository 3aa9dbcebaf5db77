"""Stage ``data_cleaning``: clean the raw prices and store them, refused rows in the quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from src.core.calendars.exchanges import shared_exchange
from src.core.tables import (
    ACTION_HISTORY,
    BATCH_CONTENTS,
    BATCH_WITHDRAWALS,
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CLEAN_SERIES,
    CONFIRMED_SERIES,
    CORPORATE_ACTIONS,
    INGEST_BATCHES,
    INSTRUMENT_STATES,
    INSTRUMENTS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
    RAW_SERIES,
)
from src.data.cleaning.clean import clean_daily, clean_hourly
from src.data.cleaning.clean_ticker import CleaningResult
from src.data.cleaning.listing import Listings, find_first_days, left_out_warnings
from src.data.cleaning.quarantine import (
    STAGE_NAME,
    count_by_rule,
    count_every_rule,
    refused_rows,
    repaired_rows,
)
from src.data.cleaning.rules.engine import RuleResult
from src.data.cleaning.series.newer import clean_newer
from src.data.cleaning.series.state import basis_of, continuable, states_of
from src.data.cleaning.series.store_newer import bar_spans, count_missing, store_newer
from src.data.cleaning.warnings import cleaning_warnings, later_action_notes, repair_notes
from src.data.corporate_actions.recording.history import record_rows
from src.data.history import as_known
from src.data.history.revisions import UTC
from src.data.history.series_sums import stored_sums
from src.stages.stage import RunContext, Stage, StageReport, count_by_ticker, merge_reports

DAILY, HOURLY = list(CLEAN_DAILY.columns), list(CLEAN_HOURLY.columns)
# Tickers in memory at a time, and those of which the last rows are at most.
BLOCK_SIZE, NEWER_SIZE = 25, 100
# The ledger rows that every run makes anew; what a person decided is not among them.
INFERRED_BY_RULE = {"origin": "inferred", "decided_by": "rule"}


def run(context: RunContext) -> StageReport:
    """Clean both tables for the context's tickers: what is new of them, or each as a whole."""
    report = merge_reports([_run_block(block) for block in _blocks(context, NEWER_SIZE)])
    details = report.details
    whole = {
        "notes": [*_quarantine_note(details["quarantined"]), *details["notes"]],
        "sources": sorted(set(details["sources"])),
    }
    return replace(report, details={**details, **whole})


def _blocks(context: RunContext, size: int) -> list[RunContext]:
    """The context for so many of its tickers at a time; once where there are none."""
    tickers = context.tickers
    starts = range(0, max(len(tickers), 1), size)
    return [replace(context, tickers=tickers[start : start + size]) for start in starts]


def _run_block(context: RunContext) -> StageReport:
    """Clean what is new of the tickers that can be continued, and the others as a whole."""
    newer = clean_newer(context)
    done = {} if newer is None else newer.states
    rest = tuple(ticker for ticker in context.tickers if ticker not in done)
    reports = []
    if newer is not None:
        reports.append(store_newer(replace(context, tickers=tuple(done)), newer))
    if rest or newer is None:
        reports += map(_clean_whole, _blocks(replace(context, tickers=rest), BLOCK_SIZE))
    report = merge_reports(reports)
    details = dict(report.details)
    details["notes"] = [*details["notes"], *_notes_of_later(context)]
    counts = {ticker: report.counts[ticker] for ticker in context.tickers}
    return replace(report, details=details, counts=counts)


def _clean_whole(context: RunContext) -> StageReport:
    daily, hourly, inputs = _clean(context)
    listings = inputs.listings
    chosen_hourly = hourly.kept.filter("chosen")
    refused = pl.concat(
        [refused_rows(daily.refused, "daily"), refused_rows(hourly.refused, "hourly")]
    )
    repaired = repaired_rows(daily)
    warnings = (
        *cleaning_warnings(daily, context.settings.data.source_precedence),
        *listings.warnings,
        *left_out_warnings(daily.refused, listings),
    )
    store, tickers = context.store, context.tickers
    store.replace(CLEAN_DAILY, tickers, daily.bars.select(DAILY))
    store.replace(CLEAN_HOURLY, tickers, chosen_hourly.select(HOURLY))
    store.replace(QUARANTINE, tickers, pl.concat([refused, repaired]), within={"stage": STAGE_NAME})
    store.replace(CORPORATE_ACTIONS, tickers, daily.inferred, within=INFERRED_BY_RULE)
    record_rows(
        store, pl.concat([daily.contradicted, daily.reinstated, daily.weighed]), context.now
    )
    store.replace(CLEAN_SERIES, tickers, _series_states(context, daily, inputs, warnings))
    return StageReport(
        rows=daily.bars.height,
        details={
            "daily_rows": daily.bars.height,
            "hourly_rows": chosen_hourly.height,
            "rules": count_every_rule(refused),
            "quarantined": count_by_rule(refused),
            "repaired": count_by_rule(repaired),
            "notes": repair_notes(daily),
            "sources": daily.bars.filter(pl.col("repaired_by").is_null())["source"]
            .unique()
            .to_list(),
            "actions_inferred": daily.inferred.filter(status="applied").height,
            "action_pending": int(daily.bars["action_pending"].sum()),
            "missing_sessions": count_missing(bar_spans(daily.bars), context.calendar),
            "days_sources_differ": daily.differences.select("ticker", "date").n_unique(),
        },
        warnings=warnings,
        counts=count_by_ticker(
            tickers,
            daily=daily.bars,
            hourly=chosen_hourly,
            quarantined=refused,
            repaired=repaired,
        ),
    )


def _series_states(
    context: RunContext, daily: CleaningResult, inputs: _Inputs, warnings: Sequence[str]
) -> pl.DataFrame:
    """Rows of ``clean_series``; nothing can be continued of what looks back."""
    basis: dict[str, str] = {}
    if context.as_of is None and context.known_at is None:
        identities = context.store.identities()
        tickers = continuable(daily, inputs.raw_hourly, inputs.ledger, warnings)
        newest = {
            ticker: day
            for ticker, day in daily.bars.group_by("ticker").agg(pl.col("date").max()).iter_rows()
            if ticker in tickers and not identities.concern([ticker])
        }
        basis = basis_of(context, inputs.ledger, newest)
    sums = stored_sums(context.store, context.tickers)
    return states_of(daily.bars.sort("ticker", "date"), inputs.raw, sums, basis)


def clean(context: RunContext) -> tuple[CleaningResult, RuleResult]:
    """Clean the context's daily and hourly bars without writing anything."""
    daily, hourly, _ = _clean(context)
    return daily, hourly


@dataclass(frozen=True)
class _Inputs:
    """What a cleaning was made of, beside the settings."""

    raw: pl.DataFrame
    raw_hourly: pl.DataFrame
    ledger: pl.DataFrame
    listings: Listings


def _clean(context: RunContext) -> tuple[CleaningResult, RuleResult, _Inputs]:
    calendar, precedence = context.calendar, context.settings.data.source_precedence
    rows, ledger = as_known.raw_prices(context, RAW_DAILY), as_known.ledger(context)
    listings = _listings(context, rows, ledger)
    raw_hourly = _with_batches(context, as_known.raw_prices(context, RAW_HOURLY), listings)
    hourly = clean_hourly(raw_hourly, calendar, precedence)
    raw = _with_batches(context, rows, listings)
    until = as_known.last_session(context)
    daily = clean_daily(raw, ledger, hourly.kept, calendar, precedence, until)
    return daily, hourly, _Inputs(raw, raw_hourly, ledger, listings)


def _listings(context: RunContext, raw: pl.DataFrame, ledger: pl.DataFrame) -> Listings:
    """From which day on prices count; a listing itself is no matter of when it became known."""
    load, tickers, known_at = context.store.load, context.tickers, context.known_at
    states = load(INSTRUMENT_STATES, tickers)
    if known_at is not None:
        states = states.filter(pl.col("stated_at") <= known_at)
    identities = context.store.identities(known_at)
    return find_first_days(load(INSTRUMENTS, tickers), raw, ledger, states, identities)


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
        RAW_SERIES,
        INGEST_BATCHES,
        BATCH_CONTENTS,
        BATCH_WITHDRAWALS,
        CONFIRMED_SERIES,
        INSTRUMENTS,
        INSTRUMENT_STATES,
        CORPORATE_ACTIONS,
        ACTION_HISTORY,
    ),
    writes=(CLEAN_DAILY, CLEAN_HOURLY, CLEAN_SERIES, QUARANTINE, CORPORATE_ACTIONS, ACTION_HISTORY),
    run=run,
)
