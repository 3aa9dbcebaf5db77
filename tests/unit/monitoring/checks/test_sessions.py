"""How far behind a pool is, from the newest session of each of its tickers."""

import datetime as dt

from src.core.calendars.nse import nse
from src.monitoring.checks.sessions import named, newest_complete

THURSDAY, FRIDAY = dt.date(2026, 4, 16), dt.date(2026, 4, 17)
MONDAY_BEFORE, LONG_AGO = dt.date(2026, 4, 13), dt.date(2025, 9, 29)


def test_a_session_is_complete_with_four_in_five_of_its_recent_tickers():
    assert newest_complete([FRIDAY] * 4 + [THURSDAY], nse()) == FRIDAY
    assert newest_complete([FRIDAY] * 3 + [THURSDAY], nse()) == THURSDAY
    assert newest_complete([FRIDAY], nse()) == FRIDAY
    assert newest_complete([], nse()) is None


def test_tickers_without_a_bar_in_five_sessions_do_not_count():
    assert newest_complete([FRIDAY] * 4 + [LONG_AGO] * 40, nse()) == FRIDAY
    # The five sessions up to Friday: 10, 13, 15, 16, 17 April; the 14th is a holiday.
    assert newest_complete([FRIDAY] + [MONDAY_BEFORE] * 9, nse()) == MONDAY_BEFORE
    assert newest_complete([FRIDAY] + [dt.date(2026, 4, 9)] * 9, nse()) == FRIDAY


def test_five_are_named_and_the_rest_is_counted():
    assert named(["A", "B"]) == "A, B"
    assert named(list("ABCDEFG")) == "A, B, C, D, E and 2 more"
