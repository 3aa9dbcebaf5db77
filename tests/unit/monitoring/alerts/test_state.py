"""States of alerts from look to look, and what is told of them."""

import datetime as dt

import pytest

from src.core.alerts import Acknowledgement, Silence, States, fingerprint_of
from src.monitoring.observation import Observation
from tests.support.alerts import DAY, HOUR, MINUTE, MONDAY, Looks, rule, seen


def silence(start, end, rule="*", subject="*"):
    return Silence(rule, subject, "planned work", "asha", start, end)


def test_a_fault_is_told_once_and_once_that_it_is_over():
    looks = Looks()

    assert looks.kinds(MONDAY, seen(True)) == ["firing"]
    assert looks.kinds(MONDAY + MINUTE, seen(True)) == []
    assert looks.state() == "firing"
    assert looks.kinds(MONDAY + 2 * MINUTE, seen(False)) == ["resolved"]
    assert looks.state() == "resolved"
    assert looks.kinds(MONDAY + 3 * MINUTE, seen(False)) == []


def test_what_is_good_leaves_nothing_behind():
    looks = Looks()

    assert looks.at(MONDAY, seen(False), seen(None, "INFY.NS")) == []
    assert looks.states == States()


def test_a_condition_must_hold_before_it_fires_and_a_gap_does_not_count_as_good():
    looks = Looks(rule(pending_for=5 * MINUTE))

    assert looks.kinds(MONDAY, seen(True)) == []
    assert looks.state() == "pending"
    assert looks.kinds(MONDAY + 3 * MINUTE, seen(None)) == []
    assert looks.kinds(MONDAY + 6 * MINUTE, seen(None)) == []
    assert looks.state() == "pending"
    assert looks.kinds(MONDAY + 7 * MINUTE, seen(True)) == ["firing"]


def test_a_short_fault_is_not_told():
    looks = Looks(rule(pending_for=5 * MINUTE))
    for minute in range(0, 40, 4):
        assert looks.at(MONDAY + minute * MINUTE, seen(minute % 8 == 0)) == []

    assert looks.state() is None


def test_good_values_must_hold_before_it_is_over():
    looks = Looks(rule(keep_firing_for=10 * MINUTE))
    looks.at(MONDAY, seen(True))

    assert looks.kinds(MONDAY + 1 * MINUTE, seen(False)) == []
    assert looks.kinds(MONDAY + 9 * MINUTE, seen(True)) == []
    assert looks.kinds(MONDAY + 12 * MINUTE, seen(False)) == []
    assert looks.kinds(MONDAY + 15 * MINUTE, seen(None)) == []
    assert looks.kinds(MONDAY + 20 * MINUTE, seen(False)) == []
    assert looks.kinds(MONDAY + 30 * MINUTE, seen(False)) == ["resolved"]


@pytest.mark.parametrize("vanished", [[], [seen(None)]], ids=["no row", "not measured"])
def test_vanished_data_is_never_a_recovery(vanished):
    looks = Looks()
    looks.at(MONDAY, seen(True))

    assert looks.at(MONDAY + HOUR, *vanished) == []
    assert looks.state() == "unknown"
    assert looks.at(MONDAY + 2 * HOUR, seen(True)) == []
    assert looks.state() == "firing"
    assert looks.at(MONDAY + 3 * HOUR, *vanished) == []
    assert looks.kinds(MONDAY + 4 * HOUR, seen(False)) == ["resolved"]


def test_what_can_no_longer_be_measured_is_repeated_as_such():
    looks = Looks()
    looks.at(MONDAY, seen(True))

    (message,) = looks.at(MONDAY + DAY)

    assert message.kind == "repeat"
    assert "It could not be measured since 2026-04-13 12:30 UTC." in message.body


def test_500_tickers_with_one_cause_are_one_message_and_one_recovery():
    tickers = [f"T{number:03}.NS" for number in range(500)]
    looks = Looks()

    (message,) = looks.at(MONDAY, *(seen(True, t, cause="yahoo") for t in tickers))

    assert message.title == (
        f"WARNING: stale yahoo (500 subjects) [{fingerprint_of('stale', 'yahoo')}]"
    )
    named = "Affected, 500 in all: T000.NS, T001.NS, T002.NS, T003.NS, T004.NS and 495 more."
    assert named in message.body.splitlines()
    for number in range(0, 500, 100):
        good = [seen(False, t) for t in tickers[: number + 100]]
        bad = [seen(True, t, cause="yahoo") for t in tickers[number + 100 :]]
        told = looks.kinds(MONDAY + (number + 1) * MINUTE / 100, *good, *bad)
        assert told == (["resolved"] if number == 400 else [])
    assert "500 subjects" in looks.messages[-1].title


