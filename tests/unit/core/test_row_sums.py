"""Sums of rows: of a whole that of its parts, and another one for whatever else is in a row."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.row_sums import NOTHING, add, subtract, sum_rows, sums_by_ticker

COLUMNS = ("date", "close", "source", "pending")
ROW = st.tuples(
    st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)),
    st.none() | st.floats(allow_nan=False),
    st.sampled_from(["yahoo", "nse", ""]),
    st.booleans(),
)
SCHEMA = {"date": pl.Date, "close": pl.Float64, "source": pl.String, "pending": pl.Boolean}


def frame(rows, ticker="TCS.NS"):
    made = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return made.select(pl.lit(ticker).alias("ticker"), pl.all())


@given(st.lists(ROW, max_size=8), st.integers(0, 8))
def test_the_sum_of_a_whole_is_that_of_its_parts_in_any_order(rows, cut):
    first, second = (sum_rows(frame(part), COLUMNS) for part in (rows[:cut], rows[cut:]))
    whole = sum_rows(frame(rows[::-1]), COLUMNS)

    assert add(first, second) == whole
    assert subtract(whole, second) == first


@given(st.lists(ROW, min_size=1, max_size=6), st.integers(0, 5), ROW)
def test_another_row_gives_another_sum(rows, place, other):
    place %= len(rows)
    changed = [*rows[:place], other, *rows[place + 1 :]]

    same_bits = repr(rows[place]) == repr(other)
    sums = {sum_rows(frame(each), COLUMNS) for each in (rows, changed)}
    assert len(sums) == (1 if same_bits else 2)


def test_no_rows_have_the_sum_of_nothing():
    assert sum_rows(frame([]), COLUMNS) == NOTHING
    assert add(NOTHING, NOTHING) == NOTHING


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"close": None}, {"close": float("nan")}),
        ({"close": 0.0}, {"close": -0.0}),
        ({"source": "yahoo"}, {"source": "nse"}),
        ({"pending": True}, {"pending": False}),
    ],
)
def test_values_that_differ_in_bits_alone_differ(one, other):
    row = {"date": dt.date(2026, 1, 1), "close": 1.0, "source": "yahoo", "pending": False}
    sums = {
        sum_rows(pl.DataFrame([{**row, **each}], schema=SCHEMA), COLUMNS) for each in (one, other)
    }
    assert len(sums) == 2


def test_sums_are_kept_ticker_by_ticker():
    rows = [(dt.date(2026, 1, day), float(day), "yahoo", False) for day in range(1, 6)]
    both = pl.concat([frame(rows[:2], "INFY.NS"), frame(rows)])

    assert sums_by_ticker(both, COLUMNS) == {
        "INFY.NS": (2, sum_rows(frame(rows[:2]), COLUMNS)),
        "TCS.NS": (5, sum_rows(frame(rows), COLUMNS)),
    }
