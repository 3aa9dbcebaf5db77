"""The PostgreSQL server of a world, which may be dead at any time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import psutil
import psycopg

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.roles import migrate_with_roles
from tests.support.services import eventually

# Seconds for which a server that may stand still is asked to let somebody in.
PATIENCE = 10


class Server:
    """The server that an installation in ``home`` starts itself, with the schema in its database.

    Attributes:
        url: Of the database.
    """

    def __init__(self, home: Path) -> None:
        self._data = home / DATA_DIR
        self._lease = acquire(self._data)
        self.url = self._lease.url
        self.query("ALTER SYSTEM SET max_wal_size = '64MB'")
        self.query("SELECT pg_reload_conf()")
        migrate_with_roles(self.url)

    def query(self, sql: str, *parameters: Any, database: str | None = None) -> list[Any]:
        """The rows of a statement, over a connection of its own as a superuser.

        Raises:
            psycopg.OperationalError: The server does not answer, because it stands still.
        """
        url = self.url.replace("/forecast_db?", f"/{database}?") if database else self.url
        with psycopg.connect(url, autocommit=True, connect_timeout=PATIENCE) as connection:
            cursor = connection.execute(sql, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def processes(self) -> list[psutil.Process]:
        """The processes of the server, its first one first; none where it is dead."""
        for process in psutil.process_iter(["cmdline"]):
            # A number in a pid file may be that of any other process by now.
            if self._lease.server.marker in (process.info["cmdline"] or []):
                with contextlib.suppress(psutil.NoSuchProcess):
                    return [process, *process.children()]
        return []

    def revive(self) -> None:
        """Start it again if it has died."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()  # whoever starts it waits for one that stands still
        lease = acquire(self._data)
        self._lease.unlock()
        self._lease = lease

    def copy_database(self, name: str, copy: str) -> None:
        """Make a database the copy of another, whoever is connected to them."""
        for each in (name, copy):
            self.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                each,
                database="postgres",
            )
        self.query(f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)", database="postgres")
        make = f"CREATE DATABASE {copy} TEMPLATE {name} STRATEGY file_copy"
        eventually(lambda: self._is_done(make), 10)

    def _is_done(self, statement: str) -> bool:
        # A process that reconnects at once may be quicker.
        with contextlib.suppress(psycopg.errors.ObjectInUse):
            self.query(statement, database="postgres")
            return True
        return False

    def stop(self) -> None:
        """Stop it, unless somebody uses it."""
        self._lease.release()
