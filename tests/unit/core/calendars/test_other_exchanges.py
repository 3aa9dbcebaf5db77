import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.calendars.calendar import FAR_END, NotASession, OutsideCalendar
from src.core.calendars.exchange import EXCHANGES, NSE, NYSE
from src.core.calendars.exchanges import calendar_of
from src.core.calendars.nse import nse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    package = pytest.importorskip("exchange_calendars")

REPO = Path(__file__).resolve().parents[4]
OTHERS = {s: e for s, e in EXCHANGES.items() if e != NSE}
# East and west of Greenwich, across midnight in UTC, and two whose rules end before 2100.
SUFFIXES = ("", ".L", ".T", ".NZ", ".HK", ".SS")

some_exchange = st.sampled_from([EXCHANGES[suffix] for suffix in SUFFIXES])
any_day = st.one_of(
    st.dates(date(2000, 2, 1), date(2026, 12, 31)), st.dates(date(2000, 2, 1), date(2099, 1, 1))
)
known_day = st.dates(date(2000, 2, 1), date(2026, 12, 20))
steps = st.integers(0, 200)
moments = st.datetimes(
    datetime(2000, 2, 1),  # noqa: DTZ001 - hypothesis adds the zone itself
    datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-5))]
    ),
)


@cache
def oracle(code):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package.get_calendar(code, start="2000-01-01", end="2026-12-31")


@pytest.fixture(scope="module", autouse=True)
def _built():
    """Building takes longer than an example may."""
    for suffix in SUFFIXES:
        calendar_of(EXCHANGES[suffix])
        oracle(EXCHANGES[suffix].code)


def day(text):
    return date.fromisoformat(text)


def utc(text):
    return datetime.fromisoformat(f"{text}+00:00")


def days(*values):
    return np.array(values, dtype="datetime64[D]")


@pytest.mark.parametrize("exchange", OTHERS.values(), ids=lambda e: e.code)
def test_every_exchange_of_the_table_is_the_packages(exchange):
    theirs = oracle(exchange.code)
    ours = calendar_of(exchange)

    assert ZoneInfo(exchange.zone) == theirs.tz
    found = ours.sessions(date(2000, 1, 1), date(2026, 12, 31))
    assert found == [at.date() for at in theirs.sessions]
    for position in range(0, len(theirs.sessions), 97):
        opens, closes = (at.iloc[position] for at in (theirs.opens, theirs.closes))
        hours = ours.hours(theirs.sessions[position].date())
        assert (hours.opens, hours.closes) == (opens, closes)
        # The dates that rows get from their times are the sessions' own.
        assert opens.astimezone(ZoneInfo(exchange.zone)).date() == theirs.sessions[position].date()


# Facts stated by hand


@pytest.mark.parametrize(
    ("suffix", "closed"),
    [
        ("", "2001-09-11"),
        ("", "2012-10-29"),  # a hurricane
        ("", "2024-07-04"),
        ("", "2024-11-28"),  # Thanksgiving
        ("", "2025-01-09"),  # a day of mourning
        ("", "1968-06-12"),  # Wednesdays of the paper crisis
        (".L", "2022-09-19"),  # a state funeral
        (".L", "2024-08-26"),
        (".T", "2024-08-12"),
        (".HK", "2024-07-01"),
        (".SS", "2024-10-04"),
        (".KS", "2025-06-03"),  # an election
    ],
)
def test_a_closed_day_is_no_session(suffix, closed):
    assert not calendar_of(EXCHANGES[suffix]).is_session(day(closed))


def test_an_indian_holiday_is_a_session_elsewhere():
    independence_day = day("2024-08-15")

    assert not nse().is_session(independence_day)
    assert calendar_of(NYSE).is_session(independence_day)


def test_new_york_had_252_sessions_in_2024():
    # 262 weekdays less ten holidays
    assert len(calendar_of(NYSE).sessions(day("2024-01-01"), day("2024-12-31"))) == 252


