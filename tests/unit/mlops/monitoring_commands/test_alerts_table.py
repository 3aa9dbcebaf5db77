"""The page of alerts for the terminal."""

from mlops.monitoring_commands.alerts_table import alerts_text
from src.core.messages import ChannelRecord
from tests.support.alerts import HOUR, MONDAY, Looks, rule, seen


def lines(looks, channels=(), taken=None):
    text = alerts_text(looks.states, [], {}, channels, taken, MONDAY, False)
    return text.splitlines()


def test_the_worst_come_first_and_what_is_unknown_says_so():
    looks = Looks(rule("a", "INFO"), rule("b"), rule("c", "CRITICAL"))
    looks.at(MONDAY, *(seen(True, name=name) for name in "abc"))
    looks.at(MONDAY + HOUR, seen(True, name="a"), seen(None, name="b"), seen(True, name="c"))

    rows = [[*line.split()[1:3], "unknown," in line] for line in lines(looks)[1::2]]

    assert rows == [["CRITICAL", "c", False], ["WARNING", "b", True], ["INFO", "a", False]]


def test_who_was_told_is_what_a_channel_took_since_the_alert_began():
    looks = Looks()
    looks.at(MONDAY, seen(True))
    (group,) = looks.states.groups.values()

    def state(taken):
        return lines(looks, taken=taken)[1].rsplit("firing, ")[1]

    assert state({}) == "nobody was told"
    assert state({group.fingerprint: MONDAY - HOUR}) == "nobody was told"
    assert state({group.fingerprint: MONDAY}) == "told 2026-04-13 12:30 UTC"
    # Without the database only the message is known, not what became of it.
    assert state(None) == "message of 2026-04-13 12:30 UTC"


def test_a_channel_with_messages_that_wait_is_named():
    waits = ChannelRecord("slack-1", None, 3, 2, "error=500")
    works = ChannelRecord("json-1", MONDAY, 0, 0, "")

    assert lines(Looks(), [works, waits]) == [
        "No alert is firing.",
        "Channel slack-1: messages that wait: 2 (error=500).",
    ]
