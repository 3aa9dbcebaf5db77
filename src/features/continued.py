"""Find the tickers of which only newer clean prices came since their features were stored.

Of these the last rows alone are read: as many as decide the last bit of what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.core.row_sums import NOTHING, subtract, sums_by_ticker
from src.core.tables import CLEAN_DAILY, CLEAN_SERIES, FEATURES_DAILY, SUMMED
from src.features.catalogue import lookback, version
from src.features.members import (
    COLUMNS,
    data_hash,
    horizons_text,
    member_after,
    ticker_slices,
)
from src.features.ticker_features import Earlier

if TYPE_CHECKING:
    from src.stages.stage import RunContext

    Row = Mapping[str, Any]

# Sessions without a bar that may be among those that are read.
MISSING = 40


@dataclass(frozen=True)
class Continued:
    """Tickers that are as they were, or longer.

    Attributes:
        sizes: Clean rows of each of them.
        counts: Of those that are longer, how many rows are new.
        members: Of these the rows of ``pool_members`` as they are now.
        clean: Their last clean rows in key order.
        earlier: What lies before these.
    """

    sizes: Mapping[str, int]
    counts: Mapping[str, int]
    members: Mapping[str, dict[str, Any]]
    clean: pl.DataFrame
    earlier: Mapping[str, Earlier]


def find_continued(
    context: RunContext, stored: Mapping[str, Row], known: Mapping[str, Row], horizon: int
) -> Continued:
    """The context's tickers whose features are those of the beginning of their clean prices.

    Args:
        context: Of a run that looks back there are none.
        stored: Rows of ``pool_members`` by ticker.
        known: Those of ``feature_series`` that tell of what is stored, by ticker.
        horizon: Sessions from a row to the label that is realised last.
    """
    series = _series(context, stored)
    rows = {ticker: row["rows"] for ticker, row in known.items()}
    others = [ticker for ticker in series if ticker not in rows]
    rows |= context.store.count(FEATURES_DAILY, others) if others else {}
    counts = {ticker: row["rows"] - rows.get(ticker, 0) for ticker, row in series.items()}
    sizes = {
        ticker: row["rows"]
        for ticker, row in series.items()
        if not counts[ticker] and _hash(context, stored[ticker], row) == stored[ticker]["data_hash"]
    }
    needed = {
        ticker: min(
            count + horizon + 1 + lookback(context.settings.features), series[ticker]["rows"]
        )
        for ticker, count in counts.items()
        if count > 0
    }
    clean = _last_rows(context, needed)
    newest = {ticker: stored[ticker]["newest_session"] for ticker in needed}
    day = pl.col("ticker").replace_strict(newest, return_dtype=pl.Date)
    newer = clean.filter(pl.col("date") > day) if newest else clean
    newer_rows = dict(ticker_slices(newer))
    sums = sums_by_ticker(newer, SUMMED)
    members, earlier = {}, {}
    for ticker, where in ticker_slices(clean):
        row, before, size = series[ticker], stored[ticker], where.stop - where.start
        count, row_sum = sums.get(ticker, (0, NOTHING))
        beginning = {**row, "row_sum": subtract(row["row_sum"], row_sum)}
        is_whole = size >= needed[ticker] and count == counts[ticker]
        if is_whole and _hash(context, before, beginning) == before["data_hash"]:
            sizes[ticker] = row["rows"]
            now = member_after(before, newer[newer_rows[ticker]])
            members[ticker] = {**now, "data_hash": _hash(context, now, row)}
            earlier[ticker] = Earlier(row["rows"] - size, row["first_volume"])
    newer_counts = {ticker: counts[ticker] for ticker in members}
    continued = clean.filter(pl.col("ticker").is_in(list(members)))
    return Continued(sizes, newer_counts, members, continued, earlier)


def _series(context: RunContext, stored: Mapping[str, Row]) -> dict[str, Row]:
    """The rows of ``clean_series`` of tickers with features of the current version and horizons."""
    if context.as_of is not None or context.known_at is not None:
        return {}
    now = (version(), horizons_text(context.settings))
    current = [t for t, row in stored.items() if (row["features_version"], row["horizons"]) == now]
    rows = context.store.load(CLEAN_SERIES, current).iter_rows(named=True)
    return {row["ticker"]: row for row in rows}


def _hash(context: RunContext, member: Row, series: Row) -> str:
    return data_hash(
        context.settings, context.calendar, member["newest_session"], series["row_sum"]
    )


def _last_rows(context: RunContext, needed: Mapping[str, int]) -> pl.DataFrame:
    """The last clean rows of each ticker, about as many as needed; all where there are fewer."""
    if not needed:
        return context.store.load(CLEAN_DAILY, [], columns=COLUMNS)
    sessions = context.calendar.array
    end = int(sessions.searchsorted(np.datetime64(context.calendar.last_closed(context.now), "D")))
    first = max(end - max(needed.values()) - MISSING, 0)
    return context.store.load(
        CLEAN_DAILY, list(needed), columns=COLUMNS, since=sessions[first].item()
    )
