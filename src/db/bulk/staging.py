"""Merge a frame into a table through a temporary one; only rows that differ are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.tables import FLOAT, Table
from src.db import sql
from src.db.bulk import arrays
from src.db.bulk.cursors import count, cursor, execute

if TYPE_CHECKING:
    import polars as pl


def merge(connection: Any, table: Table, frame: pl.DataFrame) -> int:
    """Insert new rows and update those that differ; the number of rows touched."""
    with _staged(connection, table, frame) as (cur, staged):
        return _merge(cur, table, staged, frame.columns)


def replace_by_key(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    frame: pl.DataFrame,
    within: Mapping[str, str],
    absent: Sequence[str],
) -> int:
    """Make the frame the whole of the tickers within these values; the number of rows touched.

    ``absent`` are the columns that the frame lacks: they become NULL.
    """
    with _staged(connection, table, frame) as (cur, staged):
        _index(cur, table, staged)
        statement, parameters = deletion(table, tickers, within)
        removed = count(cur, f"{statement} AND NOT {_exists(table, staged)}", parameters)
        return removed + _merge(cur, table, staged, frame.columns, cleared=absent)


def delete_keys(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    within: Mapping[str, str],
    keys: pl.DataFrame,
) -> None:
    """Delete the rows with these keys, of the tickers within these values."""
    with _staged(connection, table, keys) as (cur, staged):
        _index(cur, table, staged)
        statement, parameters = deletion(table, tickers, within)
        execute(cur, f"{statement} AND {_exists(table, staged)}", parameters)


def deletion(
    table: Table, tickers: Sequence[str], within: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """``DELETE`` of the tickers' rows (alias ``t``) with these values, and its parameters."""
    narrowed = "".join(f' AND t."{name}" = ${i}' for i, name in enumerate(within, 2))
    statement = f"DELETE FROM {table.name} t WHERE ticker = ANY(string_to_array($1, ','))"  # noqa: S608
    return statement + narrowed, (",".join(tickers), *within.values())


@contextmanager
def _staged(connection: Any, table: Table, frame: pl.DataFrame) -> Iterator[tuple[Any, str]]:
    """A cursor, and the name of a temporary table of the frame's rows.

    It is one for all frames of these columns: a transaction keeps a lock for every table that it
    has made, and the server has room for so many locks only.
    """
    packed = arrays.pack_columns(table, frame)
    columns = repr((table.key, dict(packed.schema)))
    staged = f"staged_{hashlib.sha256(columns.encode()).hexdigest()[:16]}"
    with cursor(connection) as cur:
        if (
            packed.columns
            and packed.schema != (typed := arrays.unpack_columns(table, packed.head(0))).schema
        ):
            # ADBC would make columns of bytes.
            cur.adbc_ingest(staged, typed, mode="create_append", temporary=True)
        cur.adbc_ingest(staged, packed, mode="create_append", temporary=True)
        yield cur, staged
        cur.execute(f"TRUNCATE {staged}")


def _index(cur: Any, table: Table, staged: str) -> None:
    """Let the staged rows be found by their key.

    Without statistics the planner would join them by nested loops.
    """
    cur.execute(f"CREATE INDEX IF NOT EXISTS {staged}_key ON {staged} ({sql.names(table.key)})")
    cur.execute(f"ANALYZE {staged}")


def _exists(table: Table, staged: str) -> str:
    return f"EXISTS (SELECT FROM {staged} s WHERE {sql.same_key(table, 's', 't')})"


def _merge(
    cur: Any, table: Table, staged: str, names: Sequence[str], cleared: Sequence[str] = ()
) -> int:
    """Bring the staged rows into the table, with NULL in the ``cleared`` columns."""
    values = {name: f'"{name}"::{table.columns.get(name, FLOAT)}' for name in names}
    values |= dict.fromkeys(cleared, "NULL")
    insert = sql.insert(table, values, staged)
    return count(cur, insert + sql.update_if_changed(table, values))
