"""What a delivery states of actions and the ledger in, the rows to write and warnings out; pure.

What a person decided stands, whatever a source states later.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.corporate_actions.adjust import Action
from src.data.corporate_actions.intake.statements import Beside, beside, is_possible, ledger_rows
from src.data.corporate_actions.ledger import LEDGER_SCHEMA

if TYPE_CHECKING:
    from src.data.sources.delivery import Delivery

# Relative: below it a restated value is the noise of other digits.
NOISE = 1e-5
VALUE = {"split": "ratio", "dividend": "amount"}
WITHDRAWN = "withdrawn_at"
# A source takes back one action or two; one that states none of more has left them all out.
FEW = 2

Row = dict[str, Any]


@dataclass(frozen=True)
class Merged:
    """Ledger rows that are new or changed, and sentences for a person."""

    rows: pl.DataFrame
    warnings: tuple[str, ...]


def merge(
    delivery: Delivery, own: pl.DataFrame, known_at: dt.datetime, *, is_newest: bool
) -> Merged:
    """Compare what a delivery states with what the ledger has from the same source.

    Args:
        delivery: bars with ``actions``.
        own: the ledger's rows of that ticker and source that it stated.
        known_at: when the delivery was fetched, in UTC.
        is_newest: nothing was fetched later; else what is in the ledger stays as it is.
    """
    assert delivery.actions is not None  # noqa: S101 the caller's part
    own = own.filter(pl.col("kind").is_in(list(VALUE)))
    unstated = _unstated(delivery, own)
    gone = [row for row in unstated if is_newest and _is_withdrawn(row, known_at)]
    lost = gone if delivery.actions.is_empty() and len(gone) > FEW else []
    gone = [] if lost else gone
    stated = ledger_rows(
        delivery.actions,
        delivery.ticker,
        delivery.vendor,
        known_at,
        _beside(delivery, own, gone),
        as_paid=delivery.price_basis == "unadjusted",
    )
    standing = {(row["date"], row["kind"]): row for row in own.iter_rows(named=True)}
    rows, said = _compared(stated, standing, is_newest=is_newest)
    rows += [_as_withdrawn(row, known_at) for row in gone]
    said = [*_impossible(delivery), *said, *map(_withdrawn_said, gone), *_lost_said(lost)]
    return Merged(pl.DataFrame(rows, schema=LEDGER_SCHEMA), tuple(said))


def _compared(
    stated: pl.DataFrame, standing: dict[tuple[dt.date, str], Row], *, is_newest: bool
) -> tuple[list[Row], list[str]]:
    rows, said = [], []
    for row in stated.iter_rows(named=True):
        known = standing.get((row["date"], row["kind"]))
        if known is None:
            rows.append(row)
            said += _waiting_said(row)
        elif is_newest and row["known_at"] >= known["known_at"]:
            other = _differs(row, known)
            if known["decided_by"] == "person":
                said += [_kept_said(row, known)] if other else []
            elif other or row["status"] != known["status"]:
                rows.append(row)
                said += [_restated_said(row, known)] if other else []
                said += _waiting_said(row)
    return rows, said


def _differs(row: Row, known: Row) -> bool:
    value = VALUE[row["kind"]]
    return bool(abs(row[value] - known[value]) > NOISE * abs(known[value]))


def _unstated(delivery: Delivery, own: pl.DataFrame) -> list[Row]:
    """The ledger's rows between the first and the last bar that the delivery does not state."""
    actions, days = delivery.actions, delivery.frame["date"]
    assert actions is not None  # noqa: S101 the caller's part
    told = [kind for kind, value in VALUE.items() if actions.schema[value] != pl.Null]
    inside = own.filter(
        pl.col("date") > days.min(), pl.col("date") < days.max(), pl.col("kind").is_in(told)
    )
    named = set(actions.select("date", "kind").iter_rows())
    return [r for r in inside.iter_rows(named=True) if (r["date"], r["kind"]) not in named]


def _is_withdrawn(row: Row, known_at: dt.datetime) -> bool:
    return (
        row["decided_by"] == "rule"
        and row["known_at"] < known_at
        and WITHDRAWN not in json.loads(row["evidence"])
    )


def _as_withdrawn(row: Row, known_at: dt.datetime) -> Row:
    evidence = {**json.loads(row["evidence"]), WITHDRAWN: known_at.isoformat()}
    return {**row, "status": "pending", "evidence": json.dumps(evidence), "known_at": known_at}


def _beside(delivery: Delivery, own: pl.DataFrame, gone: list[Row]) -> Beside:
    """What the ledger adds to the delivery's own words, without what these take back.

    A split after the last bar came after the file; one among the bars that the delivery could
    have stated and did not is none that its amounts were divided by.
    """
    actions = delivery.actions
    assert actions is not None  # noqa: S101 the caller's part
    named = set(actions.select("date", "kind").iter_rows())
    left = {(row["date"], row["kind"]) for row in gone}
    rows = [row for row in own.iter_rows(named=True) if (row["date"], row["kind"]) not in left]
    first, last = delivery.frame["date"].min(), delivery.frame["date"].max()
    until = first if actions.schema["ratio"] != pl.Null else last
    splits = tuple(
        Action(row["date"], "split", ratio=row["ratio"])
        for row in rows
        if row["kind"] == "split"
        and row["status"] == "applied"
        and (row["date"], "split") not in named
        and until is not None
        and row["date"] <= until
    )
    return beside(pl.DataFrame(rows, schema=own.schema), named, splits)


def _impossible(delivery: Delivery) -> list[str]:
    assert delivery.actions is not None  # noqa: S101 the caller's part
    return [
        f"{delivery.ticker}: {delivery.vendor} states a {row['kind']} of {row[VALUE[row['kind']]]} "
        f"on {row['date']}, which cannot be: it was left out of the ledger."
        for row in delivery.actions.iter_rows(named=True)
        if not is_possible(row[VALUE[row["kind"]]])
    ]


def _named(row: Row) -> str:
    return f"the {row['kind']} of {row[VALUE[row['kind']]]:.6g} on {row['date']}"


def _waiting_said(row: Row) -> list[str]:
    if row["status"] != "pending":
        return []
    twin = json.loads(row["evidence"])["same_as"]
    return [
        f"{row['ticker']}: {_named(row)} looks like that of {twin} told twice and waits: accept or "
        "reject it with `python -m src.data.corporate_actions`."
    ]


def _restated_said(row: Row, known: Row) -> str:
    value = VALUE[row["kind"]]
    return f"{row['ticker']}: {row['source']} restated {_named(known)} as {row[value]:.6g}."


def _kept_said(row: Row, known: Row) -> str:
    value = VALUE[row["kind"]]
    return (
        f"{row['ticker']}: {row['source']} states {row[value]:.6g} for {_named(known)}, on which a "
        f"person decided: the {known[value]:.6g} stands."
    )


def _lost_said(lost: list[Row]) -> list[str]:
    if not lost:
        return []
    row = lost[0]
    return [
        f"{row['ticker']}: {row['source']} gave no splits or dividends at all, and {len(lost)} "
        "that it stated before are in the ledger: they stay as they are."
    ]


def _withdrawn_said(row: Row) -> str:
    return (
        f"{row['ticker']}: {row['source']} no longer states {_named(row)}: it waits until a person "
        "accepts or rejects it with `python -m src.data.corporate_actions`."
    )
