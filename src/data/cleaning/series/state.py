"""Describe the clean series of tickers: what they are, and of what they were made.

A series can be continued by the newer raw rows of its ticker alone where nothing that was made of
it can depend on them. How far back a rule or a check looks is said here, in one place:

- The rules of ``ONE_BAR`` judge a bar by itself, or in a run of bars without a trade, which ends at
  a bar that was kept. ``bad_adjusted_close`` looks at the kept bars before and after, the checks
  for jumps and partings at the one before: so two bars are looked at again (``ANCHORS``).
- The other rules, what is inferred from jumps, dividends that no adjusted close has taken off,
  events without a ratio, and what fills gaps, rest on more of a series, or on another one: where a
  ticker has any of these, or anything of which a person should know, it is cleaned as a whole.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from src.config.load import config_hash
from src.config.version import source_hash
from src.core.hashing import sessions_hash
from src.core.row_sums import hash_rows, sum_hashes
from src.core.tables import CLEAN_SERIES, INSTRUMENT_STATES, INSTRUMENTS, SUMMED

if TYPE_CHECKING:
    from src.data.cleaning.clean_ticker import CleaningResult
    from src.stages.stage import RunContext

ONE_BAR = frozenset(
    {
        *("before_calendar", "before_listing", "before_first_price", "null_bar"),
        *("non_positive_price", "absurd_price", "impossible_bar", "non_session"),
        *("flat_no_trade", "dead_stretch"),
    }
)
ANCHORS = 2
Sums = Mapping[tuple[str, str, str], tuple[int, str]]


def basis_of(
    context: RunContext, ledger: pl.DataFrame, newest: Mapping[str, dt.date]
) -> dict[str, str]:
    """A hash of all that decides on clean prices but raw rows, by ticker.

    These are the settings, the code, the sessions up to its ``newest`` one, the ledger, its listing
    and the states of the share.
    """
    shared = (config_hash(context.settings), source_hash("core", "data"))
    parts: dict[str, list[object]] = {ticker: [] for ticker in newest}
    load = context.store.load
    facts = load(INSTRUMENTS, list(newest)).select("ticker", "listed_on", "source")
    for rows in (ledger, facts, load(INSTRUMENT_STATES, list(newest))):
        for row in rows.iter_rows(named=True):
            if row["ticker"] in parts:
                parts[row["ticker"]].append(row)
    texts = {
        ticker: repr((shared, sessions_hash(context.calendar.array, day), parts[ticker]))
        for ticker, day in newest.items()
    }
    return {ticker: hashlib.sha256(text.encode()).hexdigest() for ticker, text in texts.items()}


def continuable(
    daily: CleaningResult, hourly: pl.DataFrame, ledger: pl.DataFrame, warnings: Sequence[str]
) -> set[str]:
    """The tickers whose series can be continued by newer rows alone; see above.

    Args:
        daily: What a whole cleaning gave.
        hourly: Their hourly bars.
        ledger: Their corporate actions.
        warnings: All that a person should know of them.
    """
    newest = daily.bars.group_by("ticker").agg(newest=pl.col("date").max())
    refused = daily.refused.join(newest, on="ticker").filter(pl.col("date") < pl.col("newest"))
    others = [
        refused.filter(~pl.col("rule").is_in(list(ONE_BAR))),
        *(daily.inferred, daily.contradicted, daily.reinstated, daily.weighed),
        *(daily.dividend_mismatches, daily.repaired, daily.differences, hourly),
        daily.bars.filter("action_pending"),
    ]
    excluded = {ticker for rows in others for ticker in rows["ticker"].unique()}
    excluded |= {warning.split(":")[0] for warning in warnings}
    dividends = set(ledger.filter(pl.col("kind") == "dividend")["ticker"])
    counts = daily.spans["ticker"].value_counts().filter(pl.col("count") == 1)
    single = daily.spans.join(counts, on="ticker", how="semi").filter(
        pl.col("kept") >= ANCHORS, pl.col("basis") != "total", ~pl.col("leaps")
    )
    adjusted = single.filter(pl.col("unadjusted") == 0)["ticker"]
    bare = single.filter(pl.col("unadjusted") == pl.col("kept"))["ticker"]
    return ({*adjusted} | ({*bare} - dividends)) - excluded


def states_of(
    bars: pl.DataFrame, raw: pl.DataFrame, sums: Sums, basis: Mapping[str, str]
) -> pl.DataFrame:
    """Rows of ``clean_series``, one for each ticker with clean bars.

    ``bars`` are whole series in key order, ``raw`` all raw rows of these tickers; ``basis`` has
    those that can be continued.
    """
    hashes = hash_rows(bars, SUMMED)
    raw_newest = dict(raw.group_by("ticker").agg(pl.col("date").max()).iter_rows())
    rows, start = [], 0
    for part in bars.partition_by("ticker", maintain_order=True):
        ticker, end = part["ticker"][0], start + part.height
        volumes = part["volume"].filter(part["volume"] > 0)
        series = [
            (source, *total)
            for (of, kind, source), total in sums.items()
            if of == ticker and kind == "daily"
        ]
        source, raw_rows, raw_sum = series[0] if len(series) == 1 else ("", 0, "")
        rows.append(
            {
                "ticker": ticker,
                "rows": part.height,
                "first_session": part["date"][0],
                "newest_session": part["date"][-1],
                "first_volume": volumes[0] if volumes.len() else 0.0,
                "row_sum": sum_hashes(hashes[:, start:end]),
                "source": source,
                "raw_rows": raw_rows,
                "raw_sum": raw_sum,
                "raw_newest": raw_newest.get(ticker, part["date"][-1]),
                "anchor": part["date"][-min(ANCHORS, part.height)],
                "basis": basis.get(ticker, "") if raw_rows else "",
            }
        )
        start = end
    return states_frame(rows)


def states_frame(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows of ``clean_series`` as a frame."""
    dates = dict.fromkeys(("first_session", "newest_session", "raw_newest", "anchor"), pl.Date)
    schema: dict[str, Any] = dict.fromkeys(CLEAN_SERIES.columns, pl.String) | dates
    schema |= {"rows": pl.Int64, "raw_rows": pl.Int64, "first_volume": pl.Float64}
    return pl.DataFrame(rows, schema=schema)
