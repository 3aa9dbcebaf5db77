"""Show in lines of text what is stored of shares: facts, symbols and states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import (
    INSTRUMENT_HISTORY,
    INSTRUMENT_STATES,
    INSTRUMENTS,
    SYMBOL_CHANGES,
)
from src.data.instruments.renames import active_changes
from src.data.instruments.states import current_states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from src.db.store import Store

SHOWN = 50


def overview(store: Store) -> list[str]:
    """How much is known, and of stored tickers what is out of the ordinary."""
    tickers, listed = store.tickers(), store.listed_tickers()
    changes = active_changes(store)
    lines = [
        f"{len(listed):,} instruments with facts, {changes.height:,} changes of symbols; of "
        f"{len(tickers):,} tickers with prices {len(listed.intersection(tickers)):,} have facts."
    ]
    chosen = changes.filter(pl.col("new_ticker").is_in(tickers)).tail(SHOWN)
    lines += [_change(row) for row in chosen.iter_rows(named=True)]
    for ticker, since in sorted(current_states(store, tickers).items()):
        if since.state != "active":
            lines.append(f"{ticker}  {since.state} since {since.date}: {since.reason}")
    return lines


def of_ticker(store: Store, ticker: str) -> list[str]:
    """All that is stored of one ticker, also what was stated before."""
    stored = store.load(INSTRUMENTS, [ticker])
    lines = [_facts(row) for row in stored.iter_rows(named=True)]
    earlier = store.load(INSTRUMENT_HISTORY, [ticker]).sort("stated_at").head(-1)
    lines += [f"  before: {_facts(row)}" for row in earlier.iter_rows(named=True)]
    identities = store.identities()
    symbols = {ticker, *identities.symbols_of([ticker])}
    concerned = pl.col("ticker").is_in(symbols) | pl.col("new_ticker").is_in(symbols)
    touching = active_changes(store).filter(concerned)
    lines += [_change(row) for row in touching.iter_rows(named=True)]
    undone = store.load(SYMBOL_CHANGES, sorted(symbols)).filter("is_undone")
    lines += [f"  undone: {_change(row)}" for row in undone.iter_rows(named=True)]
    states = store.load(INSTRUMENT_STATES, [ticker]).sort("stated_at")
    lines += [
        f"{row['ticker']}  {row['state']} since {row['date']}: {row['reason']} "
        f"({row['stated_by']}, {row['stated_at']:%Y-%m-%d})"
        for row in states.iter_rows(named=True)
    ]
    return lines or [f"Nothing is known of {ticker}: import NSE's EQUITY_L.csv."]


def _facts(row: Mapping[str, Any]) -> str:
    parts = [row["ticker"], row["name"] or "(no name)"]
    if row["listed_on"]:
        parts.append(f"listed {row['listed_on']}")
    if row["isin"]:
        parts.append(row["isin"])
    if row["face_value"]:
        parts.append(f"face value {row['face_value']:g}")
    if row["series"]:
        parts.append(f"series {row['series']}")
    if row["source"]:
        parts.append(f"{row['source']} of {row['stated_at']:%Y-%m-%d}")
    return "  ".join(parts)


def _change(row: Mapping[str, Any]) -> str:
    return f"{row['ticker']}  is {row['new_ticker']} from {row['date']} on ({row['source']})"
