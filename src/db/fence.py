"""Let workers write for a run only as long as it lives, and never two of them for one ticker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from src.core.errors import WorkerRefused
from src.db.bulk.cursors import cursor, execute, fetch
from src.db.connection import without_credentials
from src.db.tables.locks import RUN_LOCKS, TICKER_LOCKS, WRITER_LOCKS

if TYPE_CHECKING:
    import psycopg

    from src.db.database import Database

# Sorted, so that two workers never wait for each other.
_LOCK = """
SELECT count(pg_advisory_xact_lock($1::integer, key)) FROM (
    SELECT hashtext(name) AS key FROM unnest(string_to_array($2, ',')) name ORDER BY 1) keys
"""
_IS_HELD = """
SELECT NOT EXISTS (
    SELECT $1::integer, (hashtext(name)::bigint & 4294967295)::oid
        FROM unnest(string_to_array($2, ',')) name
    UNION ALL SELECT $3::integer, (hashtext($4)::bigint & 4294967295)::oid
    EXCEPT SELECT classid::bigint::integer, objid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND pid = $5::integer
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held
"""
# The server notices in half a minute that the machine of a worker is gone, whose transaction would
# else keep its locks for hours.
_NOTICE_LOSS = """
SELECT count(set_config(name, value, true)) FROM (VALUES ('tcp_keepalives_idle', '10'),
    ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '4'),
    ('client_connection_check_interval', '10s')) settings(name, value)
"""


@dataclass(frozen=True)
class RunFence:
    """By what workers see that the run whose tasks they have still works, on this database.

    Attributes:
        run_id: Its name in ``pipeline_runs``.
        pid: The process of the server that holds its locks.
    """

    run_id: str
    pid: int

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], run_id: str) -> RunFence:
        """That of the run whose locks this connection holds."""
        return cls(run_id, connection.info.backend_pid)

    @contextmanager
    def around(self, database: Database, tickers: Sequence[str]) -> Iterator[None]:
        """Let each transaction of the store begin with ``enter``."""
        database.store.begin = partial(self.enter, tickers=tickers, url=database.url)
        try:
            yield
        finally:
            database.store.begin = None

    def enter(self, connection: Any, tickers: Sequence[str], url: str) -> None:
        """Wait for another worker's transaction of these tickers, then see that the run has them.

        Until this transaction ends, no other worker writes rows of them, and no run begins with
        them.

        Raises:
            WorkerRefused: The run has ended, or has them in another database.
        """
        names = ",".join(tickers)
        with cursor(connection) as cur:
            cur.execute(_NOTICE_LOSS)
            fetch(cur)
            execute(cur, _LOCK, (WRITER_LOCKS, names))
            fetch(cur)
            execute(cur, _IS_HELD, (TICKER_LOCKS, names, RUN_LOCKS, self.run_id, self.pid))
            if not fetch(cur).item():
                raise WorkerRefused(
                    f"The run {self.run_id} has ended, or the database of this worker, "
                    f"{without_credentials(url)}, is another than the run's: give the worker the "
                    "DATABASE_URL of the run, then start the run again."
                )
