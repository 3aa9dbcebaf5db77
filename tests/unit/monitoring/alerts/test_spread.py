"""What is told when subjects join a group that was told before."""

import pytest

from src.core.alerts import Acknowledgement, fingerprint_of
from tests.support.alerts import HOUR, MINUTE, MONDAY, Looks, rule, seen


def yahoo(*tickers):
    return [seen(True, ticker, cause="yahoo") for ticker in tickers]


def test_a_group_that_spreads_is_told_again_at_most_once_an_hour():
    looks = Looks()
    looks.at(MONDAY, seen(True, "A.NS", cause="yahoo"))
    ten = [seen(True, f"B{number}.NS", cause="yahoo") for number in range(10)]

    assert looks.kinds(MONDAY + MINUTE, seen(True, "A.NS", cause="yahoo"), *ten) == []
    assert looks.kinds(MONDAY + HOUR, seen(True, "A.NS", cause="yahoo"), *ten) == ["spread"]
    assert looks.kinds(MONDAY + 3 * HOUR, seen(True, "A.NS", cause="yahoo"), *ten) == []
    assert looks.messages[-1].body.splitlines()[:3] == [
        "B0.NS is bad.",
        "Affected, 11 in all: B0.NS, B1.NS, B2.NS, B3.NS, B4.NS and 6 more.",
        "It has spread to 10 more: B0.NS, B1.NS, B2.NS, B3.NS, B4.NS and 5 more. "
        "Since 2026-04-13 12:30 UTC.",
    ]


def test_one_subject_that_joins_is_told_where_nothing_is_repeated():
    looks = Looks(rule(repeat_after=None))
    looks.at(MONDAY, *yahoo("A.NS", "B.NS", "C.NS"))

    assert looks.kinds(MONDAY + MINUTE, *yahoo("A.NS", "B.NS", "C.NS", "Z.NS")) == []
    (message,) = looks.at(MONDAY + HOUR, *yahoo("A.NS", "B.NS", "C.NS", "Z.NS"))

    assert message.kind == "spread"
    assert message.body.splitlines()[:2] == [
        "Z.NS is bad.",
        "Affected, 4 in all: Z.NS, A.NS, B.NS, C.NS.",
    ]


@pytest.mark.parametrize("pending", [0 * HOUR, HOUR], ids=["at once", "after an hour"])
def test_a_group_that_fluctuates_is_not_told_again_and_again(pending):
    looks = Looks(rule(repeat_after=None, pending_for=pending))
    both = yahoo("A.NS", "B.NS")
    for hour in range(3):
        looks.at(MONDAY + hour * HOUR, *both)
    for hour in range(3, 100):
        b = seen(hour % 5 > 1, "B.NS", cause="yahoo")
        assert looks.at(MONDAY + hour * HOUR, both[0], b) == []

    for hour in range(100, 130):
        looks.at(MONDAY + hour * HOUR, both[0], seen(False, "B.NS"))
    told = [looks.kinds(MONDAY + hour * HOUR, *both) for hour in range(130, 134)]
    assert [kinds for kinds in told if kinds] == [["spread"]]


def test_what_was_told_before_the_group_ended_is_told_in_the_next_one():
    looks = Looks(rule(repeat_after=None))
    looks.at(MONDAY, *yahoo("A.NS", "B.NS"))
    looks.at(MONDAY + HOUR, seen(False, "A.NS"), seen(False, "B.NS"))
    looks.at(MONDAY + 2 * HOUR, *yahoo("A.NS"), seen(False, "B.NS"))

    assert looks.kinds(MONDAY + 3 * HOUR, *yahoo("A.NS", "B.NS")) == ["spread"]


def test_an_acknowledgement_does_not_cover_what_fires_later():
    looks = Looks(rule(repeat_after=None))
    looks.at(MONDAY, *yahoo("A.NS", "B.NS"))
    fingerprint = fingerprint_of("stale", "yahoo")
    taken = Acknowledgement(fingerprint, "asha", MONDAY + HOUR)
    looks.acknowledgements[fingerprint] = taken

    assert looks.at(MONDAY + 2 * HOUR, *yahoo("A.NS"), seen(False, "B.NS")) == []
    assert looks.at(MONDAY + 4 * HOUR, *yahoo("A.NS", "B.NS")) == []
    (message,) = looks.at(MONDAY + 5 * HOUR, *yahoo("A.NS", "B.NS", "C.NS"))
    assert message.kind == "spread"
    assert "Affected, 3 in all: C.NS, A.NS, B.NS." in message.body
    assert looks.at(MONDAY + 7 * HOUR, *yahoo("A.NS", "B.NS", "C.NS")) == []


def test_what_fires_after_an_acknowledgement_is_repeated_until_it_is_taken_too():
    looks, fingerprint = Looks(), fingerprint_of("stale", "yahoo")
    looks.at(MONDAY, *yahoo("A.NS"))
    looks.acknowledgements[fingerprint] = Acknowledgement(fingerprint, "asha", MONDAY + HOUR)
    assert looks.kinds(MONDAY + 2 * HOUR, *yahoo("A.NS", "B.NS")) == ["spread"]

    assert looks.kinds(MONDAY + 26 * HOUR, *yahoo("A.NS", "B.NS")) == ["repeat"]
    looks.acknowledgements[fingerprint] = Acknowledgement(fingerprint, "asha", MONDAY + 27 * HOUR)
    assert looks.kinds(MONDAY + 51 * HOUR, *yahoo("A.NS", "B.NS")) == []
