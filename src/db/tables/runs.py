"""The log of pipeline runs: how each one, its stages and its tickers ended."""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from src.db.tables.locks import RUN_LOCKS

if TYPE_CHECKING:
    import psycopg

# A run holds the lock of its id: who can take it proves that the run has ended. OFFSET 0 keeps the
# lock from being tried for runs that are not under way.
_CLOSE_DEAD = """
WITH dead AS (
    SELECT run_id FROM (SELECT run_id FROM pipeline_runs WHERE status = 'running' OFFSET 0) r
    WHERE pg_try_advisory_xact_lock(%s, hashtext(run_id))
)
UPDATE pipeline_runs SET status = 'interrupted',
    error = 'the process ended without finishing the run'
FROM dead WHERE pipeline_runs.run_id = dead.run_id
"""
_TICKERS = """
INSERT INTO run_tickers (run_id, ticker, session, status, stage, error)
VALUES (%(run_id)s, %(ticker)s, %(feature_date)s, %(status)s, %(stage)s, %(error)s)
"""
# How a run can end for a ticker; one that another run was working on has not ended.
ENDED = ("success", "failed")


def application_name(run_id: str) -> str:
    """The name of a run in ``pg_stat_activity`` and in the message of a run that it locks out."""
    return f"run {run_id} pid {os.getpid()}"[:63]


class RunLog:
    """The row of a run in ``pipeline_runs``, those of its stages and those of its tickers.

    Where another machine has begun a run of the same name, in the same second, host and process
    number are appended to ``run_id``.
    """

    def __init__(self, connection: psycopg.Connection[Any], run_id: str) -> None:
        self._connection = connection
        self.run_id = run_id
        self._live = False

    def started(self, ticker: str | None, *, command: str, live: bool, at: dt.datetime) -> None:
        """Log that the run begins, and that others ended without a word.

        Args:
            ticker: None for a run of many.
            command: Such as ``pipeline``.
            live: Whether it may write live tables.
            at: When it begins.
        """
        self._live = live
        self._connection.execute(_CLOSE_DEAD, (RUN_LOCKS,))
        host, pid = socket.gethostname(), os.getpid()
        for name in (self.run_id, f"{self.run_id}_{host}_{pid}"):
            self._connection.execute(
                "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (RUN_LOCKS, name)
            )
            inserted = self._connection.execute(
                "INSERT INTO pipeline_runs (run_id, ticker, command, status, live, started_at, "
                "host, pid) VALUES (%s, %s, %s, 'running', %s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                (name, ticker, command, live, at, host, pid),
            )
            if inserted.rowcount:
                self.run_id = name
                return

    def stage_ended(self, row: Mapping[str, Any]) -> None:
        """Log how a stage ended, or has gone so far.

        ``row`` is that of ``metrics.json``, and perhaps ``peak_memory_mib`` of its processes.
        """
        self._connection.execute(
            "INSERT INTO stage_runs (run_id, stage, status, started_at, rows, duration_seconds, "
            "error, peak_memory_mib) VALUES (%(run_id)s, %(stage)s, %(status)s, %(timestamp)s, "
            "%(rows_processed)s, %(duration_seconds)s, %(error_message)s, %(peak_memory_mib)s) "
            "ON CONFLICT (run_id, stage) DO UPDATE SET status = EXCLUDED.status, "
            "rows = EXCLUDED.rows, duration_seconds = EXCLUDED.duration_seconds, "
            "error = EXCLUDED.error, peak_memory_mib = EXCLUDED.peak_memory_mib",
            {"run_id": self.run_id, "peak_memory_mib": None, **row},
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

    def finished(self, results: Mapping[str, Any], at: dt.datetime) -> None:
        """Log how the run ended, and for a live run how it ended for each ticker.

        Args:
            results: ``status``, and perhaps ``data_hash``, ``config_hash``, ``error`` and
                ``tickers`` of results.json.
            at: When it ended.
        """
        names = ("status", "data_hash", "config_hash", "error")
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE pipeline_runs SET status = %(status)s, finished_at = %(at)s, data_hash = "
                "%(data_hash)s, config_hash = %(config_hash)s, error = %(error)s "
                "WHERE run_id = %(run_id)s",
                {name: results.get(name) for name in names} | {"at": at, "run_id": self.run_id},
            )
            rows = [
                {"run_id": self.run_id, "ticker": ticker, **row}
                for ticker, row in results.get("tickers", {}).items()
                if row["status"] in ENDED
            ]
            if self._live and rows:
                self._connection.cursor().executemany(_TICKERS, rows)
