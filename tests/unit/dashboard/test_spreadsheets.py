"""Tables that a spreadsheet opens without computing anything."""

import csv
import datetime as dt
import io

import polars as pl
import pytest

from src.dashboard.spreadsheets import csv_file

FORMULAS = ["=1+1", "+1", "-2", "@SUM(A1)", "\t1", "\r=1", "\n=1", "  =1", "\xa0@x", "\uff1d1"]


def read_back(table):
    return list(csv.reader(io.StringIO(csv_file(table).decode(), newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_would_be_a_formula_gets_an_apostrophe(text):
    assert read_back(pl.DataFrame({"text": [text]})) == [["text"], [f"'{text}"]]


def test_numbers_days_and_other_texts_stay_as_they_are():
    table = pl.DataFrame(
        {
            "number": [-1.5, 2.0],
            "day": [dt.date(2026, 4, 17), None],
            "text": ['a=b, "-1"\r\n=2', None],
        }
    )
    assert read_back(table) == [
        ["number", "day", "text"],
        ["-1.5", "2026-04-17", 'a=b, "-1"\r\n=2'],
        ["2.0", "", ""],
    ]
