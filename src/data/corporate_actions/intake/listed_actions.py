"""Turn what an exchange's list states into ledger rows, and find what it changes in the ledger.

What a person decided stands. A list is no delivery of prices: what it leaves out is not withdrawn,
unless it states the same for another day nearby.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.corporate_actions.intake.exchange_lists.revisions import NEAR
from src.data.corporate_actions.intake.exchange_lists.statements import Statement
from src.data.corporate_actions.ledger import LEDGER_SCHEMA, without_contradictions

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# In the evidence of a row that a later list states for another day: that day.
MOVED_TO = "moved_to"
# Rights wait for a person who knows what they were worth; what is not understood is no action yet.
_WAITING = ("rights", "unclear")
_SAME = 1e-9
# Some companies pay the same dividend twice within two months.
NEAR_DIVIDEND = dt.timedelta(days=10)

Row = dict[str, Any]


@dataclass(frozen=True)
class ListChanges:
    """What a list changes in the ledger.

    Attributes:
        rows: New or changed ledger rows.
        new: How many of them are new.
        warnings: Sentences for a person: what was restated, moved, or contradicts a decision.
    """

    rows: pl.DataFrame
    new: int
    warnings: tuple[str, ...]


def listed_rows(
    statements: Sequence[Statement], source: str, known_at: dt.datetime, calendar: Calendar
) -> pl.DataFrame:
    """The ledger rows of statements; ``known_at`` is in UTC."""
    rows = [_ledger_row(statement, source, known_at, calendar) for statement in statements]
    return pl.DataFrame(rows, schema=LEDGER_SCHEMA)


def _ledger_row(
    statement: Statement, source: str, known_at: dt.datetime, calendar: Calendar
) -> Row:
    evidence = dict(statement.evidence)
    day = statement.ex_date
    if day >= calendar.covered_from and not calendar.is_session(day):
        # A holiday was declared later: the action acts from the first bar after it.
        evidence["not_a_session"] = calendar.next_session(day).isoformat()
    if statement.is_assumed:
        evidence["reason"] = "the face value of that day is not certain"
    is_waiting = statement.kind in _WAITING or statement.is_assumed
    return {
        "ticker": statement.ticker,
        "date": day,
        "kind": statement.kind,
        "source": source,
        "origin": "stated",
        "ratio": statement.ratio,
        "amount": statement.amount,
        "status": "pending" if is_waiting else "applied",
        "decided_by": "rule",
        "evidence": json.dumps(evidence, sort_keys=True),
        "known_at": known_at,
    }


def list_changes(stated: pl.DataFrame, recorded: pl.DataFrame) -> ListChanges:
    """Compare the rows of a list with the ledger's rows of the same source and tickers.

    Where the ledger knew a row later than the list was fetched, the row stays as it is.
    """
    before = {_key(row): row for row in without_contradictions(recorded).iter_rows(named=True)}
    rows, warnings, new = [], [], []
    for row in stated.iter_rows(named=True):
        known = before.get(_key(row))
        if known is None:
            new.append(row)
        elif _states_the_same(row, known) or row["known_at"] < known["known_at"]:
            continue
        elif known["decided_by"] == "person":
            if _differs(row, known):
                warnings.append(_decision_stands(row, known))
        else:
            rows.append(row)
            warnings += [_restated(row, known)] if _differs(row, known) else []
    gone = _gone_rows(stated, before, new)
    warnings += [_moved(row) for row in gone if row["kind"] != "unclear"]
    frame = pl.DataFrame([*new, *rows, *gone], schema=LEDGER_SCHEMA)
    return ListChanges(frame, len(new), tuple(warnings))


def _key(row: Row) -> tuple[str, dt.date, str]:
    return row["ticker"], row["date"], row["kind"]


def _states_the_same(row: Row, known: Row) -> bool:
    """Whether the ledger has what is stated; what cleaning found out beside it does not matter."""
    evidence, recorded = json.loads(row["evidence"]), json.loads(known["evidence"])
    is_same = all(recorded.get(name) == value for name, value in evidence.items())
    return is_same and not _differs(row, known) and MOVED_TO not in recorded


def _differs(row: Row, known: Row) -> bool:
    """Whether a ratio or an amount that the row states is another one."""
    return any(
        row[column] is not None
        and (known[column] is None or abs(row[column] - known[column]) > _SAME * abs(row[column]))
        for column in ("ratio", "amount")
    )


def _gone_rows(
    stated: pl.DataFrame, before: dict[tuple[str, dt.date, str], Row], new: list[Row]
) -> list[Row]:
    """Ledger rows that the list states for another day, or that it made clear."""
    if stated.is_empty():
        return []
    keys = {_key(row) for row in stated.iter_rows(named=True)}
    days = {(ticker, day) for ticker, day, _ in keys}
    known_at, first, last = stated["known_at"][0], stated["date"].min(), stated["date"].max()
    unstated = [row for key, row in before.items() if key not in keys and _is_open(row, known_at)]
    cleared = [
        {**row, "status": "rejected", "known_at": known_at}
        for row in unstated
        if row["kind"] == "unclear" and (row["ticker"], row["date"]) in days
    ]
    moved = [
        _as_moved(row, day, known_at)
        for row in unstated
        if row["kind"] != "unclear" and first <= row["date"] <= last
        for day in _new_days(row, new)[:1]
    ]
    return [*cleared, *moved]


def _is_open(row: Row, known_at: dt.datetime) -> bool:
    """Whether an older row stands that nobody decided on."""
    is_older: bool = row["known_at"] < known_at
    return is_older and row["decided_by"] == "rule" and row["status"] != "rejected"


def _new_days(row: Row, new: list[Row]) -> list[dt.date]:
    """Days nearby for which the list newly states what the row has."""
    near = NEAR_DIVIDEND if row["kind"] == "dividend" else NEAR
    return [
        other["date"]
        for other in new
        if _value(other) == _value(row) and abs(other["date"] - row["date"]) <= near
    ]


def _value(row: Row) -> tuple[Any, ...]:
    return row["ticker"], row["kind"], row["ratio"], row["amount"]


def _as_moved(row: Row, day: dt.date, known_at: dt.datetime) -> Row:
    evidence = {**json.loads(row["evidence"]), MOVED_TO: day.isoformat()}
    text = json.dumps(evidence, sort_keys=True)
    return {**row, "status": "rejected", "evidence": text, "known_at": known_at}


def _described(row: Row) -> str:
    value = row["ratio"] or row["amount"]
    return f"the {row['kind']}{'' if value is None else f' of {value:.6g}'} on {row['date']}"


def _restated(row: Row, known: Row) -> str:
    value = row["ratio"] or row["amount"]
    return f"{row['ticker']}: {row['source']} restated {_described(known)} as {value:.6g}."


def _decision_stands(row: Row, known: Row) -> str:
    value = row["ratio"] or row["amount"]
    return (
        f"{row['ticker']}: {row['source']} now states {value:.6g} for {_described(known)}; a "
        "person decided on it, so it stays."
    )


def _moved(row: Row) -> str:
    day = json.loads(row["evidence"])[MOVED_TO]
    return f"{row['ticker']}: {row['source']} moved {_described(row)} to {day}."