def test_a_message_says_what_is_so_what_it_means_and_what_to_do():
    looks = Looks(rule(severity="CRITICAL"))

    (message,) = looks.at(MONDAY, seen(True, sentence="The newest features are of 2026-04-01."))

    fingerprint = fingerprint_of("stale", "TCS.NS")
    assert message.title == f"CRITICAL: stale TCS.NS [{fingerprint}]"
    assert message.body.splitlines() == [
        "The newest features are of 2026-04-01.",
        "Since 2026-04-13 12:30 UTC.",
        "It matters.",
        "Do: Act.",
        "More: docs/runbook.md#stale",
        f"Quiet: python -m mlops.monitoring alerts ack {fingerprint}",
    ]
    (over,) = looks.at(MONDAY + HOUR, seen(False, sentence="The newest features are of today."))
    assert over.title == f"RESOLVED: stale TCS.NS [{fingerprint}]"
    assert over.body.splitlines() == [
        "The newest features are of today.",
        "It lasted from 2026-04-13 12:30 UTC to 2026-04-13 13:30 UTC.",
    ]


def test_the_cause_that_is_known_when_it_fires_counts():
    looks = Looks(rule(pending_for=HOUR))
    looks.at(MONDAY, seen(True), seen(True, "B.NS"))

    (message,) = looks.at(
        MONDAY + HOUR, seen(True, cause="yahoo"), seen(True, "B.NS", cause="yahoo")
    )

    assert message.fingerprint == fingerprint_of("stale", "yahoo")


def test_a_recovery_is_of_all_that_had_the_fault_however_long_ago_and_of_no_earlier_one():
    looks, both = Looks(rule(repeat_after=None)), ("A.NS", "B.NS")
    looks.at(MONDAY, *(seen(True, ticker, cause="yahoo") for ticker in both))
    looks.at(MONDAY + DAY, seen(False, "A.NS"), seen(True, "B.NS", cause="yahoo"))
    looks.at(MONDAY + 20 * DAY, seen(False, "A.NS"), seen(True, "B.NS", cause="yahoo"))

    (over,) = looks.at(MONDAY + 21 * DAY, seen(False, "A.NS"), seen(False, "B.NS"))
    assert "stale yahoo (2 subjects)" in over.title
    looks.at(MONDAY + 22 * DAY, seen(False, "A.NS"), seen(True, "B.NS", cause="yahoo"))
    (again,) = looks.at(MONDAY + 23 * DAY, seen(False, "A.NS"), seen(False, "B.NS"))
    assert "stale yahoo [" in again.title


def test_an_alert_stays_in_the_group_that_was_told_of_it():
    looks = Looks()
    looks.at(MONDAY, seen(True))

    assert looks.at(MONDAY + HOUR, seen(True, cause="yahoo")) == []
    (over,) = looks.at(MONDAY + 2 * HOUR, seen(False))
    assert over.fingerprint == looks.messages[0].fingerprint


def test_it_is_repeated_while_it_fires_and_never_without_an_interval():
    often, never = rule(repeat_after=DAY), rule("rare", repeat_after=None)
    looks = Looks(often, never)
    days = range(5)

    kinds = [looks.kinds(MONDAY + day * DAY, seen(True), seen(True, name="rare")) for day in days]

    assert kinds == [["firing", "firing"], *[["repeat"]] * 4]


def test_the_cause_mutes_its_effects_and_what_is_still_so_is_told_after_it():
    down = rule("down", "CRITICAL", repeat_after=None)
    stale = rule(inhibited_by=("down",))
    looks = Looks(down, stale)

    assert looks.kinds(MONDAY, seen(True, "", "down"), seen(True), seen(True, "B.NS")) == ["firing"]
    looks.at(MONDAY + HOUR, seen(True, "", "down"), seen(True), seen(False, "B.NS"))
    later = looks.at(MONDAY + 2 * HOUR, seen(False, "", "down"), seen(True), seen(False, "B.NS"))

    told = [(message.rule, message.kind) for message in later]
    assert told == [("down", "resolved"), ("stale", "firing")]