@pytest.mark.parametrize(
    ("suffix", "session", "opens", "closes"),
    [
        ("", "2024-06-03", "13:30", "20:00"),
        ("", "2024-12-02", "14:30", "21:00"),  # winter
        ("", "2024-11-29", "14:30", "18:00"),  # the day after Thanksgiving
        (".L", "2024-06-03", "07:00", "15:30"),
        (".L", "2024-12-24", "08:00", "12:30"),
        (".T", "2024-11-01", "00:00", "06:00"),
        (".T", "2024-11-05", "00:00", "06:30"),  # half an hour longer from then on
        (".HK", "2024-06-03", "01:30", "08:00"),
    ],
)
def test_hours_in_utc(suffix, session, opens, closes):
    hours = calendar_of(EXCHANGES[suffix]).hours(day(session))

    assert (hours.opens, hours.closes) == (utc(f"{session}T{opens}"), utc(f"{session}T{closes}"))
    assert not hours.estimated


@pytest.mark.parametrize(
    ("suffix", "now", "expected"),
    [
        ("", "2024-11-29T17:59:59", "2024-11-27"),
        ("", "2024-11-29T18:00:00", "2024-11-29"),
        ("", "2024-06-04T02:00:00", "2024-06-03"),  # still Monday in New York
        (".T", "2024-06-03T05:59:59", "2024-05-31"),
        (".T", "2024-06-03T06:00:00", "2024-06-03"),
        (".NZ", "2024-06-02T23:30:00", "2024-05-31"),  # Monday in Wellington, the King's birthday
        (".NZ", "2024-06-04T04:45:00", "2024-06-04"),
    ],
)
def test_last_closed(suffix, now, expected):
    assert calendar_of(EXCHANGES[suffix]).last_closed(utc(now)) == day(expected)


def test_the_next_years_follow_the_rules_and_are_estimated():
    calendar = calendar_of(NYSE)

    assert calendar.covered_through == day("2026-12-31")
    assert not calendar.is_estimated(day("2026-12-31"))
    assert not calendar.is_session(day("2027-07-05"))  # the fourth is a Sunday
    assert calendar.is_estimated(day("2027-07-05"))
    assert calendar.hours(day("2027-07-06")).estimated


def test_beyond_the_rules_every_weekday_is_an_estimated_session():
    shanghai = calendar_of(EXCHANGES[".SS"])
    hours = shanghai.hours(day("2027-10-01"))  # the national day, not known there

    assert (hours.opens, hours.closes) == (utc("2027-10-01T01:30"), utc("2027-10-01T07:00"))
    assert hours.estimated
    assert not shanghai.is_session(day("2027-10-02"))


def test_a_year_of_which_the_package_misses_days_is_estimated():
    seoul = calendar_of(EXCHANGES[".KS"])

    assert seoul.is_estimated(day("2026-06-03"))
    assert not seoul.is_estimated(day("2025-06-03"))


# Properties


@pytest.mark.parametrize("exchange", OTHERS.values(), ids=lambda e: e.code)
def test_sessions_increase_strictly_and_cannot_be_changed(exchange):
    array = calendar_of(exchange).array

    assert array.dtype == np.dtype("datetime64[D]")
    assert (np.diff(array) > np.timedelta64(0, "D")).all()
    assert array[-1] >= np.datetime64("2100-12-30")
    with pytest.raises(ValueError, match="read-only"):
        array[0] = np.datetime64("2000-01-02")


@given(some_exchange, known_day)
def test_a_day_is_a_session_where_the_package_says_so(exchange, d):
    calendar, theirs = calendar_of(exchange), oracle(exchange.code)

    assert calendar.is_session(d) == theirs.is_session(str(d))
    assert (
        calendar.next_session(d)
        == theirs.date_to_session(str(d + timedelta(days=1)), "next").date()
    )
    assert (
        calendar.previous_session(d)
        == theirs.date_to_session(str(d - timedelta(days=1)), "previous").date()
    )


