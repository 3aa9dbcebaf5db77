"""Merge the actions that a delivery states into what the ledger has from the same source.

What a person decided stands, whatever a source states later.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from src.data.corporate_actions.intake.statements import (
    STATED_KEY,
    RecordedActions,
    is_possible,
    ledger_rows,
    recorded_actions,
)
from src.data.corporate_actions.ledger import KEY, LEDGER_SCHEMA, to_actions, without_contradictions
from src.data.sources.delivery import NOISE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from src.data.sources.delivery import Delivery

VALUE_COLUMN = {"split": "ratio", "dividend": "amount"}
WITHDRAWN = "withdrawn_at"
# A source withdraws one action or two; one that states none of more has left them all out.
MOST_WITHDRAWN = 2
COMMAND = "python -m src.data.corporate_actions"

Row = dict[str, Any]


@dataclass(frozen=True)
class MergeResult:
    """Ledger rows that are new or changed, and sentences for a person."""

    rows: pl.DataFrame
    warnings: tuple[str, ...]


def merge_delivery(
    delivery: Delivery, recorded: pl.DataFrame, known_at: dt.datetime, *, is_newest: bool
) -> MergeResult:
    """Compare what a delivery states with the ledger's rows that the same source stated before.

    ``known_at`` is when the delivery was fetched, in UTC. Unless ``is_newest``, something was
    fetched later, and what is in the ledger stays as it is.
    """
    actions = _actions_of(delivery)
    recorded = recorded.filter(pl.col("kind").is_in(list(VALUE_COLUMN)))
    # Whether the prices contradict a row is for cleaning to say, after every delivery anew.
    recorded = without_contradictions(recorded)
    withdrawn = [
        row
        for row in _unstated_rows(delivery, recorded)
        if is_newest and _is_withdrawal(row, known_at)
    ]
    lost = withdrawn if actions.is_empty() and len(withdrawn) > MOST_WITHDRAWN else []
    withdrawn = [] if lost else withdrawn
    stated = ledger_rows(
        actions,
        delivery.ticker,
        delivery.vendor,
        known_at,
        _still_recorded(delivery, recorded, withdrawn),
        as_paid=delivery.price_basis == "unadjusted",
    )
    rows, warnings = _new_or_changed(stated, recorded, is_newest=is_newest)
    rows += [_as_withdrawn(row, known_at) for row in withdrawn]
    warnings = [
        *_impossible_warnings(delivery),
        *warnings,
        *map(_withdrawn_warning, withdrawn),
        *_lost_warning(lost),
    ]
    return MergeResult(pl.DataFrame(rows, schema=LEDGER_SCHEMA), tuple(warnings))


def replay_statements(
    deliveries: Iterable[Delivery], recorded: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Merge deliveries of one ticker and source in their order, beginning with what is recorded.

    Returns:
        The ledger's rows at the end, and every state on the way with ``changed_at``.
    """
    rows = recorded.select(LEDGER_SCHEMA.names()).cast(LEDGER_SCHEMA)
    states = [rows.clear().with_columns(changed_at=pl.lit(None, pl.Datetime("us", "UTC")))]
    for delivery in deliveries:
        at = delivery.fetched_at
        changed = merge_delivery(delivery, rows, at, is_newest=True).rows
        rows = pl.concat([rows.join(changed, on=KEY, how="anti"), changed])
        changed_at = pl.lit(at).cast(pl.Datetime("us", "UTC"))
        states.append(changed.with_columns(changed_at=changed_at))
    return rows, pl.concat(states)


def _actions_of(delivery: Delivery) -> pl.DataFrame:
    assert delivery.actions is not None  # noqa: S101 the caller has checked it
    return delivery.actions


def _new_or_changed(
    stated: pl.DataFrame, recorded: pl.DataFrame, *, is_newest: bool
) -> tuple[list[Row], list[str]]:
    recorded_by_key = {(row["date"], row["kind"]): row for row in recorded.iter_rows(named=True)}
    rows, warnings = [], []
    for row in stated.iter_rows(named=True):
        before = recorded_by_key.get((row["date"], row["kind"]))
        if before is None:
            rows.append(row)
            warnings += _pending_warning(row)
        elif is_newest and row["known_at"] >= before["known_at"]:
            is_restated = _differs(row, before)
            if before["decided_by"] == "person":
                warnings += [_decision_stands_warning(row, before)] if is_restated else []
            elif is_restated or row["status"] != before["status"]:
                rows.append(row)
                warnings += [_restated_warning(row, before)] if is_restated else []
                warnings += _pending_warning(row)
    return rows, warnings


