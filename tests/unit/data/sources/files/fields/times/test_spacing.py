import datetime as dt

import polars as pl
import pytest

from src.core.errors import BadInput
from src.data.sources.files.fields.times.spacing import check_spacing, check_weekdays

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


def days(*weekdays, weeks=3):
    monday = dt.date(2024, 1, 1)
    return pl.Series([monday + dt.timedelta(7 * w + d) for w in range(weeks) for d in weekdays])


@pytest.mark.parametrize(
    ("moved", "word", "reason"),
    [
        ((-1, 0, 1, 2, 3), "early", "3 of 15 are Sundays and none is a Friday"),
        ((1, 2, 3, 4, 5), "late", "3 of 15 are Saturdays and none is a Monday"),
    ],
)
def test_dates_moved_by_a_day_are_refused(moved, word, reason):
    with pytest.raises(BadInput, match=f"its dates are a day {word}: {reason}"):
        check_weekdays(days(*moved))


def test_sessions_of_the_week_and_a_special_one_are_dates():
    check_weekdays(days(0, 1, 2, 3, 4))
    check_weekdays(days(0, 1, 2, 3, 5))
    check_weekdays(days(-1, 0, 1, 2, weeks=2))
