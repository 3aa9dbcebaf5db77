"""What a list changes of stored facts."""

import datetime as dt

import polars as pl

from src.data.instruments.facts import SCHEMA, compare
from src.data.instruments.lists.stated import Facts

AT = dt.datetime(2026, 4, 13, 12, tzinfo=dt.UTC)
LISTED, LATER = dt.date(2008, 10, 6), dt.date(2022, 5, 24)


def facts(**changed):
    usual = {
        "ticker": "ALPHA.NS",
        "name": "Alpha Limited",
        "listed_on": LISTED,
        "isin": "INE000A01012",
        "face_value": 10.0,
        "series": "EQ",
    }
    return Facts(**{**usual, **changed})


def stored(**changed):
    row = vars(facts(**changed)) | {"source": "a list", "stated_at": AT}
    return pl.DataFrame([row], schema=SCHEMA)


def test_what_is_not_stored_is_new():
    comparison = compare([facts()], stored().clear(), "EQUITY_L.csv", AT)

    assert comparison.new == ["ALPHA.NS"]
    assert comparison.rows.row(0, named=True)["source"] == "EQUITY_L.csv"


def test_what_stays_as_it_was_is_not_written():
    comparison = compare([facts()], stored(), "EQUITY_L.csv", AT)

    assert comparison.unchanged == 1
    assert comparison.rows.is_empty()
    assert comparison.sentences == []


def test_what_a_list_leaves_blank_stays():
    comparison = compare([facts(face_value=None, name="Alpha Ltd")], stored(), "x.csv", AT)

    row = comparison.rows.row(0, named=True)
    assert (row["face_value"], row["name"]) == (10.0, "Alpha Ltd")
    assert comparison.changed == ["ALPHA.NS"]


def test_a_relisting_of_the_same_company_keeps_the_earlier_date():
    relisted = facts(listed_on=LATER, isin="INE000A01020")

    comparison = compare([relisted], stored(), "x.csv", AT)

    row = comparison.rows.row(0, named=True)
    assert (row["listed_on"], row["isin"]) == (LISTED, "INE000A01020")
    assert comparison.sentences == [
        "ALPHA.NS: its ISIN was INE000A01012 and is INE000A01020.",
        "ALPHA.NS: its date of listing was 2008-10-06 and is stated as 2022-05-24; the earlier one "
        "stays, so that prices since 2008-10-06 count.",
    ]


def test_another_company_under_the_symbol_takes_its_own_date():
    other = facts(listed_on=LATER, isin="INE000B01010", name="Beta Limited")

    comparison = compare([other], stored(), "x.csv", AT)

    assert comparison.rows["listed_on"].to_list() == [LATER]
    assert "another company has the symbol" in comparison.sentences[0]
