"""Splits and dividends in the columns beside a file's bars."""

import datetime as dt

import polars as pl
import pytest

from tests.support.price_files import all_deliveries, file_source

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
BAR = "10,12,9,11,11,100"
SPLIT_DAY, PAY_DAY = dt.date(2022, 1, 3), dt.date(2022, 1, 4)


@pytest.fixture
def read(tmp_path):
    def deliveries(text, ticker="TCS.NS", since=None, until=None):
        path = tmp_path / "TCS.NS.csv"
        path.write_text(text)
        (found,) = file_source(path, ticker=ticker).fetch_daily(ticker, since, until)
        return found

    return deliveries


def test_cells_that_are_not_zero_or_blank_are_actions(read):
    found = read(
        HEADER
        + f"2022-01-03,{BAR},0.0,2.0\n2022-01-04,{BAR},5.5,0\n"
        + f"2022-01-05,{BAR},,\n2022-01-06,{BAR},0,0.0\n2022-01-07,{BAR},nan,-\n"
    )

    assert dict(found.actions.schema) == {
        "date": pl.Date,
        "kind": pl.String,
        "ratio": pl.Float64,
        "amount": pl.Float64,
    }
    assert found.actions.rows() == [
        (SPLIT_DAY, "split", 2.0, None),
        (PAY_DAY, "dividend", None, 5.5),
    ]
    assert (found.frame.height, found.notes) == (5, ())


def test_a_file_without_such_columns_states_nothing_of_actions(read):
    found = read(f"Date,Open,High,Low,Close,Adj Close,Volume\n2022-01-03,{BAR}\n")

    assert found.actions is None


def test_a_file_with_columns_full_of_zeros_states_no_action(read):
    found = read(HEADER + f"2022-01-03,{BAR},0.0,0.0\n")

    assert found.actions.is_empty()


def test_of_a_file_with_one_column_the_other_kind_has_no_type(read):
    found = read(f"Date,Open,High,Low,Close,Adj Close,Volume,Dividends\n2022-01-04,{BAR},5.5\n")

    assert found.actions.rows() == [(PAY_DAY, "dividend", None, 5.5)]
    assert found.actions.schema["ratio"] == pl.Null


def test_a_rejected_bar_states_its_action_all_the_same(read):
    good = "".join(f"2022-01-{day:02},{BAR},0,0\n" for day in range(5, 25))
    found = read(HEADER + f"2022-01-04,10,12,9,soon,11,100,5.5,0\n{good}")

    assert found.rejected["rule"].to_list() == ["unreadable_number"]
    assert found.actions["date"].to_list() == [PAY_DAY]


def test_of_a_day_written_twice_the_later_row_counts(read):
    found = read(HEADER + f"2022-01-04,{BAR},5.5,0\n2022-01-04,{BAR},6,0\n")
    forgotten = read(HEADER + f"2022-01-04,{BAR},5.5,0\n2022-01-04,{BAR},0,0\n")

    assert found.actions["amount"].to_list() == [6.0]
    assert forgotten.actions["amount"].to_list() == [5.5]


def test_capital_gains_are_ignored_with_a_note(read):
    head = HEADER.replace("Stock Splits", "Stock Splits,Capital Gains")
    found = read(head + f"2022-01-03,{BAR},0,0,0\n2022-01-04,{BAR},0,0,1.25\n")

    assert found.actions.is_empty()
    assert found.notes == ("capital gains of 1 rows were ignored (not a corporate action)",)


def test_text_where_an_action_belongs_is_noted_and_costs_no_bar(read):
    found = read(HEADER + f"2022-01-03,{BAR},0,2:1\n2022-01-04,{BAR},5.5,0\n")

    assert (found.frame.height, found.actions["amount"].to_list()) == (2, [5.5])
    assert found.notes == ("1 rows have an action that is not a number (first: stock splits 2:1)",)


def test_all_actions_stay_when_only_some_days_are_requested(read):
    text = HEADER + f"2022-01-03,{BAR},0,0\n2022-01-04,{BAR},5.5,0\n"

    found = read(text, until=SPLIT_DAY)

    assert (found.frame.height, found.actions.height) == (1, 1)


def test_a_multi_header_gives_each_ticker_its_own_actions(read):
    names = ("Close", "Dividends", "High", "Low", "Open", "Stock Splits", "Volume")
    head = [["Price"], ["Ticker"], ["Date"]]
    for name in names:
        for ticker in ("TCS.NS", "INFY.NS"):
            head[0].append(name)
            head[1].append(ticker)
            head[2].append("")
    days = [
        "2022-01-03,11,21,0,0,12,22,9,19,10,20,2,0,100,200",
        "2022-01-04,11,21,5.5,7,12,22,9,19,10,20,0,0,100,200",
        # a holiday of the one, on which a dividend is stated all the same
        "2022-01-05,,21,1.5,0,,22,,19,,20,0,0,,200",
    ]
    text = "\n".join([*map(",".join, head), *days]) + "\n"

    tcs, infy = read(text), read(text, ticker="INFY.NS")

    assert tcs.actions.rows() == [
        (SPLIT_DAY, "split", 2.0, None),
        (PAY_DAY, "dividend", None, 5.5),
        (dt.date(2022, 1, 5), "dividend", None, 1.5),
    ]
    assert infy.actions.rows() == [(PAY_DAY, "dividend", None, 7.0)]


def test_the_flat_header_gives_actions_too(read):
    names = ("Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits")
    head = ",".join(["Date", *(f"{name} TCS.NS" for name in names)])

    found = read(f"{head}\n2022-01-04,10,12,9,11,100,5.5,0\n")

    assert (found.layout, found.vendor) == ("yfinance_flat", "yahoo")
    assert found.actions.rows() == [(PAY_DAY, "dividend", None, 5.5)]


def test_hourly_rows_state_no_dates_of_actions(tmp_path):
    path = tmp_path / "TCS.NS.csv"
    path.write_text(
        "Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2022-01-03 09:15:00+05:30,10,12,9,11,100,5.5,0\n"
        "2022-01-03 10:15:00+05:30,10,12,9,11,100,0,0\n"
    )

    (found,) = all_deliveries(file_source(path))

    assert (found.kind, found.actions) == ("hourly", None)
    assert found.notes == (
        "splits and dividends of hourly rows were ignored: give them with daily rows",
    )
