"""Splits and dividends of files as Yahoo gives them; the expected amounts are TCS's own."""

import datetime as dt

import polars as pl
import pytest

from src.core.errors import BadInput
from src.data.corporate_actions.intake.action_file import read_action_file
from src.data.corporate_actions.intake.yahoo_file import yahoo_rows
from src.data.corporate_actions.ledger import LEDGER_SCHEMA

AT = dt.datetime(2021, 9, 30, 12, tzinfo=dt.UTC)


def day(text):
    return dt.date.fromisoformat(text)


def read_file(path, ledger=None):
    ledger = pl.DataFrame(schema=LEDGER_SCHEMA) if ledger is None else ledger
    return yahoo_rows(path, read_action_file(path), "TCS.NS", "yahoo", AT, ledger)


def test_the_doubled_dividend_of_october_2015_waits_and_the_other_72_do_not(data):
    path = data / "tcs_daily/yahoo_actions_2021-09-30.csv"

    rows = read_file(path)

    (waiting,) = rows.filter(status="pending").rows(named=True)
    assert (rows.height, waiting["date"], waiting["amount"]) == (73, day("2015-10-21"), 11.0)


def recorded_splits(*splits, source="nse", origin="inferred", status="applied"):
    """Splits in the ledger, from any source."""
    rows = [
        ("TCS.NS", day(at), kind, source, origin, ratio, None, status, "rule", "{}", AT)
        for at, kind, ratio in splits
    ]
    return pl.DataFrame(rows, schema=LEDGER_SCHEMA, orient="row")


def read(tmp_path, ledger):
    path = tmp_path / "dividends.csv"
    path.write_text("Date,Dividends,Stock Splits\n2017-06-13,13.75,0.0\n")
    return read_file(path, ledger)["amount"].to_list()


def test_dividends_of_a_file_are_divided_by_the_splits_that_the_ledger_has(tmp_path):
    # TCS paid 27.5 rupees in June 2017 and gave a bonus of one for one on 2018-05-31.
    assert read(tmp_path, recorded_splits(("2018-05-31", "split", 2.0))) == [27.5]


def test_a_split_that_two_sources_state_divides_once(tmp_path):
    split = recorded_splits(("2018-05-31", "split", 2.0))
    bonus = recorded_splits(("2018-05-31", "bonus", 2.0), source="person", origin="entered")

    assert read(tmp_path, pl.concat([split, bonus])) == [27.5]


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_a_split_that_is_not_applied_divides_nothing(tmp_path, status):
    assert read(tmp_path, recorded_splits(("2018-05-31", "split", 2.0), status=status)) == [13.75]


def test_a_split_from_after_the_file_divides_nothing(tmp_path):
    assert read(tmp_path, recorded_splits(("2021-10-01", "split", 2.0))) == [13.75]


def written(tmp_path, text):
    path = tmp_path / "actions.csv"
    path.write_text(text)
    return path


def test_a_file_may_have_splits_alone(tmp_path):
    path = written(tmp_path, "Date,Stock Splits\n2018-05-31,2:1\n2019-06-03,1:5\n2020-01-01,1.5\n")

    rows = read_file(path)

    assert rows.select("kind", "ratio").rows() == [("split", 2.0), ("split", 0.2), ("split", 1.5)]


def test_a_file_may_have_dividends_alone(tmp_path):
    path = written(tmp_path, "Date,Dividends\n2019-06-04,18.0\n2019-10-17,45\n")

    assert read_file(path).select("kind", "amount").rows() == [("dividend", 18), ("dividend", 45)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Date,Dividends\n2019-06-04,x\n", "'x' in line 2 is no Dividends"),
        ("Date,Stock Splits\n\n2019-06-04,2:x\n", "'2:x' in line 3 is no Stock Splits"),
        ("Date,Dividends\n04.06.2019,1\n", "'04.06.2019' in line 2 is no Date"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_with_its_line(tmp_path, text, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_file(written(tmp_path, text))
