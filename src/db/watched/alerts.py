"""Keep the states of alerts, who takes care of which, and what is silenced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from src.core.alerts import Acknowledgement, Alert, AlertGroup, Key, Silence, States
from src.core.messages import Message
from src.db.tables.locks import ALERT_LOCK
from src.db.watched.outbox import Outbox

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T", Alert, AlertGroup)

_ALERT_COLUMNS = (
    "rule, subject, alert_group, state, since, updated_at, sentence, value, measured_at, "
    "fired_at, good_since, resolved_at, silenced, told_at"
)
_PUT_ALERT = f"""
INSERT INTO alerts ({_ALERT_COLUMNS})
VALUES (%(rule)s, %(subject)s, %(group)s, %(state)s, %(since)s, %(updated_at)s, %(sentence)s,
    %(value)s, %(measured_at)s, %(fired_at)s, %(good_since)s, %(resolved_at)s, %(silenced)s,
    %(told_at)s)
ON CONFLICT (rule, subject) DO UPDATE SET alert_group = excluded.alert_group,
    state = excluded.state, since = excluded.since, updated_at = excluded.updated_at,
    sentence = excluded.sentence, value = excluded.value, measured_at = excluded.measured_at,
    fired_at = excluded.fired_at, good_since = excluded.good_since,
    resolved_at = excluded.resolved_at, silenced = excluded.silenced, told_at = excluded.told_at
"""  # noqa: S608
_PUT_GROUP = """
INSERT INTO alert_groups (rule, name, fingerprint, severity, since, updated_at, told_at,
    told_severity)
VALUES (%(rule)s, %(name)s, %(fingerprint)s, %(severity)s, %(since)s, %(updated_at)s, %(told_at)s,
    %(told_severity)s)
ON CONFLICT (rule, name) DO UPDATE SET severity = excluded.severity, since = excluded.since,
    updated_at = excluded.updated_at, told_at = excluded.told_at,
    told_severity = excluded.told_severity
"""
_SILENCES = """
SELECT rule, subject, reason, person, starts_at, ends_at, silence_id FROM alert_silences
WHERE ends_at > %s ORDER BY silence_id
"""
_PUT_SILENCE = """
INSERT INTO alert_silences (rule, subject, reason, person, starts_at, ends_at)
VALUES (%(rule)s, %(subject)s, %(reason)s, %(person)s, %(starts_at)s, %(ends_at)s)
RETURNING silence_id
"""
_PUT_ACKNOWLEDGEMENT = """
INSERT INTO alert_acknowledgements (fingerprint, person, at, note)
VALUES (%(fingerprint)s, %(person)s, %(at)s, %(note)s)
ON CONFLICT (fingerprint) DO UPDATE SET person = excluded.person, at = excluded.at,
    note = excluded.note
"""


class AlertTables:
    """The tables of alerts over an open autocommit connection.

    Attributes:
        connection: That of the tables.
        outbox: The messages that wait to be sent, and what became of others.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.outbox = Outbox(connection)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A transaction that is the only one to change states: two watchers wait for each other."""
        with self.connection.transaction():
            self.connection.execute("SELECT pg_advisory_xact_lock(%s)", (ALERT_LOCK,))
            yield

    def load(self) -> States:
        """All alerts and groups."""
        alerts = self.connection.execute(f"SELECT {_ALERT_COLUMNS} FROM alerts")  # noqa: S608
        groups = self.connection.execute(
            "SELECT rule, name, severity, since, updated_at, told_at, told_severity "
            "FROM alert_groups"
        )
        return States(
            _by_key(Alert(*row) for row in alerts), _by_key(AlertGroup(*row) for row in groups)
        )

    def store(self, before: States, after: States, messages: Iterable[Message]) -> None:
        """Write what has changed, and put messages into the outbox.

        Acknowledgements of groups that are over end.

        Args:
            before: What ``load`` returned in the same ``exclusive`` transaction.
            after: What is known from now on.
            messages: What is to be told.
        """
        cursor = self.connection.cursor()
        cursor.executemany(_PUT_ALERT, _changed(before.alerts, after.alerts))
        groups = _changed(before.groups, after.groups)
        for row in groups:
            row["fingerprint"] = after.groups[row["rule"], row["name"]].fingerprint
        cursor.executemany(_PUT_GROUP, groups)
        cursor.executemany(
            "DELETE FROM alerts WHERE rule = %s AND subject = %s",
            [key for key in before.alerts if key not in after.alerts],
        )
        gone = [group for key, group in before.groups.items() if key not in after.groups]
        cursor.executemany(
            "DELETE FROM alert_groups WHERE rule = %s AND name = %s", [group.key for group in gone]
        )
        cursor.execute(
            "DELETE FROM alert_acknowledgements WHERE fingerprint = ANY(%s)",
            ([group.fingerprint for group in gone],),
        )
        self.outbox.add(messages)

    def silences(self, now: dt.datetime) -> list[Silence]:
        """Those that are not over, the oldest first."""
        rows = self.connection.execute(_SILENCES, (now,)).fetchall()
        return [Silence(*row) for row in rows]

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        """Who takes care of which group, by its fingerprint."""
        rows = self.connection.execute(
            "SELECT fingerprint, person, at, note FROM alert_acknowledgements"
        ).fetchall()
        return {row[0]: Acknowledgement(*row) for row in rows}

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Note who takes care of a group from now on, in the place of anybody before."""
        self.connection.execute(_PUT_ACKNOWLEDGEMENT, asdict(acknowledgement))

    def silence(self, silence: Silence) -> int:
        """Store a silence; returns its number."""
        ((number,),) = self.connection.execute(_PUT_SILENCE, asdict(silence)).fetchall()
        return int(number)

    def end_silence(self, silence_id: int, now: dt.datetime) -> bool:
        """End a silence now; False if there is none of that number that is not over."""
        ended = self.connection.execute(
            "UPDATE alert_silences SET ends_at = %s, starts_at = least(starts_at, %s) "
            "WHERE silence_id = %s AND ends_at > %s",
            (now, now, silence_id, now),
        )
        return ended.rowcount > 0


def _by_key(rows: Iterable[T]) -> dict[Key, T]:
    return {row.key: row for row in rows}


def _changed(before: Mapping[Key, T], after: Mapping[Key, T]) -> list[dict[str, Any]]:
    return [asdict(row) for key, row in after.items() if before.get(key) != row]
