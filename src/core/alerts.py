"""Alerts, what they are grouped into, and what keeps them quiet.

Times are aware. An alert is of one rule and subject; a group is what one message tells of.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

State = Literal["pending", "firing", "unknown", "resolved"]
Severity = Literal["INFO", "WARNING", "CRITICAL"]
SEVERITIES: tuple[Severity, ...] = ("INFO", "WARNING", "CRITICAL")
Kind = Literal[
    "firing", "spread", "escalated", "unsilenced", "repeat", "resolved", "test", "digest"
]
# States in which a condition was measured and no good value has been measured since.
LIVE: tuple[State, ...] = ("firing", "unknown")

Key = tuple[str, str]  # rule and subject of an alert, or rule and name of a group


def fingerprint_of(rule: str, group: str) -> str:
    """What a group is called in messages and commands, in 12 hexadecimal digits."""
    return hashlib.sha256(f"{rule}\n{group}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Alert:
    """A condition that was measured.

    Attributes:
        rule: Name of its rule.
        subject: What it was measured of; empty for the installation as a whole.
        group: The group that it is told in; it stays the same while the alert is live.
        state: ``pending`` while it has not held long enough, ``firing``, ``unknown`` when it can
            no longer be measured, ``resolved`` by a measured good value.
        since: When it was first measured.
        updated_at: When it was last looked at.
        sentence: The newest measured one.
        value: The newest measured one; None where there is none.
        measured_at: When that was.
        fired_at: When it began to fire.
        good_since: From when on good values were measured, while they have not held long enough.
        resolved_at: When it was resolved.
        silenced: Whether a silence hid it and nothing was told since.
        told_at: When a message first told of it; kept when it ends and soon comes back.
    """

    rule: str
    subject: str
    group: str
    state: State
    since: dt.datetime
    updated_at: dt.datetime
    sentence: str
    value: float | None
    measured_at: dt.datetime
    fired_at: dt.datetime | None = None
    good_since: dt.datetime | None = None
    resolved_at: dt.datetime | None = None
    silenced: bool = False
    told_at: dt.datetime | None = None

    @property
    def key(self) -> Key:
        """Rule and subject."""
        return self.rule, self.subject

    @property
    def is_live(self) -> bool:
        """Whether it fired and no good value has ended it."""
        return self.state in LIVE


@dataclass(frozen=True)
class AlertGroup:
    """Live alerts of one rule and cause.

    Attributes:
        rule: Name of the rule.
        name: The cause, or the subject where it has no other.
        severity: As it would be told now.
        since: When the first of its alerts began to fire.
        updated_at: When it was last looked at.
        told_at: When a message last told of it; None while none did.
        told_severity: With which severity.
    """

    rule: str
    name: str
    severity: Severity
    since: dt.datetime
    updated_at: dt.datetime
    told_at: dt.datetime | None = None
    told_severity: Severity = "INFO"

    @property
    def key(self) -> Key:
        """Rule and name."""
        return self.rule, self.name

    @property
    def fingerprint(self) -> str:
        """What it is called in messages and commands."""
        return fingerprint_of(self.rule, self.name)

    def knows(self, alert: Alert) -> bool:
        """Whether a message has told of this alert of the group since the group began."""
        return alert.told_at is not None and alert.told_at >= self.since


@dataclass(frozen=True)
class States:
    """All alerts that are not long over, by rule and subject, and the groups of the live ones."""

    alerts: Mapping[Key, Alert] = field(default_factory=dict)
    groups: Mapping[Key, AlertGroup] = field(default_factory=dict)

    def merged(self, other: States) -> States:
        """Both, of what both hold the one that was looked at last; only groups with live alerts.

        Of equally old ones, that of ``other``.
        """
        alerts = dict(self.alerts)
        for key, alert in other.alerts.items():
            if key not in alerts or alert.updated_at >= alerts[key].updated_at:
                alerts[key] = alert
        groups = dict(self.groups)
        for key, group in other.groups.items():
            if key not in groups or group.updated_at >= groups[key].updated_at:
                groups[key] = group
        live = {(alert.rule, alert.group) for alert in alerts.values() if alert.is_live}
        return replace(
            self, alerts=alerts, groups={key: groups[key] for key in groups if key in live}
        )


@dataclass(frozen=True)
class Silence:
    """Keeps alerts quiet for a time.

    Attributes:
        rule: Pattern of rules, with ``*`` for any text.
        subject: Pattern of subjects or groups.
        reason: Why, for others.
        person: Who wants it.
        starts_at: From when on, included.
        ends_at: Until when, excluded.
        silence_id: 0 until stored.
    """

    rule: str
    subject: str
    reason: str
    person: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    silence_id: int = 0

    def hides(self, alert: Alert, now: dt.datetime) -> bool:
        """Whether nothing is to be told of the alert at this time."""
        return (
            self.starts_at <= now < self.ends_at
            and fnmatchcase(alert.rule, self.rule)
            and any(fnmatchcase(name, self.subject) for name in (alert.subject, alert.group))
        )


@dataclass(frozen=True)
class Acknowledgement:
    """Somebody takes care of a group: of what was live then, only its end is still told."""

    fingerprint: str
    person: str
    at: dt.datetime
    note: str = ""
