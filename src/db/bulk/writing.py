"""Write whole frames through ADBC; a write touches only the rows that differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import FLOAT, JSON, Table
from src.db.bulk import arrays, staging
from src.db.bulk.cursors import cursor, execute
from src.db.bulk.reading import columns, read_packed

if TYPE_CHECKING:
    import polars as pl

FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def insert(connection: Any, table: Table, frame: pl.DataFrame) -> int:
    """Write rows whose keys the table does not have; the number of rows."""
    if not frame.is_empty():
        packed = arrays.pack_columns(table, frame)
        with cursor(connection) as cur:
            cur.adbc_ingest(table.name, packed, mode="append")
    return frame.height


def upsert(connection: Any, table: Table, frame: pl.DataFrame) -> int:
    """Insert new rows and update those that differ; the number of rows touched."""
    return 0 if frame.is_empty() else staging.merge(connection, table, frame)


def replace(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    frame: pl.DataFrame,
    within: Mapping[str, str] | None = None,
    stored: pl.DataFrame | None = None,
) -> int:
    """Make ``frame`` the whole of ``tickers`` in ``table``; the number of rows touched.

    ``within`` narrows what is replaced to rows with these values. ``stored`` are the rows that the
    tickers have now, where the caller has read them. Rows that stay as they were are not rewritten,
    unless more than half of them change: to delete and copy all is cheaper than to update so many.
    """
    names = _add_columns(connection, table, frame.columns)
    within = within or {}
    if JSON in table.columns.values():
        # One JSON value has many texts: only PostgreSQL can tell whether it has changed.
        absent = [name for name in names if name not in frame.columns]
        return staging.replace_by_key(connection, table, tickers, frame, within, absent)
    if stored is None:
        before = read_packed(connection, table, tickers, names)
    else:
        before = arrays.pack_columns(table, stored)
    before = before.filter(**within) if within else before
    after = _typed(arrays.pack_columns(table, frame), before)
    if before.is_empty():
        return insert(connection, table, after)
    return _replace_differing(connection, table, tickers, within, (before, after))


def _replace_differing(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    within: Mapping[str, str],
    rows: tuple[pl.DataFrame, pl.DataFrame],
) -> int:
    """Write what differs between the stored rows and the new ones; the number of rows touched."""
    before, after = rows
    if before.equals(after):
        return 0
    gone = before.join(after, on=table.key, how="anti")
    new = after.join(before, on=table.key, how="anti")
    changed = _changed(before, after, table.key)
    if 2 * (gone.height + changed.height) > before.height:
        _delete(connection, table, tickers, within)
        insert(connection, table, after)
    else:
        if gone.height:
            keys = gone.select(table.key)
            staging.delete_keys(connection, table, tickers, within, keys)
        upsert(connection, table, changed)
        insert(connection, table, new)
    return gone.height + changed.height + new.height


def _delete(
    connection: Any, table: Table, tickers: Sequence[str], within: Mapping[str, str]
) -> None:
    statement, parameters = staging.deletion(table, tickers, within)
    with cursor(connection) as cur:
        execute(cur, statement, parameters)


def _add_columns(connection: Any, table: Table, names: Sequence[str]) -> list[str]:
    """Give an open-ended table further ``double precision`` columns, where it lacks them.

    Returns:
        The columns that it has now.
    """
    stored = columns(connection, table)
    for name in names:
        if name in stored:
            continue
        if not (table.open_ended and FEATURE_NAME.fullmatch(name)):
            raise ValueError(f"{table.name} cannot have a column {name!r}")
        with cursor(connection) as cur:
            cur.execute(f'ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS "{name}" {FLOAT}')
        stored.append(name)
    return stored


def _typed(frame: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """The frame with the columns and types of another, empty where it lacks one."""
    import polars as pl

    lacking = [pl.lit(None).alias(name) for name in like.columns if name not in frame.columns]
    return frame.with_columns(lacking).select(like.columns).cast(like.schema)


def _changed(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows of ``after`` whose key ``before`` has with other values."""
    import polars as pl

    both = after.join(before, on=key, suffix="_before", maintain_order="left")
    values = [name for name in after.columns if name not in key]
    differs = [pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in values]
    return both.filter(pl.any_horizontal(differs)).select(after.columns)