@given(some_exchange, known_day, st.integers(0, 400))
def test_sessions_of_a_span_are_the_packages(exchange, start, length):
    end = min(start + timedelta(days=length), date(2026, 12, 20))
    found = calendar_of(exchange).sessions(start, end)

    assert found == [at.date() for at in oracle(exchange.code).sessions_in_range(start, end)]


@given(some_exchange, any_day)
def test_next_and_previous_are_strict_and_undo_each_other(exchange, d):
    calendar = calendar_of(exchange)
    after = calendar.next_session(d)

    assert after > d
    assert calendar.is_session(after)
    assert calendar.previous_session(after) == calendar.ahead(d, 0)
    assert not calendar.sessions(d + timedelta(days=1), after - timedelta(days=1))


@given(some_exchange, any_day, steps, steps)
def test_ahead_composes_and_is_counted(exchange, d, a, b):
    calendar = calendar_of(exchange)

    assert calendar.ahead(calendar.ahead(d, a), b) == calendar.ahead(d, a + b)
    assert calendar.count(d, calendar.ahead(d, a)) == a


@given(some_exchange, any_day, any_day, any_day)
def test_count_is_additive(exchange, a, b, c):
    calendar = calendar_of(exchange)
    first, middle, last = sorted([a, b, c])

    assert calendar.count(first, last) == calendar.count(first, middle) + calendar.count(
        middle, last
    )
    assert calendar.count(last, first) == 0


@given(some_exchange, st.lists(any_day, max_size=30), steps)
def test_arrays_are_answered_as_each_date_is(exchange, dates, h):
    calendar, array = calendar_of(exchange), np.array(dates, dtype="datetime64[D]")

    assert calendar.ahead_many(array, h).tolist() == [calendar.ahead(d, h) for d in dates]
    for d, position in zip(dates, calendar.session_ids(array).tolist(), strict=True):
        assert (position >= 0) == calendar.is_session(d)
        assert position == -1 or calendar.array[position] == np.datetime64(d)


@given(some_exchange, any_day)
def test_hours_lie_on_the_day_at_the_exchange_or_there_are_none(exchange, d):
    calendar = calendar_of(exchange)
    if not calendar.is_session(d):
        with pytest.raises(NotASession, match=f"{d} is no {exchange.name} session"):
            calendar.hours(d)
        return
    hours = calendar.hours(d)

    assert hours.opens.utcoffset() == hours.closes.utcoffset() == timedelta(0)
    assert hours.opens < hours.closes
    there = [at.astimezone(ZoneInfo(exchange.zone)).date() for at in (hours.opens, hours.closes)]
    assert there == [d, d]
    assert hours.estimated == calendar.is_estimated(d) == (d.year > 2026)


@settings(max_examples=200)
@given(some_exchange, moments)
def test_last_closed_is_closed_and_the_next_is_not(exchange, now):
    calendar = calendar_of(exchange)
    last = calendar.last_closed(now)

    assert calendar.hours(last).closes <= now < calendar.hours(calendar.next_session(last)).closes


# What is refused


@pytest.mark.parametrize("outside", [date(1961, 12, 31), date(2101, 1, 1)])
def test_a_day_outside_the_calendar_is_refused(outside):
    with pytest.raises(OutsideCalendar, match="stay between 1962-01-02 and 2100-12-31"):
        calendar_of(NYSE).is_session(outside)


def test_an_answer_outside_the_calendar_is_refused():
    with pytest.raises(OutsideCalendar, match="is outside the trading calendar"):
        calendar_of(NYSE).next_session(FAR_END)


def test_a_naive_time_is_refused():
    with pytest.raises(ValueError, match="has no time zone: pass an aware"):
        calendar_of(NYSE).last_closed(datetime(2024, 6, 3, 10))  # noqa: DTZ001 - the point


def test_a_datetime_is_no_date():
    with pytest.raises(TypeError, match="pass the date it has in America/New_York"):
        calendar_of(NYSE).is_session(utc("2024-06-03T20:00"))


def test_a_missing_date_is_refused():
    with pytest.raises(OutsideCalendar, match="NaT"):
        calendar_of(NYSE).session_ids(days("2026-01-16", "NaT"))
