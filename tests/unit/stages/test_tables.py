"""Counts and stored rows as a person reads them."""

import datetime as dt

import polars as pl

from src.stages.tables import counts_table, stored_rows

PRICES = pl.DataFrame(
    {
        "ticker": ["TCS.NS"] * 6,
        "date": [dt.date(2024, 1, day) for day in range(1, 7)],
        "source": ["nse"] * 6,
        "open": [3790.0, 3791.5, 3800.25, 0.0525, 12.0, 89.8499984741211],
        "high": [3900.0] * 6,
        "low": [3700.0] * 6,
        "close": [3795.0, 3795.05, 3801.0, 3802.0, None, 3804.0],
        "volume": [1234567.0] * 6,
        "adj_close": [1.0] * 6,
        "batch_id": [1] * 6,
    }
)


def test_a_stage_prints_a_row_a_ticker_and_their_total():
    counts = {
        "TCS.NS": {"daily": 3191, "rejected": 4},
        "BAJAJ-AUTO.NS": {"daily": 20, "rejected": 0},
    }

    assert counts_table(counts) == [
        "ticker         daily  rejected",
        "TCS.NS         3,191         4",
        "BAJAJ-AUTO.NS     20         0",
        "total          3,211         4",
    ]


def test_one_ticker_needs_no_total_and_none_no_table():
    assert len(counts_table({"TCS.NS": {"rows": 1}})) == 2
    assert counts_table({}) == []


def test_of_very_many_tickers_those_with_something_to_say_are_printed():
    counts = {f"A{n:03}.NS": {"delivered": 10, "rejected": int(n == 7)} for n in range(2000)}

    assert counts_table(counts) == [
        "ticker   delivered  rejected",
        "A007.NS         10         1",
        "total       20,000         1",
        "1,999 more tickers are in the total alone.",
    ]


def test_of_very_many_with_something_to_say_the_fifty_with_most_are_printed():
    counts = {f"A{n:03}.NS": {"rejected": n} for n in range(100)}

    lines = counts_table(counts)

    assert len(lines) == 1 + 50 + 1 + 1
    assert lines[1].split() == ["A050.NS", "50"]
    assert lines[-1] == "50 more tickers are in the total alone."


def test_stored_prices_are_a_table_of_whole_rows():
    assert stored_rows("raw_daily_prices", PRICES, ("TCS.NS",)) == [
        "raw_daily_prices: 6 rows of TCS.NS, the last 5:",
        "  date        source      open   high    low     close     volume",
        "  2024-01-02     nse   3,791.5  3,900  3,700  3,795.05  1,234,567",
        "  2024-01-03     nse  3,800.25  3,900  3,700     3,801  1,234,567",
        "  2024-01-04     nse    0.0525  3,900  3,700     3,802  1,234,567",
        "  2024-01-05     nse        12  3,900  3,700         -  1,234,567",
        "  2024-01-06     nse     89.85  3,900  3,700     3,804  1,234,567",
    ]


def test_bytes_are_left_out_and_many_tickers_and_columns_are_counted():
    frame = pl.DataFrame(
        {"ticker": ["A.NS"], "content": [b"123"]} | {f"feature_{n}": [0.5] for n in range(30)}
    )

    first, header, row, more = stored_rows("features", frame, [f"A{n}.NS" for n in range(12)])

    assert first.startswith("features: 1 row of A0.NS, A1.NS, ")
    assert first.endswith("A9.NS and 2 more")
    assert header.startswith("  ticker  feature_0")
    assert "content" not in header
    assert row.startswith("  A.NS          0.5")
    assert more == "  and 21 more columns"


def test_a_table_without_rows_is_one_line():
    assert stored_rows("raw_daily_prices", PRICES.clear(), ("TCS.NS",)) == [
        "raw_daily_prices: 0 rows of TCS.NS"
    ]
