"""Hours put together to a day, by hand."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.data.cleaning.repair.hourly_to_daily import daily_bars

# A Monday; the exchange is open from 03:45 to 10:00 UTC, so seven hours start.
DAY = dt.date(2026, 4, 6)
LATER = dt.datetime(2026, 4, 7, tzinfo=dt.UTC)
MUHURAT = dt.date(2024, 11, 1)
SCHEMA = {
    "date": pl.Date,
    "ts": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64),
    "batch_id": pl.Int64,
    "fetched_at": pl.Datetime("us", "UTC"),
}


def hours(day=DAY, starts=range(7), first=dt.time(3, 45), fetched=LATER, silent=()):
    begins = dt.datetime.combine(day, first, dt.UTC)
    rows = [
        (
            day,
            begins + dt.timedelta(hours=n),
            100.0 + n,
            102.0 + n,
            99.0 + n,
            101.0 + n,
            0.0 if n in silent else 10.0,
            7,
            fetched,
        )
        for n in starts
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def daily(*parts):
    return daily_bars(pl.concat(parts), nse()).rows(named=True)


def test_a_whole_session_is_one_bar():
    assert daily(hours()) == [
        {
            "date": DAY,
            "open": 100.0,
            "high": 108.0,
            "low": 99.0,
            "close": 107.0,
            "volume": 70.0,
            "batch_id": 7,
            "hours": 7,
            "silent": 0,
        }
    ]


def test_a_session_with_an_hour_missing_is_no_bar():
    for missing in range(7):
        assert daily(hours(starts=[n for n in range(7) if n != missing])) == []


@pytest.mark.parametrize("round_time", [dt.time(4), dt.time(4, 30)])
def test_hours_from_a_round_time_after_a_shorter_first_bar_are_a_whole_session(round_time):
    # 09:15 to 09:30 or 10:00 in India, and six hours until 15:30.
    stub, rest = hours(starts=range(1)), hours(starts=range(6), first=round_time)
    (bar,) = daily(stub, rest)

    assert (bar["hours"], bar["volume"]) == (7, 70.0)
    assert daily(rest) == []
    assert daily(stub, rest[:3], rest[4:]) == []


def test_a_session_that_was_still_open_is_no_bar():
    assert daily(hours(fetched=dt.datetime(2026, 4, 6, 9, 59, tzinfo=dt.UTC))) == []
    assert len(daily(hours(fetched=dt.datetime(2026, 4, 6, 10, 0, tzinfo=dt.UTC)))) == 1


def test_an_evening_session_of_one_hour_is_whole_with_its_one_hour():
    # Diwali 2024: open from 18:00 to 19:00 in India.
    (bar,) = daily(hours(MUHURAT, range(1), first=dt.time(12, 30), fetched=LATER))

    assert (bar["date"], bar["hours"], bar["close"]) == (MUHURAT, 1, 101.0)


def test_a_session_whose_hours_are_not_certain_is_no_bar():
    # The evening session of 2013: its hours are not known for certain.
    day = dt.date(2013, 11, 3)

    assert nse().hours(day).estimated
    assert daily(hours(day, range(7), fetched=LATER)) == []


def test_hours_of_a_day_without_a_session_are_no_bar():
    assert daily(hours(dt.date(2026, 4, 3))) == []


def test_hours_without_their_volume_are_counted():
    (bar,) = daily(hours(silent=(0, 3)))

    assert (bar["volume"], bar["silent"]) == (50.0, 2)


def test_a_day_without_any_volume_is_no_bar():
    assert daily(hours(silent=range(7))) == []


def test_each_session_stands_by_itself():
    tuesday = dt.date(2026, 4, 7)
    whole = hours(tuesday, fetched=dt.datetime(2026, 4, 8, tzinfo=dt.UTC))

    assert [bar["date"] for bar in daily(hours(starts=range(6)), whole)] == [tuesday]
