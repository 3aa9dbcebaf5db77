"""Connections: ADBC for bulk rows, psycopg for locks, the run log and the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT = 5


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
    if not parts or not str(parts.get("port", "0")).isdigit():
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

    try:
        return psycopg.connect(url, autocommit=autocommit, application_name=application)
    except psycopg.OperationalError as error:
        raise unavailable(url, error) from error


def bulk_connection(url: str) -> Any:
    """An ADBC connection with transactions; raises DatabaseUnavailable in one sentence."""
    import adbc_driver_postgresql.dbapi as adbc

    try:
        return adbc.connect(url, autocommit=False)
    except adbc.OperationalError as error:
        raise unavailable(url, error) from error


def unavailable(url: str, error: Exception) -> DatabaseUnavailable:
    """The error as one sentence: the first line that libpq said, and what to do."""
    said = str(error).strip().splitlines()[0].removeprefix("IO: [libpq] Failed to connect: ")
    return DatabaseUnavailable(
        f"The database at {described(url)} does not answer ({said.strip()}): "
        "start it, or check DATABASE_URL."
    )


@contextmanager
def one_sentence_errors(url: str) -> Iterator[None]:
    """Turn a database lost half-way into DatabaseUnavailable."""
    try:
        yield
    except Exception as error:
        if is_lost_connection(error):
            raise unavailable(url, error) from error
        raise


def is_lost_connection(error: Exception) -> bool:
    """Whether an error of a driver says that the server is gone."""
    module = type(error).__module__
    if module.startswith("psycopg"):
        import psycopg

        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if module.startswith("adbc_driver_manager"):
        return any(word in str(error) for word in ("connection", "terminating", "shutting down"))
    return False
