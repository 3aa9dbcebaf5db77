import datetime as dt

import polars as pl
import pytest

from src.core.errors import BadInput
from src.data.sources.files.fields.times.spacing import check_spacing

MONDAY = dt.datetime(2022, 1, 3, 4, tzinfo=dt.UTC)


def rows(gap, count, tickers=("A.NS",), *, daily):
    start = MONDAY.date() if daily else MONDAY
    times = [start + gap * number for number in range(count)]
    return pl.DataFrame({"ticker": ticker, "key": time} for ticker in tickers for time in times)


@pytest.mark.parametrize("days", [5, 7, 31])
def test_weekly_and_monthly_rows_are_refused(days):
    with pytest.raises(BadInput, match=rf"its rows are {days} days apart: give daily or hourly"):
        check_spacing("daily", rows(dt.timedelta(days), 10, daily=True))


def test_a_handful_of_daily_rows_may_be_far_apart():
    assert check_spacing("daily", rows(dt.timedelta(7), 8, daily=True)) is None


@pytest.mark.parametrize("minutes", [1, 15, 120])
def test_bars_of_other_lengths_than_an_hour_are_refused(minutes):
    with pytest.raises(BadInput, match=f"its rows are {minutes} minutes apart"):
        check_spacing("hourly", rows(dt.timedelta(minutes=minutes), 4, daily=False))


def test_the_gap_is_that_between_rows_of_one_ticker():
    hourly = rows(dt.timedelta(hours=1), 4, ("A.NS", "B.NS"), daily=False)

    assert check_spacing("hourly", hourly) is None
