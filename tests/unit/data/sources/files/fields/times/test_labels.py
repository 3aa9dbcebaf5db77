"""Hourly bars are stored under the time at which they begin, however they are labelled."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.sources.files.fields.dates.parse import parse_dates
from src.data.sources.files.fields.times.resolve import resolve_times

DAYS = ("2024-11-04", "2024-11-05", "2024-11-06", "2024-11-07", "2024-11-08")
QUARTERS = ["09:15", "10:15", "11:15", "12:15", "13:15", "14:15", "15:15"]
FULL_HOURS = ["09:15", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]
HALF_HOURS = ["09:15", "09:30", "10:30", "11:30", "12:30", "13:30", "14:30"]
ZONES = ("", "+05:30", "Z", "utc")


def labels(times, zone, days=DAYS):
    local = [dt.datetime.fromisoformat(f"{day} {time}") for day in days for time in times]
    shift = dt.timedelta(hours=5, minutes=30) if zone in ("Z", "utc") else dt.timedelta()
    return [f"{time - shift}{zone.replace('utc', '')}" for time in local]


def resolved(*written, ticker="TCS.NS"):
    exchange = exchange_of(ticker)
    calendar = calendar_of(exchange)
    at = pl.Series("at", written)
    lines = pl.Series(range(at.len()))
    dates = parse_dates(at, lines, column="Date", latest_year=2027, calendar=calendar)
    return resolve_times(dates, pl.Series("ticker", [ticker] * at.len()), calendar, exchange)


def starts(bars, zone="Asia/Kolkata"):
    return bars.key.dt.convert_time_zone(zone).dt.strftime("%H:%M").to_list()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("written", "begin"),
    [
        (QUARTERS, QUARTERS),
        (FULL_HOURS, FULL_HOURS),
        (HALF_HOURS, HALF_HOURS),
        # Bars labelled by their end, the last one by the close or by the hour's end.
        ([*QUARTERS[1:], "15:30"], QUARTERS),
        ([*QUARTERS[1:], "16:15"], QUARTERS),
        ([*FULL_HOURS[1:], "15:30"], FULL_HOURS),
        ([*FULL_HOURS[1:], "16:00"], FULL_HOURS),
        ([*HALF_HOURS[1:], "15:30"], HALF_HOURS),
        # A resample's hours, of which the first begins before the opening.
        (["09:00", *FULL_HOURS[1:]], FULL_HOURS),
        (["08:30", *HALF_HOURS[1:]], HALF_HOURS),
    ],
)
def test_a_bar_is_stored_under_its_beginning(written, begin, zone):
    bars = resolved(*labels(written, zone))

    assert bars.kind == "hourly"
    assert starts(bars) == begin * len(DAYS)
    moved = [note for note in bars.notes if "begin" in note]
    assert len(moved) == (written != begin)


def test_the_note_says_of_which_days_bars_were_moved_and_which_keep_their_time():
    # The hour of Diwali is in the evening: a bar of that morning lies in no session.
    diwali = labels(["09:00", "18:00"], "+05:30", ["2024-11-01"])
    bars = resolved(*diwali, *labels(["09:00", *FULL_HOURS[1:]], "+05:30", DAYS[:3]))

    assert bars.notes[-1] == (
        "3 bars labelled before the opening, such as 09:00 on 2024-11-04, begin at 09:15; 1 "
        "outside the session of their day, such as 09:00 on 2024-11-01, keep their time"
    )


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("written", [QUARTERS[1:], FULL_HOURS[1:], HALF_HOURS[1:]])
def test_labels_that_can_be_beginnings_and_ends_are_refused(written, zone):
    with pytest.raises(BadInput, match="can be labelled by their beginning or by their end"):
        resolved(*labels(written, zone))


def test_labels_at_the_opening_and_at_the_close_of_each_day_are_refused():
    with pytest.raises(BadInput, match="labelled 09:15 to 15:30, can be labelled by their begin"):
        resolved(*labels([*QUARTERS, "15:30"], "+05:30"))


def test_a_label_after_the_close_of_a_day_or_two_leaves_beginnings_alone():
    written = [*labels(QUARTERS, "+05:30"), "2024-11-08 15:30:00+05:30"]

    assert starts(resolved(*written))[-2:] == ["15:15", "15:30"]


@pytest.mark.parametrize(
    ("day", "short", "begin"),
    [
        ("2024-03-02", ["10:15", "12:15", "12:30"], ["09:15", "11:15", "12:15"]),  # a drill
        ("2023-11-12", ["19:15"], ["18:15"]),  # festivals
        ("2024-11-01", ["19:00"], ["18:00"]),
        ("2024-11-01", ["18:15", "19:00"], ["18:00", "18:15"]),
    ],
)
def test_a_short_session_is_read_as_the_others(day, short, begin):
    written = [*labels([*QUARTERS[1:], "15:30"], ""), *labels(short, "", [day])]

    assert starts(resolved(*written))[-len(begin) :] == begin


def test_one_session_labelled_by_its_ends_is_enough():
    bars = resolved(*labels([*QUARTERS[1:], "15:30"], "", DAYS[:1]))

    assert starts(bars) == QUARTERS


def test_a_bar_or_two_are_labelled_by_their_beginning_as_is_said():
    bars = resolved("2024-11-04 12:15:00+05:30", "2024-11-04 13:15:00+05:30")

    assert starts(bars) == ["12:15", "13:15"]
    assert bars.notes == ("bars taken as labelled by their beginning",)


def test_an_opening_that_is_missing_on_most_days_shows_beginnings():
    written = [*labels(QUARTERS, "", DAYS[:1]), *labels(QUARTERS[1:], "", DAYS[1:])]

    assert starts(resolved(*written)) == QUARTERS + QUARTERS[1:] * 4


def test_an_offset_that_puts_bars_outside_sessions_is_refused():
    with pytest.raises(BadInput, match=r"wrong offset: 14\.3% of the bars .* 100\.0% as Asia/Kol"):
        resolved(*labels(QUARTERS, "+00:00"))


@pytest.mark.parametrize("minutes", [15, 30])
def test_other_bars_labelled_by_their_ends_are_refused_by_their_length(minutes):
    times = [
        str((dt.datetime(2024, 1, 1, 9, 15) + dt.timedelta(minutes=minutes * n)).time())  # noqa: DTZ001
        for n in range(1, 375 // minutes + 1)
    ]

    with pytest.raises(BadInput, match=f"its rows are {minutes} minutes apart"):
        resolved(*labels(times, ""))


def test_other_exchanges_open_at_their_own_time():
    pytest.importorskip("exchange_calendars")
    ends = [f"2024-06-03 {hour}:30:00" for hour in range(10, 16)]
    early = [f"2024-06-03 {hour:02}:00:00" for hour in range(9, 16)]

    by_end = resolved(*ends, "2024-06-03 16:00:00", ticker="AAPL")
    by_hour = resolved(*early, ticker="AAPL")

    assert starts(by_end, "America/New_York") == [f"{hour:02}:30" for hour in range(9, 16)]
    assert starts(by_hour, "America/New_York") == ["09:30", *early_hours(early[1:])]


def early_hours(written):
    return [text[11:16] for text in written]


def test_hours_around_a_break_are_left_alone():
    pytest.importorskip("exchange_calendars")
    hours = ["09:00", "10:00", "11:00", "12:30", "13:30", "14:30"]
    written = [f"2024-06-0{day} {hour}:00" for day in range(3, 8) for hour in hours]

    assert starts(resolved(*written, ticker="7203.T"), "Asia/Tokyo") == hours * 5


def test_nse_s_longer_sessions_of_2026_are_read_by_their_ends():
    bars = resolved(*labels([*QUARTERS[1:], "15:30"], "", ["2026-08-10", "2026-08-11"]))

    assert starts(bars) == QUARTERS * 2
    assert nse().hours(dt.date(2026, 8, 10)).closes.hour == 10
