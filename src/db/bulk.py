"""Read and write whole frames through ADBC; a write touches only the rows that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.tables import FLOAT, JSON, Table
from src.db import sql

if TYPE_CHECKING:
    import polars as pl

FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
STAGED = "staged_rows"


def read(
    connection: Any, table: Table, tickers: Sequence[str], until: str | None = None
) -> pl.DataFrame:
    """Rows of ``table`` for ``tickers`` in key order, all columns, dates up to ``until``."""
    import polars as pl

    chosen = "ticker = ANY(string_to_array($1, ','))"
    names = columns(connection, table)
    dated = until is not None and "date" in table.columns
    query = (
        f"SELECT {sql.names(names)} FROM {table.name} WHERE {chosen}"  # noqa: S608 declared names
        + (" AND date <= $2::date" if dated else "")
        + f" ORDER BY {sql.names(table.key)}"
    )
    parameters = (",".join(tickers), until) if dated else (",".join(tickers),)
    with cursor(connection) as cur:
        cur.execute(query, parameters)
        frame = pl.from_arrow(cur.fetch_arrow_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 a table never comes back as a series
    plain = [name for name, kind in table.columns.items() if kind == JSON]
    return frame.with_columns(pl.col(name).ext.storage() for name in plain) if plain else frame


def columns(connection: Any, table: Table) -> list[str]:
    """The declared columns, then whatever else an open-ended table has, in table order."""
    if not table.open_ended:
        return list(table.columns)
    with cursor(connection) as cur:
        cur.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (table.name,),
        )
        stored = [row[0] for row in cur.fetchall()]
    return list(table.columns) + [name for name in stored if name not in table.columns]


def upsert(connection: Any, table: Table, frame: pl.DataFrame) -> int:
    """Insert new rows and update those that differ; the number of rows touched."""
    if frame.is_empty():
        return 0
    with _staged(connection, table, frame) as cur:
        return _merge(cur, table, frame.columns)


def replace(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    frame: pl.DataFrame,
    within: Mapping[str, str] | None = None,
) -> int:
    """Make ``frame`` the whole of ``tickers`` in ``table``; the number of rows touched.

    ``within`` narrows what is replaced to rows with these values. Rows that stay as they were
    are not rewritten, so a second run costs no write.
    """
    _add_columns(connection, table, frame.columns)
    absent = [name for name in columns(connection, table) if name not in frame.columns]
    with _staged(connection, table, frame) as cur:
        narrowed = "".join(f' AND t."{name}" = ${i}' for i, name in enumerate(within or {}, 2))
        removed = _counted(
            cur,
            f"DELETE FROM {table.name} t WHERE ticker = ANY(string_to_array($1, ',')){narrowed} "  # noqa: S608
            f"AND NOT EXISTS (SELECT FROM {STAGED} s WHERE {sql.same_key(table, 's', 't')})",
            (",".join(tickers), *(within or {}).values()),
        )
        return removed + _merge(cur, table, frame.columns, cleared=absent)


@contextmanager
def cursor(connection: Any) -> Iterator[Any]:
    """A cursor that is closed on the way out."""
    cur = connection.cursor()
    try:
        yield cur
    finally:
        cur.close()


def _add_columns(connection: Any, table: Table, names: Sequence[str]) -> None:
    """Give an open-ended table further ``double precision`` columns, where it lacks them."""
    stored = columns(connection, table)
    for name in names:
        if name in stored:
            continue
        if not (table.open_ended and FEATURE_NAME.fullmatch(name)):
            raise ValueError(f"{table.name} cannot have a column {name!r}")
        with cursor(connection) as cur:
            cur.execute(f'ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS "{name}" {FLOAT}')


@contextmanager
def _staged(connection: Any, table: Table, frame: pl.DataFrame) -> Iterator[Any]:
    with cursor(connection) as cur:
        cur.adbc_ingest(STAGED, frame.to_arrow(), mode="create", temporary=True)
        key = sql.names(table.key)
        # Without statistics the planner joins the staged rows by nested loops.
        cur.execute(f"CREATE INDEX ON {STAGED} ({key})")
        cur.execute(f"ANALYZE {STAGED}")
        yield cur
        cur.execute(f"DROP TABLE {STAGED}")


def _merge(cur: Any, table: Table, names: Sequence[str], cleared: Sequence[str] = ()) -> int:
    """Bring the staged rows into the table, with NULL in the ``cleared`` columns."""
    values = {name: f'"{name}"::{table.columns.get(name, FLOAT)}' for name in names}
    values |= dict.fromkeys(cleared, "NULL")
    insert = sql.insert(table, values, STAGED)
    return _counted(cur, insert + sql.update_if_changed(table, values))


def _counted(cur: Any, statement: str, parameters: tuple[str, ...] | None = None) -> int:
    """Run a statement and count the rows it touched: ADBC's own count is -1 for some of them."""
    counted = f"WITH touched AS ({statement} RETURNING 1) SELECT count(*) FROM touched"  # noqa: S608
    cur.execute(counted, parameters)
    return int(cur.fetchone()[0])
