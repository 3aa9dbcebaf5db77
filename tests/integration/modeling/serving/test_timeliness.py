"""Warnings about dates of many tickers at once, from the raw prices that are stored."""

import datetime as dt

import pytest

from src.data.ingest import stage as ingest
from src.modeling.serving.timeliness import add_date_warnings
from tests.support.prices import StubSource, bar, context, delivery, run, sessions, utc

# The 14th of April 2026 is a holiday; NSE trades from 03:45 to 10:00 UTC.
MONDAY, WEDNESDAY = dt.date(2026, 4, 13), dt.date(2026, 4, 15)
DAYS = [*sessions(dt.date(2026, 3, 16), 18)[:-2], MONDAY]
EVENING = utc(2026, 4, 13, 12, 30)
CLOCK = (
    "The newest price of INFY.NS is the close of 2026-04-15, but by the clock the last session "
    "that closed is 2026-04-13: correct the clock, or unset FORECAST_NOW."
)
CLOSED = "This forecast is about 2026-04-10, a session that has closed already: bring in newer"


@pytest.fixture
def stored(store, home):
    """Prices of TCS up to Monday, of INFY up to Wednesday, which was fetched when asked."""

    def put(fetched_at):
        deliveries = [
            delivery([bar(day, 100.0) for day in days], ticker=ticker, fetched_at=fetched_at)
            for ticker, days in (("TCS.NS", DAYS), ("INFY.NS", [*DAYS, WEDNESDAY]))
        ]
        tickers = ("INFY.NS", "TCS.NS")
        run(ingest.stage(StubSource(deliveries)), context(store, home, tickers=tickers, now=later))

    later = utc(2026, 4, 15, 12)
    return put


def entries(target="2026-04-15"):
    return [
        {"ticker": ticker, "target_date": target}
        for ticker in ("INFY.NS", "TCS.NS")
        for _ in ("short", "long")
    ]


def warned(store, home, now, forecasts, *, live=True):
    return add_date_warnings(
        context(store, home, tickers=("INFY.NS", "TCS.NS"), now=now), forecasts, live=live
    )


def test_a_clock_that_is_behind_the_prices_is_told_of_each_ticker_once(stored, store, home):
    stored(utc(2026, 4, 15, 11))
    forecasts = entries()

    assert warned(store, home, EVENING, forecasts) == [CLOCK]
    assert [forecast["warnings"] for forecast in forecasts] == [[CLOCK], [CLOCK], [], []]


def test_a_session_that_is_open_and_was_fetched_before_its_close_is_no_sign_of_it(
    stored, store, home
):
    stored(utc(2026, 4, 15, 8))

    assert warned(store, home, utc(2026, 4, 15, 9), entries()) == []


def test_targets_that_have_closed_are_told_once(stored, store, home):
    stored(utc(2026, 4, 15, 11))

    (warning,) = warned(store, home, utc(2026, 4, 15, 12), entries("2026-04-10"))

    assert warning.startswith(CLOSED)


def test_a_run_that_looks_back_has_no_warnings(stored, store, home):
    stored(utc(2026, 4, 15, 11))
    forecasts = entries("2026-04-10")

    assert warned(store, home, EVENING, forecasts, live=False) == []
    assert [forecast["warnings"] for forecast in forecasts] == [[]] * 4
