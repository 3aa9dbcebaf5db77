"""Ask a running server, as its client, whether it answers, has a database and is in use."""

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

LEAVING = 0.3  # seconds until a connection that was just closed has gone
CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender')"
)


def is_answering(server: EmbeddedServer) -> bool:
    """As pg_isready does: yes also when every connection is taken, no during recovery."""
    from psycopg import pq

    return _ping(server) == pq.Ping.OK


def ensure_database(server: EmbeddedServer, name: str) -> None:
    """Create the database unless it exists; the caller holds the lock that keeps others out."""
    import psycopg

    try:
        with _connect(server) as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if row.fetchone() is None:
                create = psycopg.sql.SQL("CREATE DATABASE {}")
                connection.execute(create.format(psycopg.sql.Identifier(name)))
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise server.failed_error(f"cannot open the database {name} ({reason})") from error


def is_idle(server: EmbeddedServer) -> bool:
    """Whether no other process is connected."""
    import psycopg

    deadline = time.monotonic() + LEAVING
    try:
        with _connect(server) as connection:
            while _others(server, connection):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)
            return True
    except psycopg.Error:
        # With all connections taken it is in use. While it recovers, or without a socket, nobody
        # can use it.
        return _ping(server) == psycopg.pq.Ping.REJECT or not server.socket_file.exists()


def _ping(server: EmbeddedServer) -> int:
    """One of ``pq.Ping``: OK, REJECT while it starts or stops, NO_RESPONSE."""
    from psycopg import pq

    conninfo = f"host={server.socket_dir} port={PORT} user=postgres dbname=postgres"
    return pq.PGconn.ping(f"{conninfo} connect_timeout=2".encode())


def _connect(server: EmbeddedServer) -> psycopg.Connection[tuple[Any, ...]]:
    import psycopg

    return psycopg.connect(server.url("postgres") + "&connect_timeout=10", autocommit=True)


def _others(server: EmbeddedServer, connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    # Connections that this process has left open must not keep the server running for ever.
    ours = _own_connections(server)
    row = connection.execute(CLIENTS).fetchone()
    return row is None or row[0] > ours


def _own_connections(server: EmbeddedServer) -> int:
    count = 0
    for descriptor in map(int, os.listdir("/dev/fd")):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as connected:
                    count += connected.getpeername() == str(server.socket_file)
    return count
