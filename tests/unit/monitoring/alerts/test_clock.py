"""Alerts and a clock that was once wrong."""

from tests.support.alerts import DAY, HOUR, MONDAY, Looks, rule, seen


def test_a_clock_that_is_set_back_neither_fires_nor_fails():
    looks = Looks(rule(pending_for=HOUR))
    looks.at(MONDAY, seen(True))
    assert looks.at(MONDAY - DAY, seen(True)) == []
    looks.at(MONDAY + HOUR, seen(True))

    assert looks.kinds(MONDAY - DAY, seen(False)) == ["resolved"]


def test_what_fired_while_the_clock_was_ahead_is_repeated_and_escalated_in_time():
    looks = Looks(rule(escalate_after_sessions=2))
    looks.at(MONDAY + 300 * DAY, seen(True))

    assert looks.at(MONDAY, seen(True)) == []
    kinds = [looks.kinds(MONDAY + day * DAY, seen(True)) for day in (1, 2, 3)]
    assert kinds == [["repeat"], ["repeat"], ["escalated"]]
    assert "Since 2026-04-13 12:30 UTC." in looks.messages[-1].body


def test_a_span_of_time_does_not_end_before_it_begins():
    looks = Looks()
    looks.at(MONDAY + 300 * DAY, seen(True))

    (over,) = looks.at(MONDAY, seen(False))

    assert "It lasted from 2026-04-13 12:30 UTC to 2026-04-13 12:30 UTC." in over.body
