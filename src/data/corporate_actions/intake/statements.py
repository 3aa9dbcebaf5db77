"""Turn actions as a source states them into ledger rows; a dividend stated twice is pending.

A source such as Yahoo divides its dividends by every later split; the ledger has them as paid.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import shares_after
from src.data.corporate_actions.ledger import LEDGER_SCHEMA

# One dividend under two dates: announcements and ex-dates lie days apart, two dividends a quarter.
NEAR = dt.timedelta(days=10)
# Amounts nearer than this are one: a division by a split leaves the last digits open.
EQUAL = 1e-6
# What tells the actions of one ticker and source apart.
STATED_KEY = ["date", "kind"]

Dividends = Sequence[tuple[dt.date, float]]


@dataclass(frozen=True)
class RecordedActions:
    """What the ledger has from a source, beside the actions that it states now.

    Attributes:
        splits: splits that the stated dividends are divided by though they are not stated again.
        dividends: dates and amounts, as paid, of applied dividends that are not stated again.
        applied: dates of all applied dividends: no other dividend makes these pending again.
        rejected: dates of rejected dividends, which are no duplicates of others.
    """

    splits: tuple[Action, ...] = ()
    dividends: tuple[tuple[dt.date, float], ...] = ()
    applied: frozenset[dt.date] = frozenset()
    rejected: frozenset[dt.date] = frozenset()


def recorded_actions(
    rows: pl.DataFrame, actions: pl.DataFrame, splits: Sequence[Action]
) -> RecordedActions:
    """What the ledger's rows of a source have beside the actions that it states now."""
    dividends = rows.filter(kind="dividend")
    applied = dividends.filter(status="applied")
    unstated = applied.join(actions, on=STATED_KEY, how="anti", maintain_order="left")
    return RecordedActions(
        splits=tuple(splits),
        dividends=tuple(unstated.select("date", "amount").iter_rows()),
        applied=frozenset(applied["date"]),
        rejected=frozenset(dividends.filter(status="rejected")["date"]),
    )


def is_possible(value: float | None) -> bool:
    """Whether a value can be a ratio or an amount: finite and above zero."""
    return value is not None and math.isfinite(value) and value > 0


def ledger_rows(
    actions: pl.DataFrame,
    ticker: str,
    source: str,
    known_at: dt.datetime,
    recorded: RecordedActions,
    *,
    as_paid: bool = False,
) -> pl.DataFrame:
    """One ledger row for each date and kind, splits first; impossible values are left out.

    ``actions`` has ``date, kind, ratio, amount`` as in ``Delivery.actions``; with ``as_paid`` the
    amounts were never divided by splits, as beside unadjusted prices; no amount was divided by a
    split after ``known_at``, which is in UTC.
    """
    splits = [
        Action(day, "split", ratio=math.prod(values))
        for day, values in _by_date(actions, "split", "ratio")
    ]
    dividends = [(day, sum(values)) for day, values in _by_date(actions, "dividend", "amount")]
    known_on = known_at.astimezone(dt.UTC).date()
    divisors = [
        split for split in (*splits, *recorded.splits) if not as_paid and split.date <= known_on
    ]
    rows: list[dict[str, object]] = [
        {"date": split.date, "kind": "split", "ratio": split.ratio} for split in splits
    ]
    rows += _dividend_rows(dividends, divisors, recorded)
    common = {
        "ticker": ticker,
        "source": source,
        "origin": "stated",
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
        "known_at": known_at,
    }
    return pl.DataFrame([common | row for row in rows], schema=LEDGER_SCHEMA)


def _by_date(
    actions: pl.DataFrame, kind: str, column: str
) -> list[tuple[dt.date, tuple[float, ...]]]:
    """The values of each date, oldest first; equal values of one date are one action."""
    values_of: dict[dt.date, dict[float, None]] = {}
    for day, value in actions.filter(kind=kind).sort("date").select("date", column).iter_rows():
        if is_possible(value):
            values_of.setdefault(day, {})[value] = None
    return [(day, tuple(values)) for day, values in values_of.items()]


def _dividend_rows(
    dividends: Dividends, splits: list[Action], recorded: RecordedActions
) -> list[dict[str, object]]:
    """The columns of each dividend in which ledger rows differ from one another."""
    candidates = [(day, amount) for day, amount in dividends if day not in recorded.rejected]
    recorded_amounts = [
        (day, amount / factor)
        for (day, amount), factor in zip(
            recorded.dividends, _factors(recorded.dividends, splits), strict=True
        )
    ]
    rows: list[dict[str, object]] = []
    for (day, amount), factor in zip(dividends, _factors(dividends, splits), strict=True):
        row = {"date": day, "kind": "dividend", "amount": amount * factor}
        twin = _twin(day, amount, factor, candidates)
        if twin is None and day not in recorded.applied:
            twin = _twin(day, amount, factor, recorded_amounts, any_order=True)
        if twin is not None:
            evidence = json.dumps({"stated": amount, "same_as": twin.isoformat()})
            row |= {"status": "pending", "evidence": evidence}
        rows.append(row)
    return rows


def _factors(dividends: Dividends, splits: list[Action]) -> list[float]:
    evenings = np.array([day for day, _ in dividends], dtype="datetime64[D]") - 1
    return [float(factor) for factor in shares_after(evenings, splits)]


def _twin(
    day: dt.date, amount: float, factor: float, dividends: Dividends, *, any_order: bool = False
) -> dt.date | None:
    """Another date for which the same dividend is stated, there divided by later splits or not.

    The undivided one of the two is the duplicate; of two equal ones, the later (with
    ``any_order``, the one of ``day``).
    """
    for other_day, other_amount in dividends:
        is_near = other_day != day and abs(other_day - day) <= NEAR
        is_undivided = factor != 1 and abs(amount / other_amount - factor) < EQUAL * factor
        is_equal = abs(amount / other_amount - 1) < EQUAL and (any_order or other_day < day)
        if is_near and (is_undivided or is_equal):
            return other_day
    return None
