"""Arrange alerts as a person takes them up: what fires, what somebody has, what is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from src.core.alerts import SEVERITIES, Acknowledgement, Alert, AlertGroup, Key, Silence, States
from src.dashboard import readers, wording
from src.db.reconnect import Connection
from src.db.watched.alerts import AlertTables

State = Literal["firing", "unknown", "acknowledged", "silenced", "informing", "resolved"]
# In the order of their cards.
STATES: tuple[State, ...] = (
    *("firing", "unknown", "acknowledged", "silenced", "informing", "resolved"),
)
SHOWN_FOR = dt.timedelta(days=7)
# Critical causes that every page tells of.
CRITICAL = 5


@dataclass(frozen=True)
class Board:
    """What the tables of alerts hold."""

    states: States
    silences: Sequence[Silence]
    acknowledgements: Mapping[str, Acknowledgement]

    def said(self) -> object:
        """What a person is told: equal while only the time of the last look differs."""
        alerts = [(row.key, row.state, row.sentence) for row in self.states.alerts.values()]
        return sorted(alerts), self.silences, self.acknowledgements


@dataclass(frozen=True)
class Card:
    """Alerts of one rule and cause.

    Attributes:
        rule: Its name.
        name: The cause, or the subject where it has no other; empty for the installation.
        state: Of all together. ``informing`` is one that nobody needs to act on.
        severity: Empty for one that is over.
        alerts: At least one, by subject.
        since: When the first began to fire, or was first measured.
        fingerprint: What it is acknowledged by; empty for one that is over.
        taken: Who takes care of it.
        until: When the last silence of it ends.
    """

    rule: str
    name: str
    state: State
    severity: str
    alerts: tuple[Alert, ...]
    since: dt.datetime
    fingerprint: str = ""
    taken: Acknowledgement | None = None
    until: dt.datetime | None = None

    @property
    def subjects(self) -> list[str]:
        """Such as TCS.NS or NSE/short."""
        return [alert.subject for alert in self.alerts if alert.subject]

    @property
    def joined(self) -> list[str]:
        """Subjects that began to fire after somebody took care of the others."""
        if self.taken is None:
            return []
        at = self.taken.at
        return [
            row.subject for row in self.alerts if row.fired_at is not None and row.fired_at > at
        ]


def current() -> Board:
    """What the tables hold now, at most 2 seconds old."""
    return readers.read_recent(read_board, readers.now().replace(second=0, microsecond=0))


def read_board(connection: Connection, minute: dt.datetime) -> Board:
    """All alerts, the silences that were not over at ``minute``, and who takes care of what."""
    tables = AlertTables(connection)
    return Board(tables.load(), tables.silences(minute), tables.acknowledgements())


def arrange(board: Board, now: dt.datetime) -> list[Card]:
    """The cards in their order: by state, then the most severe, then the oldest first."""
    by_group: dict[Key, list[Alert]] = {}
    for alert in board.states.alerts.values():
        if alert.is_live:
            by_group.setdefault((alert.rule, alert.group), []).append(alert)
    live = [
        _live(group, by_group[key], board, now)
        for key, group in board.states.groups.items()
        if key in by_group
    ]
    taken = {(card.rule, card.name) for card in live}
    cards = [*live, *_resolved(board.states.alerts.values(), taken, now)]
    return sorted(cards, key=_order)


def open_cards() -> list[Card]:
    """The cards of what is not over, now."""
    return [card for card in arrange(current(), readers.now()) if card.state != "resolved"]


def pending(board: Board) -> list[Alert]:
    """What is bad, and has not been for long enough to be an alert."""
    found = [alert for alert in board.states.alerts.values() if alert.state == "pending"]
    return sorted(found, key=lambda alert: alert.key)


def count_firing(board: Board, now: dt.datetime) -> int:
    """Cards that fire: those that wait for a person."""
    return sum(card.state == "firing" for card in arrange(board, now))


def critical(board: Board, now: dt.datetime) -> tuple[str, ...]:
    """What critical alerts say that nobody has silenced: a sentence a cause, of the oldest."""
    cards = [card for card in arrange(board, now) if card.severity == "CRITICAL"]
    shown = [card for card in cards if card.state in ("firing", "acknowledged")]
    shown.sort(key=lambda card: card.since)
    return tuple(card.alerts[0].sentence for card in shown[:CRITICAL])


def headline(cards: Sequence[Card]) -> str:
    """Such as ``1 alert firing, 1 acknowledged, 1 resolved this week``; empty without any."""
    counts = {state: sum(card.state == state for card in cards) for state in STATES}
    words = {
        "firing": f"{wording.count(counts['firing'], 'alert')} firing",
        "unknown": f"{counts['unknown']} no longer measured",
        "acknowledged": f"{counts['acknowledged']} acknowledged",
        "silenced": f"{counts['silenced']} silenced",
        "informing": f"{counts['informing']} for information",
        "resolved": f"{counts['resolved']} resolved this week",
    }
    shown = [text for state, text in words.items() if counts[state]]  # type: ignore[index]
    if shown and not counts["firing"]:
        shown.insert(0, "Nothing is firing")
    return ", ".join(shown)


def _live(group: AlertGroup, alerts: Sequence[Alert], board: Board, now: dt.datetime) -> Card:
    taken = board.acknowledgements.get(group.fingerprint)
    # One from before the group began is of an earlier time.
    taken = taken if taken is not None and taken.at >= group.since else None
    hiding = [row for row in board.silences if any(row.hides(alert, now) for alert in alerts)]
    hidden = all(any(row.hides(alert, now) for row in hiding) for alert in alerts)
    return Card(
        group.rule,
        group.name,
        _state(group, alerts, taken is not None, hidden),
        group.severity,
        tuple(sorted(alerts, key=lambda alert: alert.subject)),
        group.since,
        group.fingerprint,
        taken,
        max(row.ends_at for row in hiding) if hidden else None,
    )


def _state(group: AlertGroup, alerts: Sequence[Alert], is_taken: bool, hidden: bool) -> State:
    if is_taken:
        return "acknowledged"
    if hidden:
        return "silenced"
    if all(alert.state == "unknown" for alert in alerts):
        return "unknown"
    return "informing" if group.severity == "INFO" else "firing"


def _resolved(alerts: Iterable[Alert], live: set[Key], now: dt.datetime) -> Iterator[Card]:
    """One card for each rule and cause of which nothing is live any more."""
    groups: dict[Key, list[Alert]] = {}
    for alert in alerts:
        at = alert.resolved_at
        if alert.state == "resolved" and at is not None and at > now - SHOWN_FOR:
            groups.setdefault((alert.rule, alert.group), []).append(alert)
    for (rule, name), rows in groups.items():
        if (rule, name) not in live:
            rows.sort(key=lambda alert: alert.subject)
            since = min(row.fired_at or row.since for row in rows)
            yield Card(rule, name, "resolved", "", tuple(rows), since)


def _order(card: Card) -> tuple[int, int, dt.datetime, str, str]:
    severity = SEVERITIES.index(card.severity) if card.severity in SEVERITIES else 0
    return STATES.index(card.state), -severity, card.since, card.rule, card.name
