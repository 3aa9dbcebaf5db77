"""Stated actions as ledger rows; the expected amounts are TCS's own announcements."""

import datetime as dt

import polars as pl
import pytest

from src.data.corporate_actions.action import Action
from src.data.corporate_actions.intake.statements import RecordedActions, ledger_rows

AT = dt.datetime(2021, 9, 30, 12, tzinfo=dt.UTC)
NOTHING_RECORDED = RecordedActions()
SCHEMA = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}


def day(text):
    return dt.date.fromisoformat(text)


def actions(*stated):
    rows = [
        (day(at), kind, value if kind == "split" else None, None if kind == "split" else value)
        for at, kind, value in stated
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def paid(text):
    return (text, "dividend")


def ledger(*stated, recorded=NOTHING_RECORDED, **options):
    rows = ledger_rows(actions(*stated), "TCS.NS", "yahoo", AT, recorded, **options)
    return {
        (row["date"].isoformat(), row["kind"]): (row["ratio"] or row["amount"], row["status"])
        for row in rows.iter_rows(named=True)
    }


def test_a_dividend_is_multiplied_by_every_later_split_and_one_of_its_own_date():
    # TCS paid 3 rupees in 2004, before three bonuses, and 29 on the date of the third.
    result = ledger(
        ("2004-10-28", "dividend", 0.375),
        ("2018-05-31", "dividend", 14.5),
        ("2018-07-17", "dividend", 4.0),
        ("2006-07-28", "split", 2.0),
        ("2009-06-16", "split", 2.0),
        ("2018-05-31", "split", 2.0),
    )

    assert result[paid("2004-10-28")] == (3.0, "applied")
    assert result[paid("2018-05-31")] == (29.0, "applied")
    assert result[paid("2018-07-17")] == (4.0, "applied")
    assert result["2018-05-31", "split"] == (2.0, "applied")


def test_beside_unadjusted_prices_a_dividend_is_as_paid_already():
    result = ledger(("2018-01-22", "dividend", 7.0), ("2018-05-31", "split", 2.0), as_paid=True)

    assert result[paid("2018-01-22")] == (7.0, "applied")


def test_two_equal_dividends_of_one_date_are_one_and_two_others_are_a_sum():
    # TCS on 2023-01-16: 8 rupees interim and 67 special.
    result = ledger(
        ("2022-07-14", "dividend", 8.0),
        ("2022-07-14", "dividend", 8.0),
        ("2023-01-16", "dividend", 8.0),
        ("2023-01-16", "dividend", 67.0),
    )

    assert result == {paid("2022-07-14"): (8.0, "applied"), paid("2023-01-16"): (75.0, "applied")}


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), None])
def test_what_cannot_be_is_no_row(value):
    assert ledger(("2020-01-23", "dividend", value), ("2020-01-24", "split", value)) == {}


def test_the_later_of_two_equal_dividends_nearby_waits():
    result = ledger(("2015-10-21", "dividend", 2.75), ("2015-10-23", "dividend", 2.75))

    assert result[paid("2015-10-21")] == (2.75, "applied")
    assert result[paid("2015-10-23")] == (2.75, "pending")


def test_equal_dividends_of_two_quarters_are_two():
    result = ledger(("2015-01-27", "dividend", 2.5), ("2015-04-27", "dividend", 2.5))

    assert {status for _, status in result.values()} == {"applied"}


def test_the_twin_of_a_dividend_in_the_ledger_waits_whichever_is_earlier():
    recorded = RecordedActions(dividends=((day("2015-10-23"), 2.75),))

    result = ledger(("2015-10-21", "dividend", 2.75), recorded=recorded)

    assert result[paid("2015-10-21")] == (2.75, "pending")


def test_a_dividend_of_the_ledger_is_compared_in_the_sources_own_units():
    # 2.75 as paid in the ledger is 1.375 where a split of the delivery divides it.
    recorded = RecordedActions(dividends=((day("2015-10-21"), 2.75),))
    stated = (("2015-10-23", "dividend", 1.375), ("2018-05-31", "split", 2.0))

    assert ledger(*stated, recorded=recorded)[paid("2015-10-23")] == (2.75, "pending")


def test_what_is_applied_in_the_ledger_does_not_wait_for_a_twin_there():
    recorded = RecordedActions(
        dividends=((day("2015-10-21"), 2.75),), applied=frozenset([day("2015-10-23")])
    )

    result = ledger(("2015-10-23", "dividend", 2.75), recorded=recorded)

    assert result[paid("2015-10-23")] == (2.75, "applied")


def test_a_rejected_dividend_is_nobodys_twin():
    recorded = RecordedActions(rejected=frozenset([day("2015-10-21")]))

    result = ledger(
        ("2015-10-21", "dividend", 2.75), ("2015-10-23", "dividend", 2.75), recorded=recorded
    )

    assert result[paid("2015-10-23")] == (2.75, "applied")


def test_a_split_of_the_ledger_divides_what_is_stated_without_splits():
    recorded = RecordedActions(splits=(Action(day("2018-05-31"), "split", ratio=2.0),))

    result = ledger(("2018-01-22", "dividend", 3.5), recorded=recorded)

    assert result == {paid("2018-01-22"): (7.0, "applied")}
