"""Keep which workers there are, and when each of them was last seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# A worker that has been silent for so many seconds is dead.
DEAD_AFTER = 120.0

_ADD = "INSERT INTO workers (host, pid) VALUES (%s, %s) RETURNING worker_id"
_SEEN = "UPDATE workers SET seen_at = clock_timestamp(), stopped_at = NULL WHERE worker_id = %s"
_STOPPED = """
UPDATE workers SET seen_at = clock_timestamp(), stopped_at = clock_timestamp()
WHERE worker_id = %s
"""
_NEWEST = """
SELECT host, pid, started_at, seen_at, stopped_at,
    extract(epoch FROM clock_timestamp() - started_at)::float8 AS age,
    extract(epoch FROM clock_timestamp() - seen_at)::float8 AS silence
FROM workers ORDER BY worker_id DESC LIMIT %s
"""


@dataclass(frozen=True)
class StoredWorker:
    """A worker, by the clock of the database.

    Attributes:
        stopped_at: When it said that it ends; None while it works, and where it was killed.
        age: Seconds since it started.
        silence: Seconds since it was last seen.
    """

    host: str
    pid: int
    started_at: dt.datetime
    seen_at: dt.datetime
    stopped_at: dt.datetime | None
    age: float
    silence: float


class WorkerRow:
    """The row of this process, made at the first sign of life."""

    def __init__(self, host: str, pid: int) -> None:
        self._host, self._pid = host, pid
        self._id: int | None = None

    def seen(self, connection: psycopg.Connection[Any]) -> None:
        """Say that it works; where the row is gone, as after a restore, there is a new one."""
        if self._id is not None and connection.execute(_SEEN, (self._id,)).rowcount:
            return
        row = connection.execute(_ADD, (self._host, self._pid)).fetchone()
        assert row is not None  # noqa: S101 INSERT RETURNING returns its row
        self._id = int(row[0])

    def stopped(self, connection: psycopg.Connection[Any]) -> None:
        """Say that it ends as it should."""
        connection.execute(_STOPPED, (self._id,))


def newest_workers(connection: psycopg.Connection[Any], limit: int) -> list[StoredWorker]:
    """The workers that started last, the newest first."""
    from psycopg.rows import class_row

    with connection.cursor(row_factory=class_row(StoredWorker)) as cursor:
        return cursor.execute(_NEWEST, (limit,)).fetchall()
