import datetime as dt

import pytest

from src.data.corporate_actions.intake.exchange_lists.rows import ActionRow
from src.data.corporate_actions.intake.exchange_lists.statements import state_actions

KNOWN_ON = dt.date(2024, 6, 30)
DAY = dt.date(2024, 6, 12)


def row(subject, day=DAY, ticker="ACME.NS", series="EQ", face_value=10.0):
    return ActionRow(1, ticker, series, subject, face_value, day)


def stated(*rows):
    return {
        (each.ex_date, each.kind): each.ratio or each.amount
        for each in state_actions(rows, KNOWN_ON).statements
    }


def test_dividends_of_one_day_are_added_up():
    rows = (
        row("Annual General Meeting/Dividend - Rs 24 Per Share"),
        row("Special Dividend - Rs 6 Per Share"),
        row("Interim Dividend - Rs 6 Per Share"),
    )
    (statement,) = state_actions(rows, KNOWN_ON).statements

    assert (statement.kind, statement.amount) == ("dividend", 36.0)
    assert statement.evidence["parts"] == [24.0, 6.0, 6.0]
    assert statement.evidence["subject"].split(" | ")[1] == "Special Dividend - Rs 6 Per Share"


def test_a_bonus_and_a_split_of_one_day_are_two_actions():
    rows = (row("Bonus 1:1"), row("Fv Splt Frm Rs 10 To Rs 2"), row("Dividend - Re 0.05 Per Share"))
    assert stated(*rows) == {(DAY, "bonus"): 2.0, (DAY, "split"): 5.0, (DAY, "dividend"): 0.05}


def test_a_repeated_row_counts_once():
    reading = state_actions([row("Bonus 1:1"), row(" BONUS  1:1 ")], KNOWN_ON)

    assert [each.ratio for each in reading.statements] == [2.0]
    assert reading.rows["repeated"] == 1


def test_the_same_dividend_in_two_spellings_counts_once():
    rows = (
        row("Annual General Meeting/Dividend Rs 5 Per Share"),
        row("Final Dividend - Rs 5/- Per Share"),
    )
    assert stated(*rows) == {(DAY, "dividend"): 5.0}


def test_a_revised_row_replaces_the_one_of_its_day():
    rows = (
        row("Interim Dividend - Rs 5 Per Share"),
        row("Interim Dividend - Rs 7 Per Share (Purpose Revised)"),
        row("Special Dividend - Rs 2 Per Share"),
        row("Bonus 1:2"),
        row("Bonus 1:1 (Revised)"),
    )
    assert stated(*rows) == {(DAY, "dividend"): 9.0, (DAY, "bonus"): 2.0}


def test_a_row_with_a_revised_date_replaces_the_one_of_the_other_day():
    other = dt.date(2024, 6, 3)
    rows = (
        row("Bonus 1:1", day=other),
        row("Bonus 1:1 (Record Date Revised)"),
        row("Dividend - Rs 5 Per Share", day=other),
    )
    assert stated(*rows) == {(DAY, "bonus"): 2.0, (other, "dividend"): 5.0}


def test_equal_dividends_of_two_days_are_two():
    other = dt.date(2024, 6, 3)
    rows = (
        row("Interim Dividend - Rs 5 Per Share"),
        row("Interim Dividend - Rs 5 Per Share", day=other),
    )
    assert stated(*rows) == {(DAY, "dividend"): 5.0, (other, "dividend"): 5.0}


@pytest.mark.parametrize(
    ("subjects", "reason"),
    [
        (("Bonus 1:1", "Bonus 2:1"), "its rows state ratios of 2 and 3"),
        (
            ("Interim Dividend - Rs 5 Per Share", "Interim Dividend - Rs 6 Per Share"),
            "its rows state dividends of 5 and 6",
        ),
    ],
)
def test_rows_that_contradict_one_another_are_not_understood(subjects, reason):
    (statement,) = state_actions([row(subject) for subject in subjects], KNOWN_ON).statements
    assert (statement.kind, statement.evidence["reason"]) == ("unclear", reason)


