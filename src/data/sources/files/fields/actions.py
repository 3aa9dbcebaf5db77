"""Rows with cells for splits and dividends come in; the actions they state go out; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.data.sources.files.fields.numbers import read_numbers
from src.data.sources.files.layouts import ACTIONS

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

DIVIDENDS, SPLITS, GAINS = ACTIONS
# Column of a file: the kind of action, and where its value goes; in the order of the result.
COLUMNS = {SPLITS: ("split", "ratio"), DIVIDENDS: ("dividend", "amount")}
Stated = tuple[pl.DataFrame | None, tuple[str, ...]]


def nonzero(name: str) -> pl.Expr:
    """Whether a cell, as text or as a number, says something else than zero or nothing."""
    number = pl.col(name).cast(pl.Float64, strict=False)
    return (number.is_not_nan() & (number != 0)).fill_null(value=False)


def stated_actions(rows: pl.DataFrame, kind: Kind) -> Stated:
    """The actions of rows that have a key, rejected bars among them; and notes.

    Of a date that is written twice, what its last row says is what the file means.

    Args:
        rows: ``ticker``, ``key`` and those of the text columns ``ACTIONS`` that the file has.
        kind: only daily rows state on which date an action fell.

    Returns:
        ``ticker, date, kind, ratio, amount``, or None where the file has neither column. Of a file
        without the one column, ``ratio`` or ``amount`` has the type Null: it tells nothing of it.
    """
    names = [name for name in ACTIONS if name in rows.columns]
    if not names:
        return None, ()
    numbers, wrong = read_numbers(rows.select("ticker", "key", *names), names)
    notes = _notes(numbers, names, wrong)
    if kind != "daily":
        some = any(numbers.select(nonzero(name).any()).item() for name in names)
        said = "splits and dividends of hourly rows were left out: bring them with daily ones"
        return None, (*notes, said) if some else notes
    parts = [_of_kind(numbers, names, name) for name in COLUMNS if name in names]
    if not parts:
        return None, notes
    each = pl.concat(parts).unique(["ticker", "date", "kind"], keep="last", maintain_order=True)
    return each.sort("ticker", "date", "kind"), notes


def _of_kind(numbers: pl.DataFrame, names: list[str], name: str) -> pl.DataFrame:
    values = [
        (pl.col(own) if own == name else pl.lit(None))
        .cast(pl.Float64 if own in names else pl.Null)
        .alias(value)
        for own, (_, value) in COLUMNS.items()
    ]
    return numbers.filter(nonzero(name)).select(
        "ticker", pl.col("key").alias("date"), pl.lit(COLUMNS[name][0]).alias("kind"), *values
    )


def _notes(numbers: pl.DataFrame, names: list[str], wrong: pl.Series) -> tuple[str, ...]:
    notes = []
    unread = wrong.drop_nulls()
    if unread.len():
        notes.append(f"{unread.len()} rows state no number for an action (first: {unread[0]})")
    gains = int(numbers.select(nonzero(GAINS).sum()).item()) if GAINS in names else 0
    if gains:
        notes.append(f"capital gains of {gains} rows left out: the ledger has no such action")
    return tuple(notes)
