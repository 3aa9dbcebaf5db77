"""Connect to PostgreSQL: by ADBC for bulk rows, by psycopg for everything else.

Errors of both drivers become one sentence. They are told apart by SQLSTATE, see
https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from src.core.errors import (
    DatabaseFull,
    DatabaseRefused,
    DatabaseUnavailable,
    ForecastError,
    ValueRefused,
)

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT = 5  # seconds
# How long to wait for a table that somebody else has locked.
LOCK_TIMEOUT = "60s"

# The roles of a deployment, which src.db.roles makes.
OWNER, WRITER, READER = "forecast_owner", "forecast_writer", "forecast_reader"

DISK_FULL = "53100"
NO_SPACE = os.strerror(errno.ENOSPC)
# Data exceptions, violations of a table's constraints, limits such as the longest key of an index,
# and values of a type that their column cannot have.
BAD_VALUE = ("22", "23", "54", "42804", "42846")
# What the server lacks: memory, room for locks, connections (a full disk apart).
LACKING = "53"
# Locks that others keep, deadlocks, statements that were ended or ran out of time.
IN_USE = ("55P03", "40", "57014", "55006")
LACKING_RIGHT = "42501"
# Connection exceptions; a server that shuts down, crashed or starts; timeouts of idle sessions.
LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")


def normalise_url(url: str) -> str:
    """The URL in a form that libpq, SQLAlchemy and ADBC all accept.

    Raises:
        DatabaseUnavailable: It is not the URL of a PostgreSQL database.
    """
    for scheme in ("postgresql+psycopg://", "postgresql+psycopg2://", "postgres://"):
        if url.startswith(scheme):
            url = "postgresql://" + url.removeprefix(scheme)
    if not url.startswith("postgresql://"):
        scheme = url.split("://", maxsplit=1)[0] + "://" if "://" in url else "no scheme"
        raise DatabaseUnavailable(
            "DATABASE_URL must be a PostgreSQL address, beginning with postgresql://; it has "
            f"{scheme}."
        )
    parts = _parts(url)
    if "connect_timeout" not in parts:
        url += ("&" if "?" in url else "?") + f"connect_timeout={CONNECT_TIMEOUT}"
    return url


def without_credentials(url: str) -> str:
    """Host, port and database of a URL, without user and password."""
    parts = _parts(url)
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{parts.get('host', 'localhost')}{port}/{parts.get('dbname', '')}"


def _parts(url: str) -> dict[str, Any]:
    """The parts of a URL as libpq reads them.

    What it cannot read is never quoted in an error: it may be a password.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        parts = {}
    name, port = str(parts.get("dbname", "")), str(parts.get("port", "0"))
    if not parts or not port.isdigit() or "@" in name:
        raise DatabaseUnavailable(
            "DATABASE_URL is not of the form postgresql://USER:PASSWORD@HOST:PORT/NAME: "
            "check it (in a password write / : @ # as %2F %3A %40 %23)."
        ) from None
    return parts


def control_connection(
    url: str, application: str = "tcsns-forecast", *, autocommit: bool = True
) -> psycopg.Connection[Any]:
    """A psycopg connection; raises DatabaseUnavailable in one sentence."""
    import psycopg

    with one_sentence_errors(url, connecting=True):
        connection = psycopg.connect(url, autocommit=autocommit, application_name=application)
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        if not autocommit:
            connection.commit()
        return connection


