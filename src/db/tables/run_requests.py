"""Runs that people or the schedule ask for: made once, claimed by one process, cancelled, ended.

A page only inserts rows and sets ``cancel_requested_at``; every other column is written by the
process that runs the request. It holds an advisory lock of the request's number for as long as it
lives, so that one that died is told from one at work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.errors import UsageError
from src.db.tables.locks import NEW_REQUEST_LOCK, REQUEST_LOCKS

if TYPE_CHECKING:
    import psycopg

WAITING, RUNNING = "waiting", "running"
CANCELLED, INTERRUPTED = "cancelled", "interrupted"
LIVE = (WAITING, RUNNING)
DIED = (
    "The process that ran it ended without a word: what its finished stages wrote stands. Run it "
    "again."
)

_LOCKED = f"""EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND classid = {REQUEST_LOCKS} AND objid = request_id::oid AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""  # noqa: S608
_LIVE = f"""(status = 'waiting' AND cancel_requested_at IS NULL
    OR status = 'running' AND {_LOCKED})"""
# Two requests overlap where a ticker is in both; NULL stands for all.
_SAME = f"""
SELECT request_id FROM run_requests WHERE idempotency_key = %(idempotency_key)s
    OR {_LIVE} AND (tickers IS NULL OR %(tickers)s::text[] IS NULL OR tickers && %(tickers)s)
ORDER BY idempotency_key = %(idempotency_key)s DESC, request_id LIMIT 1
"""  # noqa: S608
_INSERT = """
INSERT INTO run_requests (idempotency_key, kind, tickers, source, path, person, exchange, session,
    scheduled_at) VALUES
    (%(idempotency_key)s, %(kind)s, %(tickers)s, %(source)s, %(path)s, %(person)s, %(exchange)s,
    %(session)s, %(scheduled_at)s)
RETURNING request_id
"""
_READ = f"""
SELECT request_id, kind, tickers, source, path, person, requested_at, CASE
    WHEN status = 'waiting' AND cancel_requested_at IS NOT NULL THEN 'cancelled'
    WHEN status = 'running' AND NOT {_LOCKED} THEN 'interrupted' ELSE status END AS status,
    run_id, stage, tickers_done, tickers_total, started_at, ended_at, cancel_requested_at, error,
    exchange, session,
    extract(epoch FROM clock_timestamp() - coalesce(started_at, requested_at))::float8 AS seconds
FROM run_requests
"""  # noqa: S608
_NEWEST = f"{_READ} ORDER BY {_LIVE} DESC, request_id DESC LIMIT %s"
_CLOSE = f"""
UPDATE run_requests SET status = 'interrupted', ended_at = clock_timestamp(), error = %s
WHERE status = 'running' AND NOT {_LOCKED}
"""  # noqa: S608
# What people ask for comes first.
_WAITING = """
SELECT request_id FROM run_requests WHERE status = 'waiting' AND cancel_requested_at IS NULL
ORDER BY exchange IS NOT NULL, request_id
"""
_CLAIM = """
UPDATE run_requests SET status = 'running', started_at = clock_timestamp()
WHERE request_id = %s AND status = 'waiting' AND cancel_requested_at IS NULL
"""
# The run is the one that this process has under way. Until that has begun, and has closed dead
# ones, it may seem to be one that died under the same number.
_PROGRESS = """
UPDATE run_requests SET stage = %s, tickers_done = %s, tickers_total = %s,
    run_id = coalesce((SELECT run_id FROM pipeline_runs WHERE status = 'running'
        AND host = %s AND pid = %s ORDER BY number DESC LIMIT 1), run_id)
WHERE request_id = %s RETURNING cancel_requested_at IS NOT NULL
"""
_FINISH = """
UPDATE run_requests SET status = %s, run_id = coalesce(run_id, %s), error = %s, stage = NULL,
    ended_at = clock_timestamp() WHERE request_id = %s
"""
# Where the interrupt reached a library that made an error of it, the run says that it failed.
_INTERRUPTED = """
UPDATE pipeline_runs SET status = 'interrupted', error = %s
WHERE status = 'failed' AND run_id = (SELECT run_id FROM run_requests WHERE request_id = %s)
"""


@dataclass(frozen=True)
class NewRequest:
    """What a run is to do.

    Attributes:
        idempotency_key: Requests with the same key are one.
        kind: ``full``, or ``data`` for forecasts with the stored models.
        tickers: None for all.
        source: ``stored``, ``yahoo``, ``nse``, ``sample`` or ``csv``.
        path: Of ``csv``: a file or folder, on the machine that runs it.
        person: Who asks.
        exchange: Of a scheduled request: its code; the two below are of such a one as well.
        session: That it is to bring.
        scheduled_at: When it is made, by the clock of the worker.
    """

    idempotency_key: str
    kind: str
    tickers: Sequence[str] | None
    source: str
    path: str | None
    person: str
    exchange: str | None = None
    session: dt.date | None = None
    scheduled_at: dt.datetime | None = None


