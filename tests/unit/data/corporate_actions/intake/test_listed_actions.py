import datetime as dt
import json

import polars as pl

from src.core.calendars.nse import nse
from src.data.corporate_actions.intake.exchange_lists.rows import ActionRow
from src.data.corporate_actions.intake.exchange_lists.statements import state_actions
from src.data.corporate_actions.intake.listed_actions import list_changes, listed_rows
from src.data.corporate_actions.ledger import LEDGER_SCHEMA, as_contradicted

FIRST = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
LATER = FIRST + dt.timedelta(days=7)
DAY = dt.date(2024, 6, 12)
NEXT_DAY = dt.date(2024, 6, 14)
NONE = pl.DataFrame(schema=LEDGER_SCHEMA)


def rows(*subjects, at=FIRST, day=DAY):
    listed = [ActionRow(1, "ACME.NS", "EQ", subject, 10.0, day) for subject in subjects]
    return listed_rows(state_actions(listed, at.date()).statements, "nse", at, nse())


def decided(recorded, status="rejected"):
    return recorded.with_columns(status=pl.lit(status), decided_by=pl.lit("person"))


def test_actions_are_applied_and_rights_and_what_is_unclear_wait():
    stated = rows(
        "Bonus 1:1/Fv Splt Frm Rs 10 To Rs 5/Dividend - Rs 3 Per Share",
        "Rights 1:4 @ Premium Rs 90/-",
        "Demerger",
        "Capital Reduction",
        "Special Dividend",
    )
    assert stated.select("kind", "ratio", "amount", "status").rows() == [
        ("bonus", 2.0, None, "applied"),
        ("split", 2.0, None, "applied"),
        ("dividend", None, 3.0, "applied"),
        ("rights", None, None, "pending"),
        ("demerger", None, None, "applied"),
        ("event", None, None, "applied"),
        ("unclear", None, None, "pending"),
    ]
    assert set(stated["origin"]) == {"stated"}


def test_the_subject_is_kept_as_evidence():
    (row,) = rows("Bonus 1:2").rows(named=True)
    assert json.loads(row["evidence"]) == {"subject": "Bonus 1:2", "bonus": "1:2"}


def test_an_ex_date_that_is_no_session_says_which_one_follows():
    # 2024-01-22 was declared a holiday three days before.
    (row,) = rows("Interim Dividend - Rs 3 Per Share", day=dt.date(2024, 1, 22)).rows(named=True)
    assert json.loads(row["evidence"])["not_a_session"] == "2024-01-23"
    assert row["status"] == "applied"


def test_a_list_that_is_read_again_changes_nothing():
    recorded = rows("Bonus 1:1", "Rights 1:4 @ Premium Rs 90/-", "Demerger", "Final Dividend")
    changes = list_changes(
        rows("Bonus 1:1", "Rights 1:4 @ Premium Rs 90/-", "Demerger", "Final Dividend", at=LATER),
        recorded,
    )
    assert (changes.rows.height, changes.new, changes.warnings) == (0, 0, ())


def test_what_the_prices_contradict_stays_contradicted():
    recorded = as_contradicted(rows("Bonus 1:1"), pl.lit("the price opened +0.1% on its date"))
    assert list_changes(rows("Bonus 1:1", at=LATER), recorded).rows.is_empty()


def test_a_value_that_was_found_for_rights_stays():
    recorded = rows("Rights 1:4 @ Premium Rs 90/-").with_columns(ratio=pl.lit(1.04))
    assert list_changes(rows("Rights 1:4 @ Premium Rs 90/-", at=LATER), recorded).rows.is_empty()


def test_a_later_list_updates_what_it_states_differently():
    revised = rows("Interim Dividend - Rs 7 Per Share (Purpose Revised)", at=LATER)
    changes = list_changes(revised, rows("Interim Dividend - Rs 5 Per Share"))

    assert changes.rows["amount"].to_list() == [7.0]
    assert changes.warnings == ("ACME.NS: nse restated the dividend of 5 on 2024-06-12 as 7.",)


def test_an_earlier_list_changes_nothing_that_is_known_later():
    recorded = rows("Interim Dividend - Rs 7 Per Share", at=LATER)
    assert list_changes(rows("Interim Dividend - Rs 5 Per Share"), recorded).rows.is_empty()


def test_what_a_person_decided_stands():
    changes = list_changes(rows("Bonus 2:1", at=LATER), decided(rows("Bonus 1:1")))

    assert changes.rows.is_empty()
    assert changes.warnings == (
        "ACME.NS: nse now states 3 for the bonus of 2 on 2024-06-12; a person decided on it, so it "
        "stays.",
    )


def test_an_action_that_is_stated_for_another_day_has_moved():
    later = pl.concat(
        [
            rows("Bonus 1:1", at=LATER, day=NEXT_DAY),
            rows("Dividend - Rs 5 Per Share", at=LATER, day=dt.date(2024, 6, 3)),
        ]
    )
    changes = list_changes(later, rows("Bonus 1:1"))

    moved = changes.rows.filter(date=DAY).row(0, named=True)
    assert moved["status"] == "rejected"
    assert json.loads(moved["evidence"])["moved_to"] == "2024-06-14"
    assert changes.warnings == ("ACME.NS: nse moved the bonus of 2 on 2024-06-12 to 2024-06-14.",)


def test_an_action_outside_the_days_of_a_list_has_not_moved():
    changes = list_changes(rows("Bonus 1:1", at=LATER, day=NEXT_DAY), rows("Bonus 1:1"))
    assert changes.rows["date"].to_list() == [NEXT_DAY]


def test_an_equal_dividend_a_month_later_is_another_one():
    later = pl.concat(
        [
            rows("Dividend - Rs 5 Per Share", at=LATER, day=dt.date(2024, 7, 24)),
            rows("Bonus 1:1", at=LATER, day=dt.date(2024, 6, 3)),
        ]
    )
    changes = list_changes(later, rows("Dividend - Rs 5 Per Share"))
    assert DAY not in changes.rows["date"].to_list()


def test_what_became_clear_waits_no_longer():
    changes = list_changes(
        rows("Interim Dividend - Rs 7 Per Share", at=LATER), rows("Interim Dividend")
    )
    assert changes.rows.select("kind", "status").rows() == [
        ("dividend", "applied"),
        ("unclear", "rejected"),
    ]
    again = list_changes(
        rows("Interim Dividend - Rs 7 Per Share", at=LATER + dt.timedelta(days=7)), changes.rows
    )
    assert again.rows.is_empty()


def test_nothing_is_listed_where_nothing_is_stated():
    assert rows("Annual General Meeting").is_empty()
    assert list_changes(rows("Annual General Meeting"), NONE).rows.is_empty()
