"""Clean bars and the ledger of corporate actions in; adjusted bars and what was inferred out; pure.

A ledger row has the columns of ``corporate_actions``. What a person decided stands: an inferred
jump on the date of a decision is neither inferred again nor pending.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.data.adjust import SHARE_KINDS, Action, adjust, catch_up, shares_after
from src.data.doubtful_dividends import doubtful_dividends
from src.data.inference import Inferred, infer, is_still_in
from src.data.rules import pending_jumps

if TYPE_CHECKING:
    from src.core.sessions import Calendar
    from src.data.sources.base import Basis

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


@dataclass(frozen=True)
class Derived:
    """Adjusted bars with ``return_basis`` and ``action_pending``, and what the ledger learns.

    ``inferred`` are new rows; ``doubted`` are dividends that the price contradicts: they are left
    out of ``adj_close`` and wait for a person.
    """

    bars: pl.DataFrame
    inferred: pl.DataFrame
    doubted: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))


def derive(bars: pl.DataFrame, ledger: pl.DataFrame, calendar: Calendar) -> Derived:
    """Adjust one ticker's bars by the actions in force, and infer those that nobody stated.

    A split of which adjusted prices still show the jump was missed by the vendor: it is applied
    like one that was inferred with confidence. Any other jump is pending: its session is marked
    until a person decides.

    Args:
        bars: kept bars in date order with ``price_basis, source, fetched_at, adj_close``.
        ledger: the ticker's rows, earlier inferences included (they are made anew).
        calendar: the exchange's sessions.
    """
    if bars.is_empty():
        nothing = pl.DataFrame(schema=LEDGER_SCHEMA)
        return Derived(_marked(adjust(bars, [], "split"), set()), nothing)
    basis: Basis = bars["price_basis"][0]
    stands = ledger.filter((pl.col("origin") != "inferred") | (pl.col("decided_by") == "person"))
    applied = in_force(ledger)
    decided = set(stands.filter(decided_by="person")["date"].to_list())
    missed = _missed(bars, stands, applied, basis)
    explaining = [one for one in applied if one in missed or _is_in_the_prices(one, basis)]
    found = [one for one in infer(bars, explaining, calendar) if one.date not in decided]
    taken = [one for one in found if one.confident]
    splits = [Action(one.date, "split", ratio=one.ratio) for one in taken]
    if basis != "unadjusted":
        bars = catch_up(bars, [*missed, *splits])
    doubted = _doubted(bars, stands, [*applied, *splits], basis)
    believed = [one for one in applied if not _is_among(one, doubted)]
    adjusted = adjust(bars, [*believed, *splits], basis)
    waiting = {one.date for one in found if one not in taken and _is_jump(one)}
    waiting |= _stated_and_pending(stands)
    return Derived(_marked(adjusted, waiting), _rows(bars, found, taken), doubted)


def in_force(ledger: pl.DataFrame) -> list[Action]:
    """The actions that are stated, entered or accepted, each once, in date order."""
    stands = ledger.filter((pl.col("origin") != "inferred") | (pl.col("decided_by") == "person"))
    return _actions(_told_once(stands.filter(status="applied")))


def _doubted(
    bars: pl.DataFrame, stands: pl.DataFrame, actions: list[Action], basis: Basis
) -> pl.DataFrame:
    """The ledger rows of dividends that would be taken off these prices and that they contradict.

    What a person decided or entered is not doubted, and where the vendor has its own adj_close
    the ledger's dividends change nothing.
    """
    open_to_doubt = stands.filter(kind="dividend", status="applied", decided_by="rule")
    own = bars["adj_close"].null_count() == 0
    if open_to_doubt.is_empty() or own or basis == "total":
        return open_to_doubt.clear()
    splits = [one for one in actions if one.kind in SHARE_KINDS]
    evenings = open_to_doubt["date"].to_numpy().astype("datetime64[D]") - 1
    stated = open_to_doubt.select(
        "date", amount=pl.col("amount") / pl.Series(shares_after(evenings, splits))
    )
    doubts = doubtful_dividends(adjust(bars, splits, basis).select("date", "close"), stated)
    why = doubts.select("date", doubt="why").unique("date")
    held_back = open_to_doubt.join(why, on="date", maintain_order="left")
    return held_back.with_columns(
        status=pl.lit("pending"), evidence=pl.struct("doubt").struct.json_encode()
    ).drop("doubt")


def _is_among(action: Action, rows: pl.DataFrame) -> bool:
    return action.kind == "dividend" and action.date in rows["date"].to_list()


def _missed(
    bars: pl.DataFrame, stands: pl.DataFrame, applied: list[Action], basis: Basis
) -> list[Action]:
    """The splits that adjusted prices do not have in them, though their vendor should know."""
    if basis == "unadjusted":
        return []
    accepted = stands.filter(origin="inferred", source=bars["source"][0], status="applied")
    days = accepted["date"].to_list()
    return [one for one in applied if one.date in days or is_still_in(bars, one)]


def _told_once(applied: pl.DataFrame) -> pl.DataFrame:
    """One row for each action, however many have told of it: it happened once.

    What a person entered beats what a source states; an inferred split stands only where neither
    knows of a change in shares on that date.
    """
    shares = applied.filter(pl.col("origin") != "inferred", pl.col("kind").is_in(SHARE_KINDS))
    known = pl.col("date").is_in(shares["date"].to_list())
    order = pl.col("origin").replace_strict({"entered": 0, "stated": 1, "inferred": 2})
    return (
        applied.filter(~((pl.col("origin") == "inferred") & known))
        .sort(order, "known_at", "source")
        .unique(["date", "kind"], keep="first", maintain_order=True)
        .sort("date", "kind")
    )


def _actions(rows: pl.DataFrame) -> list[Action]:
    return [
        Action(row["date"], row["kind"], ratio=row["ratio"], amount=row["amount"])
        for row in rows.iter_rows(named=True)
    ]


def _is_in_the_prices(action: Action, basis: Basis) -> bool:
    """Whether prices of that basis still move by the action on its ex-date."""
    return basis == "unadjusted" or (basis == "split" and action.kind == "dividend")


def _is_jump(one: Inferred) -> bool:
    """Whether the close itself moved beyond what may train and score without an explanation."""
    ratio = float(one.evidence["close_ratio"])
    return bool(pending_jumps(np.array([1.0, ratio]))[1])


def _stated_and_pending(stands: pl.DataFrame) -> set[dt.date]:
    kinds = pl.col("kind").is_in([*SHARE_KINDS, "rights", "demerger"])
    return set(stands.filter(kinds, pl.col("status") == "pending")["date"].to_list())


def _marked(bars: pl.DataFrame, waiting: set[dt.date]) -> pl.DataFrame:
    """Mark the first bar on or after each date: an ex-date need not have a bar."""
    days = bars["date"].to_numpy().astype("datetime64[D]")
    first = days.searchsorted(np.array(sorted(waiting), dtype="datetime64[D]"))
    marks = np.zeros(days.size, dtype=bool)
    marks[first[first < days.size]] = True
    return bars.with_columns(action_pending=pl.Series(marks, dtype=pl.Boolean))


def _rows(bars: pl.DataFrame, found: list[Inferred], taken: list[Inferred]) -> pl.DataFrame:
    """The inferred rows of the ledger; known since the bar that shows the jump was fetched."""
    fetched = dict(zip(bars["date"], bars["fetched_at"], strict=True))
    rows: list[dict[str, Any]] = [
        {
            "ticker": bars["ticker"][0],
            "date": one.date,
            "kind": one.kind,
            "source": bars["source"][0],
            "origin": "inferred",
            "ratio": one.ratio,
            "amount": None,
            "status": "applied" if one in taken else "pending",
            "decided_by": "rule",
            "evidence": json.dumps(one.evidence, sort_keys=True),
            "known_at": fetched[one.date],
        }
        for one in found
        if one in taken or _is_jump(one)
    ]
    return pl.DataFrame(rows, schema=LEDGER_SCHEMA)
