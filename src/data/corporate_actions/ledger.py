"""Ledger rows in; the actions that hold, each once, however many have told of it, out; pure."""

from __future__ import annotations

import datetime as dt

import polars as pl

from src.data.corporate_actions.adjust import SHARE_KINDS, Action

LEDGER_SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "kind": pl.String(),
        "source": pl.String(),
        "origin": pl.String(),
        "ratio": pl.Float64(),
        "amount": pl.Float64(),
        "status": pl.String(),
        "decided_by": pl.String(),
        "evidence": pl.String(),
        "known_at": pl.Datetime("us", "UTC"),
    }
)
# What a share is afterwards is another thing than before: the price cannot be compared across it.
PRICE_KINDS = (*SHARE_KINDS, "rights", "demerger")
_TOLD_FIRST = {"entered": 0, "stated": 1, "inferred": 2}


def standing(ledger: pl.DataFrame) -> pl.DataFrame:
    """Rows that do not follow from the prices, with what a rule doubted open to judgement again.

    Where a person has decided on a change in shares, nobody else is heard about that date: a
    second source may tell of the same one later.
    """
    stands = ledger.filter((pl.col("origin") != "inferred") | (pl.col("decided_by") == "person"))
    of_shares = pl.col("kind").is_in(SHARE_KINDS)
    decided = stands.filter(of_shares, decided_by="person")["date"].unique().to_list()
    overruled = of_shares & (pl.col("decided_by") == "rule") & pl.col("date").is_in(decided)
    reopened = pl.when(is_doubted()).then(pl.lit("applied")).otherwise("status")
    return stands.filter(~overruled).with_columns(status=reopened)


def is_doubted() -> pl.Expr:
    """Rows that wait because the prices contradicted them, and not because a person said so."""
    waits = (pl.col("status") == "pending") & (pl.col("decided_by") == "rule")
    return waits & pl.col("evidence").str.contains('"doubt"', literal=True)


def in_force(ledger: pl.DataFrame) -> list[Action]:
    """The actions that are stated, entered or accepted, each once, in date order."""
    return actions(told_once(standing(ledger).filter(status="applied")))


def told_once(applied: pl.DataFrame) -> pl.DataFrame:
    """One row for each action: it happened once.

    On a date the shares changed as one teller says, who may have told of a split and of a bonus:
    what a person entered beats what a source states, and that what was inferred. Of dividends
    likewise one a date.
    """
    order = pl.col("origin").replace_strict(_TOLD_FIRST, return_dtype=pl.Int8)
    ranked = applied.sort(order, "known_at", "source")
    of_shares = pl.col("kind").is_in(SHARE_KINDS)
    teller = pl.concat_str("origin", "source", separator="|")
    shares = ranked.filter(of_shares).filter(teller == teller.first().over("date"))
    others = ranked.filter(~of_shares)
    return (
        pl.concat([shares, others])
        .unique(["date", "kind"], keep="first", maintain_order=True)
        .sort("date", "kind")
    )


def actions(rows: pl.DataFrame) -> list[Action]:
    """The rows as actions, in their order."""
    return [
        Action(row["date"], row["kind"], ratio=row["ratio"], amount=row["amount"])
        for row in rows.iter_rows(named=True)
    ]


def decided_days(stands: pl.DataFrame) -> set[dt.date]:
    """Dates on which a person has said what the price's move was."""
    of_price = pl.col("kind").is_in(PRICE_KINDS)
    return set(stands.filter(of_price, decided_by="person")["date"].to_list())


def waiting_days(stands: pl.DataFrame) -> set[dt.date]:
    """Dates of stated changes in price that wait for a person."""
    of_price = pl.col("kind").is_in(PRICE_KINDS)
    return set(stands.filter(of_price, status="pending")["date"].to_list())
