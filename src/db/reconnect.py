"""Keep a connection to a database that may go away and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from src.core.errors import DatabaseUnavailable, ForecastError
from src.db.connection import control_connection, normalise_url, one_sentence_errors, url_of
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
# Seconds from a failed try to the next, doubled by every further failure; the first is tried again
# at once.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0


class Reconnector:
    """Connects to the server at ``url``, or to the embedded one below ``home`` without a URL.

    An embedded server that has died is started again. While it cannot be reached, tries become
    rarer; between them, and while one is under way, callers get the last failure at once. Nothing
    is opened before the first call. ``application`` is its name in ``pg_stat_activity``,
    ``longest_pause`` in seconds.
    """

    def __init__(
        self,
        url: str | None,
        home: Path,
        application: str = APPLICATION,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._url, self._home, self._application = url, home, application
        self._longest_pause = longest_pause
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._ready = self._closed = False
        self._failure: ForecastError | None = None
        self._pause, self._next_try = 0.0, 0.0  # seconds, the latter monotonic

    def connect(self) -> Connection:
        """A new connection to a current schema.

        Raises:
            DatabaseUnavailable: It cannot be reached.
            DatabaseRefused: It reported an error.
        """
        if (failure := self._failure) is None:
            self._lock.acquire()
        elif not self._lock.acquire(blocking=False):
            raise _again(failure)
        try:
            if self._closed:
                raise DatabaseUnavailable("The service is about to end: ask again once it is back.")
            if self._failure is not None and time.monotonic() < self._next_try:
                raise _again(self._failure)
            return self._try_to_connect()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Make no more connections, and release the embedded server."""
        self._closed = True
        with self._lock:
            if self._lease is not None:
                self._lease.release()
                self._lease = None

    def _try_to_connect(self) -> Connection:
        try:
            url = self._reachable_url()
            if not self._ready:
                ensure_schema(url)
                self._ready = True
            connection = control_connection(url, self._application)
        except ForecastError as error:
            self._pause_after(error)
            raise
        self._failure, self._pause = None, 0.0
        return connection

    def _pause_after(self, error: ForecastError) -> None:
        self._failure, self._next_try = error, time.monotonic() + self._pause
        self._pause = min(2 * self._pause or FIRST_PAUSE, self._longest_pause)

    def _reachable_url(self) -> str:
        if self._url is not None:
            return normalise_url(self._url)
        from src.db.embedded.lease import acquire, reserve

        # Held while the server is not there either: a recovery that takes longer than one try
        # would be ended by it, and begin anew with the next, for ever.
        if self._lease is None:
            self._lease = reserve(self._home / DATA_DIR)
        lease = acquire(self._home / DATA_DIR, timeout=START_TIMEOUT)
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


def _again(failure: ForecastError) -> ForecastError:
    """The same failure to raise in another call: an error raised twice grows its traceback."""
    return type(failure)(str(failure))


def _run(connection: Connection, work: Callable[[Connection], T]) -> T:
    with one_sentence_errors(url_of(connection)):
        return work(connection)
