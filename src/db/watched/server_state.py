"""Read how the database server itself does: its speed, its clock, what it refuses, who waits."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.db.connection import READER, WRITER, control_connection, one_sentence_errors

if TYPE_CHECKING:
    import psycopg

# One that a run writes to, as an example of all.
_WRITTEN = "pipeline_runs"
# What pages see as the reader is what runs, as the writer, will meet.
_STATE = f"""
SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
    has_table_privilege(role, %s, 'INSERT'), role, clock_timestamp()
FROM (SELECT CASE current_user WHEN '{READER}' THEN '{WRITER}' ELSE current_user END AS role) runs
"""  # noqa: S608 names of roles
_OLDEST = """
SELECT pid, coalesce(nullif(application_name, ''), 'a session without a name'), usename,
    extract(epoch FROM clock_timestamp() - xact_start)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND xact_start IS NOT NULL
    AND pid <> pg_backend_pid()
ORDER BY xact_start LIMIT 1
"""


@dataclass(frozen=True)
class OpenTransaction:
    """A transaction that has not ended: who has it open, and for how many seconds."""

    pid: int
    application: str
    user: str
    seconds: float


@dataclass(frozen=True)
class ServerState:
    """How the server did when it was asked.

    Attributes:
        seconds: For a new connection and one short query.
        refuses_writes: Why it accepts no changes; empty where it does.
        clock: Its time, UTC.
        oldest: The transaction that has been open the longest; None without one.
    """

    seconds: float
    refuses_writes: str
    clock: dt.datetime
    oldest: OpenTransaction | None


def server_state(url: str) -> ServerState:
    """Connect anew and ask.

    Raises:
        DatabaseUnavailable: It does not answer.
    """
    started = time.perf_counter()
    with one_sentence_errors(url), control_connection(url, "tcsns-monitor") as connection:
        row = connection.execute(_STATE, (_WRITTEN,)).fetchone()
        seconds = time.perf_counter() - started
        oldest = connection.execute(_OLDEST).fetchone()
    assert row is not None  # noqa: S101 a SELECT without a table has one row
    in_recovery, read_only, may_insert, user, clock = row
    return ServerState(
        seconds=seconds,
        refuses_writes=_refusal(user, in_recovery, read_only, may_insert),
        clock=clock.astimezone(dt.UTC),
        oldest=_transaction(oldest) if oldest else None,
    )


def limit_statements(connection: psycopg.Connection[Any], seconds: int) -> None:
    """End every later statement of a connection that takes longer."""
    connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{seconds}s",))


def _refusal(user: str, in_recovery: bool, read_only: bool, may_insert: bool) -> str:
    if in_recovery:
        return "it is a standby, or still recovers"
    if read_only:
        return f"transactions of {user} are read-only (default_transaction_read_only)"
    return "" if may_insert else f"the role {user} may not write to {_WRITTEN}"


def _transaction(row: tuple[Any, ...]) -> OpenTransaction:
    pid, application, user, seconds = row
    return OpenTransaction(pid, application, user, float(seconds))
