"""Compute and store features, model inputs and labels of the clean daily prices.

One row per session, warm-up rows marked. What is stored already is not written again: a hash of a
ticker's rows says whether they changed, and whether only new sessions came.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.core.hashing import rows_hash
from src.core.pools import pool_of
from src.core.tables import (
    CLEAN_DAILY,
    DATASETS,
    FEATURE_SETS,
    FEATURES_DAILY,
    OHLCV,
    POOL_MEMBERS,
    Table,
)
from src.features.bars import Bars
from src.features.catalogue import features, time_series_features, version, warm_up_rows
from src.features.labels import label_rows
from src.features.time_series import log_return, session_variance
from src.stages.cli import run_command, stage_main, stage_parser
from src.stages.stage import RunContext, Stage, StageReport, count_by_ticker, merge_reports

if TYPE_CHECKING:
    from src.config.settings import FeatureSettings
    from src.core.arrays import Floats

SAMPLE = "sample"
# Tickers in memory at a time.
BLOCK_SIZE = 20
TABLES: tuple[Table, ...] = (FEATURES_DAILY, *DATASETS.values())
# The column that says on which session a row of each table was known.
KNOWN_ON = ("date", "label_end", "label_end")

# Rows of each of the tables, in their order.
Rows = Sequence[pl.DataFrame]


def run(context: RunContext) -> StageReport:
    """Compute features and labels of the context's tickers, and store what differs."""
    starts = range(0, max(len(context.tickers), 1), BLOCK_SIZE)
    blocks = [context.tickers[start : start + BLOCK_SIZE] for start in starts]
    report = merge_reports([_run_block(replace(context, tickers=block)) for block in blocks])
    windows = context.settings.features
    details = {
        "columns": [feature.name for feature in features(windows)],
        "inputs": len(time_series_features()),
        "features_version": version(),
    }
    return replace(report, details={**report.details, **details})


def _run_block(context: RunContext) -> StageReport:
    clean = context.store.load(CLEAN_DAILY, context.tickers, context.as_of)
    frame = compute(clean, context.settings.features)
    horizons = context.settings.training.horizons
    labels = [label_rows(frame, getattr(horizons, name), context.calendar) for name in DATASETS]
    changed = _store(context, [frame, *labels])
    counts = {"rows": frame, "warm_up": frame.filter("warm_up")}
    counts |= dict(zip(DATASETS, labels, strict=True))
    return StageReport(
        rows=frame.height,
        details={"changed_rows": changed, "warm_up_rows": int(frame["warm_up"].sum())},
        counts=count_by_ticker(context.tickers, **counts),
    )


def compute(clean: pl.DataFrame, windows: FeatureSettings) -> pl.DataFrame:
    """Features of any number of tickers, from rows of ``raw_daily_prices_clean`` in key order.

    Returns:
        One row per clean row, with the columns of ``features_daily`` and the configured features,
        null where a window is not full or a value is not defined. ``inputs`` are NaN there. The
        first rows of each ticker, on which a configured feature is not defined yet, are marked.
    """
    tickers = clean.partition_by("ticker", maintain_order=True) or [clean]
    return pl.concat([_of_ticker(prices, windows) for prices in tickers])


def _of_ticker(clean: pl.DataFrame, windows: FeatureSettings) -> pl.DataFrame:
    bars = Bars(*(clean[name].to_numpy() for name in OHLCV))
    adjusted = _adjusted(bars, clean["adj_close"].to_numpy())
    pending = clean["action_pending"].to_numpy()
    inputs = [feature.compute(adjusted) for feature in time_series_features()]
    return clean.select("ticker", "date", "close", "adj_close").with_columns(
        # A move that waits for a decision may be an unadjusted split: it is no return yet.
        log_return=_finite(np.where(pending, np.nan, log_return(adjusted, 1))),
        variance=_finite(np.where(pending, np.nan, session_variance(adjusted))),
        action_pending=clean["action_pending"],
        warm_up=pl.int_range(pl.len()) < warm_up_rows(windows),
        source=clean["source"],
        return_basis=clean["return_basis"],
        features_version=pl.lit(version()),
        inputs=_lists(inputs),
        **{feature.name: _finite(feature.compute(bars)) for feature in features(windows)},
    )


