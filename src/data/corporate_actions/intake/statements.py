"""Actions as a source states them in, ledger rows out; what looks entered twice waits for a person.

A source such as Yahoo divides its dividends by every later split; the ledger has them as paid.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from src.core.errors import BadInput
from src.data.corporate_actions.adjust import SHARE_KINDS, Action, shares_after
from src.data.corporate_actions.ledger import LEDGER_SCHEMA, told_once
from src.data.corporate_actions.ledger import actions as as_actions

YAHOO = {"Date", "Dividends", "Stock Splits"}
# One dividend under two dates: announcements and ex-dates lie days apart, two dividends a quarter.
NEAR = dt.timedelta(days=10)
# Amounts nearer than this are one: a division by a split leaves the last digits open.
EQUAL = 1e-6

Paid = list[tuple[dt.date, float]]


@dataclass(frozen=True)
class Beside:
    """What the ledger has from the same source, next to what is stated now.

    Attributes:
        splits: splits that the stated dividends are divided by though they are not stated again.
        dividends: applied dividends, as paid, that are not stated again.
        applied: dates of all applied dividends; nothing beside them makes these wait again.
        rejected: dates of rejected dividends: they are no twin of anything.
    """

    splits: tuple[Action, ...] = ()
    dividends: tuple[tuple[dt.date, float], ...] = ()
    applied: frozenset[dt.date] = frozenset()
    rejected: frozenset[dt.date] = frozenset()


NOTHING = Beside()


def read_actions(
    path: Path,
    ticker: str,
    source: str,
    known_at: dt.datetime,
    ledger: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Ledger rows of a CSV with the columns Date, Dividends and Stock Splits, as Yahoo gives it.

    Its dividends are divided by every split up to ``known_at``, those among them that the file
    leaves out and ``ledger`` has (rows of ``ticker``, whoever told of them).

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
    date, nothing = pl.col("Date").alias("date"), pl.lit(None, dtype=pl.Float64)
    paid, ratio = (pl.col(name).cast(pl.Float64) for name in ("Dividends", "Stock Splits"))
    splits = table.select(date, kind=pl.lit("split"), ratio=ratio, amount=nothing)
    dividends = table.select(date, kind=pl.lit("dividend"), ratio=nothing, amount=paid)
    actions = pl.concat([splits, dividends])
    has = pl.DataFrame(schema=LEDGER_SCHEMA) if ledger is None else ledger
    until = known_at.astimezone(dt.UTC).date()
    beside = beside_file(actions.filter(pl.max_horizontal("ratio", "amount") > 0), has, source)
    before = tuple(split for split in beside.splits if split.date <= until)
    return ledger_rows(actions, ticker, source, known_at, replace(beside, splits=before))


def beside_file(actions: pl.DataFrame, ledger: pl.DataFrame, source: str) -> Beside:
    """What a ledger has next to a list of actions: all splits, and the source's own dividends.

    Args:
        actions: ``date, kind`` of what is stated now.
        ledger: all rows of the ticker.
        source: who states them.
    """
    of_shares = pl.col("kind").is_in(SHARE_KINDS)
    # One teller a date: a bonus that was entered is the split that the file states.
    stated = actions.filter(of_shares)["date"].to_list()
    told = told_once(ledger.filter(of_shares, ~pl.col("date").is_in(stated), status="applied"))
    own = ledger.filter(source=source, origin="stated")
    named = set(actions.select("date", "kind").iter_rows())
    return beside(own, named, tuple(as_actions(told)))


def beside(
    own: pl.DataFrame, named: set[tuple[dt.date, str]], splits: tuple[Action, ...]
) -> Beside:
    """The dividends that a source's ledger rows have beside those named now, and these splits."""
    paid = own.filter(kind="dividend")
    applied = paid.filter(status="applied").select("date", "amount").rows()
    return Beside(
        splits=splits,
        dividends=tuple((day, amount) for day, amount in applied if (day, "dividend") not in named),
        applied=frozenset(day for day, _ in applied),
        rejected=frozenset(paid.filter(status="rejected")["date"]),
    )


def is_possible(value: float | None) -> bool:
    """Whether a ratio or an amount is one: finite and above zero."""
    return value is not None and math.isfinite(value) and value > 0


def ledger_rows(
    actions: pl.DataFrame,
    ticker: str,
    source: str,
    known_at: dt.datetime,
    beside: Beside = NOTHING,
    *,
    as_paid: bool = False,
) -> pl.DataFrame:
    """One ledger row for each date and kind, splits first; impossible values are passed over.

    Args:
        actions: ``date, kind, ratio, amount`` as in ``Delivery.actions``.
        ticker: whose they are.
        source: who states them.
        known_at: when they were fetched, in UTC.
        beside: what the ledger has already.
        as_paid: the amounts were never divided, as beside unadjusted prices.
    """
    splits = [
        Action(day, "split", ratio=math.prod(values))
        for day, values in _by_date(actions, "split", "ratio")
    ]
    dividends = [(day, sum(values)) for day, values in _by_date(actions, "dividend", "amount")]
    dividing = [] if as_paid else [*splits, *beside.splits]
    rows = [_row(ticker, split.date, "split", split.ratio, None) for split in splits]
    rows += _dividend_rows(ticker, dividends, dividing, beside)
    return pl.DataFrame(
        [{**row, "source": source, "known_at": known_at} for row in rows], schema=LEDGER_SCHEMA
    )


def _by_date(
    actions: pl.DataFrame, kind: str, column: str
) -> list[tuple[dt.date, tuple[float, ...]]]:
    """The values of each date, oldest first: two that are equal on one date are one told twice."""
    found: dict[dt.date, dict[float, None]] = {}
    for day, value in actions.filter(kind=kind).sort("date").select("date", column).iter_rows():
        if is_possible(value):
            found.setdefault(day, {})[value] = None
    return [(day, tuple(values)) for day, values in found.items()]


def _dividend_rows(
    ticker: str, dividends: Paid, splits: list[Action], beside: Beside
) -> list[dict[str, object]]:
    stated = [one for one in dividends if one[0] not in beside.rejected]
    before = _factors(beside.dividends, splits)
    standing = [(d, paid / by) for (d, paid), by in zip(beside.dividends, before, strict=True)]
    rows = []
    for (day, amount), factor in zip(dividends, _factors(dividends, splits), strict=True):
        row = _row(ticker, day, "dividend", None, amount * factor)
        twin = _twin(day, amount, factor, stated)
        if twin is None and day not in beside.applied:
            twin = _twin(day, amount, factor, standing, any_order=True)
        if twin is not None:
            row["status"] = "pending"
            row["evidence"] = json.dumps({"stated": amount, "same_as": twin.isoformat()})
        rows.append(row)
    return rows


def _factors(dividends: Sequence[tuple[dt.date, float]], splits: list[Action]) -> list[float]:
    evenings = np.array([day for day, _ in dividends], dtype="datetime64[D]") - 1
    return [float(factor) for factor in shares_after(evenings, splits)]


def _twin(
    day: dt.date, amount: float, factor: float, dividends: Paid, *, any_order: bool = False
) -> dt.date | None:
    """The date under which the same dividend stands already, once divided by later splits.

    The entry that was not divided waits; of two equal ones, the later (in any order: this one).
    """
    for other, said in dividends:
        near = other != day and abs(other - day) <= NEAR
        undivided = factor != 1 and abs(amount / said - factor) < EQUAL * factor
        equal = abs(amount / said - 1) < EQUAL and (any_order or other < day)
        if near and (undivided or equal):
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
