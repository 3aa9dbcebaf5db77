"""Start the PostgreSQL server of a folder, or join it, and stop it after its last user.

Three file locks control its life; the kernel frees them even after `kill -9`:
`NAME.lock`    exclusive: one process at a time starts or stops the server,
`NAME.leases`  shared: held by each lease; the process that releases the last one stops the server,
the data directory itself, exclusive: held by the server and all its children (see `postmaster`).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from src.core.errors import DatabaseUnavailable
from src.db.embedded import client, postmaster
from src.db.embedded.os_account import account_name, other_owner
from src.db.embedded.server import EmbeddedServer, try_lock

log = logging.getLogger(__name__)

START_TIMEOUT = 300.0  # seconds: recovery after a crash replays up to a gigabyte of log
STOP_TIMEOUT = 30.0  # seconds to wait for other starters and stoppers before a stop


def acquire(
    data_dir: Path, database: str = "forecast_db", *, timeout: float = START_TIMEOUT
) -> Lease:
    """Start the server of `data_dir`, or join it, and create `database` unless it exists.

    Raises:
        DatabaseUnavailable: The server cannot be started within `timeout` seconds. Where nobody
            else holds a lease, it does not run on.
    """
    server = EmbeddedServer(Path(data_dir).resolve())
    deadline = time.monotonic() + timeout
    with _one_sentence_errors(server), _exclusive(server, deadline):
        ran_before = any(lease.ran and lease.server == server for lease in _leases)
        postmaster.ensure_running(server, deadline, ran_before=ran_before)
        try:
            client.ensure_database(server, database)
            return Lease(server, database, ran=True)
        except BaseException:
            _stop_if_idle(server)
            raise


def reserve(data_dir: Path, database: str = "forecast_db") -> Lease:
    """A lease on a server that need not run yet: one that takes long to start is left to start.

    Raises:
        DatabaseUnavailable: Its files cannot be written.
    """
    server = EmbeddedServer(Path(data_dir).resolve())
    with _one_sentence_errors(server):
        return Lease(server, database)


class Lease:
    """Keeps the server running until it is released, by `with`, `release` or the process's end.

    Attributes:
        url: Of the database.
        server: Which it keeps running.
        ran: Whether it ran when this was made.
    """

    def __init__(self, server: EmbeddedServer, database: str, *, ran: bool = False) -> None:
        self.url, self.server, self.ran = server.url(database), server, ran
        self._descriptor: int | None = server.open_beside("leases")
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        _leases.add(self)

    def release(self) -> None:
        """Release the lease; the last one stops a server without clients. May be called twice."""
        if self.unlock():
            _stop_if_unused(self.server)

    def unlock(self) -> bool:
        """Release the lock alone, without stopping the server; False if that was done before."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return False
        _leases.discard(self)
        os.close(descriptor)
        return True

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *raised: object) -> None:
        self.release()


_leases: set[Lease] = set()  # of this process


def _release_all() -> None:
    for lease in list(_leases):
        lease.release()


def _unlock_all() -> None:
    # In a forked child: the leases belong to the parent, which releases them.
    for lease in list(_leases):
        lease.unlock()


atexit.register(_release_all)
os.register_at_fork(after_in_child=_unlock_all)


def _stop_if_unused(server: EmbeddedServer) -> None:
    try:
        with _exclusive(server, time.monotonic() + STOP_TIMEOUT):
            _stop_if_idle(server)
    except (OSError, DatabaseUnavailable) as error:
        # The next process that acquires a lease joins the server, and stops it afterwards.
        log.warning("The embedded database in %s was left running: %s", server.data, error)


def _stop_if_idle(server: EmbeddedServer) -> None:
    if not server.is_leased() and client.is_idle(server):
        postmaster.stop(server)


@contextlib.contextmanager
def _one_sentence_errors(server: EmbeddedServer) -> Iterator[None]:
    try:
        server.data.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DatabaseUnavailable(_cannot_open(server, error)) from error


@contextlib.contextmanager
def _exclusive(server: EmbeddedServer, deadline: float) -> Iterator[None]:
    descriptor = server.open_beside("lock")
    try:
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise server.unavailable_error("is being started or stopped by another process")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _cannot_open(server: EmbeddedServer, error: OSError) -> str:
    owner = other_owner(server.data, server.beside("lock"))
    if owner and isinstance(error, PermissionError):
        # As after a first run by root, who gives the data to an account that may run a server.
        me, data = account_name(os.geteuid()), shlex.quote(str(server.data))
        return (
            f"The database in {server.data} belongs to {owner}, so {me} cannot open it:"
            f" run as root, or stop it and take it over with `sudo chown -R {me} {data} {data}.*`,"
            " or set DATABASE_URL to another server."
        )
    return str(server.failed_error(f"cannot be opened ({error})"))
