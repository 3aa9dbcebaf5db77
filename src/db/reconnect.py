"""Keep a connection to a database that may go away and come back."""

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

APPLICATION = "tcsns-api"
# Seconds for a try to start or join the embedded server; the end waits for a try under way.
START_TIMEOUT = 10.0


class Reconnector:
    """Connects to the server at ``url``, or to the embedded one below ``home`` without a URL.

    An embedded server that has died is started again. Nothing is opened before the first call.
    """

    def __init__(self, url: str | None, home: Path) -> None:
        self._url, self._home = url, home
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._ready = self._closed = False

    def connect(self) -> Connection:
        """A new connection to a current schema.

        Raises:
            DatabaseUnavailable: It cannot be reached.
            DatabaseRefused: It reported an error.
        """
        with self._lock:
            if self._closed:
                raise DatabaseUnavailable("The service is about to end: ask again once it is back.")
            url = self._reachable_url()
            if not self._ready:
                ensure_schema(url)
                self._ready = True
        return control_connection(url, APPLICATION)

    def close(self) -> None:
        """Make no more connections, and release the embedded server."""
        self._closed = True
        with self._lock:
            if self._lease is not None:
                self._lease.release()
                self._lease = None

    def _reachable_url(self) -> str:
        if self._url is not None:
            return normalise_url(self._url)
        from src.db.embedded.lease import acquire

        lease = acquire(self._home / DATA_DIR, timeout=START_TIMEOUT)
        if self._lease is not None:
            self._lease.unlock()
        self._lease = lease
        return normalise_url(lease.url)


class PersistentConnection:
    """One connection, opened at the first use and again when it was lost.

    To be used by one thread at a time.
    """

    def __init__(self, reconnector: Reconnector) -> None:
        self._reconnector = reconnector
        self._connection: Connection | None = None

    def run(self, work: Callable[[Connection], T]) -> T:
        """The result of ``work``, which is started again, once, if the connection was lost.

        Raises:
            DatabaseUnavailable: It cannot be reached.
            DatabaseRefused: It reported an error.
        """
        if self._connection is not None and not self._connection.closed:
            try:
                return _run(self._connection, work)
            except DatabaseUnavailable:
                # It may have been lost long before this call.
                self.close()
        self._connection = self._reconnector.connect()
        try:
            return _run(self._connection, work)
        except DatabaseUnavailable:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _run(connection: Connection, work: Callable[[Connection], T]) -> T:
    with one_sentence_errors(_url_of(connection)):
        return work(connection)


def _url_of(connection: Connection) -> str:
    """The server and database of a connection, for error messages."""
    import psycopg

    try:
        info = connection.info
        return f"postgresql://{info.host}:{info.port}/{info.dbname}"
    except psycopg.Error:
        return "postgresql://"