def test_a_dividend_without_an_amount_is_the_one_that_another_row_names():
    reading = state_actions(
        [row("Interim Dividend"), row("Interim Dividend - Rs 7 Per Share")], KNOWN_ON
    )
    assert [(each.kind, each.amount) for each in reading.statements] == [("dividend", 7.0)]


def test_what_is_not_understood_is_kept_with_its_subject_and_reason():
    (statement,) = state_actions([row("Interim Dividend")], KNOWN_ON).statements
    assert statement.kind == "unclear"
    assert statement.evidence["subject"] == "Interim Dividend"
    assert statement.evidence["reason"] == "it names no amount"


def test_rows_of_debt_say_nothing_of_the_share():
    reading = state_actions([row("Interest Payment", series="N1"), row("Bonus 1:1")], KNOWN_ON)
    assert [each.kind for each in reading.statements] == ["bonus"]
    assert reading.rows["nothing"] == 1


def test_units_of_a_trust_pay_interest_out():
    assert stated(row("Interest - Rs 2/Dividend - Rs 1", series="IV")) == {(DAY, "dividend"): 3.0}


def test_a_per_cent_is_of_the_face_value_before_later_splits():
    # The list's column has the face value of today, after the split.
    rows = (
        row("Dividend - 50%", day=dt.date(2022, 6, 1), face_value=2.0),
        row("Fv Splt Frm Rs 10 To Rs 2", day=dt.date(2023, 6, 1), face_value=2.0),
        row("Dividend - 50%", day=dt.date(2024, 6, 12), face_value=2.0),
    )
    reading = state_actions(rows, KNOWN_ON)

    amounts = {each.ex_date.year: each.amount for each in reading.statements}
    assert (amounts[2022], amounts[2024]) == (5.0, 1.0)
    assert not any(each.is_assumed for each in reading.statements)


def test_a_per_cent_of_a_list_from_long_ago_rests_on_an_assumption():
    (statement,) = state_actions(
        [row("Dividend - 50%", day=dt.date(2005, 6, 1))], KNOWN_ON
    ).statements
    assert (statement.amount, statement.is_assumed) == (5.0, True)


def test_a_per_cent_without_a_face_value_is_not_understood():
    (statement,) = state_actions([row("Dividend - 50%", face_value=None)], KNOWN_ON).statements
    assert statement.kind == "unclear"


def test_rights_cost_the_face_value_and_the_premium():
    rows = (
        row("Rights 1:4 @ Premium Rs 190/-", day=dt.date(2022, 6, 1), face_value=2.0),
        row("Fv Splt Frm Rs 10 To Rs 2", day=dt.date(2023, 6, 1), face_value=2.0),
    )
    (offer,) = state_actions(rows, KNOWN_ON).statements[0].evidence["offers"]
    assert (offer["new"], offer["held"], offer["price"]) == (1.0, 4.0, 200.0)


def test_an_event_has_its_name():
    (statement,) = state_actions([row("Scheme Of Arangement")], KNOWN_ON).statements
    assert (statement.kind, statement.evidence["event"]) == ("event", "scheme of arrangement")


def test_an_action_without_an_ex_date_is_told():
    reading = state_actions(
        [row("Bonus 1:1", day=None), row("Annual General Meeting", day=None)], KNOWN_ON
    )
    assert reading.statements == []
    assert reading.undated == ["line 1: 'Bonus 1:1' of ACME.NS names no ex-date"]


def test_rows_are_counted_by_what_they_state():
    rows = (
        row("Bonus 1:1/Dividend - Rs 5 Per Share"),
        row("Annual General Meeting"),
        row("Demerger"),
        row("Bonus", day=dt.date(2024, 6, 3)),
    )
    assert state_actions(rows, KNOWN_ON).rows == {
        "bonus": 1,
        "dividend": 1,
        "nothing": 1,
        "demerger": 1,
        "unclear": 1,
        "repeated": 0,
    }