@pytest.mark.parametrize(
    ("subject", "cause", "muted"),
    [("", "", True), ("TCS.NS", "", True), ("yahoo", "", False), ("yahoo", "yahoo", True)],
)
def test_a_cause_mutes_the_same_subject_and_what_names_it(subject, cause, muted):
    looks = Looks(rule("down"), rule(inhibited_by=("down", "stale")))

    told = looks.at(MONDAY, seen(True, subject, "down"), seen(True, cause=cause))

    assert [message.rule for message in told] == (["down"] if muted else ["down", "stale"])


def test_a_cause_that_can_no_longer_be_measured_still_mutes_what_it_explains():
    looks = Looks(rule("down"), rule(inhibited_by=("down",)))
    looks.at(MONDAY, seen(True, "", "down"), seen(True))

    assert looks.at(MONDAY + MINUTE, seen(None, "", "down"), seen(None)) == []
    assert looks.at(MONDAY + 2 * MINUTE, seen(None, "", "down"), seen(True)) == []
    told = looks.at(MONDAY + 3 * MINUTE, seen(False, "", "down"), seen(True))
    assert [message.kind for message in told] == ["resolved", "firing"]


def test_a_cause_that_nobody_was_told_of_mutes_while_it_is_measured_only():
    rules = rule("down"), rule(inhibited_by=("down",))
    looks = Looks(*rules, silences=[silence(MONDAY, MONDAY + HOUR, "down")])
    assert looks.at(MONDAY, seen(True, "", "down"), seen(True)) == []

    (message,) = looks.at(MONDAY + 2 * HOUR, seen(None, "", "down"), seen(True))

    assert message.rule == "stale"


def test_what_cannot_be_measured_is_not_told_before_it_is_measured_again():
    looks = Looks(silences=[silence(MONDAY, MONDAY + HOUR)])
    looks.at(MONDAY, seen(True))

    assert looks.at(MONDAY + HOUR, seen(None)) == []
    assert looks.kinds(MONDAY + 2 * HOUR, seen(True)) == ["firing"]


def test_a_silence_that_ends_while_it_fires_is_told_once():
    looks = Looks(silences=[silence(MONDAY, MONDAY + 2 * HOUR)])

    assert looks.kinds(MONDAY, seen(True)) == []
    assert looks.kinds(MONDAY + HOUR, seen(True)) == []
    assert looks.kinds(MONDAY + 2 * HOUR, seen(True)) == ["firing"]
    assert looks.kinds(MONDAY + 3 * HOUR, seen(True)) == []


def test_a_silence_of_what_was_told_before_is_told_once_at_its_end():
    looks = Looks(silences=[silence(MONDAY + HOUR, MONDAY + 50 * HOUR)])
    looks.at(MONDAY, seen(True))

    hours = range(1, 53)
    told = {hour: looks.kinds(MONDAY + hour * HOUR, seen(True)) for hour in hours}

    assert {hour: kinds for hour, kinds in told.items() if kinds} == {50: ["unsilenced"]}


def test_what_ends_under_a_silence_is_told_only_if_its_beginning_was():
    before = Looks(silences=[silence(MONDAY + HOUR, MONDAY + 9 * HOUR)])
    within = Looks(silences=[silence(MONDAY, MONDAY + 9 * HOUR)])
    for looks in (before, within):
        looks.at(MONDAY, seen(True))

    assert before.kinds(MONDAY + 2 * HOUR, seen(False)) == ["resolved"]
    assert within.kinds(MONDAY + 2 * HOUR, seen(False)) == []


def test_a_silence_hides_what_its_patterns_match_and_nothing_else():
    looks = Looks(
        rule(), rule("other"), silences=[silence(MONDAY, MONDAY + HOUR, "stale", "T*.NS")]
    )

    told = looks.at(MONDAY, seen(True), seen(True, "INFY.NS"), seen(True, name="other"))

    assert [(message.rule, message.title.split()[2]) for message in told] == [
        ("other", "TCS.NS"),
        ("stale", "INFY.NS"),
    ]


