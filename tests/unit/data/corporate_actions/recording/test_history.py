"""The history of the ledger, read back as of any time."""

import datetime as dt

import polars as pl
import pytest

from src.data.corporate_actions.ledger import LEDGER_SCHEMA
from src.data.corporate_actions.recording.history import HISTORY_SCHEMA, ledger_known_at, new_states

NINE = dt.datetime(2026, 4, 10, 9, tzinfo=dt.UTC)
TEN, ELEVEN = NINE + dt.timedelta(hours=1), NINE + dt.timedelta(hours=2)
TICK = dt.timedelta(microseconds=1)


def row(paid=12.0, **bent):
    usual = {
        "ticker": "TCS.NS",
        "date": dt.date(2026, 4, 8),
        "kind": "dividend",
        "source": "yahoo",
        "origin": "stated",
        "ratio": None,
        "amount": paid,
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
        "known_at": NINE,
    }
    return {**usual, **bent}


def ledger(*rows):
    return pl.DataFrame(list(rows), schema=LEDGER_SCHEMA)


def history(*states):
    rows = [{**state, "changed_at": at} for at, state in states]
    return pl.DataFrame(rows, schema=HISTORY_SCHEMA)


def dated_statuses(states):
    return list(zip(states["changed_at"], states["status"], strict=True))


@pytest.mark.parametrize(
    ("at", "amounts"),
    [
        (NINE - TICK, []),
        (NINE, [12.0]),
        (TEN - TICK, [12.0]),
        (TEN, [11.0]),
        (ELEVEN, [11.0]),
    ],
)
def test_the_ledger_is_read_as_it_was_known(at, amounts):
    states = history((TEN, row(11.0, known_at=TEN)), (NINE, row()))

    result = ledger_known_at(states, at)

    assert result["amount"].to_list() == amounts
    assert result.schema == LEDGER_SCHEMA


def test_each_key_has_its_own_newest_state_in_the_order_of_keys():
    other = row(5.0, date=dt.date(2026, 1, 5))
    states = history((NINE, row()), (TEN, row(status="rejected")), (ELEVEN, other))

    assert ledger_known_at(states, TEN)["status"].to_list() == ["rejected"]
    assert ledger_known_at(states, ELEVEN)["amount"].to_list() == [5.0, 12.0]


def test_a_new_row_is_a_state_since_the_change():
    assert dated_statuses(new_states(ledger(row()), ledger(), history(), NINE)) == [
        (NINE, "applied")
    ]


def test_two_changes_of_one_instant_stand_a_microsecond_apart():
    once = history((TEN, row()))
    rejected = ledger(row(status="rejected", decided_by="person"))

    twice = new_states(rejected, ledger(row()), once, TEN)

    assert dated_statuses(twice) == [(TEN + TICK, "rejected")]
    again = new_states(ledger(row()), rejected, pl.concat([once, twice]), TEN)
    assert dated_statuses(again) == [(TEN + 2 * TICK, "applied")]


def test_a_change_dated_before_the_newest_state_is_still_the_newest():
    rejected = ledger(row(status="rejected", decided_by="person"))

    states = new_states(rejected, ledger(row()), history((ELEVEN, row())), TEN)

    assert dated_statuses(states) == [(ELEVEN + TICK, "rejected")]


def test_a_row_older_than_the_history_leaves_its_first_state_there_too():
    rejected = ledger(row(status="rejected", decided_by="person"))

    states = new_states(rejected, ledger(row()), history(), TEN)

    assert dated_statuses(states) == [(NINE, "applied"), (TEN, "rejected")]


def test_of_an_inferred_row_only_the_decision_is_kept():
    inferred = {"origin": "inferred", "kind": "split", "ratio": 2.0, "amount": None}
    rejected = ledger(row(**inferred, status="rejected", decided_by="person"))

    states = new_states(rejected, ledger(row(**inferred)), history(), TEN)

    assert dated_statuses(states) == [(TEN, "rejected")]
