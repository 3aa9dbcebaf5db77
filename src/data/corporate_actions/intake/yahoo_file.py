"""Turn the splits and dividends of one ticker in a file as Yahoo gives it into ledger rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from src.core.errors import BadInput
from src.data.corporate_actions.action import SHARE_KINDS
from src.data.corporate_actions.intake.action_file import ADVICE, ActionFile
from src.data.corporate_actions.intake.statements import (
    RecordedActions,
    ledger_rows,
    recorded_actions,
)
from src.data.corporate_actions.ledger import applied_actions

_RATIO = r"^(?<after>\d+(?:\.\d+)?)\s*[:/]\s*(?<before>\d+(?:\.\d+)?)$"


def yahoo_rows(
    path: Path,
    file: ActionFile,
    ticker: str,
    source: str,
    known_at: dt.datetime,
    ledger: pl.DataFrame,
) -> pl.DataFrame:
    """The ledger rows of a file with the columns Date, Dividends and Stock Splits, or one of these.

    Its dividends are divided by every split up to ``known_at``, also by those that the file leaves
    out and ``ledger`` has (rows of ``ticker`` of any source).

    Returns:
        Ledger rows, splits first.

    Raises:
        BadInput: for a cell that is no date or no number.
    """
    actions = _actions(path, file)
    recorded = _recorded_beside_file(
        actions.filter(pl.max_horizontal("ratio", "amount") > 0), ledger, source
    )
    return ledger_rows(actions, ticker, source, known_at, recorded)


def _actions(path: Path, file: ActionFile) -> pl.DataFrame:
    """``date, kind, ratio, amount``: a split and a dividend for each line, zero where none was."""
    texts = pl.DataFrame(file.records).with_columns(
        pl.col(pl.String).replace({"": None, "-": None})
    )
    for name in ("Dividends", "Stock Splits"):
        if name not in texts.columns:
            texts = texts.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    sides = pl.col("Stock Splits").str.extract_groups(_RATIO).struct
    ratio = sides.field("after").cast(pl.Float64) / sides.field("before").cast(pl.Float64)
    table = texts.select(
        pl.col("Date").str.to_date("%Y-%m-%d", strict=False),
        pl.col("Dividends").cast(pl.Float64, strict=False),
        pl.coalesce(pl.col("Stock Splits").cast(pl.Float64, strict=False), ratio).alias(
            "Stock Splits"
        ),
    )
    _check_cells(path, file, texts, table)
    date, missing = pl.col("Date").alias("date"), pl.lit(None, dtype=pl.Float64)
    amount, shares = pl.col("Dividends"), pl.col("Stock Splits")
    splits = table.select(date, kind=pl.lit("split"), ratio=shares, amount=missing)
    dividends = table.select(date, kind=pl.lit("dividend"), ratio=missing, amount=amount)
    return pl.concat([splits, dividends])


def _check_cells(path: Path, file: ActionFile, texts: pl.DataFrame, table: pl.DataFrame) -> None:
    """Refuse a file with a cell that is no date or no number, or with a line without a date."""
    for name in ("Date", "Dividends", "Stock Splits"):
        is_bad = table[name].is_null()
        if name != "Date":
            is_bad &= texts[name].is_not_null()
        if is_bad.any():
            row = is_bad.arg_true()[0]
            raise BadInput(
                f"{path}: {texts[name][row]!r} in line {file.lines[row]} is no {name}: {ADVICE}"
            )


def _recorded_beside_file(
    actions: pl.DataFrame, ledger: pl.DataFrame, source: str
) -> RecordedActions:
    """What a ledger has beside a list of actions: all splits, and the source's own dividends."""
    changes_shares = pl.col("kind").is_in(SHARE_KINDS)
    # One change in shares a date: a bonus that was entered is the split that the file states.
    stated_days = actions.filter(changes_shares)["date"].to_list()
    splits = applied_actions(ledger.filter(changes_shares, ~pl.col("date").is_in(stated_days)))
    return recorded_actions(ledger.filter(source=source, origin="stated"), actions, splits)
