"""How alerts are arranged and worded for the page."""

from dataclasses import replace

import pytest

from src.config.settings import Settings
from src.core.alerts import Acknowledgement, Alert, Silence, fingerprint_of
from src.core.calendars.nse import nse
from src.dashboard import alert_pages
from src.dashboard.parts.monitoring.alerts import alert_words
from src.dashboard.parts.monitoring.alerts.alert_board import (
    Board,
    Card,
    arrange,
    headline,
    pending,
)
from src.dashboard.parts.monitoring.quality import refusals
from src.data.cleaning.rules.catalogue import DAILY_RULES, HOURLY_RULES
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
    text = "\n".join(alert_words.lines_of(down, nse(), LATER, Settings()))
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
    assert "**Joined since:** B.NS." in alert_words.lines_of(down, nse(), LATER, Settings())


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


def card_of(name, cause="", sentence="It is so."):
    alert = Alert(name, "A.NS", cause, "firing", MONDAY, MONDAY, sentence, None, MONDAY)
    return Card(name, cause, "firing", "WARNING", (alert,), MONDAY)


def test_a_limit_that_is_a_setting_is_told_with_its_number():
    def line_of(name, **values):
        settings = Settings(monitoring=values)
        return alert_words.lines_of(card_of(name), nse(), LATER, settings)[1]

    low = line_of("data_quality_low", quality_alert_below=75)
    assert low.endswith("timeliness left out, is below 75 (`monitoring.quality_alert_below`).")
    assert "less than 10 % of a disk" in line_of("disk_nearly_full", min_free_disk_share=0.1)
    assert "takes longer than 90 minutes (" in line_of("run_slow", run_minutes=90)
    for name in RULES:
        assert "monitoring." not in line_of(name).partition(" (`")[0]


def test_rules_of_cleaning_are_named_in_plain_words():
    assert {rule.__name__ for rule in (*DAILY_RULES, *HOURLY_RULES)} <= set(refusals.RULES)
    assert refusals.name_of("a_new_rule") == "a new rule"
    card = card_of("bars_refused", "yahoo null_bar", "It was refused (null_bar, 2 prices).")
    assert alert_words.title_of(card) == "Bars refused: yahoo “missing prices”"
    said = alert_words.lines_of(card, nse(), LATER, Settings())
    assert said[0] == "It was refused (“missing prices”, 2 prices)."
