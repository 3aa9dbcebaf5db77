"""What is told of refused bars, and of sources that differ."""

import datetime as dt

import pytest

from src.db.watched.data_state import PendingAction, RefusedBar, ReturnPair
from src.monitoring.checks.prices import apart, matters, pending

FRIDAY = dt.date(2026, 4, 17)
MORNING, EVENING = (dt.datetime(2026, 4, 17, hour, tzinfo=dt.UTC) for hour in (5, 12))


@pytest.mark.parametrize(
    ("rule", "now", "told"),
    [
        ("null_bar", MORNING, False),
        ("null_bar", EVENING, True),
        ("partial_bar", EVENING, False),
        ("non_session", MORNING, True),
    ],
)
def test_a_refused_bar_matters_once_its_session_is_over(rule, now, told):
    assert matters(RefusedBar("TCS.NS", FRIDAY, "yahoo", rule, "because"), now) is told


def test_a_bar_of_an_exchange_without_a_calendar_matters():
    assert matters(RefusedBar("X.NOWHERE", FRIDAY, "yahoo", "null_bar", "because"), MORNING)


def test_a_ticker_with_one_source_is_measured_and_good():
    pairs = [ReturnPair("INFY.NS", FRIDAY, "upstox", "yahoo", 0.01, 0.03)]
    found = {row.subject: row.bad for row in apart(["TCS.NS", "INFY.NS"], pairs)}
    assert found == {"TCS.NS": False, "INFY.NS": True}


def test_two_sources_without_a_common_price_are_not_measured():
    assert list(apart(["TCS.NS"], [ReturnPair("TCS.NS", FRIDAY, "a", "b", None, 0.01)])) == []


def test_a_jump_that_an_event_explains_is_not_told_of_as_unexplained():
    jumps = [
        PendingAction("A.NS", FRIDAY, ""),
        PendingAction("A.NS", FRIDAY - dt.timedelta(days=1), "demerger"),
        PendingAction("B.NS", FRIDAY, "rights"),
        PendingAction("C.NS", FRIDAY, "split"),
    ]
    told = {
        each.subject: each.sentence for each in pending({f"{name}.NS": "" for name in "ABC"}, jumps)
    }

    assert told["A.NS"] == (
        "The price of A.NS jumps on 2026-04-17, which no known corporate action explains, and "
        "moves on 2026-04-16 by a demerger of unknown ratio: a person must decide."
    )
    assert told["B.NS"] == (
        "The price of B.NS moves on 2026-04-17 by a rights issue of unknown ratio: a person must "
        "decide."
    )
    assert "which no known corporate action explains" in told["C.NS"]
