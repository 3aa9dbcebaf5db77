from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.calendars.calendar import FAR_END, NotASession, OutsideCalendar
from src.core.calendars.nse import nse
from src.core.errors import ForecastError

NSE = nse()
FIRST_SESSION = date(2000, 1, 3)
SAFE_END = date(2099, 1, 1)  # leaves room to count 400 sessions ahead

any_day = st.one_of(
    st.dates(FIRST_SESSION, date(2027, 12, 31)),  # where the holidays are
    st.dates(FIRST_SESSION, SAFE_END),
)
steps = st.integers(0, 200)
moments = st.datetimes(
    datetime(2000, 1, 4),  # noqa: DTZ001 - hypothesis adds the zone itself
    datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-5))]
    ),
)


def days(*values: str) -> np.ndarray:
    return np.array(values, dtype="datetime64[D]")


def utc(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


# Facts stated by hand


@pytest.mark.parametrize(
    "day",
    [
        "2020-02-01",
        "2020-11-14",
        "2023-11-12",
        "2024-01-20",
        "2024-03-02",
        "2024-05-18",
        "2025-02-01",
        "2026-02-01",
        "2026-11-08",
    ],
)
def test_a_special_weekend_session_is_a_session(day):
    assert date.fromisoformat(day).weekday() >= 5
    assert NSE.is_session(date.fromisoformat(day))


@pytest.mark.parametrize(
    "day",
    [
        "2000-01-01",
        "2005-07-28",  # floods
        "2008-11-27",  # attacks
        "2024-01-22",  # made up on the Saturday before
        "2026-01-15",  # municipal elections
        "2026-01-31",  # an ordinary Saturday
        "2026-09-14",
        "2026-10-02",
        "2026-10-20",
        "2026-11-10",
        "2026-11-24",
        "2026-12-25",
    ],
)
def test_a_closed_day_is_no_session(day):
    assert not NSE.is_session(date.fromisoformat(day))


@pytest.mark.parametrize(
    "day", ["2000-01-03", "2005-07-27", "2018-11-07", "2021-11-04", "2025-03-18", "2025-10-21"]
)
def test_a_weekday_others_doubt_is_a_session(day):
    assert NSE.is_session(date.fromisoformat(day))


def test_2026_has_247_sessions():
    # 261 weekdays - 16 holidays + the budget Sunday + the Muhurat Sunday
    assert len(NSE.sessions(date(2026, 1, 1), date(2026, 12, 31))) == 247


def test_the_calendar_says_how_far_it_is_published():
    assert (NSE.covered_from, NSE.covered_through) == (date(2000, 1, 1), date(2026, 12, 31))


def test_beyond_the_published_years_a_weekday_is_an_estimated_session():
    holi = date(2027, 3, 22)

    assert NSE.is_session(holi)
    assert NSE.is_estimated(holi)
    assert NSE.hours(holi).estimated
    assert not NSE.is_session(date(2027, 1, 30))
    assert not NSE.is_estimated(date(2026, 12, 31))


# Republic, Ambedkar, Maharashtra and Independence Day, Gandhi Jayanti, Christmas.
FIXED = [(1, 26), (4, 14), (5, 1), (8, 15), (10, 2), (12, 25)]


def test_beyond_the_published_years_a_holiday_of_a_fixed_date_is_no_session():
    closed = [date(year, *day) for year in range(2027, 2101) for day in FIXED]

    assert not any(map(NSE.is_session, closed))
    assert all(map(NSE.is_estimated, closed))
    # Monday's Republic Day of 2032: the session after Friday is Tuesday's.
    assert NSE.next_session(date(2032, 1, 23)) == date(2032, 1, 27)


def test_counts_over_a_special_saturday_and_a_closed_monday():
    friday, saturday, tuesday = date(2024, 1, 19), date(2024, 1, 20), date(2024, 1, 23)

    assert NSE.sessions(friday, tuesday) == [friday, saturday, tuesday]
    assert NSE.next_session(friday) == saturday
    assert NSE.previous_session(tuesday) == saturday
    assert NSE.count(friday, tuesday) == 2
    assert NSE.ahead(friday, 2) == tuesday
    assert NSE.ahead(date(2024, 1, 21), 1) == tuesday
    assert NSE.ahead(date(2024, 1, 21), 0) == saturday


def test_nothing_is_stale_when_the_newest_row_is_newer():
    assert NSE.count(date(2024, 1, 23), date(2024, 1, 19)) == 0


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2009-12-31", "04:25", "10:00"),
        ("2010-01-04", "03:30", "10:00"),
        ("2010-10-15", "03:30", "10:00"),
        ("2010-10-18", "03:45", "10:00"),
        ("2024-06-03", "03:45", "10:00"),
        ("2026-07-31", "03:45", "10:00"),
        ("2026-08-03", "03:45", "10:05"),  # the closing auction begins
        ("2012-11-13", "10:15", "11:30"),
        ("2021-02-24", "03:45", "11:30"),  # extended after a failure
        ("2024-01-20", "03:45", "10:00"),
        ("2024-03-02", "03:45", "07:00"),
        ("2024-11-01", "12:30", "13:30"),
        ("2025-10-21", "08:15", "09:15"),
        ("2026-02-01", "03:45", "10:00"),
    ],
)
def test_hours_in_utc(day, opens, closes):
    hours = NSE.hours(date.fromisoformat(day))

    assert (hours.opens, hours.closes) == (utc(day, opens), utc(day, closes))
    assert not hours.estimated


