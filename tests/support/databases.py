"""Databases on the server of the tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from src.db.connection import normalise_url

# A test's rows need not outlive a crash of the machine, nor are there enough of them to clean up.
HURRIED = ("fsync = off", "full_page_writes = off", "autovacuum = off")


def hurry(server: str) -> None:
    """Let a server write without waiting for the disk."""
    with psycopg.connect(server, autocommit=True) as admin:
        for setting in HURRIED:
            admin.execute(f"ALTER SYSTEM SET {setting}")
        admin.execute("SELECT pg_reload_conf()")


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """The URL of a copy of a database that nobody is connected to; the copy is dropped at last."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
