"""Show the ledger as text: one line an action, with what is to be decided."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from src.data.corporate_actions.action import SHARE_KINDS
from src.data.corporate_actions.decisions.proposals import likely_splits, seen_move
from src.data.corporate_actions.ledger import CONTRADICTION
from src.data.corporate_actions.price_checks.rights import THEORETICAL

# Of a subject; NSE's are rarely longer.
LONGEST = 60

Row = dict[str, Any]


def ledger_text(ticker: str, ledger: pl.DataFrame) -> str:
    """The rows of one ticker's ledger in the order of their dates."""
    if ledger.is_empty():
        return f"{ticker}: no corporate actions."
    count = f"{ledger.height} corporate action{'' if ledger.height == 1 else 's'}"
    rows = ledger.sort("date", "kind").iter_rows(named=True)
    return "\n".join([f"{ticker}: {count}", *map(_line, rows)])


def ledgers_text(ledger: pl.DataFrame) -> str:
    """The rows of many tickers' ledgers, by ticker and date, in short lines."""
    if ledger.is_empty():
        return "No corporate actions."
    tickers, pending = ledger["ticker"].n_unique(), ledger.filter(status="pending").height
    count = f"{ledger.height:,} corporate action{'' if ledger.height == 1 else 's'}"
    of = f"of {tickers:,} ticker{'' if tickers == 1 else 's'}, {pending:,} pending"
    width = max(map(len, ledger["ticker"]))
    rows = ledger.sort("ticker", "date", "kind").iter_rows(named=True)
    lines = [f"{row['ticker']:<{width}}  {_short_line(row)}" for row in rows]
    return "\n".join([f"{count} {of}", *lines])


def _short_line(row: Row) -> str:
    notes = "; ".join(filter(None, _notes(row))) if row["status"] == "pending" else ""
    cut = notes if len(notes) <= LONGEST else f"{notes[: LONGEST - 1]}…"
    return f"{row['date']}  {row['kind']:<9} {_size(row):<10} {row['status']:<9} {cut}".rstrip()


def _size(row: Row) -> str:
    value = row["amount"] if row["ratio"] is None else row["ratio"]
    return "-" if value is None else f"{value:.6g}"


def _line(row: Row) -> str:
    notes = "; ".join(filter(None, _notes(row)))
    return (
        f"{row['date']}  {row['kind']:<9} {_size(row):<10} {row['status']:<9} "
        f"{row['origin']}, {row['source']}{': ' if notes else ''}{notes}"
    )


def _notes(row: Row) -> list[str]:
    """The subject as stated, and what a person needs to know to decide."""
    evidence = json.loads(row["evidence"])
    subject = str(evidence.get("subject", ""))
    notes = [subject if len(subject) <= LONGEST else f"{subject[: LONGEST - 1]}…"]
    if row["status"] != "pending":
        return notes
    notes.append(evidence.get(CONTRADICTION, ""))
    if theory := evidence.get(THEORETICAL):
        notes.append(f"{theory['close_before']:.6g} before, {theory['ex_rights']:.6g} in theory")
    move = seen_move(row)
    if move is not None and row["kind"] in SHARE_KINDS:
        notes.append(f"if a split, of {likely_splits(row)}")
    elif move is not None:
        notes.append(f"a ratio of {1 / move[0]:.4g} would explain all of it")
    return notes
