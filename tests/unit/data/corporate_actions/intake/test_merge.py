"""What a delivery states against what the ledger has; one change in each test."""

import datetime as dt
import json

import polars as pl

from src.data.corporate_actions.intake.merge import merge_delivery
from src.data.corporate_actions.ledger import LEDGER_SCHEMA
from tests.support.prices import bar, delivery

DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
FIRST = dt.datetime(2026, 4, 10, 12, tzinfo=dt.UTC)
LATER = FIRST + dt.timedelta(days=1)
SCHEMA = {"date": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}


def dividend(amount, day=DAYS[2]):
    return (day, "dividend", None, amount)


def stating(*stated, days=DAYS, schema=SCHEMA, **facts):
    actions = pl.DataFrame(list(stated), schema=schema, orient="row")
    return delivery([bar(day, 100.0) for day in days], actions=actions, **facts)


def row(amount=12.0, day=DAYS[2], **bent):
    usual = {
        "ticker": "TCS.NS",
        "date": day,
        "kind": "dividend",
        "source": "yahoo",
        "origin": "stated",
        "ratio": None,
        "amount": amount,
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
        "known_at": FIRST,
    }
    return {**usual, **bent}


def merged(delivered, *rows, at=LATER, is_newest=True):
    recorded = pl.DataFrame(list(rows), schema=LEDGER_SCHEMA)
    return merge_delivery(delivered, recorded, at, is_newest=is_newest)


def unchanged(result):
    return result.rows.is_empty()


def test_what_is_new_is_added_as_known_since_the_fetch():
    result = merged(stating(dividend(12.0)))

    assert result.rows.rows(named=True) == [row(known_at=LATER)]
    assert result.warnings == ()


def test_the_same_again_changes_nothing():
    result = merged(stating(dividend(12.0)), row())

    assert unchanged(result)
    assert result.warnings == ()


def test_noise_of_less_than_a_hundred_thousandth_changes_nothing():
    assert unchanged(merged(stating(dividend(12.00011)), row()))
    assert not unchanged(merged(stating(dividend(12.00013)), row()))


def test_a_restated_amount_is_taken_with_a_warning():
    result = merged(stating(dividend(11.0)), row())

    assert result.rows.rows(named=True) == [row(11.0, known_at=LATER)]
    assert result.warnings == ("TCS.NS: yahoo restated the dividend of 12 on 2026-04-08 as 11.",)


def test_what_a_person_decided_stands_and_both_values_are_named():
    result = merged(stating(dividend(11.0)), row(decided_by="person"))

    assert unchanged(result)
    assert result.warnings == (
        "TCS.NS: yahoo now states 11 for the dividend of 12 on 2026-04-08; a person decided on it, "
        "so 12 is kept.",
    )


def test_a_person_who_agrees_with_the_source_gets_no_warning():
    result = merged(stating(dividend(12.0)), row(decided_by="person", status="rejected"))

    assert unchanged(result)
    assert result.warnings == ()


def test_a_delivery_fetched_before_the_row_was_known_changes_nothing():
    result = merged(stating(dividend(11.0)), row(known_at=LATER), at=FIRST)

    assert unchanged(result)
    assert result.warnings == ()


def test_a_delivery_fetched_before_another_one_changes_nothing_but_adds():
    result = merged(stating(dividend(11.0), dividend(3.0, DAYS[3])), row(), is_newest=False)

    assert result.rows["amount"].to_list() == [3.0]


def test_what_is_no_longer_stated_waits_with_the_time_of_its_withdrawal():
    result = merged(stating(), row())

    (gone,) = result.rows.rows(named=True)
    assert json.loads(gone["evidence"]) == {"withdrawn_at": "2026-04-11T12:00:00+00:00"}
    assert gone | {"evidence": "{}"} == row(status="pending", known_at=LATER)
    assert result.warnings == (
        "TCS.NS: yahoo no longer states the dividend of 12 on 2026-04-08: it is pending until a "
        "person accepts or rejects it with `python -m src.data.corporate_actions`.",
    )


def test_a_withdrawal_is_reported_once():
    withdrawn = row(status="pending", evidence='{"withdrawn_at": "2026-04-10T12:00:00+00:00"}')

    result = merged(stating(), withdrawn)

    assert unchanged(result)
    assert result.warnings == ()


