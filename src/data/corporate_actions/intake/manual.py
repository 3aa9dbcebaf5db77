"""Make ledger rows of what a person enters or decides."""

from __future__ import annotations

import datetime as dt

import polars as pl

from src.core.errors import BadInput
from src.data.corporate_actions.action import SHARE_KINDS, Action, Kind
from src.data.corporate_actions.ledger import LEDGER_SCHEMA


def decided_rows(ledger: pl.DataFrame, day: dt.date, kind: str | None, status: str) -> pl.DataFrame:
    """The rows of that ex-date, of one kind or of all, that a person's decision changes.

    Rows that have the status already are not decided anew.

    Raises:
        BadInput: the ledger has no such row.
    """
    rows = ledger.filter(date=day) if kind is None else ledger.filter(date=day, kind=kind)
    if rows.is_empty():
        days = ledger.sort((pl.col("date") - day).abs())["date"].unique(maintain_order=True)[:3]
        nearest = f"The nearest dates are {', '.join(map(str, days))}"
        if days.is_empty():
            nearest = "It is empty"
        raise BadInput(f"The ledger has no {kind or 'action'} on {day}. {nearest}.")
    changed = rows.filter(pl.col("status") != status)
    return changed.with_columns(status=pl.lit(status), decided_by=pl.lit("person"))


def entered_row(
    ticker: str, day: dt.date, kind: Kind, value: float, at: dt.datetime
) -> pl.DataFrame:
    """A ledger row for an action that a person states.

    ``value`` is money per share for a dividend, else shares after / before; ``at`` is in UTC.
    Rights and demergers are pending, since they are not applied to prices.

    Raises:
        BadAction: for an impossible value.
    """
    ratio, amount = (None, value) if kind == "dividend" else (value, None)
    Action(day, kind, ratio=ratio, amount=amount)
    return pl.DataFrame(
        [
            {
                "ticker": ticker,
                "date": day,
                "kind": kind,
                "source": "person",
                "origin": "entered",
                "ratio": ratio,
                "amount": amount,
                "status": "applied" if kind in (*SHARE_KINDS, "dividend") else "pending",
                "decided_by": "person",
                "evidence": "{}",
                "known_at": at,
            }
        ],
        schema=LEDGER_SCHEMA,
    )
