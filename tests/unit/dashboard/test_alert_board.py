"""How alerts are arranged and worded for the page."""

from dataclasses import replace

import pytest

from src.core.alerts import Acknowledgement, Silence, fingerprint_of
from src.core.calendars.nse import nse
from src.dashboard import alert_pages
from src.dashboard.parts.monitoring import alert_words
from src.dashboard.parts.monitoring.alert_board import Board, arrange, headline, pending
from src.monitoring.rules import RULES
from tests.support.alerts import DAY, HOUR, MONDAY, Looks, rule, seen

LATER = MONDAY + 2 * DAY


@pytest.fixture
def states():
    """A critical group of two stocks, one for information, one over, and one not yet an alert."""
    looks = Looks(
        rule("down", "CRITICAL"), rule("stale"), rule("note", "INFO"), rule("slow", pending_for=DAY)
    )
    down = [seen(True, ticker, "down", cause="yahoo") for ticker in ("B.NS", "A.NS")]
    looks.at(MONDAY, *down, seen(True), seen(True, name="note"))
    looks.at(MONDAY + DAY, *down, seen(False), seen(True, name="note"))
    looks.at(LATER, *down, seen(True, name="note"), seen(True, name="slow"))
    return looks.states


def taken(at):
    fingerprint = fingerprint_of("down", "yahoo")
    return {fingerprint: Acknowledgement(fingerprint, "asha", at, "calling *them*")}


def test_cards_come_in_the_order_in_which_they_matter(states):
    board = Board(states, [], {})
    cards = arrange(board, LATER)
    assert [(card.rule, card.state) for card in cards] == [
        ("down", "firing"),
        ("note", "informing"),
        ("stale", "resolved"),
    ]
    assert cards[0].subjects == ["A.NS", "B.NS"]
    assert cards[0].severity == "CRITICAL"
    assert headline(cards).replace("\xa0", " ") == (
        "1 alert firing, 1 for information, 1 resolved this week"
    )
    assert [alert.rule for alert in pending(board)] == ["slow"]
    assert headline([]) == ""


def test_what_somebody_has_is_not_firing_until_it_comes_back(states):
    cards = arrange(Board(states, [], taken(MONDAY + HOUR)), LATER)
    down = next(card for card in cards if card.rule == "down")
    assert (down.state, down.joined) == ("acknowledged", [])
    assert headline(cards).startswith("Nothing is firing, 1 acknowledged")
    text = "\n".join(alert_words.lines_of(down, nse(), LATER))
    assert r"by asha, Mon 13 Apr 2026, 19:00 IST: calling \*them\*" in text
    assert "· 1\xa0session" in text  # the 14th is a holiday

    before = arrange(Board(states, [], taken(MONDAY - HOUR)), LATER)
    assert next(card.state for card in before if card.rule == "down") == "firing"


def test_who_joins_after_an_acknowledgement_is_named(states):
    key = ("down", "B.NS")
    late = replace(states.alerts[key], fired_at=LATER)
    changed = replace(states, alerts={**states.alerts, key: late})
    down = next(
        card
        for card in arrange(Board(changed, [], taken(MONDAY + HOUR)), LATER)
        if card.rule == "down"
    )
    assert down.joined == ["B.NS"]
    assert "**Joined since:** B.NS." in alert_words.lines_of(down, nse(), LATER)


def test_a_group_is_silenced_only_as_a_whole(states):
    def state_of(subject):
        silence = Silence("down", subject, "work", "ravi", MONDAY, LATER + HOUR)
        cards = arrange(Board(states, [silence], {}), LATER)
        return next((card.state, card.until) for card in cards if card.rule == "down")

    assert state_of("A.NS") == ("firing", None)
    assert state_of("?.NS") == ("silenced", LATER + HOUR)
    assert state_of("yahoo") == ("silenced", LATER + HOUR)


def test_every_rule_has_an_entry_and_every_cause_a_rule():
    for name in (name for names, *_ in alert_pages.CAUSES for name in names):
        assert any(rule.startswith(name) for rule in RULES), name
    for name in RULES:
        entry = alert_words.runbook_entry(name)
        assert "fix:" in entry.lower(), name
        assert "](" not in entry.replace("](http", "")
    assert alert_words.runbook_entry("no_such_rule") == ""