def test_what_was_withdrawn_and_is_stated_again_is_applied_again():
    withdrawn = row(status="pending", evidence='{"withdrawn_at": "2026-04-10T12:00:00+00:00"}')

    assert merged(stating(dividend(12.0)), withdrawn).rows.rows(named=True) == [row(known_at=LATER)]


def test_an_answer_that_lost_all_of_many_actions_withdraws_none():
    rows = [row(day=day) for day in DAYS[1:4]]

    result = merged(stating(), *rows)

    assert unchanged(result)
    assert result.warnings == (
        "TCS.NS: yahoo delivered no splits or dividends at all; the 3 that it stated before are "
        "kept in the ledger.",
    )
    assert merged(stating(), *rows[:2]).rows["status"].to_list() == ["pending"] * 2
    assert merged(stating(dividend(12.0, DAYS[0])), *rows).rows.filter(status="pending").height == 3


def test_nothing_is_withdrawn_by_a_delivery_that_does_not_cover_it():
    for days in (DAYS[2:], DAYS[:3], DAYS[:1]):
        assert unchanged(merged(stating(days=days), row()))


def test_nothing_is_withdrawn_that_a_person_decided_or_by_an_older_delivery():
    assert unchanged(merged(stating(), row(decided_by="person")))
    assert unchanged(merged(stating(), row(), is_newest=False))
    assert unchanged(merged(stating(), row(known_at=LATER), at=FIRST))


def test_a_file_without_a_column_of_splits_withdraws_no_split():
    split = row(None, kind="split", ratio=2.0)
    no_splits = stating(schema=SCHEMA | {"ratio": pl.Null})

    assert unchanged(merged(no_splits, split))
    assert merged(stating(), split).rows["status"].to_list() == ["pending"]


def test_amounts_of_a_file_without_a_column_of_splits_are_divided_by_the_ledgers():
    split = row(None, DAYS[3], kind="split", ratio=2.0)
    no_splits = stating(dividend(6.0), schema=SCHEMA | {"ratio": pl.Null})

    assert merged(no_splits, split).rows["amount"].to_list() == [12.0]


def test_amounts_are_not_divided_by_a_split_of_the_ledger_after_the_last_bar():
    split = row(None, dt.date(2026, 5, 4), kind="split", ratio=2.0)

    assert merged(stating(dividend(6.0)), split).rows["amount"].to_list() == [6.0]


def test_the_twin_of_a_dividend_before_the_first_bar_waits_and_keeps_waiting():
    before = row(day=dt.date(2026, 4, 1))
    delivered = stating(dividend(12.0))
    first = merged(delivered, before)

    (twin,) = first.rows.rows(named=True)
    assert (twin["date"], twin["status"]) == (DAYS[2], "pending")
    assert json.loads(twin["evidence"]) == {"stated": 12.0, "same_as": "2026-04-01"}
    assert "looks like a duplicate of the one on 2026-04-01" in first.warnings[0]
    assert unchanged(merged(delivered, before, twin))


def test_a_dividend_that_moved_to_another_date_is_applied_there_and_waits_here():
    result = merged(stating(dividend(12.0, DAYS[3])), row())

    statuses = {r["date"]: r["status"] for r in result.rows.iter_rows(named=True)}
    assert statuses == {DAYS[3]: "applied", DAYS[2]: "pending"}


def test_a_twin_whose_other_is_withdrawn_is_applied():
    twin = row(day=DAYS[3], status="pending", evidence='{"same_as": "2026-04-08"}')

    result = merged(stating(dividend(12.0, DAYS[3])), row(), twin)

    statuses = {r["date"]: r["status"] for r in result.rows.iter_rows(named=True)}
    assert statuses == {DAYS[3]: "applied", DAYS[2]: "pending"}


def test_an_impossible_amount_is_reported_and_withdraws_nothing():
    result = merged(stating(dividend(-1.0)), row())

    assert unchanged(result)
    assert result.warnings == (
        "TCS.NS: yahoo states a dividend of -1.0 on 2026-04-08, which is impossible: it was left "
        "out of the ledger.",
    )
