"""Carry one alert from one look at its condition to the next.

A condition that holds makes it pending, then firing. It ends by a measured good value only: what
cannot be measured makes a firing alert unknown, and leaves a pending one as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from src.core.alerts import Alert, Key
from src.monitoring.observation import Observation
from src.monitoring.rules import Rule

# A subject that was told and comes back so soon is not news.
COMES_BACK = dt.timedelta(hours=24)
# Said of what is good where the check has no sentence for it.
GOOD = "It is as it should be again."


def worst_by_key(observations: Iterable[Observation]) -> dict[Key, Observation]:
    """The observations by rule and subject; of several of one, a bad one before an unmeasured one.

    Which of two equally bad ones is taken does not depend on their order.
    """
    worst: dict[Key, Observation] = {}
    for observation in observations:
        key = observation.rule, observation.subject
        if key not in worst or _badness(observation) > _badness(worst[key]):
            worst[key] = observation
    return worst


def _badness(observation: Observation) -> tuple[int, str, str]:
    rank = {False: 0, None: 1, True: 2}[observation.bad]
    return rank, observation.sentence, observation.cause


def advance(
    alert: Alert | None, observation: Observation | None, rule: Rule, now: dt.datetime
) -> Alert | None:
    """The alert after this look; None where there is nothing to remember.

    Args:
        alert: As it was, or None.
        observation: None where nothing was said of its subject this time.
        rule: Of both.
        now: The time of the look.
    """
    if observation is None or observation.bad is None:
        return _unmeasured(alert, now)
    if observation.bad:
        return _bad(alert, observation, rule, now)
    return _good(alert, observation, rule, now)


def _unmeasured(alert: Alert | None, now: dt.datetime) -> Alert | None:
    if alert is None or alert.state == "resolved":
        return alert
    state = "unknown" if alert.is_live else alert.state
    return replace(alert, state=state, good_since=None, updated_at=now)


def _bad(alert: Alert | None, observation: Observation, rule: Rule, now: dt.datetime) -> Alert:
    if alert is None or alert.state == "resolved":
        alert = _begun(alert, observation, rule, now)
    alert = replace(
        alert,
        sentence=observation.sentence,
        value=observation.value,
        measured_at=now,
        updated_at=now,
        good_since=None,
    )
    if alert.is_live:
        return replace(alert, state="firing")
    # What it is grouped by may still change: nobody was told of it.
    told_at = alert.told_at if alert.group == observation.group else None
    alert = replace(alert, group=observation.group, told_at=told_at)
    if now - alert.since >= rule.pending_for:
        return replace(alert, state="firing", fired_at=now)
    return alert


def _begun(before: Alert | None, observation: Observation, rule: Rule, now: dt.datetime) -> Alert:
    """A new alert; that its subject was told of stays known if it comes back soon."""
    told_at = None
    if before is not None and before.resolved_at is not None and before.group == observation.group:
        told_at = before.told_at if now - before.resolved_at <= COMES_BACK else None
    return Alert(
        rule=rule.name,
        subject=observation.subject,
        group=observation.group,
        state="pending",
        since=now,
        updated_at=now,
        sentence=observation.sentence,
        value=observation.value,
        measured_at=now,
        told_at=told_at,
    )


def _good(
    alert: Alert | None, observation: Observation, rule: Rule, now: dt.datetime
) -> Alert | None:
    if alert is None or alert.state == "resolved":
        return alert
    if alert.state == "pending" and alert.told_at is None:
        return None
    good_since = alert.good_since or now
    if alert.is_live and now - good_since < rule.keep_firing_for:
        return replace(alert, state="firing", good_since=good_since, updated_at=now)
    return replace(
        alert,
        state="resolved",
        sentence=observation.sentence or GOOD,
        value=observation.value,
        measured_at=now,
        good_since=good_since,
        resolved_at=now,
        updated_at=now,
    )
