"""Connections: ADBC for bulk rows, psycopg for locks, the run log and the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.errors import DatabaseFull, DatabaseRefused, DatabaseUnavailable, ForecastError

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT = 5
# A table that somebody else holds is waited for this long, and no longer.
LOCK_TIMEOUT = "60s"
# What PostgreSQL quotes from the system where its disk is full.
FULL = "No space left on device"
# What libpq says of a server that is not there, or no longer.
LOST = (
    "connection",
    "Connection",
    "terminating",
    "shutting down",
    "SSL SYSCALL",
    "timeout expired",
    "resolve host",
)


def normalised(url: str) -> str:
    """The URL in the one form that libpq, SQLAlchemy and ADBC all take.

    Raises:
        DatabaseUnavailable: when it is no PostgreSQL URL.
    """
    for scheme in ("postgresql+psycopg://", "postgresql+psycopg2://", "postgres://"):
        if url.startswith(scheme):
            url = "postgresql://" + url.removeprefix(scheme)
    if not url.startswith("postgresql://"):
        scheme = url.split("://", maxsplit=1)[0] if "://" in url else "no scheme"
        raise DatabaseUnavailable(
            f"DATABASE_URL must be a PostgreSQL address (postgresql://…), not {scheme}."
        )
    parts = _parts(url)
    if "connect_timeout" not in parts:
        url += ("&" if "?" in url else "?") + f"connect_timeout={CONNECT_TIMEOUT}"
    return url


def described(url: str) -> str:
    """Where a URL points, without its user and password."""
    parts = _parts(url)
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{parts.get('host', 'localhost')}{port}/{parts.get('dbname', '')}"


def _parts(url: str) -> dict[str, Any]:
    """What libpq understands of a URL. What it does not is never quoted: it may be a password."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        parts = {}
    name, port = str(parts.get("dbname", "")), str(parts.get("port", "0"))
    if not parts or not port.isdigit() or "@" in name:
        raise DatabaseUnavailable(
            "DATABASE_URL is no address of the form postgresql://USER:PASSWORD@HOST:PORT/NAME: "
            "check it (a password's / : @ # are written %2F %3A %40 %23)."
        ) from None
    return parts


def control_connection(
    url: str, application: str = "tcsns-forecast", *, autocommit: bool = True
) -> psycopg.Connection[Any]:
    """A psycopg connection; raises DatabaseUnavailable in one sentence."""
    import psycopg

    with one_sentence_errors(url):
        connection = psycopg.connect(url, autocommit=autocommit, application_name=application)
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        if not autocommit:
            connection.commit()
        return connection


def bulk_connection(url: str) -> Any:
    """An ADBC connection with transactions; raises DatabaseUnavailable in one sentence."""
    import adbc_driver_postgresql.dbapi as adbc

    with one_sentence_errors(url):
        connection = adbc.connect(url, autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
        return connection


@contextmanager
def one_sentence_errors(url: str) -> Iterator[None]:
    """Turn what a driver raises into DatabaseUnavailable or DatabaseRefused, in one sentence.

    A disk without room is a DatabaseFull.
    """
    try:
        yield
    except Exception as error:
        driver = _of_a_driver(error)
        if driver is None:
            raise
        raise _told(url, driver) from error


def _of_a_driver(error: Exception) -> Exception | None:
    """The driver's own error, also where SQLAlchemy carries it."""
    carried = getattr(error, "orig", None)
    inner = carried if isinstance(carried, Exception) else error
    module = type(inner).__module__
    return inner if module.startswith(("psycopg", "adbc_driver_manager")) else None


def _told(url: str, error: Exception) -> ForecastError:
    text = str(error).strip() or type(error).__name__
    said = re.sub(r"^[A-Z_]+: \[libpq\] (Failed to connect: )?", "", text.splitlines()[0].strip())
    place = described(url)
    if FULL in text:
        return DatabaseFull(
            f"The database at {place} has no room left on its disk ({said}): free some, then try "
            "again."
        )
    if "FATAL:" in text and "shutting down" not in text and "terminating" not in text:
        return DatabaseUnavailable(
            f"The database at {place} does not let us in ({said}): check DATABASE_URL."
        )
    if any(sign in text for sign in LOST):
        return DatabaseUnavailable(
            f"The database at {place} does not answer ({said}): start it, or check DATABASE_URL."
        )
    return DatabaseRefused(
        f"The database at {place} refused the work ({said}): check the role's rights and what "
        "else uses the database."
    )
