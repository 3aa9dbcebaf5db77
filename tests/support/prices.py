"""Bars, deliveries, contexts and checksums, small enough to work out by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg

from src.config.load import load_settings
from src.core.calendars.nse import nse
from src.core.tables import CLEAN_DAILY, DAILY_VALUES, FEATURES_DAILY, OHLCV, Table
from src.data.sources.delivery import Delivery
from src.db.tables.records import open_records
from src.features import features_daily
from src.registry.lifecycle.live_models import LiveModels
from src.stages.context import make_context
from src.stages.stage import RunContext, StageReport, run_stage

TCS = "TCS.NS"
# A Monday evening in India, after the close of the session of 13 April 2026.
NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
REJECTED = {
    "line": pl.Int64,
    "at": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "row": pl.String,
}


def utc(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC)


def bar(at: Any, close: float | None, **bent: float | None) -> dict[str, Any]:
    """An ordinary bar around ``close``, with whatever a test bends."""
    around = 1.0 if close is None else close
    usual = {
        "open": around * 0.99,
        "high": around * 1.02,
        "low": around * 0.98,
        "close": close,
        "volume": 1000.0,
        "adj_close": close,
    }
    return {"at": at, **usual, **bent}


def delivery(
    bars: list[dict[str, Any]],
    *,
    rejected: list[tuple[Any, ...]] = (),
    fetched_at: dt.datetime = NOW,
    **facts: Any,
) -> Delivery:
    """What a source would have delivered: daily bars, or hourly ones where ``at`` is a time."""
    hourly = bool(bars) and isinstance(bars[0]["at"], dt.datetime)
    key = pl.Series("ts" if hourly else "date", [row["at"] for row in bars]).cast(
        pl.Datetime("us", "UTC") if hourly else pl.Date
    )
    fields = OHLCV if hourly else DAILY_VALUES
    frame = pl.DataFrame(
        {
            "line": pl.Series(range(1, len(bars) + 1), dtype=pl.Int64),
            key.name: key,
            **{name: pl.Series([row[name] for row in bars], dtype=pl.Float64) for name in fields},
        }
    )
    content = json.dumps(bars, default=str) + repr(rejected)
    usual = Delivery(
        ticker=TCS,
        kind="hourly" if hourly else "daily",
        vendor="yahoo",
        layout="test",
        price_basis="split",
        frame=frame,
        rejected=pl.DataFrame(rejected, schema=REJECTED, orient="row"),
        content_hash=hashlib.sha256(content.encode()).hexdigest(),
        fetched_at=fetched_at,
        origin="a test",
        fetched_at_stated=True,
    )
    return replace(usual, **facts)


@dataclass
class StubSource:
    """A source with the deliveries of a test."""

    deliveries: list[Delivery] = field(default_factory=list)
    name: str = "csv"

    def fetch(self, kind: str, ticker: str, since: Any, until: Any) -> list[Delivery]:
        return [each for each in self.deliveries if (each.ticker, each.kind) == (ticker, kind)]


def context(
    store: Any,
    home: Path,
    *,
    tickers: tuple[str, ...] = (TCS,),
    now: dt.datetime = NOW,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
    write: bool = True,
    models: LiveModels | None = None,
    **settings: Any,
) -> RunContext:
    """A stage's context over a store, with the test's settings."""
    return make_context(
        load_settings(None, {"home": home, **settings}, env_file=None),
        store,
        tickers,
        run_id="a_test",
        now=now,
        as_of=as_of,
        known_at=known_at,
        write=write,
        models=models,
        records=None if models is None else open_records(models.log._connection),
    )


def register(connection: Any, tickers: Sequence[str], at: dt.datetime = NOW) -> None:
    """Let these tickers be known as ones that prices are stored of, so that they are pooled."""
    for ticker in tickers:
        connection.execute(
            "INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, "
            "content_hash, fetched_at, fetched_at_stated, origin, rows_delivered, "
            "rows_rejected, notes) VALUES (%s, 'daily', 'yahoo', 'test', 'total', %s, %s, "
            "true, 'a test', 1, 0, '')",
            (ticker, ticker, at),
        )


def run(stage: Any, run_context: RunContext) -> StageReport:
    return run_stage(stage, run_context)


def sessions(start: dt.date, count: int) -> list[dt.date]:
    """``count`` sessions from ``start`` on."""
    calendar = nse()
    return calendar.sessions(start, calendar.ahead(start, count))[:count]


def clean_walk(ticker: str, days: list[dt.date], *, seed: int = 1) -> pl.DataFrame:
    """Rows of the clean daily table that wander as a stock does: 1.5 % a day, fixed by seed."""
    random = np.random.default_rng(seed)
    close = 3000 * np.exp(np.cumsum(random.normal(0.0004, 0.015, len(days))))
    opened = close * (1 + random.normal(0, 0.004, len(days)))
    room = 1 + np.abs(random.normal(0, 0.006, len(days)))
    return pl.DataFrame(
        {
            "ticker": ticker,
            "date": days,
            "open": opened,
            "high": np.maximum(opened, close) * room,
            "low": np.minimum(opened, close) / room,
            "close": close,
            "volume": np.round(random.lognormal(14.5, 0.4, len(days))),
            "adj_close": close,
            "source": "yahoo",
            "return_basis": "price",
            "action_pending": False,
            "repaired_by": pl.Series([None] * len(days), dtype=pl.String),
        }
    )


def with_features(store: Any, run_context: RunContext, clean: pl.DataFrame) -> None:
    """Store clean rows and compute their features."""
    with store.transaction():
        store.replace(CLEAN_DAILY, run_context.tickers, clean)
    run(features_daily.STAGE, run_context)


def rows(store: Any, table: Table, *tickers: str) -> pl.DataFrame:
    return store.load(table, tickers or (TCS,))


def features_of(store: Any, ticker: str = TCS) -> pl.DataFrame:
    return rows(store, FEATURES_DAILY, ticker)


def checksums(url: str) -> dict[str, str]:
    """A digest of every table: its rows, and the transaction that wrote each of them."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        return {
            name: connection.execute(
                f"SELECT md5(coalesce(string_agg(t::text || t.xmin::text, '|' ORDER BY t::text),"
                f" '')) FROM {name} t"
            ).fetchone()[0]
            for (name,) in names
        }
