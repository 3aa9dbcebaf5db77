import datetime as dt

import polars as pl

from src.data.sources.duplicates import keep_last, split_duplicates

DAY, NEXT = dt.date(2022, 1, 3), dt.date(2022, 1, 4)


def bars(*rows):
    frame = pl.DataFrame(rows, schema=["date", "close", "volume"], orient="row")
    return frame.with_row_index("line", 1).cast({"line": pl.Int64})


def test_unique_rows_are_all_kept():
    frame = bars((DAY, 1.0, 9.0), (NEXT, 2.0, 9.0))

    kept, earlier = split_duplicates(frame, ["date"], ["close", "volume"])

    assert kept.equals(frame)
    assert (earlier.height, earlier.columns[-2:]) == (0, ["rule", "reason"])


def test_an_earlier_row_with_equal_values_is_identical():
    kept, earlier = split_duplicates(
        bars((DAY, 1.0, None), (DAY, 1.0, None)), ["date"], ["close", "volume"]
    )

    assert kept["line"].to_list() == [2]
    assert earlier.select("line", "rule", "reason").rows() == [
        (1, "duplicate_identical", "identical to the later data row 2")
    ]


def test_the_reason_of_a_conflict_has_both_values_of_each_field_that_differs():
    _, earlier = split_duplicates(
        bars((DAY, 1.0, 9.0), (NEXT, 5.0, 5.0), (DAY, 1.5, None)), ["date"], ["close", "volume"]
    )

    assert earlier.select("line", "rule", "reason").rows() == [
        (
            *(1, "duplicate_conflicting"),
            "the later data row 3 has close 1.5 instead of 1.0, volume (blank) instead of 9.0",
        )
    ]


def test_rejected_rows_are_whole_and_as_json():
    kept, rejected = keep_last(bars((DAY, 1.0, 9.0), (DAY, 2.0, 9.0)), "date")

    assert kept.columns == ["line", "date", "close", "volume"]
    assert rejected.select("line", "at", "row").rows() == [
        (1, "2022-01-03", '{"date": "2022-01-03", "close": 1.0, "volume": 9.0}')
    ]


def test_a_line_with_two_rows_of_one_key_keeps_the_last_of_them():
    frame = bars((DAY, 1.0, 9.0), (DAY, 2.0, 9.0)).with_columns(line=pl.lit(1, dtype=pl.Int64))

    kept, earlier = split_duplicates(frame, ["date"], ["close", "volume"])

    assert (kept["close"].to_list(), earlier["close"].to_list()) == ([2.0], [1.0])
