import datetime as dt

import polars as pl
import pytest

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import BadInput
from src.data.sources.files.fields.dates.parse import parse_dates
from src.data.sources.files.fields.times.resolve import resolve_times

pytest.importorskip("exchange_calendars")


def resolved(ticker, *written):
    at = pl.Series("at", written)
    exchange = exchange_of(ticker)
    calendar, lines = calendar_of(exchange), pl.Series(range(at.len()))
    dates = parse_dates(at, lines, column="Date", latest_year=2027, calendar=calendar)
    return resolve_times(dates, pl.Series("ticker", [ticker] * at.len()), calendar, exchange)


def bars(first, count=7, day="2024-06-03"):
    start = dt.datetime.fromisoformat(f"{day} {first}")
    return [str(start + dt.timedelta(hours=hour)) for hour in range(count)]


def test_naive_bars_in_new_yorks_hours_are_of_new_york():
    found = resolved("AAPL", *bars("09:30:00"))

    assert found.key[0] == dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)
    assert found.notes == (
        "times read as America/New_York: 100.0% of the bars are inside NYSE sessions as "
        "America/New_York time, 42.9% as UTC",
    )


def test_the_same_bars_in_utc_are_at_the_same_times():
    assert resolved("AAPL", *bars("09:30:00")).key.equals(resolved("AAPL", *bars("13:30:00")).key)


def test_bars_of_tokyo_lie_on_tokyos_date():
    found = resolved("7203.T", *bars("09:00:00", count=6, day="2024-06-04"))

    assert found.key[0] == dt.datetime(2024, 6, 4, 0, 0, tzinfo=dt.UTC)


def test_a_winter_in_london_needs_no_decision():
    found = resolved("VOD.L", *bars("08:00:00", count=8, day="2024-12-02"))

    assert found.key[0] == dt.datetime(2024, 12, 2, 8, 0, tzinfo=dt.UTC)


def test_indian_hours_are_refused_for_a_share_of_new_york():
    with pytest.raises(BadInput, match="the time zone of its times cannot be decided"):
        resolved("AAPL", *bars("15:15:00", count=3), *bars("05:15:00", count=3))


@pytest.mark.parametrize(
    ("ticker", "written"),
    [
        ("AAPL", "2024-06-03"),
        ("AAPL", "2024-06-03 00:00:00-04:00"),
        ("AAPL", "2024-06-03 04:00:00+00:00"),
        ("AAPL", "2024-06-03 00:00:00+00:00"),
        ("VOD.L", "2024-06-02 23:00:00+00:00"),
        ("VOD.L", "2024-06-03 00:00:00+00:00"),
        ("7203.T", "2024-06-02 15:00:00+00:00"),
        ("7203.T", "2024-06-03 00:00:00+00:00"),
        ("TCS.NS", "2024-06-02 18:30:00+00:00"),
    ],
)
def test_a_daily_stamp_is_the_date_at_the_exchange(ticker, written):
    day = dt.date.fromisoformat(written[:10])
    week = [f"{day + dt.timedelta(days=n)}{written[10:]}" for n in range(5)]  # daily, not hourly
    found = resolved(ticker, *week)

    assert found.kind == "daily"
    assert found.key[0] == dt.date(2024, 6, 3)
