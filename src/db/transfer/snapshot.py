"""Read all tables of a database as they are at one instant, while others write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.db.connection import control_connection, one_sentence_errors, without_credentials
from src.db.transfer.catalogue import (
    FORMATS,
    StoredTable,
    copied_rows,
    sequence_values,
    stored_tables,
)

if TYPE_CHECKING:
    import psycopg

APPLICATION = "tcsns-backup"


@dataclass(frozen=True)
class Snapshot:
    """A database at one instant.

    Attributes:
        connection: Sees that instant, and writes nothing.
        revision: Of the schema.
        server: PostgreSQL's version, such as ``18.6``.
    """

    connection: psycopg.Connection[Any]
    revision: str
    server: str
    tables: Sequence[StoredTable]

    def rows(self, table: StoredTable) -> AbstractContextManager[Iterator[bytes]]:
        """See ``copied_rows``."""
        return copied_rows(self.connection, table)

    def sequences(self) -> dict[str, int]:
        """See ``sequence_values``; call it after the rows are read."""
        return sequence_values(self.connection)


@contextmanager
def open_snapshot(url: str) -> Iterator[Snapshot]:
    """The database at ``url`` as it is now; nothing in it is changed, its schema neither.

    Raises:
        BadInput: There is nothing of ours in it.
        DatabaseUnavailable: It cannot be reached, or is lost before the block ends.
        DatabaseRefused: It reports another error.
    """
    import psycopg

    opened = control_connection(url, APPLICATION, autocommit=False)
    with one_sentence_errors(url), opened as connection:
        tables = stored_tables(connection)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # No migration may rewrite a table before its rows are read: they would seem to be gone.
        _lock(connection, tables)
        for statement in FORMATS:
            connection.execute(statement)
        yield Snapshot(connection, _revision(connection, url), _version(connection), tables)
        connection.rollback()


def _lock(connection: psycopg.Connection[Any], tables: Sequence[StoredTable]) -> None:
    from psycopg import sql

    names = sql.SQL(", ").join(sql.Identifier(table.schema, table.name) for table in tables)
    if tables:
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def _revision(connection: psycopg.Connection[Any], url: str) -> str:
    table = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if table is not None and table[0] is not None:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is not None:
            return str(row[0])
    raise BadInput(
        f"The database at {without_credentials(url)} holds nothing yet: there is nothing to back "
        "up."
    )


def _version(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]).split()[0] if row else ""
