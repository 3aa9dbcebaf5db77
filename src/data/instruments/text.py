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

LIST, IMPORT = (f"python -m src.data.instruments {command}" for command in ("list", "import"))
SHOWN = 50


def overview(store: Store) -> list[str]:
    """How much is known from which list, of stored tickers what is out of the ordinary."""
    tickers, listed = store.tickers(), store.listed_tickers()
    facts = store.load(INSTRUMENTS, sorted(listed), columns=("ticker", "source", "stated_at"))
    return [
        *_sources(facts),
        f"Of {len(tickers):,} tickers with prices {len(listed.intersection(tickers)):,} have "
        "facts of their listing.",
        *_changes(active_changes(store), tickers),
        *_untraded(store, tickers),
        f"`{LIST} --ticker T` shows what is known of one share.",
    ]


def _sources(facts: pl.DataFrame) -> list[str]:
    """How many shares each list states, and how many are not of a list."""
    counts = facts.group_by("source").agg(pl.len(), pl.col("stated_at").max())
    lines = [
        f"{source or 'not from a list'}: {count:,} share{'' if count == 1 else 's'}"
        + (f", the newest statement of {stated_at:%Y-%m-%d}" if stated_at else "")
        for source, count, stated_at in counts.sort("source", nulls_last=True).iter_rows()
    ]
    if facts["source"].count() == 0:
        lines.append(f"No list of shares is stored: `{IMPORT} --path EQUITY_L.csv`.")
    return lines


def _changes(changes: pl.DataFrame, tickers: list[str]) -> list[str]:
    """The changes of symbols; of very many the newest ones of stored tickers."""
    shown, total = changes, f"{changes.height:,} change{'' if changes.height == 1 else 's'}"
    total += " of symbols"
    if changes.height > SHOWN:
        shown = changes.filter(pl.col("new_ticker").is_in(tickers)).tail(SHOWN)
        count = f"the newest {shown.height:,}" if shown.height else "none"
        total += f"; {count} of those of tickers with prices"
    lines = [_change(row) for row in shown.iter_rows(named=True)]
    return [f"{total}{':' if lines else '.'}", *lines]


def _untraded(store: Store, tickers: list[str]) -> list[str]:
    """The stored tickers that are stated to be suspended or delisted."""
    states = sorted(current_states(store, tickers).items())
    lines = [
        f"{ticker}  {since.state} since {since.date}: {since.reason}"
        for ticker, since in states
        if since.state != "active"
    ]
    heading = [f"Tickers with prices that are not traded: {len(lines):,}."]
    return [*heading, *lines] if lines else []


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
    states = store.load(INSTRUMENT_STATES, [ticker]).sort("stated_at", descending=True)
    lines += [
        _state(row, "  before: " if place else "", "" if place else ": in force")
        for place, row in enumerate(states.iter_rows(named=True))
    ]
    return lines or [f"Nothing is known of {ticker}: import NSE's EQUITY_L.csv."]


def _state(row: Mapping[str, Any], before: str, after: str) -> str:
    return (
        f"{before}{row['ticker']}  {row['state']} since {row['date']}: {row['reason']} "
        f"({row['stated_by']}, {row['stated_at']:%Y-%m-%d}){after}"
    )


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
