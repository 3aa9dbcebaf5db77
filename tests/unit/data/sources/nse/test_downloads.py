"""When a file that was asked for before is asked for again."""

import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.data.sources.nse.cache import Kept
from src.data.sources.nse.downloads import is_due

# Sessions of a week in April 2026; each closes at 10:00 UTC.
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (dt.date(2026, 4, day) for day in (7, 8, 9, 10))
MONDAY = dt.date(2026, 4, 13)


def evening(day, hour=13):
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


@pytest.mark.parametrize(
    ("asked_at", "now", "expected"),
    [
        (evening(TUESDAY), evening(TUESDAY, 15), False),
        (evening(TUESDAY), evening(WEDNESDAY, 8), False),
        (evening(TUESDAY), evening(WEDNESDAY), True),
        (evening(TUESDAY), evening(MONDAY), True),
        (evening(WEDNESDAY), evening(WEDNESDAY, 15), False),
        (evening(THURSDAY), evening(FRIDAY), True),
        # Three later sessions had closed: NSE corrects it no more.
        (evening(FRIDAY), evening(MONDAY), False),
        (evening(MONDAY), evening(dt.date(2026, 6, 1)), False),
        # The clock was turned back.
        (evening(FRIDAY), evening(WEDNESDAY), False),
    ],
)
def test_a_delivered_file_is_asked_for_once_after_each_of_three_sessions(asked_at, now, expected):
    assert is_due(Kept(b"x", asked_at), TUESDAY, now, nse()) is expected


@pytest.mark.parametrize(
    ("asked_at", "now", "expected"),
    [
        # The file of the newest session may come any minute.
        (evening(TUESDAY), evening(TUESDAY), True),
        (evening(TUESDAY), evening(WEDNESDAY, 8), True),
        (evening(TUESDAY), evening(WEDNESDAY), True),
        (evening(WEDNESDAY), evening(WEDNESDAY, 15), False),
        (evening(THURSDAY), evening(FRIDAY), True),
        (evening(FRIDAY), evening(MONDAY), False),
    ],
)
def test_a_file_that_was_not_there_is_not_asked_for_for_ever(asked_at, now, expected):
    assert is_due(Kept(None, asked_at), TUESDAY, now, nse()) is expected