def _adjusted(bars: Bars, adj_close: Floats) -> Bars:
    """Prices adjusted for dividends as well, all four alike."""
    scale = adj_close / bars.close
    opened, high, low = (price * scale for price in (bars.open, bars.high, bars.low))
    return Bars(opened, high, low, adj_close, bars.volume)


def _finite(values: np.ndarray) -> pl.Series:
    return pl.Series(np.where(np.isfinite(values), values, np.nan), nan_to_null=True)


def _lists(columns: Sequence[Floats]) -> pl.Series:
    """One list a row, in single precision, NaN for what is not finite."""
    values = np.stack(columns, axis=1)
    single = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
    return pl.Series(single, dtype=pl.Array(pl.Float32, len(columns))).cast(pl.List(pl.Float32))


def _store(context: RunContext, rows: Rows) -> int:
    """Write what differs from the tables, and the tickers' pools; the number of rows touched."""
    store, tickers = context.store, context.tickers
    members = store.load(POOL_MEMBERS, tickers)
    stored = {row["ticker"]: row for row in members.iter_rows(named=True)}
    parts = {ticker: _of(rows, ticker) for ticker in tickers}
    now = {ticker: _member(ticker, part) for ticker, part in parts.items()}
    changed = [ticker for ticker in tickers if now[ticker] != stored.get(ticker)]
    longer = [t for t in changed if t in stored and _begins_with(parts[t], stored[t])]
    whole = [ticker for ticker in changed if ticker not in longer]
    newer = [_known(parts[t], stored[t]["newest_session"], since=True) for t in longer]
    touched = 0
    for number, table in enumerate(TABLES):
        if newer:
            touched += store.insert(table, pl.concat([part[number] for part in newer]))
        if whole:
            frame = pl.concat([parts[ticker][number] for ticker in whole])
            touched += store.replace(table, whole, frame)
    if changed:
        _store_members(context, changed, [row for ticker in changed if (row := now[ticker])])
    return touched


def _store_members(
    context: RunContext, tickers: Sequence[str], members: Sequence[Mapping[str, Any]]
) -> None:
    schema: dict[str, Any] = dict.fromkeys(POOL_MEMBERS.columns, pl.String)
    schema |= {"newest_session": pl.Date, "last_close": pl.Float64}
    context.store.replace(POOL_MEMBERS, tickers, pl.DataFrame(members, schema=schema))
    names = [[feature.name for feature in time_series_features()]]
    named = pl.DataFrame({"features_version": [version()], "names": names})
    context.store.upsert(FEATURE_SETS, named)


def _of(rows: Rows, ticker: str) -> Rows:
    return [frame.filter(pl.col("ticker") == ticker) for frame in rows]


def _member(ticker: str, rows: Rows) -> dict[str, Any] | None:
    """The row of ``pool_members``; None without a bar."""
    frame = rows[0]
    if frame.is_empty():
        return None
    # One synthetic bar is enough: a mixed series is no record of a market.
    synthetic = SAMPLE in frame["source"].unique()
    return {
        "ticker": ticker,
        "pool": pool_of(ticker, synthetic=synthetic),
        "newest_session": frame["date"][-1],
        "last_close": frame["close"][-1],
        "source": frame["source"][-1],
        "return_basis": frame["return_basis"][-1],
        "features_version": version(),
        "data_hash": rows_hash(rows),
    }


def _begins_with(rows: Rows, stored: Mapping[str, Any]) -> bool:
    """Whether what is stored of a ticker is the beginning of its rows, unchanged."""
    return bool(rows_hash(_known(rows, stored["newest_session"])) == stored["data_hash"])


def _known(rows: Rows, day: dt.date, *, since: bool = False) -> Rows:
    """The rows that were known on a day, or those that have come since."""
    columns = [pl.col(name) > day if since else pl.col(name) <= day for name in KNOWN_ON]
    return [frame.filter(column) for frame, column in zip(rows, columns, strict=True)]


STAGE = Stage(
    name="feature_engineering",
    summary="Compute features, model inputs and labels of the clean daily prices.",
    reads=(CLEAN_DAILY, POOL_MEMBERS),
    writes=(FEATURES_DAILY, FEATURE_SETS, *DATASETS.values(), POOL_MEMBERS),
    run=run,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m src.features.features_daily``."""
    return stage_main(
        STAGE, argv, parser=stage_parser("src.features.features_daily", STAGE.summary)
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