def bulk_connection(url: str) -> Any:
    """An ADBC connection with transactions; raises DatabaseUnavailable in one sentence."""
    adbc = _adbc()
    with one_sentence_errors(url, connecting=True):
        connection = adbc.connect(url, autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
        return connection


def _adbc() -> Any:
    """The driver, loaded without pyarrow, which takes 40 MiB and a tenth of a second.

    It imports that for results in forms of pyarrow's, if it can; ``import`` fails for what stands
    as None among the loaded modules. Where pyarrow is in use already, its part that loads pandas
    is left out.
    """
    # It looks for pyarrow while it is loaded itself, and must find it.
    import_module("polars")
    unused = "pyarrow.dataset" if "pyarrow" in sys.modules else "pyarrow"
    is_hidden = unused not in sys.modules
    if is_hidden:
        sys.modules[unused] = None  # type: ignore[assignment]
    try:
        return import_module("adbc_driver_postgresql.dbapi")
    finally:
        if is_hidden:
            del sys.modules[unused]


@contextmanager
def one_sentence_errors(url: str, *, connecting: bool = False) -> Iterator[None]:
    """Turn what a driver raises into one sentence about the database at ``url``.

    Args:
        url: Named in the sentence, without user and password.
        connecting: Whether the block opens a connection.

    Raises:
        DatabaseUnavailable: It cannot be reached, does not let us in, or was lost.
        DatabaseFull: Its disk is full.
        ValueRefused: A value cannot be stored in its column.
        DatabaseRefused: Any other error.
    """
    try:
        yield
    except Exception as error:
        driver_error = _driver_error(error)
        if driver_error is None:
            raise
        raise _sentence(url, driver_error, connecting=connecting) from error


def url_of(connection: psycopg.Connection[Any]) -> str:
    """The server and database of a connection, for error messages."""
    import psycopg

    try:
        info = connection.info
        return f"postgresql://{info.host}:{info.port}/{info.dbname}"
    except psycopg.Error:
        return "postgresql://"


def _driver_error(error: Exception) -> Exception | None:
    """The driver's own error, also where SQLAlchemy carries it."""
    carried = getattr(error, "orig", None)
    inner = carried if isinstance(carried, Exception) else error
    module = type(inner).__module__
    return inner if module.startswith(("psycopg", "adbc_driver_manager")) else None


def _sentence(url: str, error: Exception, *, connecting: bool) -> ForecastError:
    text = str(error).strip() or type(error).__name__
    reason = re.sub(r"^[A-Z_]+: \[libpq\] (Failed to connect: )?", "", text.splitlines()[0].strip())
    place, state = without_credentials(url), getattr(error, "sqlstate", None)
    # ADBC gives no SQLSTATE where it fails to create a table.
    if state == DISK_FULL or (state is None and NO_SPACE in text):
        return DatabaseFull(
            f"The disk of the database at {place} is full ({reason}): free some space, then try "
            "again."
        )
    if _is_bad_value(error, state):
        return ValueRefused(
            f"The database at {place} refused a value ({reason}): report it, with the log."
        )
    if not _is_lost(error, state):
        return DatabaseRefused(
            f"The database at {place} reported an error ({reason}): {_remedy(reason, state)}."
        )
    if connecting and _accepts_connections(url):
        return DatabaseUnavailable(
            f"The database at {place} refused the connection ({reason}): check DATABASE_URL."
        )
    return DatabaseUnavailable(
        f"The database at {place} does not answer ({reason}): start it, or check DATABASE_URL."
    )


def _remedy(reason: str, state: str | None) -> str:
    """What to do about an error of the server that is neither a value's nor the connection's."""
    state = state or ""
    if state == LACKING_RIGHT:
        return "check the role's rights"
    if state.startswith(IN_USE):
        return "see what else uses the database, then try again"
    if "shared memory" in reason:
        return "raise max_locks_per_transaction in the server's settings, and restart it"
    if state.startswith(LACKING):
        return "give the server more memory or connections, or let less run at a time"
    return "report it, with the log"


def _is_lost(error: Exception, state: str | None) -> bool:
    """Whether the connection is lost, or was never made.

    What libpq finds out itself, without an answer of the server, has no SQLSTATE: both drivers
    make it an OperationalError.
    """
    if state is None:
        return any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)
    return state.startswith(LOST)


def _is_bad_value(error: Exception, state: str | None) -> bool:
    """Whether a value was refused, by the server or already by psycopg."""
    if state is None:
        return type(error).__name__ in ("DataError", "ProgrammingError")
    return state.startswith(BAD_VALUE)


def _accepts_connections(url: str) -> bool:
    """As pg_isready finds out: a server that lets others in refused this user or database."""
    from psycopg import pq

    return pq.PGconn.ping(url.encode()) == pq.Ping.OK