@pytest.mark.parametrize("day", ["2003-03-22", "2010-02-06", "2026-11-08", "2026-12-07"])
def test_hours_nobody_is_sure_of_are_estimated(day):
    assert NSE.hours(date.fromisoformat(day)).estimated
    assert not NSE.is_estimated(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (utc("2024-06-03", "09:59:59"), "2024-05-31"),
        (utc("2024-06-03", "10:00:00"), "2024-06-03"),
        (utc("2024-06-03", "20:00:00"), "2024-06-03"),  # already Tuesday in India
        (utc("2024-06-09", "12:00:00"), "2024-06-07"),  # a Sunday
        (utc("2024-11-01", "12:00:00"), "2024-10-31"),  # before the Muhurat evening
        (utc("2024-11-01", "13:30:00"), "2024-11-01"),
        (utc("2026-11-08", "12:00:00"), "2026-11-06"),  # a Muhurat Sunday
        (utc("2026-11-24", "12:00:00"), "2026-11-23"),  # a holiday
        (utc("2026-08-03", "10:04:59"), "2026-07-31"),  # the auction has no price yet
    ],
)
def test_last_closed(now, expected):
    assert NSE.last_closed(now) == date.fromisoformat(expected)


# Properties


def test_sessions_increase_strictly_and_cannot_be_changed():
    assert NSE.array.dtype == np.dtype("datetime64[D]")
    assert (np.diff(NSE.array) > np.timedelta64(0, "D")).all()
    assert NSE.array[0] == np.datetime64(FIRST_SESSION)
    with pytest.raises(ValueError, match="read-only"):
        NSE.array[0] = np.datetime64("2000-01-02")


@given(any_day)
def test_next_and_previous_are_strict_and_undo_each_other(d):
    after = NSE.next_session(d)

    assert after > d
    assert NSE.is_session(after)
    assert NSE.sessions(d, after)[-1] == after
    assert NSE.previous_session(after) == NSE.ahead(d, 0)
    if NSE.is_session(d):
        assert NSE.previous_session(after) == d
    assert not NSE.sessions(d + timedelta(days=1), after - timedelta(days=1))


@given(any_day, steps, steps)
def test_ahead_composes(d, a, b):
    assert NSE.ahead(NSE.ahead(d, a), b) == NSE.ahead(d, a + b)


@given(any_day, steps)
def test_counting_to_the_session_h_ahead_gives_h(d, h):
    assert NSE.count(d, NSE.ahead(d, h)) == h


@given(any_day, any_day, any_day)
def test_count_is_additive(a, b, c):
    first, middle, last = sorted([a, b, c])

    assert NSE.count(first, last) == NSE.count(first, middle) + NSE.count(middle, last)
    assert NSE.count(last, first) == 0


@given(any_day, st.integers(0, 400))
def test_sessions_are_the_days_that_are_sessions(start, length):
    end = start + timedelta(days=length)
    walked = [start + timedelta(days=n) for n in range(length + 1)]
    found = NSE.sessions(start, end)

    assert found == [d for d in walked if NSE.is_session(d)]
    assert NSE.count(start, end) == len(found) - NSE.is_session(start)


