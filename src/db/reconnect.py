"""A database that may come and go: work done over a connection when one can be had."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from src.core.errors import DatabaseUnavailable
from src.db.connection import control_connection, normalise_url, one_sentence_errors
from src.db.database import DATA_DIR
from src.db.migrate import ensure_schema

if TYPE_CHECKING:
    import psycopg

    from src.db.embedded.lease import Lease

T = TypeVar("T")
# psycopg is imported when the first connection is made.
Connection: TypeAlias = "psycopg.Connection[Any]"

START_TIMEOUT = 30.0  # seconds to wait for the embedded server


class Reconnector:
    """The server at ``url``, or the embedded one below ``home`` when ``url`` is None.

    The embedded one is started again when it has died. Nothing is opened before it is asked for.
    """

    def __init__(self, url: str | None, home: Path, application: str = "tcsns-api") -> None:
        self._given, self._home, self._application = url, home, application
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._ready = False

    def connect(self) -> Connection:
        """A new connection to a current schema.

        Raises:
            DatabaseUnavailable: one sentence.
            DatabaseRefused: one sentence.
        """
        with self._lock:
            url = self._reached()
            if not self._ready:
                ensure_schema(url)
                self._ready = True
        return control_connection(url, self._application)

    def close(self) -> None:
        """Give the embedded server back."""
        with self._lock:
            if self._lease is not None:
                self._lease.release()
                self._lease = None

    def _reached(self) -> str:
        if self._given is not None:
            return normalise_url(self._given)
        from src.db.embedded.lease import acquire

        lease = acquire(self._home / DATA_DIR, timeout=START_TIMEOUT)
        if self._lease is not None:
            self._lease.unlock()
        self._lease = lease
        return normalise_url(lease.url)


class PersistentConnection:
    """One connection, opened when it is first needed and again when it was lost.

    For one thread at a time.
    """

    def __init__(self, link: Reconnector) -> None:
        self._link = link
        self._open: Connection | None = None

    def run(self, work: Callable[[Connection], T]) -> T:
        """The result of ``work``, which may be begun a second time on a new connection.

        Raises:
            DatabaseUnavailable: one sentence.
            DatabaseRefused: one sentence.
        """
        if self._open is not None and not self._open.closed:
            try:
                return self._once(self._open, work)
            except DatabaseUnavailable:
                # It may have been lost long ago, when nobody looked.
                self.close()
        self._open = self._link.connect()
        try:
            return self._once(self._open, work)
        except DatabaseUnavailable:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _once(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        with one_sentence_errors(address_of(connection)):
            return work(connection)


def address_of(connection: Connection) -> str:
    """Where a connection leads, without its password: for a sentence about it."""
    import psycopg

    try:
        info = connection.info
        return f"postgresql://{info.host}:{info.port}/{info.dbname}"
    except psycopg.Error:
        return "postgresql://"
