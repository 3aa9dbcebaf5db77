import datetime as dt

import polars as pl
import pytest

from src.data.corporate_actions.price_checks.jumps import find_jumps
from tests.support.prices import sessions

DAYS = sessions(dt.date(2026, 1, 5), 4)


@pytest.mark.parametrize(
    ("closes", "large"),
    [
        ([100, 60, 100], []),
        ([100, 59], [1]),
        ([100, 167], [1]),
        ([100, 166, 160], []),
        ([100, 50, 25, 26], [1, 2]),
        ([100], []),
        ([], []),
    ],
)
def test_a_large_jump_is_a_close_beyond_six_tenths_of_the_other(closes, large):
    prices = pl.Series(closes, dtype=pl.Float64)
    bars = pl.DataFrame({"date": DAYS[: len(closes)], "open": prices, "close": prices})

    jumps = find_jumps(bars, None)

    assert [jump.date for jump in jumps if jump.is_large] == [DAYS[row] for row in large]
