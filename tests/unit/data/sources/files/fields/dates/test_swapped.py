"""Dates of which a spreadsheet has swapped day and month are refused, others are not."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.sources.files.fields.dates.parse import parse_dates

SESSIONS = nse().sessions(dt.date(2024, 7, 1), dt.date(2024, 12, 31))


def parsed(written):
    at = pl.Series("at", [str(text) for text in written])
    lines = pl.Series(range(2, at.len() + 2))
    return parse_dates(at, lines, column="Date", latest_year=2027, calendar=nse())


def swapped(day):
    return dt.date(day.year, day.day, day.month) if day.day <= 12 else day


@pytest.mark.parametrize(
    "written",
    [
        # The first days of a month, which become one day of all months.
        [swapped(day) for day in SESSIONS if day.month == 11 and day.day <= 12],
        [swapped(day) for day in SESSIONS if day.month == 11 and day.day <= 12][::-1],
        [dt.date(2024, 1, 11), dt.date(2024, 4, 11), dt.date(2024, 5, 11)],
        [dt.date(2024, 4, 11), dt.date(2024, 5, 11)],
        # A whole file, as a program makes it that reads each date for itself.
        [swapped(day) for day in SESSIONS],
        [swapped(day) for day in SESSIONS][::-1],
        sorted(swapped(day) for day in SESSIONS),
        [swapped(day) for day in SESSIONS] * 3,
        [day for day in (swapped(day) for day in SESSIONS) if day.day <= 12],
    ],
)
def test_swapped_days_and_months_are_refused(written):
    with pytest.raises(BadInput, match="its Date column has day and month swapped, as spreadsh"):
        parsed(written)


def test_texts_beside_swapped_dates_are_refused_with_both():
    written = [
        swapped(day) if day.day <= 12 else day.strftime("%d/%m/%Y")
        for day in SESSIONS
        if day.month == 11
    ]

    with pytest.raises(BadInput, match=r"texts such as 13/11/2024 beside dates such as 2024-01-11"):
        parsed(written)


def test_one_text_beside_two_swapped_dates_is_enough():
    with pytest.raises(BadInput, match="texts such as 13/08/2024 beside dates such as 2024-09-08"):
        parsed(["2024-09-08", "2024-12-08", "13/08/2024"])


@pytest.mark.parametrize(
    "written",
    [
        SESSIONS,
        SESSIONS[::-1],
        SESSIONS * 2,
        [*SESSIONS[60:], *SESSIONS[:70]],
        [day for month in range(7, 13) for day in SESSIONS[::-1] if day.month == month],
        SESSIONS[:3],
        [dt.date(2024, 11, 4), dt.date(2024, 12, 3)],
        [dt.date(2024, month, 1) for month in range(1, 13)],
        [SESSIONS[(number * 37) % len(SESSIONS)] for number in range(len(SESSIONS))],
        [dt.date(1997, 3, day) for day in (3, 4, 5, 6, 7)],
    ],
)
def test_dates_as_they_are_stay(written):
    assert parsed(written).wall.dt.date().to_list() == written
