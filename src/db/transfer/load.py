"""Fill an empty database with the rows of a snapshot, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.db.connection import control_connection, one_sentence_errors, without_credentials
from src.db.migrate import Schema, newest_revision, open_schema
from src.db.transfer.catalogue import (
    FORMATS,
    StoredTable,
    copied_rows,
    parents_first,
    sequence_values,
    stored_tables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import psycopg

# Tables in which the migrations themselves write rows.
FILLED = {"public.data_version", "public.instruments"}
# How each state of a trigger (pg_trigger.tgenabled) is set again.
_STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}
_TRIGGERS = """
SELECT n.nspname::text, c.relname::text, t.tgname::text, t.tgenabled::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""


@dataclass(frozen=True)
class EmptyDatabase:
    """A database without rows, at the schema of a snapshot; nobody else sees what is written.

    Attributes:
        connection: In the transaction.
    """

    connection: psycopg.Connection[Any]

    def fill(
        self,
        tables: Sequence[StoredTable],
        rows: Callable[[StoredTable], Iterator[bytes]],
        sequences: Mapping[str, int],
    ) -> None:
        """Write the rows of all tables, and let sequences go on where they were."""
        self._make_missing(tables)
        with self._without_triggers():
            self._truncate()
            for table in parents_first(tables):
                with self.connection.cursor() as cursor, cursor.copy(_copy_from(table)) as copy:
                    for block in rows(table):
                        copy.write(block)
        self._set_sequences(sequences)

    def rows(self, table: StoredTable) -> AbstractContextManager[Iterator[bytes]]:
        """What is written so far, see ``copied_rows``."""
        return copied_rows(self.connection, table)

    def sequences(self) -> dict[str, int]:
        """See ``sequence_values``."""
        return sequence_values(self.connection)

    def _make_missing(self, tables: Sequence[StoredTable]) -> None:
        """Make plainly what no migration makes: columns of runs, tables of other people."""
        from psycopg import sql

        for table in tables:
            name = sql.Identifier(table.schema, table.name)
            schema = sql.Identifier(table.schema)
            self.connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            self.connection.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} ()").format(name))
            for column, kind in table.columns.items():
                add = sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}")
                declared = sql.SQL(kind)
                self.connection.execute(add.format(name, sql.Identifier(column), declared))

    def _set_sequences(self, sequences: Mapping[str, int]) -> None:
        from psycopg import sql

        for title, value in sequences.items():
            name = sql.Identifier(*title.split(".", 1))
            self.connection.execute(sql.SQL("CREATE SEQUENCE IF NOT EXISTS {}").format(name))
            quoted = name.as_string(self.connection)
            self.connection.execute("SELECT setval(%s::regclass, %s)", (quoted, value))

    @contextmanager
    def _without_triggers(self) -> Iterator[None]:
        """Rows are written as they were, without what triggers make of new ones."""
        from psycopg import sql

        triggers = self.connection.execute(_TRIGGERS).fetchall()
        change = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
        for schema, table, trigger, _ in triggers:
            names = sql.Identifier(schema, table), sql.SQL("DISABLE"), sql.Identifier(trigger)
            self.connection.execute(change.format(*names))
        yield
        for schema, table, trigger, state in triggers:
            kind = sql.SQL(_STATES[state])
            name = sql.Identifier(schema, table)
            self.connection.execute(change.format(name, kind, sql.Identifier(trigger)))

    def _truncate(self) -> None:
        from psycopg import sql

        names = [sql.Identifier(row.schema, row.name) for row in stored_tables(self.connection)]
        if names:
            self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))


@contextmanager
def open_empty(url: str, revision: str, data: Path | None = None) -> Iterator[EmptyDatabase]:
    """The empty database at ``url``, brought to a schema; the newest one once the block ends.

    All of it is one transaction, which is committed only after the block.

    Args:
        url: Of the server.
        revision: The schema.
        data: Where an embedded server has its data, to name in a refusal; None for another server.

    Raises:
        BadInput: It is not empty, or this code does not know the schema.
        DatabaseUnavailable: It cannot be reached, or is lost before the block ends.
        DatabaseRefused: It reports another error, or is not encoded in UTF8.
    """
    if revision > newest_revision():
        raise BadInput(
            f"The archive has schema {revision}, but this code only knows {newest_revision()}: "
            "update the code."
        )
    with one_sentence_errors(url):
        with open_schema(url) as schema:
            _lock_and_check(schema, url, revision, data)
            schema.upgrade(revision)
            for statement in FORMATS:
                schema.connection.execute(statement)
            yield EmptyDatabase(schema.connection)
            schema.upgrade("head")
        with control_connection(url) as connection:
            connection.execute("ANALYZE")


def _lock_and_check(schema: Schema, url: str, revision: str, data: Path | None) -> None:
    """Refuse a database that holds rows, or a newer schema; nobody can add any from here on."""
    from psycopg import sql

    connection, place = schema.connection, f"at {without_credentials(url)}"
    advice = "restore into an empty one", "drop it, create it anew"
    if data is not None:
        place, advice = (
            f"in {data}",
            (f"run `make down`, move {data} away, then restore again",) * 2,
        )
    for table in stored_tables(connection):
        name = sql.Identifier(table.schema, table.name)
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
        row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone()
        if row and row[0] and table.title not in FILLED:
            raise BadInput(
                f"The database {place} is not empty (table {table.name} has rows): {advice[0]}; "
                "nothing was changed."
            )
    if schema.revision is not None and schema.revision > revision:
        raise BadInput(
            f"The database {place} is empty, but has schema {schema.revision}, and the archive "
            f"{revision}: {advice[1]}, before anything else uses it."
        )


def _copy_from(table: StoredTable) -> Any:
    from psycopg import sql

    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    name = sql.Identifier(table.schema, table.name)
    return sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)