def _differs(row: Row, before: Row) -> bool:
    column = VALUE_COLUMN[row["kind"]]
    return bool(abs(row[column] - before[column]) > NOISE * abs(before[column]))


def _unstated_rows(delivery: Delivery, recorded: pl.DataFrame) -> list[Row]:
    """The ledger's rows between the first and the last bar that the delivery does not state."""
    actions, days = _actions_of(delivery), delivery.frame["date"]
    kinds = [kind for kind, column in VALUE_COLUMN.items() if actions.schema[column] != pl.Null]
    covered = recorded.filter(
        pl.col("date") > days.min(), pl.col("date") < days.max(), pl.col("kind").is_in(kinds)
    )
    unstated = covered.join(actions, on=STATED_KEY, how="anti", maintain_order="left")
    return unstated.rows(named=True)


def _is_withdrawal(row: Row, known_at: dt.datetime) -> bool:
    return (
        row["decided_by"] == "rule"
        and row["known_at"] < known_at
        and WITHDRAWN not in json.loads(row["evidence"])
    )


def _as_withdrawn(row: Row, known_at: dt.datetime) -> Row:
    evidence = {**json.loads(row["evidence"]), WITHDRAWN: known_at.isoformat()}
    return {**row, "status": "pending", "evidence": json.dumps(evidence), "known_at": known_at}


def _still_recorded(
    delivery: Delivery, recorded: pl.DataFrame, withdrawn: list[Row]
) -> RecordedActions:
    """What the ledger has beside the delivery's own statements, without what it withdraws.

    The amounts of a delivery are divided by the ledger's splits up to its last bar, where it
    states no splits at all; else only by those up to its first bar, since it would have stated the
    others.
    """
    actions = _actions_of(delivery)
    gone = pl.DataFrame(withdrawn, schema=recorded.schema)
    rows = recorded.join(gone, on=STATED_KEY, how="anti", maintain_order="left")
    days = delivery.frame["date"]
    until = days.min() if actions.schema["ratio"] != pl.Null else days.max()
    unstated = rows.join(actions, on=STATED_KEY, how="anti", maintain_order="left")
    splits = unstated.filter(pl.col("date") <= until, kind="split", status="applied")
    return recorded_actions(rows, actions, to_actions(splits))


def _impossible_warnings(delivery: Delivery) -> list[str]:
    return [
        f"{delivery.ticker}: {delivery.vendor} states a {row['kind']} of {value} on "
        f"{row['date']}, which is impossible: it was left out of the ledger."
        for row in _actions_of(delivery).iter_rows(named=True)
        if not is_possible(value := row[VALUE_COLUMN[row["kind"]]])
    ]


def _described(row: Row) -> str:
    return f"the {row['kind']} of {row[VALUE_COLUMN[row['kind']]]:.6g} on {row['date']}"


def _pending_warning(row: Row) -> list[str]:
    if row["status"] != "pending":
        return []
    twin = json.loads(row["evidence"])["same_as"]
    return [
        f"{row['ticker']}: {_described(row)} looks like a duplicate of the one on {twin} and is "
        f"pending: accept or reject it with `{COMMAND}`."
    ]


def _restated_warning(row: Row, before: Row) -> str:
    value = row[VALUE_COLUMN[row["kind"]]]
    return f"{row['ticker']}: {row['source']} restated {_described(before)} as {value:.6g}."


def _decision_stands_warning(row: Row, before: Row) -> str:
    column = VALUE_COLUMN[row["kind"]]
    return (
        f"{row['ticker']}: {row['source']} now states {row[column]:.6g} for {_described(before)}; "
        f"a person decided on it, so {before[column]:.6g} is kept."
    )


def _lost_warning(lost: list[Row]) -> list[str]:
    if not lost:
        return []
    row = lost[0]
    return [
        f"{row['ticker']}: {row['source']} delivered no splits or dividends at all; the "
        f"{len(lost)} that it stated before are kept in the ledger."
    ]


def _withdrawn_warning(row: Row) -> str:
    return (
        f"{row['ticker']}: {row['source']} no longer states {_described(row)}: it is pending until "
        f"a person accepts or rejects it with `{COMMAND}`."
    )
