"""Keep messages until every channel has taken them, with each try to send one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from src.core.messages import RETRY_FOR, Attempt, ChannelRecord, Delivery, Message, Status, Waiting

if TYPE_CHECKING:
    import psycopg

# Messages and what became of them are kept so long.
KEEP = dt.timedelta(days=90)

_ADD = """
INSERT INTO alert_messages (message_id, fingerprint, rule, kind, severity, at, title, body)
VALUES (%(message_id)s, %(fingerprint)s, %(rule)s, %(kind)s, %(severity)s, %(at)s, %(title)s,
    %(body)s)
ON CONFLICT DO NOTHING
"""
# A channel that was configured later, or under a new key, gets what nobody has taken yet.
_FAN_OUT = """
INSERT INTO alert_deliveries (message_id, channel, status)
SELECT m.message_id, c.channel, 'waiting'
FROM alert_messages m CROSS JOIN unnest(%(channels)s::text[]) AS c(channel)
WHERE m.at > %(oldest)s AND NOT EXISTS (
    SELECT FROM alert_deliveries d WHERE d.message_id = m.message_id
    AND (d.status = 'delivered' OR d.channel = c.channel))
ON CONFLICT DO NOTHING
"""
_GIVE_UP = """
UPDATE alert_deliveries d SET status = 'given_up' FROM alert_messages m
WHERE m.message_id = d.message_id AND d.status = 'waiting' AND m.at <= %(oldest)s
"""
# The oldest that is due, one a channel; what is about the same group stays in its order, so that
# no recovery overtakes the trouble it ends.
_CLAIM = """
WITH due AS (
    SELECT DISTINCT ON (d.channel) d.message_id, d.channel
    FROM alert_deliveries d JOIN alert_messages m USING (message_id)
    WHERE d.status = 'waiting' AND d.channel = ANY(%(channels)s)
        AND (d.next_at IS NULL OR d.next_at <= %(now)s)
        AND NOT EXISTS (
            SELECT FROM alert_deliveries e JOIN alert_messages n USING (message_id)
            WHERE e.status = 'waiting' AND e.channel = d.channel
                AND n.fingerprint = m.fingerprint
                AND (n.at, n.message_id) < (m.at, m.message_id))
    ORDER BY d.channel, m.at, m.message_id
), claimed AS (
    UPDATE alert_deliveries d SET next_at = %(claimed_until)s FROM due
    WHERE d.message_id = due.message_id AND d.channel = due.channel AND d.status = 'waiting'
        AND (d.next_at IS NULL OR d.next_at <= %(now)s)
    RETURNING d.message_id, d.channel, d.attempts
)
SELECT c.channel, c.attempts, m.fingerprint, m.rule, m.kind, m.severity, m.at, m.title, m.body
FROM claimed c JOIN alert_messages m USING (message_id) ORDER BY c.channel
"""
_ATTEMPT = """
INSERT INTO alert_attempts (message_id, channel, number, at, seconds, outcome, reason)
VALUES (%(message_id)s, %(channel)s, %(number)s, %(at)s, %(seconds)s, %(outcome)s, %(reason)s)
ON CONFLICT DO NOTHING
"""
_WAITING = """
INSERT INTO alert_deliveries (message_id, channel, status, attempts, next_at)
VALUES (%(message_id)s, %(channel)s, %(status)s, %(attempts)s, %(next_at)s)
ON CONFLICT (message_id, channel) DO UPDATE SET status = excluded.status,
    attempts = excluded.attempts, next_at = excluded.next_at
WHERE alert_deliveries.status = 'waiting'
"""
_TAKEN = """
SELECT m.fingerprint, max(m.at) FROM alert_messages m JOIN alert_deliveries d USING (message_id)
WHERE d.status = 'delivered' GROUP BY m.fingerprint
"""
_RECORDS = """
WITH last AS (
    SELECT channel, max(at) FILTER (WHERE outcome = 'delivered') AS delivered_at
    FROM alert_attempts WHERE at > %(since)s GROUP BY channel
)
SELECT l.channel, l.delivered_at,
    (SELECT count(*) FROM alert_attempts a WHERE a.channel = l.channel AND a.at > %(since)s
        AND a.outcome <> 'delivered' AND a.at > coalesce(l.delivered_at, '-infinity')),
    (SELECT count(*) FROM alert_deliveries d
        WHERE d.channel = l.channel AND d.status = 'waiting'),
    coalesce((SELECT a.reason FROM alert_attempts a WHERE a.channel = l.channel
        ORDER BY a.at DESC, a.number DESC LIMIT 1), '')
FROM last l ORDER BY l.channel
"""


class Outbox:
    """The tables ``alert_messages``, ``alert_deliveries`` and ``alert_attempts``."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def add(self, messages: Iterable[Message]) -> None:
        """Put messages in; one that is there already is left as it is."""
        rows = [asdict(message) | {"message_id": message.message_id} for message in messages]
        self._connection.cursor().executemany(_ADD, rows)

    def told(self, rule: str) -> list[str]:
        """Fingerprints of all messages of a rule that are kept."""
        rows = self._connection.execute(
            "SELECT DISTINCT fingerprint FROM alert_messages WHERE rule = %s", (rule,)
        ).fetchall()
        return [fingerprint for (fingerprint,) in rows]

    def taken(self) -> dict[str, dt.datetime]:
        """When the newest message was written that a channel has taken, by fingerprint."""
        return dict(self._connection.execute(_TAKEN).fetchall())

    def due(self, channels: Sequence[str], now: dt.datetime, claim: dt.timedelta) -> list[Delivery]:
        """What is to be sent now, at most one message a channel, the oldest first.

        Nobody else gets it for the time of the ``claim``; a process that is killed meanwhile has
        perhaps sent it, and it is sent again.
        """
        parameters = {
            "channels": list(channels),
            "now": now,
            "oldest": now - RETRY_FOR,
            "claimed_until": now + claim,
        }
        with self._connection.transaction():
            self._connection.execute(_GIVE_UP, parameters)
            self._connection.execute(_FAN_OUT, parameters)
            rows = self._connection.execute(_CLAIM, parameters).fetchall()
        return [
            Delivery(Message(*message), channel, attempts) for channel, attempts, *message in rows
        ]

    def attempted(self, attempt: Attempt, status: Status, next_at: dt.datetime | None) -> None:
        """Note how a try went, and when the next one is due."""
        waiting = Waiting(attempt.message_id, attempt.channel, status, attempt.number, next_at)
        self.take_over([], [waiting], [attempt])

    def leave_out(self, delivery: Delivery) -> None:
        """Note that the channel is not to get the message."""
        left_out = Waiting(delivery.message.message_id, delivery.channel, "given_up")
        self.take_over([], [left_out], [])

    def take_over(
        self,
        messages: Iterable[Message],
        deliveries: Iterable[Waiting],
        attempts: Iterable[Attempt],
    ) -> None:
        """Store what was kept elsewhere; twice is as once."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self.add(messages)
            cursor.executemany(_WAITING, [asdict(delivery) for delivery in deliveries])
            cursor.executemany(_ATTEMPT, [asdict(attempt) for attempt in attempts])

    def records(self, since: dt.datetime) -> list[ChannelRecord]:
        """How each channel has done since then, by name; none of those that were not tried."""
        rows = self._connection.execute(_RECORDS, {"since": since}).fetchall()
        return [ChannelRecord(*row) for row in rows]

    def forget_old(self, now: dt.datetime) -> None:
        """Delete messages of more than 90 days ago, and what became of them."""
        self._connection.execute("DELETE FROM alert_messages WHERE at < %s", (now - KEEP,))
