"""Load all that is stored of one ticker's prices, and what cleaning would make of them now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchanges import shared_exchange
from src.core.tables import (
    BATCH_CONTENTS,
    CLEAN_DAILY,
    CLEAN_HOURLY,
    CORPORATE_ACTIONS,
    DAILY_VALUES,
    INSTRUMENTS,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    RAW_HOURLY,
)
from src.data.cleaning.clean import in_precedence
from src.data.cleaning.stage import clean
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.history.deliveries import unpack
from src.data.history.joined import joined_batches, joined_rows
from src.data.history.revisions import UTC
from src.data.instruments.states import StateSince, current_states
from src.data.sources.delivery import KEY_COLUMNS

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.identities import Identities
    from src.stages.stage import RunContext


@dataclass(frozen=True)
class TickerData:
    """All that is stored of one ticker, each frame with its table's columns.

    Attributes:
        chosen: Source of the clean daily prices, empty where there is no daily row.
        chosen_hourly: The same of the hourly ones.
        delivered: Every archived row (see ``delivered_rows``).
        differences: Where other sources differ (see ``cleaning.compare_sources``).
        stale: Sessions and hours for which cleaning would now give another result.
        zone: The exchange's time zone.
        share: The name of the company and its listing; empty where nothing is known.
        state: Such as ``delisted since 2026-01-05: a circular``; empty for a traded share.
    """

    ticker: str
    chosen: str
    chosen_hourly: str
    raw: pl.DataFrame
    hourly: pl.DataFrame
    batches: pl.DataFrame
    delivered: pl.DataFrame
    revisions: pl.DataFrame
    quarantine: pl.DataFrame
    ledger: pl.DataFrame
    clean: pl.DataFrame
    clean_hourly: pl.DataFrame
    differences: pl.DataFrame
    stale: int
    calendar: Calendar
    zone: str
    now: dt.datetime
    share: str = ""
    state: str = ""


def load_ticker_data(context: RunContext) -> TickerData:
    """The data of the context's one ticker; nothing is written."""
    daily, hourly = clean(context)
    load, tickers = context.store.load, context.tickers
    identities = context.store.identities()
    raw, raw_hourly = (
        joined_rows(context.store, table, tickers, identities) for table in (RAW_DAILY, RAW_HOURLY)
    )
    clean_daily, clean_hourly = load(CLEAN_DAILY, tickers), load(CLEAN_HOURLY, tickers)
    precedence = context.settings.data.source_precedence
    batches = joined_batches(context.store, tickers, identities)
    stale = count_differing_rows(clean_daily, daily.bars, "date")
    stale += count_differing_rows(clean_hourly, hourly.kept.filter("chosen"), "ts")
    return TickerData(
        ticker=tickers[0],
        chosen=next(iter(in_precedence(raw, precedence)), ""),
        chosen_hourly=next(iter(in_precedence(raw_hourly, precedence)), ""),
        raw=raw,
        hourly=raw_hourly,
        batches=batches,
        delivered=_delivered(context, identities, batches),
        revisions=load(PRICE_REVISIONS, tickers),
        quarantine=load(QUARANTINE, tickers),
        ledger=joined_actions(context.store, CORPORATE_ACTIONS, tickers, identities),
        clean=clean_daily,
        clean_hourly=clean_hourly,
        differences=daily.differences,
        stale=stale,
        calendar=context.calendar,
        zone=shared_exchange(tickers).zone,
        now=context.now,
        share=_share(load(INSTRUMENTS, tickers)),
        state=_state(current_states(context.store, list(tickers)).get(tickers[0])),
    )


def _share(facts: pl.DataFrame) -> str:
    """The name and listing of a row of ``instruments``."""
    if facts.is_empty():
        return ""
    row = facts.row(0, named=True)
    listed = f"listed {row['listed_on']}" if row["listed_on"] else None
    return ", ".join(part for part in (row["name"], listed, row["isin"]) if part)


def _state(since: StateSince | None) -> str:
    if since is None or since.state == "active":
        return ""
    return f"{since.state} since {since.date}: {since.reason} ({since.stated_by})"


def _delivered(context: RunContext, identities: Identities, batches: pl.DataFrame) -> pl.DataFrame:
    """See ``delivered_rows``: of the ticker's batches, and of earlier symbols on their days."""
    ticker = context.tickers[0]
    contents = context.store.load(BATCH_CONTENTS, identities.symbols_of([ticker]))
    rows = delivered_rows(contents.join(batches, on="batch_id", how="semi"))
    if not identities.concern([ticker]):
        return rows
    named = rows.join(batches.select("batch_id", "ticker"), on="batch_id", how="left")
    today = identities.resolve_rows(named, pl.col("at").dt.date())
    return today.filter(ticker=ticker).select(rows.columns)


def delivered_rows(contents: pl.DataFrame) -> pl.DataFrame:
    """Every row of every archived delivery: ``batch_id, kind, source, at`` and the price fields.

    ``at`` is the bar's instant, for a daily bar its date at midnight UTC.
    """
    parts = [
        unpack(row["content"])
        .rename({KEY_COLUMNS[row["kind"]]: "at"})
        .with_columns(pl.col("at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
        .select("at", pl.col("^(open|high|low|close|volume|adj_close)$").cast(pl.Float64))
        .with_columns(**{name: pl.lit(row[name]) for name in ("batch_id", "kind", "source")})
        for row in contents.iter_rows(named=True)
    ]
    fields = {name: pl.Float64() for name in DAILY_VALUES}
    schema = {"batch_id": pl.Int64(), "kind": pl.String(), "source": pl.String(), "at": UTC}
    empty = pl.DataFrame(schema={**schema, **fields})
    return pl.concat([empty, *parts], how="diagonal_relaxed")


def count_differing_rows(stored: pl.DataFrame, computed: pl.DataFrame, key: str) -> int:
    """Days or times for which two versions of a clean table differ, or only one has a row."""
    columns = stored.columns
    computed = computed.select(columns).cast(stored.schema)
    unmatched = [
        left.join(right, on=columns, how="anti", nulls_equal=True).select(key)
        for left, right in ((stored, computed), (computed, stored))
    ]
    return pl.concat(unmatched).n_unique()
