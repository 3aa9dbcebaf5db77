"""A file of corporate actions in, ledger rows out; what looks entered twice waits for a person."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl

from src.core.errors import BadInput
from src.data.adjust import Action, shares_after
from src.data.ledger import LEDGER_SCHEMA

YAHOO = {"Date", "Dividends", "Stock Splits"}
# One dividend under two dates: announcements and ex-dates lie days apart, two dividends a quarter.
NEAR = dt.timedelta(days=10)


def read_actions(path: Path, ticker: str, source: str, known_at: dt.datetime) -> pl.DataFrame:
    """Ledger rows of a CSV with the columns Date, Dividends and Stock Splits, as Yahoo gives it.

    Yahoo's dividends are divided by later splits; the ledger has them as paid.

    Raises:
        BadInput: for a file that cannot be read, or without these columns.
    """
    try:
        table = pl.read_csv(path, try_parse_dates=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(f"{path}: it cannot be read as CSV ({first}).") from error
    if not set(table.columns) >= YAHOO or table.schema["Date"] != pl.Date:
        raise BadInput(f"{path}: it needs the columns Date (YYYY-MM-DD), Dividends, Stock Splits.")
    table = table.select("Date", pl.col("Dividends", "Stock Splits").cast(pl.Float64)).sort("Date")
    splits = [
        Action(day, "split", ratio=ratio)
        for day, _, ratio in table.filter(pl.col("Stock Splits") > 0).iter_rows()
    ]
    dividends = [
        (day, amount) for day, amount, _ in table.filter(pl.col("Dividends") > 0).iter_rows()
    ]
    rows = [_row(ticker, split.date, "split", split.ratio, None) for split in splits]
    rows += _dividend_rows(ticker, dividends, splits)
    return pl.DataFrame(
        [{**row, "source": source, "known_at": known_at} for row in rows], schema=LEDGER_SCHEMA
    )


def _dividend_rows(
    ticker: str, dividends: list[tuple[dt.date, float]], splits: list[Action]
) -> list[dict[str, object]]:
    evenings = np.array([day for day, _ in dividends], dtype="datetime64[D]") - 1
    factors = shares_after(evenings, splits)
    rows = []
    for (day, amount), factor in zip(dividends, factors, strict=True):
        row = _row(ticker, day, "dividend", None, amount * float(factor))
        twin = _twin(day, amount, float(factor), dividends)
        if twin is not None:
            row["status"] = "pending"
            row["evidence"] = json.dumps({"stated": amount, "same_as": twin.isoformat()})
        rows.append(row)
    return rows


def _twin(
    day: dt.date, amount: float, factor: float, dividends: list[tuple[dt.date, float]]
) -> dt.date | None:
    """The date under which the same dividend stands already, once divided by later splits.

    The entry that was not divided waits; of two equal ones, the later.
    """
    for other, said in dividends:
        near = other != day and abs(other - day) <= NEAR
        undivided = factor != 1 and abs(amount / said - factor) < 1e-6 * factor
        if near and (undivided or (said == amount and other < day)):
            return other
    return None


def _row(
    ticker: str, day: dt.date, kind: str, ratio: float | None, amount: float | None
) -> dict[str, object]:
    return {
        "ticker": ticker,
        "date": day,
        "kind": kind,
        "origin": "stated",
        "ratio": ratio,
        "amount": amount,
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
    }
