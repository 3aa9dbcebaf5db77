"""Equal rows have equal hashes, however their columns lie in memory."""

import datetime as dt

import polars as pl
import pytest

from src.core.hashing import rows_hash

ROWS = pl.DataFrame(
    {
        "ticker": ["A.NS", "A.NS", "B.NS"],
        "date": [dt.date(2026, 4, day) for day in (8, 9, 10)],
        "close": [1.5, None, float("nan")],
        "warm_up": [True, False, False],
        "inputs": pl.Series(
            [[0.1, float("nan")], [2.0, 3.0], [4.0, 5.0]], dtype=pl.List(pl.Float32)
        ),
    }
)


def test_equal_rows_have_one_hash_however_they_were_put_together():
    parts = pl.concat([ROWS.head(1), ROWS.tail(2)], rechunk=False)
    sliced = pl.concat([ROWS, ROWS]).slice(3)

    assert rows_hash([ROWS]) == rows_hash([parts]) == rows_hash([sliced]) == rows_hash([ROWS])
    assert len(rows_hash([ROWS])) == 64


@pytest.mark.parametrize(
    "changed",
    [
        ROWS.with_columns(ticker=pl.lit("A.NS")),
        ROWS.with_columns(date=pl.col("date").dt.offset_by("1d")),
        ROWS.with_columns(close=pl.col("close") + 1e-9),
        ROWS.with_columns(warm_up=~pl.col("warm_up")),
        ROWS.with_columns(inputs=ROWS["inputs"].reverse()),
        ROWS.rename({"close": "adj_close"}),
        ROWS.reverse(),
        ROWS.head(2),
        ROWS.with_columns(
            inputs=pl.Series(
                [[0.1], [float("nan"), 2.0, 3.0], [4.0, 5.0]], dtype=pl.List(pl.Float32)
            )
        ),
    ],
)
def test_other_rows_have_another_hash(changed):
    assert rows_hash([changed]) != rows_hash([ROWS])


def test_where_one_frame_ends_counts():
    assert rows_hash([ROWS.head(1), ROWS.tail(2)]) != rows_hash([ROWS.head(2), ROWS.tail(1)])
    assert rows_hash([]) == rows_hash([])
