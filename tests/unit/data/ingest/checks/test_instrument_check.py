"""Another instrument's bars under a ticker; the days and the returns are made by hand."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.ingest.checks.instrument_check import check_returns, check_sessions
from tests.support.prices import bar, delivery, sessions

DAYS = sessions(dt.date(2025, 1, 1), 245)
# Sundays.
CLOSED = [dt.date(2025, 1, 5) + dt.timedelta(weeks=week) for week in range(6)]


def delivered(days, **facts):
    return delivery([bar(day, 100.0) for day in days], origin="new.csv", **facts)


def test_six_rows_of_250_on_closed_days_are_another_exchanges():
    with pytest.raises(BadInput) as refused:
        check_sessions(delivered([*DAYS[:244], *CLOSED]), nse())

    assert str(refused.value) == (
        "new.csv: 6 of 250 rows (2.4%) lie on days when NSE was closed: the prices probably belong "
        "to another exchange than TCS.NS's. Check the file and --ticker."
    )


def test_five_rows_of_250_on_closed_days_are_two_percent_and_may_be():
    assert check_sessions(delivered([*DAYS, *CLOSED[:5]]), nse()) is None


def test_four_rows_on_closed_days_are_no_proof_in_a_short_file():
    assert check_sessions(delivered([*DAYS[:10], *CLOSED[:4]]), nse()) is None
    with pytest.raises(BadInput, match="5 of 15 rows"):
        check_sessions(delivered([*DAYS[:10], *CLOSED[:5]]), nse())


def test_rows_before_the_calendar_tell_nothing():
    sundays = [dt.date(1999, 1, 3) + dt.timedelta(weeks=week) for week in range(20)]

    assert check_sessions(delivered([*sundays, *DAYS[:10]]), nse()) is None


def test_rows_without_a_price_tell_nothing():
    empty = [bar(day, None) for day in CLOSED]

    assert check_sessions(delivery([*empty, bar(DAYS[0], 100.0)]), nse()) is None


def test_hours_are_not_counted_as_days():
    sunday = [dt.datetime(2025, 1, 5, hour, 45, tzinfo=dt.UTC) for hour in range(3, 10)]

    assert check_sessions(delivery([bar(at, 100.0) for at in sunday]), nse()) is None


# --- returns


def stored(closes):
    return pl.DataFrame({"date": DAYS[: len(closes)], "close": closes}, strict=False)


def with_closes(closes, **facts):
    bars = [bar(day, close) for day, close in zip(DAYS, closes, strict=False)]
    return delivery(bars, origin="new.csv", **facts)


# Up and down by one percent in turn, and the same a day late.
SWING = [100.0 if n % 2 else 101.0 for n in range(20)]
OTHER = [50.5 if n % 2 else 50.0 for n in range(20)]


def test_closes_with_other_returns_are_another_instruments():
    with pytest.raises(BadInput) as refused:
        check_returns(with_closes(OTHER), stored(SWING))

    assert str(refused.value) == (
        "new.csv: its returns differ from those stored from yahoo by 2.0% (median of 20 common "
        "bars): the file probably belongs to another instrument than TCS.NS. Check the file and "
        "--ticker, or give another --vendor."
    )


@pytest.mark.parametrize("count", [5, 19])
def test_few_closes_with_other_returns_on_other_levels_are_another_instruments(count):
    with pytest.raises(BadInput, match=rf"by 2\.0% \(median of {count} common bars\)"):
        check_returns(with_closes(OTHER[:count]), stored(SWING))


def test_four_common_days_prove_nothing():
    assert check_returns(with_closes(OTHER[:4]), stored(SWING)) is None


@pytest.mark.parametrize(
    "closes",
    [
        [close * 2 for close in OTHER],  # near the stored prices
        [*OTHER[:9], 100.5],  # one of ten days has hardly changed
        [close / 10 for close in SWING],  # in another unit
    ],
)
def test_few_closes_that_may_be_corrections_are_taken(closes):
    assert check_returns(with_closes(closes[:10]), stored(SWING)) is None


@pytest.mark.parametrize(
    "closes",
    [
        SWING,
        [close / 2 for close in SWING],
        # Half of the days stood before a split when they were stored.
        [close / 2 for close in SWING[:10]] + SWING[10:],
        # On another price basis the level drifts with every dividend.
        [close * (0.7 + 0.01 * (n // 7)) for n, close in enumerate(SWING)],
        # A few closes were corrected.
        [*SWING[:5], 90.0, 110.0, *SWING[7:]],
    ],
)
def test_the_same_returns_on_any_level_are_the_same_instruments(closes):
    assert check_returns(with_closes(closes), stored(SWING)) is None


def test_days_without_a_price_are_not_compared():
    nothing = [None if n % 5 else close for n, close in enumerate(SWING)]

    assert check_returns(with_closes(OTHER), stored(nothing)) is None
