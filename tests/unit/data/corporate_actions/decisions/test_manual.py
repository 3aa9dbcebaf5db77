"""Ratios that are proposed, taken or asked for."""

import datetime as dt
import json

import polars as pl
import pytest

from src.core.errors import BadInput
from src.data.corporate_actions.decisions.manual import decided_rows, with_proposed_ratios
from src.data.corporate_actions.decisions.proposals import likely_splits, proposed_ratios
from src.data.corporate_actions.ledger import LEDGER_SCHEMA

DAY = dt.date(2024, 3, 4)
NOW = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)


def row(price, ratios, **changes):
    """An inferred split: the price was 100 and opened and closed at another."""
    evidence = {"prev_close": 100.0, "open": price, "close": price, "ratios": ratios}
    inferred = {
        "ticker": "TCS.NS",
        "date": DAY,
        "kind": "split",
        "source": "csv",
        "origin": "inferred",
        "ratio": 30.0,
        "amount": None,
        "status": "pending",
        "decided_by": "rule",
        "evidence": json.dumps(evidence),
        "known_at": NOW,
    }
    return inferred | changes


def frame(*rows):
    return pl.DataFrame(rows, schema=LEDGER_SCHEMA)


@pytest.mark.parametrize(
    ("price", "ratios", "expected"),
    [
        # 70.7 x 3/2 = 106, and 70.7 x 4/3 = 94.3: both are ordinary days; the likelier one first.
        (70.7, {"4/3": 0.3, "3/2": 0.4}, [1.5, 4 / 3]),
        # 52 x 2 = 104, and 52 x 5/2 = 130 is none.
        (52.0, {"2": 0.6, "5/2": 0.2}, [2.0]),
        # 100 / 1.006 = 99.4; 30 would leave 70 % less.
        (1.006, {"30": 0.1}, [100.0]),
        (9940.0, {"1/10": 0.0}, [0.01]),
        # 22.4 x 4 = 89.6 and x 5 = 112: neither.
        (22.4, {"4": 0.1, "5": 0.1}, []),
    ],
)
def test_the_plausible_ratios_are_those_that_leave_an_ordinary_day(price, ratios, expected):
    assert proposed_ratios(row(price, ratios)) == pytest.approx(expected)


def test_several_plausible_ratios_are_named_and_none_is_taken():
    waiting = row(70.7, {"4/3": 0.3, "3/2": 0.4})

    assert likely_splits(waiting) == "1.5 or 1.333 for 1"
    with pytest.raises(BadInput) as refused:
        with_proposed_ratios(frame(waiting))
    assert str(refused.value) == (
        "The split of 2024-03-04 may be one of 1.5 or 1.333 for 1: give the right ratio with "
        "--ratio."
    )


def test_the_only_plausible_ratio_is_taken():
    assert with_proposed_ratios(frame(row(1.006, {"30": 0.1})))["ratio"].to_list() == [100.0]


def test_what_a_source_states_keeps_its_ratio():
    stated = row(52.0, {"2": 0.6}, origin="stated", ratio=2.5)

    assert with_proposed_ratios(frame(stated))["ratio"].to_list() == [2.5]


def test_a_dividend_has_no_ratio():
    paid = row(99.0, {}, kind="dividend", ratio=None, amount=1.0, origin="stated")

    assert with_proposed_ratios(frame(paid))["ratio"].to_list() == [None]
    with pytest.raises(BadInput, match="nothing on 2024-03-04 that a ratio could be of"):
        decided_rows(frame(paid), DAY, None, "applied", 2.0)


def test_an_applied_split_takes_a_persons_other_ratio_and_its_own_changes_nothing():
    applied = row(52.0, {"2": 0.9}, ratio=2.0, status="applied")

    changed = decided_rows(frame(applied), DAY, None, "applied", 1.9)
    same = decided_rows(frame(applied), DAY, None, "applied", 2.0)

    assert changed.select("ratio", "status", "decided_by").rows() == [(1.9, "applied", "person")]
    assert same.is_empty()