@dataclass(frozen=True)
class StoredRequest:
    """A request, and how far it is, by the clock of the database.

    Attributes:
        status: ``interrupted`` also where its process has died.
        stage: What is under way.
        tickers_done: Of ``tickers_total``, both 0 before these are known; four stocks that are
            through one of the four data stages count as one.
        exchange: Of a request that the worker made: its code; None of a person's.
        session: That such a one is to bring.
        seconds: Since it began, or since it was made while it waits.
    """

    request_id: int
    kind: str
    tickers: list[str] | None
    source: str
    path: str | None
    person: str
    requested_at: dt.datetime
    status: str
    run_id: str | None
    stage: str | None
    tickers_done: int
    tickers_total: int
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    cancel_requested_at: dt.datetime | None
    error: str | None
    exchange: str | None
    session: dt.date | None
    seconds: float

    @property
    def is_live(self) -> bool:
        """Whether it waits or runs."""
        return self.status in LIVE

    @property
    def is_scheduled(self) -> bool:
        """Whether the worker made it, for a session that has closed."""
        return self.exchange is not None

    @property
    def result(self) -> str:
        """Its status, or ``incomplete`` where it went to its end without the prices asked for."""
        return "incomplete" if self.status == "success" and self.error else self.status

    @property
    def sentence(self) -> str | None:
        """Why it did not succeed, or prices are lacking; None else, or while it is under way."""
        return DIED if self.status == INTERRUPTED and self.error is None else self.error


def submit(connection: psycopg.Connection[Any], request: NewRequest) -> tuple[int, bool]:
    """Store a request, unless one with its key or a live one for any of its tickers is there.

    Returns:
        The number of the request, or of that other one; and whether it is new.
    """
    values = {**vars(request), "tickers": sorted(request.tickers) if request.tickers else None}
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (NEW_REQUEST_LOCK,))
        row = connection.execute(_SAME, values).fetchone()
        if row is not None:
            return int(row[0]), False
        row = connection.execute(_INSERT, values).fetchone()
        assert row is not None  # noqa: S101 INSERT RETURNING returns its row
        return int(row[0]), True


def cancel(connection: psycopg.Connection[Any], request_id: int) -> None:
    """Ask for the end of a request: one that waits is over at once, one that runs soon is."""
    connection.execute(
        "UPDATE run_requests SET cancel_requested_at = clock_timestamp() WHERE request_id = %s "
        "AND cancel_requested_at IS NULL AND status IN ('waiting', 'running')",
        (request_id,),
    )


def newest(connection: psycopg.Connection[Any], limit: int) -> list[StoredRequest]:
    """The newest requests, the newest first; before all others those that wait or run."""
    from psycopg.rows import class_row

    with connection.cursor(row_factory=class_row(StoredRequest)) as cursor:
        return cursor.execute(_NEWEST, (limit,)).fetchall()


def waiting(connection: psycopg.Connection[Any]) -> list[int]:
    """The numbers of the requests that wait, in the order in which they are to be run."""
    return [request_id for (request_id,) in connection.execute(_WAITING).fetchall()]


def read(connection: psycopg.Connection[Any], request_id: int) -> StoredRequest | None:
    """A request by its number; None where there is none."""
    from psycopg.rows import class_row

    with connection.cursor(row_factory=class_row(StoredRequest)) as cursor:
        return cursor.execute(f"{_READ} WHERE request_id = %s", (request_id,)).fetchone()


def close_dead(connection: psycopg.Connection[Any]) -> None:
    """Write down that requests were interrupted whose process has died."""
    connection.execute(_CLOSE, (DIED,))


class Execution:
    """A request that this process runs; the lock is that of the connection.

    To be used by one thread at a time.
    """

    def __init__(self, connection: psycopg.Connection[Any], request_id: int) -> None:
        self._connection = connection
        self._request_id = request_id

    def claim(self) -> StoredRequest | None:
        """The request, which no other process can claim then; None where it waits no longer.

        Raises:
            UsageError: There is no such request.
        """
        key = (REQUEST_LOCKS, self._request_id)
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
        close_dead(self._connection)
        claimed = bool(row and row[0]) and self._connection.execute(_CLAIM, key[1:]).rowcount
        request = read(self._connection, self._request_id)
        if request is None:
            raise UsageError(f"There is no request {self._request_id}: see Pipeline Control.")
        return request if claimed else None

    def progress(self, stage: str, done: int, total: int, *, host: str, pid: int) -> bool:
        """Say what is under way and how many tickers are done; whether it is to be cancelled."""
        values = (stage or None, done, total, host, pid, self._request_id)
        row = self._connection.execute(_PROGRESS, values).fetchone()
        return bool(row and row[0])

    def finish(self, status: str, run_id: str | None, error: str | None) -> None:
        """Say how it ended, with one sentence where it did not succeed or prices are lacking."""
        with self._connection.transaction():
            self._connection.execute(_FINISH, (status, run_id, error, self._request_id))
            if status == CANCELLED:
                self._connection.execute(_INTERRUPTED, (error, self._request_id))
