"""Clean bars and the ledger of corporate actions in; adjusted bars and what was learnt out; pure.

A ledger row has the columns of ``corporate_actions``. What a person decided stands: a jump on the
date of a decision about it is neither inferred again nor pending.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.data.corporate_actions.adjust import Action, adjust, catch_up
from src.data.corporate_actions.ledger import (
    LEDGER_SCHEMA,
    actions,
    decided_days,
    is_doubted,
    standing,
    told_once,
    waiting_days,
)
from src.data.corporate_actions.price_checks.contradictions import doubted
from src.data.corporate_actions.price_checks.jumps import is_still_in
from src.data.corporate_actions.price_checks.split_inference import Inferred, infer

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis

__all__ = ["LEDGER_SCHEMA", "Derived", "derive"]
# Its price bands tell a split from a crash; elsewhere nothing in the prices does.
BANDED = "NSE"
KEY = ["date", "kind", "source", "origin"]


@dataclass(frozen=True)
class Derived:
    """Adjusted bars with ``return_basis`` and ``action_pending``, and what the ledger learns.

    ``inferred`` are new rows. ``doubted`` are stated ones that the prices contradict: they are not
    applied and wait for a person. ``believed`` were doubted once and are no more.
    """

    bars: pl.DataFrame
    inferred: pl.DataFrame
    doubted: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))
    believed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))


def derive(bars: pl.DataFrame, ledger: pl.DataFrame, calendar: Calendar) -> Derived:
    """Adjust one ticker's bars by the actions in force, and infer those that nobody stated.

    A split of which adjusted prices still show the jump was missed by the vendor: it is applied
    like one that was inferred with confidence. Any other jump is pending, and so is a stated split
    that unadjusted prices do not show: its session is marked until a person decides.

    Args:
        bars: kept bars in date order with ``price_basis, source, fetched_at, adj_close``.
        ledger: the ticker's rows, earlier inferences included (they are made anew).
        calendar: the exchange's sessions.
    """
    if bars.is_empty():
        nothing = pl.DataFrame(schema=LEDGER_SCHEMA)
        return Derived(_marked(adjust(bars, [], "split"), set()), nothing)
    basis: Basis = bars["price_basis"][0]
    stands = standing(ledger)
    missed = _missed(bars, stands, basis)
    known = [one for one in _applied(stands) if one in missed or _is_in_the_prices(one, basis)]
    banded = exchange_of(bars["ticker"][0]).name == BANDED
    found = infer(bars, known, calendar, banded=banded)
    decided = decided_days(stands)
    found = [one for one in found if one.date not in decided]
    taken = [one for one in found if one.confident]
    splits = [Action(one.date, "split", ratio=one.ratio) for one in taken]
    held_back = doubted(bars, stands, splits, calendar)
    believed = _applied(stands.join(held_back, on=KEY, how="anti"))
    if basis != "unadjusted":
        bars = catch_up(bars, [*missed, *splits])
    adjusted = adjust(bars, [*believed, *splits], basis)
    waiting = {one.date for one in found if one not in taken}
    waiting |= waiting_days(pl.concat([stands, held_back]))
    return Derived(
        _marked(adjusted, waiting),
        _rows(bars, found, taken),
        held_back,
        _believed_again(ledger, stands, held_back),
    )


def _applied(stands: pl.DataFrame) -> list[Action]:
    return actions(told_once(stands.filter(status="applied")))


def _believed_again(
    ledger: pl.DataFrame, stands: pl.DataFrame, held_back: pl.DataFrame
) -> pl.DataFrame:
    judged = ledger.filter(is_doubted()).join(stands, on=KEY, how="semi")
    freed = judged.join(held_back, on=KEY, how="anti")
    return freed.with_columns(status=pl.lit("applied"), evidence=pl.lit("{}"))


def _missed(bars: pl.DataFrame, stands: pl.DataFrame, basis: Basis) -> list[Action]:
    """The splits that adjusted prices do not have in them, though their vendor should know."""
    if basis == "unadjusted":
        return []
    accepted = stands.filter(origin="inferred", source=bars["source"][0], status="applied")
    days = accepted["date"].to_list()
    return [one for one in _applied(stands) if one.date in days or is_still_in(bars, one)]


def _is_in_the_prices(action: Action, basis: Basis) -> bool:
    """Whether prices of that basis still move by the action on its ex-date."""
    return basis == "unadjusted" or (basis == "split" and action.kind == "dividend")


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
    ]
    return pl.DataFrame(rows, schema=LEDGER_SCHEMA)
