"""Keep how many rows of features and labels each ticker has, and what they lack.

Newer rows add to what was counted before; the whole of a ticker is counted where its rows were
changed, which a trigger notices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.completeness import count_lacking
from src.core.tables import DATASETS, FEATURE_SERIES, FEATURES_DAILY
from src.features.catalogue import features

if TYPE_CHECKING:
    from src.stages.stage import RunContext

Row = Mapping[str, Any]
COUNTED = ("rows", "usable", "lacking", "not_finite")


def known_series(context: RunContext, members: Mapping[str, Row]) -> dict[str, Row]:
    """Rows of ``feature_series`` that tell of what is stored now, by ticker.

    Args:
        context: Of a run that looks back there are none.
        members: Rows of ``pool_members`` by ticker.
    """
    if context.as_of is not None or context.known_at is not None:
        return {}
    columns = _columns(context)
    rows = context.store.load(FEATURE_SERIES, list(members)).iter_rows(named=True)
    return {
        row["ticker"]: row
        for row in rows
        if row["columns"] == columns and row["data_hash"] == members[row["ticker"]]["data_hash"]
    }


def write_series(
    context: RunContext,
    members: Mapping[str, Row],
    known: Mapping[str, Row],
    newer: Sequence[pl.DataFrame] | None,
) -> dict[str, Row]:
    """Bring ``feature_series`` up to date after rows were stored; its rows by ticker.

    Args:
        context: Of a live run.
        members: Rows of ``pool_members`` as they are now.
        known: Rows of ``feature_series`` of before, of tickers that got ``newer`` rows or none.
        newer: Of the tables of features and labels, in their order.
    """
    added = _added(context, newer or ())
    series: dict[str, Row] = {
        ticker: {
            **row,
            "data_hash": members[ticker]["data_hash"],
            **{name: row[name] + count for name, count in added.get(ticker, {}).items()},
        }
        for ticker, row in known.items()
        if ticker in members
    }
    series |= _counted(context, {t: row for t, row in members.items() if t not in series})
    changed = [ticker for ticker, row in series.items() if row != known.get(ticker)]
    if changed:
        schema = {name: pl.Int64 if name in _NUMBERS else pl.String for name in _ALL}
        frame = pl.DataFrame([series[ticker] for ticker in changed], schema=schema)
        context.store.replace(FEATURE_SERIES, changed, frame)
    return series


_ALL = tuple(FEATURE_SERIES.columns)
_NUMBERS = (*COUNTED, *DATASETS, "changes")


def _columns(context: RunContext) -> str:
    return ",".join(feature.name for feature in features(context.settings.features))


def _added(context: RunContext, newer: Sequence[pl.DataFrame]) -> dict[str, dict[str, int]]:
    """What newer rows add, by ticker and column."""
    added: dict[str, dict[str, int]] = {}
    for name, frame in zip((FEATURES_DAILY.name, *DATASETS), newer, strict=False):
        if name in DATASETS:
            for ticker, count in frame["ticker"].value_counts().iter_rows():
                added.setdefault(ticker, {})[name] = count
        else:
            counts = count_lacking(frame, _columns(context).split(","), 1)
            for row in counts.iter_rows(named=True):
                added[row["ticker"]] = {column: row[column] for column in COUNTED}
    return added


def _counted(context: RunContext, members: Mapping[str, Row]) -> dict[str, Row]:
    """The rows of tickers, counted in the tables."""
    store, tickers, columns = context.store, list(members), _columns(context)
    if not tickers:
        return {}
    changes = dict(store.load(FEATURE_SERIES, tickers, columns=("ticker", "changes")).iter_rows())
    labels = {name: store.count(table, tickers) for name, table in DATASETS.items()}
    counts = store.count_lacking(FEATURES_DAILY, tickers, columns.split(","), 1)
    return {
        row["ticker"]: {
            "ticker": row["ticker"],
            "data_hash": members[row["ticker"]]["data_hash"],
            "columns": columns,
            **{name: row[name] for name in COUNTED},
            **{name: count.get(row["ticker"], 0) for name, count in labels.items()},
            "changes": changes.get(row["ticker"], 0),
        }
        for row in counts.iter_rows(named=True)
    }