@given(st.lists(any_day, max_size=30), steps)
def test_ahead_many_is_ahead_for_each(dates, h):
    many = NSE.ahead_many(np.array(dates, dtype="datetime64[D]"), h)

    assert many.dtype == np.dtype("datetime64[D]")
    assert many.tolist() == [NSE.ahead(d, h) for d in dates]


@given(st.lists(any_day, max_size=30))
def test_session_ids_point_into_the_array(dates):
    ids = NSE.session_ids(np.array(dates, dtype="datetime64[D]"))

    assert ids.dtype == np.int64
    for d, position in zip(dates, ids.tolist(), strict=True):
        assert (position >= 0) == NSE.is_session(d)
        assert position == -1 or NSE.array[position] == np.datetime64(d)


@given(any_day)
def test_hours_lie_on_the_day_in_india_or_there_are_none(d):
    if not NSE.is_session(d):
        with pytest.raises(NotASession, match=f"{d} is no NSE session"):
            NSE.hours(d)
        return
    hours = NSE.hours(d)

    assert hours.opens.utcoffset() == hours.closes.utcoffset() == timedelta(0)
    assert hours.opens < hours.closes
    assert hours.opens.date() == hours.closes.date() == d  # IST morning to evening is one UTC day


@given(moments)
def test_last_closed_is_closed_and_the_next_is_not(now):
    last = NSE.last_closed(now)

    assert NSE.hours(last).closes <= now < NSE.hours(NSE.next_session(last)).closes


@given(any_day)
def test_only_days_beyond_the_published_years_are_estimated(d):
    assert NSE.is_estimated(d) == (d.year > 2026)
    if NSE.is_estimated(d):
        assert NSE.is_session(d) == (d.weekday() < 5 and (d.month, d.day) not in FIXED)


# What is refused


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2101, 1, 1), date.min, date.max])
@pytest.mark.parametrize(
    "ask",
    [
        NSE.is_session,
        NSE.is_estimated,
        NSE.next_session,
        NSE.previous_session,
        NSE.hours,
        lambda d: NSE.ahead(d, 1),
        lambda d: NSE.sessions(d, d),
        lambda d: NSE.count(d, d),
        lambda d: NSE.session_ids(days(str(d))),
        lambda d: NSE.ahead_many(days(str(d)), 1),
    ],
)
def test_a_day_outside_the_calendar_is_refused(ask, day):
    with pytest.raises(OutsideCalendar, match="stay between 2000-01-01 and 2100-12-31") as raised:
        ask(day)

    assert str(raised.value).startswith(str(day))
    assert isinstance(raised.value, ForecastError)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: NSE.next_session(FAR_END),
        lambda: NSE.previous_session(FIRST_SESSION),
        lambda: NSE.ahead(date(2000, 1, 1), 0),
        lambda: NSE.ahead(FAR_END, 1),
        lambda: NSE.ahead_many(days("2000-01-02"), 0),
        lambda: NSE.ahead_many(days("2026-01-01", "2100-12-31"), 1),
        lambda: NSE.last_closed(utc("2000-01-03", "09:59")),
    ],
)
def test_an_answer_outside_the_calendar_is_refused(ask):
    with pytest.raises(OutsideCalendar, match="is outside the trading calendar"):
        ask()


def test_a_missing_date_is_refused():
    with pytest.raises(OutsideCalendar, match="NaT"):
        NSE.session_ids(days("2026-01-16", "NaT"))


def test_a_naive_time_is_refused():
    with pytest.raises(ValueError, match="2024-06-03 10:00:00 has no time zone: pass an aware"):
        NSE.last_closed(datetime(2024, 6, 3, 10))  # noqa: DTZ001 - the point


def test_a_datetime_is_no_date():
    with pytest.raises(TypeError, match="pass the date it has in Asia/Kolkata"):
        NSE.is_session(utc("2024-06-03", "20:00"))


def test_an_array_of_something_else_is_refused():
    with pytest.raises(TypeError, match="int64 cannot be used: pass datetime64"):
        NSE.session_ids(np.array([20240603]))


@pytest.mark.parametrize("ask", [NSE.ahead, lambda d, h: NSE.ahead_many(days(str(d)), h)])
def test_counting_backwards_is_refused(ask):
    with pytest.raises(ValueError, match="-1 sessions ahead cannot be counted: pass 0 or more"):
        ask(date(2024, 6, 3), -1)
