"""Judge what was observed, remember it, and send what is to be told: the one way alerts go.

States and messages are kept in the database. While it is away, or refuses to be written, they are
kept in the journal, which is taken over by the database as soon as that is back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from src.config import logs
from src.core.calendars.calendar import Calendar
from src.core.errors import DatabaseRefused, DatabaseUnavailable, one_line
from src.core.messages import Attempt
from src.db.connection import one_sentence_errors, url_of
from src.db.watched.alerts import AlertTables
from src.monitoring.alerts.state import Step, step
from src.monitoring.delivery.channels import Channel
from src.monitoring.delivery.journal import Content, Journal
from src.monitoring.delivery.send import deliver
from src.monitoring.observation import Observation
from src.monitoring.rules import Rule

log = logs.get(__name__)


def raise_alerts(
    tables: AlertTables | None,
    journal: Journal,
    channels: Sequence[Channel],
    observations: Sequence[Observation],
    rules: Mapping[str, Rule],
    now: dt.datetime,
    calendar: Calendar,
) -> tuple[Step, list[Attempt]]:
    """Judge, remember and send; returns what is known now, and the tries to send messages.

    Args:
        tables: Those of the database; None while it is away.
        journal: The same object in every call of a process: it is kept in memory where the disk
            cannot be written either.
        channels: Where messages are sent.
        observations: What was observed, all of it.
        rules: By name.
        now: The time of the observations.
        calendar: Of the exchange whose sessions count.
    """
    if tables is not None:
        try:
            with one_sentence_errors(url_of(tables.connection)):
                result = _record(tables, journal, observations, rules, now, calendar)
                return result, _logged(deliver(tables.outbox, channels, now))
        except (DatabaseUnavailable, DatabaseRefused) as error:
            log.warning(f"Alerts are kept in the journal: {one_line(error)}")
    result = _record_in_journal(journal, observations, rules, now, calendar)
    return result, _logged(deliver(journal, channels, now))


def _logged(attempts: list[Attempt]) -> list[Attempt]:
    for attempt in attempts:
        facts = {"message_id": attempt.message_id, "attempt": attempt.number}
        if attempt.outcome == "delivered":
            log.info(f"An alert was delivered through {attempt.channel}.", **facts)
        else:
            log.warning(
                f"An alert was not delivered through {attempt.channel} ({attempt.reason}): "
                "it is tried again.",
                **facts,
            )
    return attempts


def _record(
    tables: AlertTables,
    journal: Journal,
    observations: Sequence[Observation],
    rules: Mapping[str, Rule],
    now: dt.datetime,
    calendar: Calendar,
) -> Step:
    with journal.exclusive():
        kept = journal.read()
        with tables.exclusive():
            before = tables.load()
            known = before
            if kept.offline:
                tables.outbox.take_over(kept.messages, kept.deliveries, kept.attempts)
                known = before.merged(kept.states)
            silences, acknowledged = tables.silences(now), tables.acknowledgements()
            result = step(known, observations, rules, silences, acknowledged, now, calendar)
            tables.store(before, result.states, result.messages)
            tables.outbox.forget_old(now)
        # Only now: if the process is killed before, the same is taken over again.
        content = Content(
            silences=tuple(silences), acknowledgements=tuple(acknowledged.values())
        ).with_states(result.states)
        if kept.offline or _essence(content) != _essence(kept):
            journal.write(content)
    return result


def _record_in_journal(
    journal: Journal,
    observations: Sequence[Observation],
    rules: Mapping[str, Rule],
    now: dt.datetime,
    calendar: Calendar,
) -> Step:
    with journal.exclusive():
        kept = journal.read()
        acknowledged = {taken.fingerprint: taken for taken in kept.acknowledgements}
        result = step(kept.states, observations, rules, kept.silences, acknowledged, now, calendar)
        messages = (*kept.messages, *result.messages)
        journal.write(replace(kept, offline=True, messages=messages).with_states(result.states))
    return result


def _essence(content: Content) -> tuple[object, ...]:
    """What must not be lost with the database: not when something was last measured."""
    return (
        {(alert.key, alert.state) for alert in content.alerts},
        {(group.fingerprint, group.told_at) for group in content.groups},
        content.silences,
        content.acknowledgements,
    )
