"""Read the splits and dividends in the columns beside a file's bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import DAILY_VALUES
from src.data.sources.files.fields.numbers.parse import parse_numbers

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

# As Yahoo names the columns; a capital gain is not an action of the ledger.
ACTIONS = ("dividends", "stock splits", "capital gains")
DIVIDENDS, SPLITS, GAINS = ACTIONS
# Column of a file: the kind of action, and the column of its value; in the order of the result.
COLUMNS = {SPLITS: ("split", "ratio"), DIVIDENDS: ("dividend", "amount")}


def is_nonzero(name: str) -> pl.Expr:
    """Whether a cell, as text or as a number, is neither zero nor blank."""
    number = pl.col(name).cast(pl.Float64, strict=False)
    return (number.is_not_nan() & (number != 0)).fill_null(value=False)


def read_actions(
    rows: pl.DataFrame, kind: Kind, delimiter: str
) -> tuple[pl.DataFrame | None, tuple[str, ...]]:
    """The actions of rows that have a key, whether or not their bars are rejected; and notes.

    Of a date that is written twice, the last row with an action counts; only daily rows tell the
    date of an action. ``rows`` have ``ticker``, ``key`` and the text columns of ``ACTIONS`` that
    the file has; those of prices show how it writes numbers (see ``parse_numbers``).

    Returns:
        ``ticker, date, kind, ratio, amount``, or None where the file has neither column. Where it
        lacks one of them, ``ratio`` or ``amount`` has the type Null.
    """
    names = [name for name in ACTIONS if name in rows.columns]
    if not names:
        return None, ()
    prices = [name for name in DAILY_VALUES if name in rows.columns]
    texts = rows.select("ticker", "key", *prices, *names)
    numbers, invalid = parse_numbers(texts, names, delimiter)
    notes = _notes(numbers, names, invalid)
    if kind != "daily":
        has_actions = any(numbers.select(is_nonzero(name).any()).item() for name in names)
        ignored = "splits and dividends of hourly rows were ignored: give them with daily rows"
        return None, (*notes, ignored) if has_actions else notes
    parts = [_of_kind(numbers, names, name) for name in COLUMNS if name in names]
    if not parts:
        return None, notes
    key = ["ticker", "date", "kind"]
    return pl.concat(parts).unique(key, keep="last", maintain_order=True).sort(key), notes


def _of_kind(numbers: pl.DataFrame, names: list[str], name: str) -> pl.DataFrame:
    values = [
        (pl.col(column) if column == name else pl.lit(None))
        .cast(pl.Float64 if column in names else pl.Null)
        .alias(value)
        for column, (_, value) in COLUMNS.items()
    ]
    return numbers.filter(is_nonzero(name)).select(
        "ticker", pl.col("key").alias("date"), pl.lit(COLUMNS[name][0]).alias("kind"), *values
    )


def _notes(numbers: pl.DataFrame, names: list[str], invalid: pl.Series | None) -> tuple[str, ...]:
    notes = []
    if invalid is not None:
        cells = invalid.drop_nulls()
        notes.append(f"{cells.len()} rows have an action that is not a number (first: {cells[0]})")
    gains = int(numbers.select(is_nonzero(GAINS).sum()).item()) if GAINS in names else 0
    if gains:
        notes.append(f"capital gains of {gains} rows were ignored (not a corporate action)")
    return tuple(notes)
