"""Read what the schedule has tried and finished, and note the sessions that were passed over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# A request that was cancelled while it waited stays as it is: nobody works on it.
_TRIES = """
SELECT session, tickers, CASE WHEN status = 'waiting' AND cancel_requested_at IS NOT NULL
    THEN 'cancelled' ELSE status END AS status, scheduled_at,
    extract(epoch FROM coalesce(ended_at, CASE WHEN status = 'waiting' THEN cancel_requested_at END)
        - requested_at)::float8 AS seconds, error
FROM run_requests WHERE exchange = %s AND session >= %s ORDER BY request_id
"""
_FINISHED = """
SELECT t.ticker, (SELECT r.session FROM run_tickers r WHERE r.ticker = t.ticker
    AND r.status = 'success' AND r.session IS NOT NULL ORDER BY r.session DESC LIMIT 1)
FROM unnest(%s::text[]) t(ticker)
"""
_MISSED = """
INSERT INTO missed_sessions (exchange, session)
SELECT %s, unnest(%s::date[]) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class StoredTry:
    """A scheduled request; ``seconds`` from its making to its end, None while it is live.

    ``error`` is why it did not succeed, or prices are lacking.
    """

    session: dt.date
    tickers: list[str]
    status: str
    scheduled_at: dt.datetime
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class MissedSession:
    """A session that was passed over."""

    exchange: str
    session: dt.date


def tries(connection: psycopg.Connection[Any], exchange: str, since: dt.date) -> list[StoredTry]:
    """The scheduled requests of an exchange for sessions since that day, the oldest first."""
    return _read(connection, StoredTry, _TRIES, exchange, since)


def finished(
    connection: psycopg.Connection[Any], tickers: Sequence[str]
) -> dict[str, dt.date | None]:
    """The newest session that a run has finished for each ticker; None where none has."""
    return dict(connection.execute(_FINISHED, (list(tickers),)).fetchall())


def note_missed(
    connection: psycopg.Connection[Any], exchange: str, sessions: Iterable[dt.date]
) -> None:
    """Note sessions for which no forecast was made in time; twice is as once."""
    connection.execute(_MISSED, (exchange, list(sessions)))


def missed(connection: psycopg.Connection[Any]) -> list[MissedSession]:
    """The sessions that were passed over, the newest first."""
    query = "SELECT exchange, session FROM missed_sessions ORDER BY session DESC, exchange"
    return _read(connection, MissedSession, query)


def _read(
    connection: psycopg.Connection[Any], kind: type[Any], query: str, *parameters: Any
) -> list[Any]:
    from psycopg.rows import class_row

    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()
