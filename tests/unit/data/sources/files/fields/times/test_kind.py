"""Which rows are days, and which bars within a day."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.exchanges import exchange_of
from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.sources.files.fields.dates.parse import parse_dates
from src.data.sources.files.fields.times.resolve import resolve_times

# Sessions in a row; on 2024-11-01 there was an hour from 18:00 only.
DAYS = ("2024-11-01", "2024-11-04", "2024-11-05", "2024-11-06", "2024-11-07", "2024-11-08")
DATES = [dt.date.fromisoformat(day) for day in DAYS]
HOURS = [f"{hour:02}:15:00" for hour in range(9, 16)]


def resolved(*written, tickers=None, stated=None):
    at = pl.Series("at", written)
    lines = pl.Series(range(at.len()))
    dates = parse_dates(at, lines, column="Date", latest_year=2027, calendar=nse())
    names = pl.Series("ticker", tickers or ["TCS.NS"] * at.len())
    return resolve_times(dates, names, nse(), exchange_of("TCS.NS"), stated)


@pytest.mark.parametrize(
    ("first", "others"),
    [
        ("18:00:00+05:30", "09:15:00+05:30"),
        ("12:30:00+00:00", "03:45:00+00:00"),
        ("12:30:00", "03:45:00"),
        ("19:15:00", "15:30:00"),
        ("09:15:00", "15:29:58"),
    ],
)
def test_one_bar_a_date_is_a_day_whatever_its_clock_time(first, others):
    bars = resolved(f"{DAYS[0]} {first}", *(f"{day} {others}" for day in DAYS[1:]))

    assert (bars.kind, bars.key.to_list()) == ("daily", DATES)


@pytest.mark.parametrize("live", ["09:59:12", "10:15:00", "05:01:00"])
def test_a_live_row_of_the_last_date_is_a_day_too(live):
    bars = resolved(*(f"{day} 03:45:00" for day in DAYS), f"{DAYS[-1]} {live}")

    assert (bars.kind, bars.key.to_list()) == ("daily", [*DATES, DATES[-1]])


def test_a_live_row_below_indian_midnights_in_utc_is_of_its_own_date():
    midnights = [f"{day} 18:30:00+00:00" for day in ("2024-11-03", *DAYS[1:4])]
    bars = resolved(*midnights, f"{DAYS[4]} 09:59:00+00:00")

    assert bars.key.to_list() == [*DATES[1:5], DATES[4]]


def test_days_are_counted_for_each_ticker():
    written = [f"{DAYS[-1]} {time}" for time in ("15:30:00", "15:29:58", "15:30:05")]
    rows = [f"{day} 15:30:00" for day in DAYS[1:-1] for _ in range(3)]
    names = ["A.NS", "B.NS", "C.NS"] * 5

    bars = resolved(*rows, *written, tickers=names)

    assert bars.kind == "daily"
    assert bars.key.n_unique() == 5


@pytest.mark.parametrize(
    "times",
    [
        *(("09:15:00+05:30", "09:15:00+05:30"), ("03:45:00", "03:45:00")),
        *(("15:30:00", "15:30:00"), ("09:15:00", "11:31:07"), ("15:30:00", "10:00:01")),
        ("00:00:00", "15:29:00"),
    ],
)
def test_two_rows_at_stamps_of_whole_days_are_days(times):
    bars = resolved(*(f"{day} {time}" for day, time in zip(DAYS[1:], times, strict=False)))

    assert (bars.kind, bars.key.to_list()) == ("daily", DATES[1:3])


def test_a_festival_among_a_few_days_may_have_any_stamp():
    bars = resolved("2024-10-31 09:15:00", "2024-11-01 09:15:00", "2024-11-04 09:15:00")

    assert bars.kind == "daily"


def test_a_day_and_its_live_row_are_a_day():
    bars = resolved("2024-11-04 00:00:00+05:30", "2024-11-04 11:20:31+05:30")

    assert (bars.kind, bars.key.to_list()) == ("daily", [DATES[1]] * 2)


@pytest.mark.parametrize(
    "written",
    [
        ("2024-11-04 15:15:00", "2024-11-05 09:15:00"),
        ("2024-11-04 15:15:00", "2024-11-05 09:15:00", "2024-11-05 10:15:00"),
        ("2024-11-04 12:15:00", "2024-11-05 12:15:00"),
        [f"2024-11-04 {hour}" for hour in HOURS],
        ["2024-11-01 18:00:00", *(f"2024-11-04 {hour}" for hour in HOURS)],
    ],
)
def test_a_few_hours_are_hours(written):
    bars = resolved(*written)

    assert bars.kind == "hourly"
    start = dt.datetime.fromisoformat(f"{written[0]}+05:30")
    assert bars.key[0] == start


@pytest.mark.parametrize(
    "written",
    [
        ("2024-11-04 09:15:00+05:30",),
        ("2024-11-04 03:45:00",),
        ("2024-11-04 15:30:00+05:30",),
        ("2024-11-04 09:15:00", "2024-11-05 11:15:00"),
        ("2024-11-04 09:15:00", *(f"2024-11-05 {hour}" for hour in HOURS)),
        ("2024-11-01 18:00:00", "2024-11-04 09:15:00"),
        tuple(f"{day} {hour}" for day, hour in zip(DAYS[1:], HOURS, strict=False)),
    ],
)
def test_rows_that_can_be_days_and_hours_are_refused(written):
    with pytest.raises(BadInput, match="can be days or single hours: write a day's date without"):
        resolved(*written)


@pytest.mark.parametrize("stated", ["daily", "hourly"])
def test_what_the_file_says_decides_where_rows_can_be_either(stated):
    bars = resolved("2024-11-04 09:15:00+05:30", stated=stated)

    assert bars.kind == stated


def test_hours_stay_hours_where_the_file_calls_them_days():
    assert resolved(*(f"2024-11-04 {hour}" for hour in HOURS), stated="daily").kind == "hourly"


def test_days_and_hours_in_one_file_are_refused():
    daily = nse().sessions(dt.date(2024, 8, 1), dt.date(2024, 10, 31))
    rows = [f"{day} 09:15:00" for day in daily]
    hourly = [f"{day} {hour}" for day in DAYS[1:] for hour in HOURS]

    with pytest.raises(BadInput, match="64 of its 69 days have one bar and the others several"):
        resolved(*rows, *hourly)


def test_times_that_can_be_evenings_and_midnights_in_utc_are_refused():
    with pytest.raises(BadInput, match="18:30:00, can be of that day or midnights in UTC"):
        resolved("2024-11-05 18:30:00", "2024-11-06 18:30:00")


def test_a_midnight_of_india_in_another_zone_is_of_the_indian_date():
    bars = resolved(*(f"{day} 13:30:00-05:00" for day in ("2024-11-03", *DAYS[1:5])))

    assert bars.key.to_list() == DATES[1:]
