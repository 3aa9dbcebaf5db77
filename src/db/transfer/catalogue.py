"""Read from PostgreSQL's catalogue what a copy of a database has to hold: tables and sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from src.core.errors import DatabaseRefused

if TYPE_CHECKING:
    import psycopg

# Tables of this database, without those of PostgreSQL and of its extensions. Alembic's own table
# is written by the migrations.
_OURS = """
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = %s AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND c.relname <> 'alembic_version' AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_TABLES = """
SELECT n.nspname::text, c.relname::text,
    (SELECT json_object_agg(attname, format_type(atttypid, atttypmod) ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        AND attgenerated = ''),
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
        AND attcollation <> 0 AND NOT attisdropped),
    ARRAY(SELECT a.attname::text FROM pg_index i
        CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place),
    ARRAY(SELECT DISTINCT confrelid::regclass::text FROM pg_constraint
        WHERE conrelid = c.oid AND contype = 'f' AND confrelid <> c.oid),
    c.oid::regclass::text
{ours}"""
_SEQUENCES = """
SELECT n.nspname::text, c.relname::text, (SELECT last_value FROM pg_sequences s
    WHERE s.schemaname = n.nspname AND s.sequencename = c.relname),
    has_sequence_privilege(c.oid, 'USAGE, SELECT')
{ours}"""
# Texts of values that no setting of the server or of the role changes.
FORMATS = (
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL row_security = off",
)
BLOCK = 1_000_000  # bytes


@dataclass(frozen=True)
class StoredTable:
    """A table, and in which order its rows are copied.

    Attributes:
        columns: The type of each, but for generated ones.
        order: The columns of its primary key, or all.
        collated: Those that a collation orders.
        parents: Names of tables that its foreign keys point to.
    """

    schema: str
    name: str
    columns: dict[str, str]
    order: tuple[str, ...]
    collated: frozenset[str]
    parents: frozenset[str]

    @property
    def title(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"


def stored_tables(connection: psycopg.Connection[Any]) -> list[StoredTable]:
    """All tables, in the order of their names."""
    rows = connection.execute(_TABLES.format(ours=_OURS), ("r",)).fetchall()
    titles = {reference: f"{schema}.{name}" for schema, name, *_, reference in rows}
    return [
        StoredTable(
            schema,
            name,
            columns,
            tuple(key or columns),
            frozenset(collated),
            frozenset(titles[parent] for parent in parents if parent in titles),
        )
        for schema, name, columns, collated, key, parents, _ in rows
    ]


def parents_first(tables: Sequence[StoredTable]) -> list[StoredTable]:
    """The tables so that each follows those that its foreign keys point to."""
    by_title = {table.title: table for table in tables}
    graph = {table.title: table.parents & set(by_title) for table in tables}
    return [by_title[title] for title in TopologicalSorter(graph).static_order()]


def sequence_values(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The last value of each sequence that gave one out, by ``schema.name``.

    Sequences belong to no transaction: read after the rows, they are ahead of them or equal.
    """
    rows = connection.execute(_SEQUENCES.format(ours=_OURS), ("S",)).fetchall()
    for schema, name, _, is_readable in rows:
        if not is_readable:
            raise DatabaseRefused(
                f"This role may not read the sequence {schema}.{name}: use the role that owns the "
                "tables."
            )
    return {f"{schema}.{name}": value for schema, name, value, _ in rows if value is not None}


@contextmanager
def copied_rows(
    connection: psycopg.Connection[Any], table: StoredTable
) -> Iterator[Iterator[bytes]]:
    """The rows of a table as PostgreSQL's COPY writes them, in blocks of about a megabyte.

    Equal rows give equal bytes, on every server: the order is that of the bytes of the key.
    A block that is left early ends the copy: the connection could not be closed before.
    """
    from psycopg import sql

    order = [
        sql.SQL('{} COLLATE "C"' if name in table.collated else "{}").format(sql.Identifier(name))
        for name in table.order
    ]
    statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        sql.Identifier(table.schema, table.name),
        sql.SQL(", ").join(order),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield _blocks(copy)


def _blocks(rows: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    block = bytearray()
    for row in rows:
        block += row
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
