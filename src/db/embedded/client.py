"""A running server, asked as its client: does it answer, has it the database, is it in use."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from typing import TYPE_CHECKING, Any

from src.db.embedded.server import PORT, EmbeddedServer

if TYPE_CHECKING:
    import psycopg

LEAVING = 0.3  # seconds that a client which has just left may take to go
CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender')"
)


def is_answering(server: EmbeddedServer) -> bool:
    """Like pg_isready: yes also when every connection is taken, no during recovery."""
    from psycopg import pq

    question = f"host={server.socket_dir} port={PORT} user=postgres dbname=postgres"
    return pq.PGconn.ping(f"{question} connect_timeout=2".encode()) == pq.Ping.OK


def ensure_database(server: EmbeddedServer, name: str) -> None:
    """Create the database unless it exists; the caller keeps others from doing so meanwhile."""
    import psycopg

    try:
        with _connect(server) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                create = psycopg.sql.SQL("CREATE DATABASE {}")
                connection.execute(create.format(psycopg.sql.Identifier(name)))
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise server.unavailable_error(f"refused to open {name} ({reason})") from error


def is_idle(server: EmbeddedServer) -> bool:
    """Whether no other process is connected."""
    import psycopg

    patience = time.monotonic() + LEAVING
    try:
        with _connect(server) as connection:
            while _others(server, connection):
                if time.monotonic() > patience:
                    return False
                time.sleep(0.02)
            return True
    except psycopg.Error:
        # Full, or busy with recovery: in use. Without a socket: of no use to anyone.
        return not server.socket_file.exists()


def _connect(server: EmbeddedServer) -> psycopg.Connection[tuple[Any, ...]]:
    import psycopg

    return psycopg.connect(server.url("postgres") + "&connect_timeout=10", autocommit=True)


def _others(server: EmbeddedServer, connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    # Without our own count a pool left open would keep its server for ever.
    own = _own_connections(server)
    row = connection.execute(CLIENTS).fetchone()
    return row is None or row[0] > own


def _own_connections(server: EmbeddedServer) -> int:
    count = 0
    for descriptor in map(int, os.listdir("/dev/fd")):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as one:
                    count += one.getpeername() == str(server.socket_file)
    return count