def test_a_silenced_ticker_is_left_out_of_its_group():
    looks = Looks(silences=[silence(MONDAY, MONDAY + HOUR, subject="TCS.NS")])
    both = seen(True, cause="yahoo"), seen(True, "INFY.NS", cause="yahoo")

    (message,) = looks.at(MONDAY, *both)
    assert "TCS.NS" not in message.body
    (message,) = looks.at(MONDAY + HOUR, *both)
    assert (message.kind, "TCS.NS" in message.body) == ("unsilenced", True)


def test_who_acknowledges_is_left_alone_until_it_clears():
    looks = Looks(rule(escalate_after_sessions=2))
    looks.at(MONDAY, seen(True))
    fingerprint = fingerprint_of("stale", "TCS.NS")
    taken = Acknowledgement(fingerprint, "asha", MONDAY + HOUR)
    looks.acknowledgements[fingerprint] = taken

    for day in range(1, 6):
        assert looks.at(MONDAY + day * DAY, seen(True)) == []
    assert looks.kinds(MONDAY + 6 * DAY, seen(False)) == ["resolved"]
    assert looks.kinds(MONDAY + 7 * DAY, seen(True)) == ["firing"]


def test_a_warning_that_lasts_becomes_critical_by_sessions_not_by_days():
    # Friday 2026-04-10; the 13th is the first session after it, and the 14th a holiday.
    friday = MONDAY - 3 * DAY
    looks = Looks(rule(escalate_after_sessions=2, repeat_after=None))
    looks.at(friday, seen(True))
    kinds = [looks.kinds(friday + day * DAY, seen(True)) for day in range(1, 7)]

    assert kinds == [[], [], [], [], ["escalated"], []]
    assert looks.messages[-1].severity == "CRITICAL"
    assert looks.messages[-1].title.startswith("CRITICAL: stale TCS.NS")


@pytest.mark.parametrize("severity", ["INFO", "CRITICAL"])
def test_only_a_warning_becomes_critical(severity):
    looks = Looks(rule(severity=severity, escalate_after_sessions=2, repeat_after=None))
    for day in range(10):
        looks.at(MONDAY + day * DAY, seen(True))

    assert [(message.kind, message.severity) for message in looks.messages] == [
        ("firing", severity)
    ]


def test_on_days_without_a_session_nothing_is_told_that_needs_one():
    saturday, looks = MONDAY - 2 * DAY, Looks(rule(needs_session=True))
    # 00:10 of Monday in India.
    midnight = dt.datetime(2026, 4, 12, 18, 40, tzinfo=dt.UTC)

    assert looks.kinds(saturday, seen(True)) == []
    assert looks.kinds(midnight - HOUR, seen(True)) == []
    assert looks.kinds(midnight, seen(True)) == ["firing"]


def test_of_two_observations_of_one_subject_the_worse_counts():
    looks = Looks()

    assert looks.kinds(MONDAY, seen(False), seen(True), seen(None)) == ["firing"]
    looks.at(MONDAY + MINUTE, seen(False), seen(None))
    assert looks.state() == "unknown"


def test_a_rule_that_is_not_declared_is_an_error_and_one_withdrawn_is_forgotten():
    looks = Looks(rule(), rule("old"))
    with pytest.raises(ValueError, match="no rule named 'odd'"):
        looks.at(MONDAY, seen(True, name="odd"))
    looks.at(MONDAY, seen(True, name="old"), seen(True))
    del looks.rules["old"]

    assert looks.at(MONDAY + MINUTE, seen(True)) == []
    assert set(looks.states.alerts) == set(looks.states.groups) == {("stale", "TCS.NS")}


def test_what_is_long_over_is_forgotten():
    looks = Looks()
    looks.at(MONDAY, seen(True))
    looks.at(MONDAY + HOUR, seen(False))
    looks.at(MONDAY + 7 * DAY, seen(False))
    assert looks.state() == "resolved"

    looks.at(MONDAY + 8 * DAY, seen(False))

    assert looks.states == States()


def test_a_recovery_without_a_sentence_says_that_it_is_as_it_should_be():
    looks = Looks()
    looks.at(MONDAY, seen(True))

    (over,) = looks.at(MONDAY + HOUR, Observation("stale", "TCS.NS", False, ""))

    assert over.body.splitlines()[0] == "It is as it should be again."
    assert looks.states.alerts["stale", "TCS.NS"].sentence == "It is as it should be again."
