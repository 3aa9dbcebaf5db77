import datetime as dt

import polars as pl
import pytest

from src.core.calendars.exchanges import exchange_of
from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.sources.files.fields.dates.parse import parse_dates
from src.data.sources.files.fields.times.resolve import decide_zone, resolve_times


def resolved(*written, ticker="TCS.NS"):
    at = pl.Series("at", written)
    lines = pl.Series(range(at.len()))
    dates = parse_dates(at, lines, column="Date", latest_year=2027, calendar=nse())
    tickers = pl.Series("ticker", [ticker] * at.len())
    return resolve_times(dates, tickers, nse(), exchange_of(ticker))


def bars(first, count=7, day="2022-01-03"):
    start = dt.datetime.fromisoformat(f"{day} {first}")
    return [str(start + dt.timedelta(hours=hour)) for hour in range(count)]


def test_bars_in_indian_hours_are_indian():
    found = resolved(*bars("09:15:00"))

    assert found.kind == "hourly"
    assert found.key[0] == dt.datetime(2022, 1, 3, 3, 45, tzinfo=dt.UTC)
    assert "Asia/Kolkata: 100.0%" in found.notes[0]


def test_the_same_bars_in_utc_are_at_the_same_times():
    indian, utc = resolved(*bars("09:15:00")), resolved(*bars("03:45:00"))

    assert indian.key.equals(utc.key)


def test_bars_outside_all_sessions_are_refused_with_both_shares():
    with pytest.raises(BadInput, match=r"\(0\.0% of the bars .* Indian time, 0\.0% as UTC\)"):
        resolved(*bars("20:00:00", count=3))


def test_bars_half_in_one_zone_and_half_in_the_other_are_refused():
    with pytest.raises(BadInput, match="the time zone of its times cannot be decided"):
        resolved(*bars("09:15:00"), *bars("03:45:00", day="2022-01-04"))


def test_one_bar_in_twenty_may_lie_outside():
    week = [bar for day in range(3, 8) for bar in bars("09:15:00", day=f"2022-01-0{day}")]
    wall = pl.Series([dt.datetime.fromisoformat(bar) for bar in [*week, "2022-01-03 08:15:00"]])

    tickers = pl.Series("ticker", ["TCS.NS"] * wall.len())

    assert decide_zone(wall, tickers, nse()).zone == "Asia/Kolkata"


def test_offsets_need_no_guess():
    found = resolved("2022-01-03 09:15:00+05:30", "2022-01-03 10:15:00+05:30")

    assert found.key[1] == dt.datetime(2022, 1, 3, 4, 45, tzinfo=dt.UTC)
    assert found.notes == ()


@pytest.mark.parametrize(
    "written",
    [
        "2022-01-03",
        "2022-01-03 00:00:00",
        "2022-01-03 00:00:00+05:30",
        "2022-01-02 18:30:00+00:00",
        "2022-01-02 18:30:00",
    ],
)
def test_a_daily_stamp_is_the_indian_date(written):
    found = resolved(written)

    assert (found.kind, found.key.to_list()) == ("daily", [dt.date(2022, 1, 3)])


def test_half_past_six_stays_on_its_date_where_that_is_a_session():
    days = [f"2022-01-0{day} 18:30:00" for day in (3, 4, 5, 6, 7)]

    assert resolved(*days).key[0] == dt.date(2022, 1, 3)


def test_summer_time_elsewhere_keeps_bars_daily():
    found = resolved("2022-01-03 00:00:00-05:00", "2022-07-01 00:00:00-04:00", ticker="AAPL")

    assert found.key.to_list() == [dt.date(2022, 1, 3), dt.date(2022, 7, 1)]


def test_a_live_last_row_below_midnights_is_still_daily():
    midnights = [f"2022-01-{day:02} 00:00:00" for day in range(1, 31)]

    assert resolved(*midnights, "2022-01-31 15:29:00").kind == "daily"


@pytest.mark.parametrize(
    "written",
    [
        *(["2025-10-23 12:15:00"], ["2025-10-23 12:15:00+05:30"], ["2025-10-23T06:45:00Z"]),
        ["2025-10-23 12:15:00", "2025-10-24 12:15:00"],
    ],
)
def test_a_time_of_day_that_all_rows_share_is_still_intraday(written):
    found = resolved(*written)

    assert found.kind == "hourly"
    assert found.key[0] == dt.datetime(2025, 10, 23, 6, 45, tzinfo=dt.UTC)


@pytest.mark.parametrize("time", ["15:30:00", "18:31:00", "00:00:01"])
def test_one_bar_whose_zone_cannot_be_decided_is_refused(time):
    with pytest.raises(BadInput, match="the time zone of its times cannot be decided"):
        resolved(f"2022-01-03 {time}")


def test_half_past_six_with_the_offset_of_india_is_no_midnight():
    assert resolved("2022-01-03 18:30:00+05:30").kind == "hourly"


def test_one_time_of_day_over_a_week_stamps_days():
    week = [f"2022-01-{day:02} 15:30:00" for day in (3, 4, 5, 6, 7)]

    assert resolved(*week).kind == "daily"
    assert resolved(*week).key.to_list() == [dt.date(2022, 1, day) for day in (3, 4, 5, 6, 7)]
