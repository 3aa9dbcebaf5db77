"""Find out which alerts are not to be told now: silenced by a person, or caused by another one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from src.core.alerts import Alert, AlertGroup, Key, Silence
from src.monitoring.rules import Rule


def silenced(alerts: Iterable[Alert], silences: Sequence[Silence], now: dt.datetime) -> set[Key]:
    """Rule and subject of the alerts that a silence hides at this time."""
    if not silences:
        return set()
    return {alert.key for alert in alerts if any(silence.hides(alert, now) for silence in silences)}


def inhibited(
    alerts: Iterable[Alert], groups: Mapping[Key, AlertGroup], rules: Mapping[str, Rule]
) -> set[Key]:
    """Rule and subject of the live alerts that another live alert explains.

    It explains them if its rule is among their rule's ``inhibited_by``, and it is of the
    installation as a whole, of the same subject, or of the subject that is their cause. One that
    can no longer be measured goes on explaining if it was told of: else nobody would know of any.

    Args:
        alerts: As of now.
        groups: As they were before this look.
        rules: By name.
    """
    alerts = list(alerts)
    causes: dict[str, set[str]] = {}
    for alert in alerts:
        if alert.state == "firing" or (alert.is_live and _was_told(alert, groups)):
            causes.setdefault(alert.rule, set()).add(alert.subject)
    return {alert.key for alert in alerts if alert.is_live and _is_explained(alert, causes, rules)}


def _was_told(alert: Alert, groups: Mapping[Key, AlertGroup]) -> bool:
    group = groups.get((alert.rule, alert.group))
    return group is not None and group.knows(alert)


def _is_explained(alert: Alert, causes: Mapping[str, set[str]], rules: Mapping[str, Rule]) -> bool:
    named = {"", alert.subject, alert.group}
    return any(
        not named.isdisjoint(causes.get(name, ()))
        for name in rules[alert.rule].inhibited_by
        if name != alert.rule
    )
