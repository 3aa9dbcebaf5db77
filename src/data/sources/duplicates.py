"""Rows as delivered in, rows that have a key of their own out, with a hash of what they say."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

REJECTED = {
    "line": pl.Int64,
    "at": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "row": pl.String,
}
PRICES = ("open", "high", "low", "close", "volume")


def key_of(kind: Kind) -> str:
    """The column that tells one bar from the next."""
    return "date" if kind == "daily" else "ts"


def keep_last(delivered: pl.DataFrame, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off all rows of a repeated key but the last: what a source says last, it means."""
    is_last = pl.col("line") == pl.col("line").max().over(key)
    kept, earlier = delivered.filter(is_last), delivered.filter(~is_last)
    if earlier.is_empty():
        return kept, pl.DataFrame(schema=REJECTED)
    last = {row[key]: row for row in kept.join(earlier, on=key, how="semi").rows(named=True)}
    records = [_rejection(row, last[row[key]], key) for row in earlier.rows(named=True)]
    return kept, pl.DataFrame(records, schema=REJECTED)


def _rejection(row: dict[str, Any], last: dict[str, Any], key: str) -> dict[str, Any]:
    differing = [name for name in row if name != "line" and row[name] != last[name]]
    same = not differing
    verdict = "and says the same" if same else f"with another {', '.join(differing)}"
    return {
        "line": row["line"],
        "at": row[key].isoformat(),
        "rule": "duplicate_identical" if same else "duplicate_conflicting",
        "reason": f"row {last['line']} has the same {key} {verdict}: the later row was kept",
        "row": json.dumps(
            {name: value for name, value in row.items() if name != "line"}, default=str
        ),
    }


def content_hash(ticker: str, kind: Kind, frame: pl.DataFrame) -> str:
    """SHA-256 of the rows as text: the same on every machine and for every polars version."""
    rows = json.dumps(frame.rows(), default=str, separators=(",", ":"))
    head = json.dumps([ticker, kind, frame.columns])
    return hashlib.sha256(f"{head}\n{rows}".encode()).hexdigest()
