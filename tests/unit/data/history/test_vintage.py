import datetime as dt

import polars as pl
import pytest

from src.data.history.vintage import is_newest_vintage

FIRST, SECOND = (dt.datetime(2026, 4, day, tzinfo=dt.UTC) for day in (1, 2))


@pytest.mark.parametrize(
    ("batches", "newest"),
    [
        ([(1, "split", FIRST), (2, "split", SECOND)], [True, True]),
        ([(1, "total", FIRST), (2, "total", SECOND)], [False, True]),
        ([(1, "total", FIRST), (2, "split", SECOND)], [False, True]),
        ([(2, "split", FIRST), (1, "total", SECOND)], [False, True]),
        ([(2, "total", FIRST), (1, "total", FIRST)], [True, False]),
    ],
)
def test_split_adjusted_batches_continue_each_other_and_total_ones_replace(batches, newest):
    rows = pl.DataFrame(batches, schema=["batch_id", "price_basis", "fetched_at"], orient="row")

    assert rows.select(is_newest_vintage()).to_series().to_list() == newest
