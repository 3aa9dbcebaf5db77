"""The log of pipeline runs, and the locks that let one run per ticker work at a time."""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.errors import RunLocked

if TYPE_CHECKING:
    import psycopg

# The first key of the two-part advisory lock; the second is a hash of the ticker.
TICKER_LOCKS = 7203002


@contextmanager
def ticker_locks(connection: psycopg.Connection[Any], tickers: Sequence[str]) -> Iterator[None]:
    """Hold the lock of every ticker.

    The locks belong to the connection: when its process dies, PostgreSQL releases them.

    Raises:
        RunLocked: Another run, named in the message, holds one of them; none is held then.
    """
    locked: list[str] = []
    try:
        for ticker in sorted(tickers):
            if not _lock_function(connection, "pg_try_advisory_lock", ticker):
                raise RunLocked(_holder_of(connection, ticker))
            locked.append(ticker)
        yield
    finally:
        if not connection.closed:
            for ticker in locked:
                _lock_function(connection, "pg_advisory_unlock", ticker)


def _lock_function(connection: psycopg.Connection[Any], function: str, ticker: str) -> bool:
    row = connection.execute(
        f"SELECT {function}(%s, hashtext(%s))",
        (TICKER_LOCKS, ticker),
    ).fetchone()
    return bool(row and row[0])


def _holder_of(connection: psycopg.Connection[Any], ticker: str) -> str:
    row = connection.execute(
        "SELECT a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a "
        "USING (pid) WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s "
        "AND l.objid = (hashtext(%s)::bigint & 4294967295)::oid",
        (TICKER_LOCKS, ticker),
    ).fetchone()
    if row is None:
        return f"A run for {ticker} held the lock and has just ended: try again."
    return (
        f"A run for {ticker} is already in progress ({row[0]}, since {row[1]:%Y-%m-%d %H:%M:%S} "
        "UTC): wait for it to end, then try again."
    )


def application_name(run_id: str) -> str:
    """The name of a run in ``pg_stat_activity`` and in the message of a run that it locks out."""
    return f"run {run_id} pid {os.getpid()}"[:63]


class RunLog:
    """The row of a run in ``pipeline_runs`` and those of its stages in ``stage_runs``.

    Where another machine has begun a run of the same name, in the same second, host and process
    number are appended to ``run_id``.
    """

    def __init__(self, connection: psycopg.Connection[Any], run_id: str) -> None:
        self._connection = connection
        self.run_id = run_id

    def started(self, ticker: str, *, command: str, live: bool, at: dt.datetime) -> None:
        """Log that the run begins; a live one marks unfinished runs of its ticker as interrupted.

        One that is not live holds no lock, so that others may be under way.
        """
        if live:
            self._connection.execute(
                "UPDATE pipeline_runs SET status = 'interrupted', error = 'the process ended "
                "without finishing the run' WHERE ticker = %s AND status = 'running'",
                (ticker,),
            )
        host, pid = socket.gethostname(), os.getpid()
        for name in (self.run_id, f"{self.run_id}_{host}_{pid}"):
            inserted = self._connection.execute(
                "INSERT INTO pipeline_runs (run_id, ticker, command, status, live, started_at, "
                "host, pid) VALUES (%s, %s, %s, 'running', %s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                (name, ticker, command, live, at, host, pid),
            )
            if inserted.rowcount:
                self.run_id = name
                return

    def stage_ended(self, row: dict[str, Any]) -> None:
        """Log how a stage ended; ``row`` is that of ``metrics.json``."""
        self._connection.execute(
            "INSERT INTO stage_runs (run_id, stage, status, started_at, rows, duration_seconds, "
            "error) VALUES (%(run_id)s, %(stage)s, %(status)s, %(timestamp)s, "
            "%(rows_processed)s, %(duration_seconds)s, %(error_message)s)",
            {"run_id": self.run_id, **row},
        )

    def reset_connection(self) -> None:
        """Make the connection usable again after a signal interrupted one of its commands."""
        from psycopg.pq import TransactionStatus

        pgconn = self._connection.pgconn
        if pgconn.transaction_status == TransactionStatus.ACTIVE:
            self._connection.cancel_safe(timeout=5)
            while pgconn.get_result() is not None:
                pass
        if pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            pgconn.exec_(b"ROLLBACK")

    def finished(self, results: dict[str, Any], at: dt.datetime) -> None:
        """Log how the run ended: ``status, data_hash, config_hash`` and perhaps ``error``."""
        self._connection.execute(
            "UPDATE pipeline_runs SET status = %s, finished_at = %s, data_hash = %s, "
            "config_hash = %s, error = %s WHERE run_id = %s",
            (
                results["status"],
                at,
                results.get("data_hash"),
                results.get("config_hash"),
                results.get("error"),
                self.run_id,
            ),
        )
