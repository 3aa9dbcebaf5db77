"""Decide whether a group of live alerts is told of now, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from src.core.alerts import SEVERITIES, Acknowledgement, Alert, AlertGroup, Key, Kind, Severity
from src.core.calendars.calendar import Calendar
from src.monitoring.rules import Rule

# A group is told again when it has spread to subjects that were not told; at most once in this
# time.
SPREAD_PAUSE = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Moment:
    """What all groups are judged by at one look.

    Attributes:
        now: Its time.
        calendar: Of the exchange whose sessions count.
        acknowledgements: By fingerprint.
        silenced: Rule and subject of the alerts that a silence hides.
        inhibited: Those that another alert explains.
    """

    now: dt.datetime
    calendar: Calendar
    acknowledgements: Mapping[str, Acknowledgement]
    silenced: set[Key]
    inhibited: set[Key]

    @property
    def day(self) -> dt.date:
        """The date in the time zone of the exchange."""
        return self.now.astimezone(self.calendar.zone).date()


def update_group(
    group: AlertGroup | None, live: Sequence[Alert], rule: Rule, moment: Moment
) -> AlertGroup:
    """The group with its severity as of now; a new one if there was none.

    Args:
        group: As it was, or None.
        live: Its live alerts, at least one.
        rule: Of the group.
        moment: When, and what is quiet.
    """
    if group is None:
        since = min(alert.fired_at or alert.since for alert in live)
        group = AlertGroup(rule.name, live[0].group, rule.severity, since, moment.now)
    severity: Severity = "CRITICAL" if _has_lasted(group, rule, moment) else rule.severity
    return replace(group, severity=severity, updated_at=moment.now)


def _has_lasted(group: AlertGroup, rule: Rule, moment: Moment) -> bool:
    sessions = rule.escalate_after_sessions
    if sessions is None or rule.severity != "WARNING":
        return False
    began = group.since.astimezone(moment.calendar.zone).date()
    return moment.calendar.count(began, moment.day) >= sessions


def visible(group: AlertGroup, live: Sequence[Alert], moment: Moment) -> list[Alert]:
    """The alerts that can be told of, in the order in which a message names them.

    Neither a silence nor another alert keeps them quiet, and one that cannot be measured at this
    look was told before. Those that nobody takes care of come first, then those not yet told.
    """
    shown = [
        alert
        for alert in live
        if alert.key not in moment.silenced
        and alert.key not in moment.inhibited
        and (alert.state != "unknown" or group.knows(alert))
    ]
    return sorted(
        shown,
        key=lambda alert: (
            _is_covered(alert, group, moment),
            group.knows(alert),
            alert.subject,
        ),
    )


def reason_to_tell(
    group: AlertGroup, shown: Sequence[Alert], rule: Rule, moment: Moment
) -> Kind | None:
    """Why the group is told of now; None if it is not.

    Args:
        group: As of now.
        shown: Its visible alerts.
        rule: Of the group.
        moment: When, and who takes care of what.
    """
    if rule.needs_session and not moment.calendar.is_session(moment.day):
        return None
    shown = [alert for alert in shown if not _is_covered(alert, group, moment)]
    if not shown:
        return None
    if group.told_at is None:
        return "firing"
    since_told = moment.now - group.told_at
    reasons: dict[Kind, bool] = {
        "escalated": SEVERITIES.index(group.severity) > SEVERITIES.index(group.told_severity),
        "unsilenced": any(alert.silenced for alert in shown),
        "spread": since_told >= SPREAD_PAUSE and not all(group.knows(alert) for alert in shown),
        "repeat": rule.repeat_after is not None and since_told >= rule.repeat_after,
    }
    return next((kind for kind, holds in reasons.items() if holds), None)


def _is_covered(alert: Alert, group: AlertGroup, moment: Moment) -> bool:
    """Whether somebody took care of the group when the alert was live, or was already told."""
    taken = moment.acknowledgements.get(group.fingerprint)
    # One of an earlier time, when the same was wrong, does not count.
    if taken is None or taken.at < group.since:
        return False
    began = alert.fired_at or alert.since
    if alert.told_at is not None and group.knows(alert):
        began = min(began, alert.told_at)
    return began <= taken.at
