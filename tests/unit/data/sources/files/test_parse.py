"""Row order and row conservation: every row of a file is delivered or rejected."""

import datetime as dt
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import BadInput
from tests.support.price_files import all_deliveries, file_source

DAYS = st.dates(dt.date(2022, 1, 1), dt.date(2022, 1, 20)).map(str)
CELLS = st.sampled_from(["1", "2.5", "", "null", "1000", "abc", "inf", "-"])
ODD = st.sampled_from(["Total", "2022-02-30", "soon", "-"])
SYMBOLS = st.sampled_from(["TCS", "INFY", "NSE:TCS-EQ", "?", ""])
SERIES = st.sampled_from(["EQ", "BE", "BL", ""])
# Wholly blank rows are not rows, so one cell always has a value.
ROWS = st.lists(
    st.tuples(st.one_of(DAYS, DAYS, DAYS, DAYS, ODD), SYMBOLS, SERIES, *[CELLS] * 5), min_size=1
)


def deliveries(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "TCS.NS.csv"
        path.write_bytes(text)
        return all_deliveries(file_source(path))


@settings(max_examples=150)
@given(ROWS, st.lists(DAYS, min_size=30, max_size=30))
def test_rows_delivered_are_rows_kept_and_rows_rejected(odd_rows, days):
    good = [(day, "TCS", "EQ", "1", "2", "1", "2", "9") for day in days]
    rows = [*good, *odd_rows]
    lines = [",".join(row) for row in rows]
    text = "\n".join(["Date,Symbol,Series,Open,High,Low,Close,Volume", *lines])

    try:
        found = deliveries(text.encode())
    except BadInput:
        return

    kept = [line for d in found for line in d.frame["line"]]
    rejected = [line for d in found for line in d.rejected["line"]]
    assert sorted([*kept, *rejected]) == list(range(1, len(rows) + 1))


@settings(max_examples=100)
@given(ROWS, st.lists(DAYS, min_size=30, max_size=30))
def test_kept_rows_are_unique_and_rejected_ones_are_whole(odd_rows, days):
    rows = [*((day, "TCS", "EQ", "1", "2", "1", "2", "9") for day in days), *odd_rows]
    text = "\n".join(["Date,Symbol,Series,Open,High,Low,Close,Volume", *map(",".join, rows)])

    try:
        found = deliveries(text.encode())
    except BadInput:
        return

    for delivery in found:
        assert delivery.frame["date"].is_unique().all()
        for line, row in delivery.rejected.select("line", "row").iter_rows():
            assert [cell or "" for cell in json.loads(row).values()] == list(rows[line - 1])


@settings(max_examples=150)
@given(st.one_of(st.binary(), st.text().map(str.encode)), st.booleans())
def test_garbage_is_refused_and_nothing_else_happens(garbage, below_a_header):
    header = b"Date,Open,High,Low,Close,Volume\n2022-01-03,1,2,1,2,9\n" if below_a_header else b""

    try:
        found = deliveries(header + garbage)
    except BadInput:
        return

    assert all(delivery.ticker == "TCS.NS" for delivery in found)


# --- rows out of date order are delivered as they stand, with a note


@pytest.fixture
def read(tmp_path):
    def delivered(*days):
        lines = [f"2022-01-{day:02},10,12,9,{10 + day / 10},11,100" for day in days]
        path = tmp_path / "TCS.NS.csv"
        head = "Date,Open,High,Low,Close,Adj Close,Volume"
        path.write_text("\n".join([head, *lines]) + "\n")
        (found,) = all_deliveries(file_source(path))
        return found

    return delivered


def days(found):
    return [day.day for day in found.frame["date"]]


@pytest.mark.parametrize(
    ("order", "notes"),
    [
        ([3, 4, 5, 6], ()),
        ([6, 5, 4, 3], ("rows are newest first",)),
        ([3], ()),
        ([3, 5, 4, 6], ("1 rows are out of date order",)),
        ([6, 3, 4, 5], ("1 rows are out of date order",)),
        ([5, 6, 7, 3, 4], ("2 rows are out of date order",)),
        ([6, 5, 4, 7], ("2 rows are out of date order",)),
    ],
)
def test_the_fewest_rows_that_would_have_to_move_are_counted(read, order, notes):
    found = read(*order)

    assert found.notes == notes
    assert days(found) == order
    assert found.frame["line"].to_list() == list(range(1, len(order) + 1))


def test_a_day_written_twice_in_a_row_is_in_order(read):
    found = read(3, 4, 4, 5)

    assert found.notes == ()
    assert (days(found), found.rejected["line"].to_list()) == ([3, 4, 5], [2])


def test_days_written_again_at_the_end_are_out_of_order(read):
    found = read(3, 4, 5, 6, 7, 10, 4, 5)

    assert found.notes == ("2 rows are out of date order",)
    assert days(found) == [3, 6, 7, 10, 4, 5]
    assert found.rejected["rule"].to_list() == ["duplicate_identical"] * 2
