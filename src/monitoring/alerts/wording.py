"""Write the message about a group of alerts: what is so, since when, what it means, what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from src.core.alerts import Alert, AlertGroup, Kind
from src.core.messages import Message
from src.monitoring.rules import Rule

# So many subjects are named; the others are counted.
NAMED = 5
WHY: dict[Kind, str] = {
    "escalated": "It has lasted so long that it is now critical.",
    "unsilenced": "A silence of it has ended.",
    "repeat": "It is still so.",
}


def message_about(
    group: AlertGroup, alerts: Sequence[Alert], rule: Rule, kind: Kind, now: dt.datetime
) -> Message:
    """What is sent about a group.

    Args:
        group: What it is about.
        alerts: Those of its alerts that are told, at least one, in the order of their names there.
        rule: Of the group.
        kind: Why it is sent.
        now: The time of the message.
    """
    head = "RESOLVED" if kind == "resolved" else group.severity
    title = f"{head}: {rule.name}{_of(group, alerts)} [{group.fingerprint}]"
    lines = [*_what(alerts), *_when(group, alerts, kind, now), *_then(group, rule, kind)]
    return Message(group.fingerprint, rule.name, kind, group.severity, now, title, "\n".join(lines))


def subjects_text(subjects: Sequence[str]) -> str:
    """The first five, such as ``A.NS, B.NS, C.NS, D.NS, E.NS and 495 more``."""
    text = ", ".join(subjects[:NAMED])
    return f"{text} and {len(subjects) - NAMED} more" if len(subjects) > NAMED else text


def _of(group: AlertGroup, alerts: Sequence[Alert]) -> str:
    name = f" {group.name}" if group.name else ""
    return f"{name} ({len(alerts)} subjects)" if len(alerts) > 1 else name


def _what(alerts: Sequence[Alert]) -> list[str]:
    lines = [alerts[0].sentence]
    if len(alerts) > 1:
        names = subjects_text([alert.subject for alert in alerts])
        lines.append(f"Affected, {len(alerts)} in all: {names}.")
    return lines


def _when(group: AlertGroup, alerts: Sequence[Alert], kind: Kind, now: dt.datetime) -> list[str]:
    if kind == "resolved":
        return [f"It lasted from {_time(group.since)} to {_time(now)}."]
    since = f"Since {_time(group.since)}."
    why = _spread(group, alerts) if kind == "spread" else WHY.get(kind, "")
    lines = [f"{why} {since}".strip()]
    unknown = [alert for alert in alerts if alert.state == "unknown"]
    if unknown:
        last = max(alert.measured_at for alert in unknown)
        of = f"{len(unknown)} of them" if len(alerts) > 1 else "It"
        lines.append(f"{of} could not be measured since {_time(last)}.")
    return lines


def _spread(group: AlertGroup, alerts: Sequence[Alert]) -> str:
    new = [alert.subject for alert in alerts if not group.knows(alert)]
    return f"It has spread to {len(new)} more: {subjects_text(new)}."


def _then(group: AlertGroup, rule: Rule, kind: Kind) -> list[str]:
    if kind == "resolved":
        return []
    return [
        rule.meaning,
        f"Do: {rule.action}",
        f"More: {rule.runbook}",
        f"Quiet: python -m mlops.monitoring alerts ack {group.fingerprint}",
    ]


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
