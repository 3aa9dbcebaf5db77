"""Turn what was observed and what was known into what is known now and what is to be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from src.core.alerts import Acknowledgement, Alert, AlertGroup, Key, Silence, States
from src.core.calendars.calendar import Calendar
from src.core.messages import Message
from src.monitoring.alerts.clock import not_after
from src.monitoring.alerts.grouping import Moment, reason_to_tell, update_group, visible
from src.monitoring.alerts.lifecycle import advance, worst_by_key
from src.monitoring.alerts.muting import inhibited, silenced
from src.monitoring.alerts.wording import message_about
from src.monitoring.observation import Observation
from src.monitoring.rules import Rule

# Alerts that were resolved so long ago are forgotten.
KEEP_RESOLVED = dt.timedelta(days=7)


@dataclass(frozen=True)
class Step:
    """What one look came to.

    Attributes:
        states: What is known from now on.
        messages: What is to be told, in the order of rules and groups.
    """

    states: States
    messages: tuple[Message, ...] = ()


def step(
    previous: States,
    observations: Iterable[Observation],
    rules: Mapping[str, Rule],
    silences: Sequence[Silence],
    acknowledgements: Mapping[str, Acknowledgement],
    now: dt.datetime,
    calendar: Calendar,
) -> Step:
    """Judge what was observed.

    A subject that nothing was observed of counts as one that could not be measured. States of
    rules that are no longer in the table are forgotten, and nothing is told of them.

    Args:
        previous: What was known before.
        observations: In any order.
        rules: By name.
        silences: Also those that have not begun, or are over.
        acknowledgements: By fingerprint of the group.
        now: The time of the observations.
        calendar: Of the exchange whose sessions count for escalation and for rules that are
            delivered on sessions only.

    Raises:
        ValueError: An observation is of a rule that is not in the table.
    """
    alerts = _advanced(previous.alerts, observations, rules, now)
    hidden = silenced(alerts.values(), silences, now)
    known = {key: not_after(group, now) for key, group in previous.groups.items()}
    explained = inhibited(alerts.values(), known, rules)
    moment = Moment(now, calendar, acknowledgements, hidden, explained)
    for key in hidden:
        if alerts[key].is_live:
            alerts[key] = replace(alerts[key], silenced=True)
    groups: dict[Key, AlertGroup] = {}
    messages: list[Message] = []
    for key, members in sorted(_by_group(alerts.values()).items()):
        group, told, message = _judge(known.get(key), members, rules[key[0]], moment)
        alerts |= {alert.key: alert for alert in told}
        if group is not None:
            groups[key] = group
        if message is not None:
            messages.append(message)
    return Step(States(_without_old(alerts, groups, now), groups), tuple(messages))


def _advanced(
    previous: Mapping[Key, Alert],
    observations: Iterable[Observation],
    rules: Mapping[str, Rule],
    now: dt.datetime,
) -> dict[Key, Alert]:
    observed = worst_by_key(observations)
    for name, _ in observed:
        if name not in rules:
            raise ValueError(f"There is no rule named {name!r}: add it to the table of rules.")
    alerts = {}
    for key in [*previous, *(key for key in observed if key not in previous)]:
        if key[0] in rules:
            before = not_after(previous[key], now) if key in previous else None
            alert = advance(before, observed.get(key), rules[key[0]], now)
            if alert is not None:
                alerts[key] = alert
    return alerts


def _by_group(alerts: Iterable[Alert]) -> dict[Key, list[Alert]]:
    groups: dict[Key, list[Alert]] = {}
    for alert in alerts:
        groups.setdefault((alert.rule, alert.group), []).append(alert)
    return groups


def _live(alerts: Iterable[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.is_live]


def _judge(
    group: AlertGroup | None, members: Sequence[Alert], rule: Rule, moment: Moment
) -> tuple[AlertGroup | None, list[Alert], Message | None]:
    """The group as it goes on, None if it is over; the alerts told of as they do; what is told."""
    live = _live(members)
    if not live:
        return None, [], _recovery(group, members, rule, moment.now)
    group = update_group(group, live, rule, moment)
    shown = visible(group, live, moment)
    kind = reason_to_tell(group, shown, rule, moment)
    if kind is None:
        return group, [], None
    message = message_about(group, shown, rule, kind, moment.now)
    told = replace(group, told_at=moment.now, told_severity=group.severity)
    return told, _told(group, shown, moment.now), message


def _told(group: AlertGroup, shown: Iterable[Alert], now: dt.datetime) -> list[Alert]:
    return [
        replace(alert, silenced=False, told_at=alert.told_at if group.knows(alert) else now)
        for alert in shown
    ]


def _recovery(
    group: AlertGroup | None, members: Sequence[Alert], rule: Rule, now: dt.datetime
) -> Message | None:
    """Told if the trouble was told; also of what is silenced, so that nothing is left open."""
    if group is None or group.told_at is None:
        return None
    ended = [
        alert
        for alert in members
        if alert.resolved_at is not None
        and alert.resolved_at >= group.since
        and (alert.fired_at is not None or group.knows(alert))
    ]
    # None after the clock was set back.
    ended = sorted(ended or members, key=lambda alert: alert.subject)
    return message_about(group, ended, rule, "resolved", now)


def _without_old(
    alerts: Mapping[Key, Alert], groups: Mapping[Key, AlertGroup], now: dt.datetime
) -> dict[Key, Alert]:
    return {
        key: alert
        for key, alert in alerts.items()
        if alert.resolved_at is None
        or now - alert.resolved_at < KEEP_RESOLVED
        or (alert.rule, alert.group) in groups
    }
