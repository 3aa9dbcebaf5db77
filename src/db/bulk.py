"""Read and write whole frames through ADBC; a write touches only the rows that differ."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.tables import BATCH_WITHDRAWALS, BUNDLE_FILES, FLOAT, INGEST_BATCHES, JSON, Table
from src.db import completeness, sql

if TYPE_CHECKING:
    import polars as pl

FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def read(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    dates: tuple[dt.date | None, dt.date | None] = (None, None),
    wanted: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Rows of ``table`` for ``tickers`` in key order, of ``dates`` from the first up to the second.

    All columns, or those ``wanted``.

    Raises:
        ValueError: The table has no such column.
    """
    import polars as pl

    chosen = "ticker = ANY(string_to_array($1, ','))"
    names = columns(connection, table)
    if wanted is not None:
        missing = [name for name in wanted if name not in names]
        if missing:
            raise ValueError(f"{table.name} has no column {missing[0]!r}")
        names = list(wanted)
    parameters = [",".join(tickers)]
    for sign, day in zip((">=", "<="), dates, strict=True):
        if day is not None and "date" in table.columns:
            parameters.append(day.isoformat())
            chosen += f" AND date {sign} ${len(parameters)}::date"
    # Sorting here is cheaper than in PostgreSQL, and no collation changes the order.
    read_names = [*names, *(name for name in table.key if name not in names)]
    query = f"SELECT {sql.names(read_names)} FROM {table.name} WHERE {chosen}"  # noqa: S608
    frame = _fetch(connection, query, tuple(parameters)).sort(table.key).select(names)
    plain = [name for name in names if table.columns.get(name) == JSON]
    return frame.with_columns(pl.col(name).ext.storage() for name in plain) if plain else frame


def columns(connection: Any, table: Table) -> list[str]:
    """The declared columns, then whatever else an open-ended table has, in table order."""
    if not table.open_ended:
        return list(table.columns)
    with cursor(connection) as cur:
        execute(
            cur,
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (table.name,),
        )
        stored = fetch(cur)["attname"]
    return list(table.columns) + [name for name in stored if name not in table.columns]


def batches_of_files(connection: Any, hashes: Sequence[str]) -> pl.DataFrame:
    """The rows of ``ingest_batches`` of files with these hashes, but for withdrawn ones."""
    query = (
        f"SELECT {sql.names(INGEST_BATCHES.columns)} FROM {INGEST_BATCHES.name} b "  # noqa: S608
        "WHERE file_hash = ANY(string_to_array($1, ',')) AND NOT EXISTS (SELECT FROM "
        f"{BATCH_WITHDRAWALS.name} w WHERE w.batch_id = b.batch_id) ORDER BY batch_id"
    )
    return _fetch(connection, query, (",".join(hashes),))


def bundles_of_files(connection: Any, hashes: Sequence[str]) -> pl.DataFrame:
    """See ``Store.bundles_of_files``."""
    query = (
        f"SELECT {sql.names(BUNDLE_FILES.columns)} FROM {BUNDLE_FILES.name} "  # noqa: S608
        f"WHERE bundle_hash IN (SELECT bundle_hash FROM {BUNDLE_FILES.name} "
        "WHERE file_hash = ANY(string_to_array($1, ','))) ORDER BY bundle_hash, first_line"
    )
    return _fetch(connection, query, (",".join(hashes),))


def count_lacking(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    columns: Sequence[str],
    recent: int,
    until: dt.date | None = None,
) -> pl.DataFrame:
    """See ``Store.count_lacking``."""
    known = "" if until is None else "AND date <= $2::date"
    parameters = (",".join(tickers), *([] if until is None else [until.isoformat()]))
    query = completeness.query(table, columns, recent, known)
    return _fetch(connection, query, parameters).sort("ticker")


def newest(connection: Any, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
    """See ``Store.newest``."""
    at = table.key[1]
    query = (
        f"SELECT ticker, source, max({at}) AS {at} FROM {table.name} "  # noqa: S608
        "WHERE ticker = ANY(string_to_array($1, ',')) GROUP BY ticker, source"
    )
    return _fetch(connection, query, (",".join(tickers),))


def insert(connection: Any, table: Table, frame: pl.DataFrame) -> int:
    """Write rows whose keys the table does not have; the number of rows."""
    if not frame.is_empty():
        with cursor(connection) as cur:
            cur.adbc_ingest(table.name, frame.to_arrow(), mode="append")
    return frame.height


def upsert(connection: Any, table: Table, frame: pl.DataFrame) -> int:
    """Insert new rows and update those that differ; the number of rows touched."""
    if frame.is_empty():
        return 0
    with _staged(connection, table, frame) as (cur, staged):
        return _merge(cur, table, staged, frame.columns)


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
    _add_columns(connection, table, frame.columns)
    if JSON in table.columns.values():
        # One JSON value has many texts: only PostgreSQL can tell whether it has changed.
        return _replace_staged(connection, table, tickers, frame, within or {})
    before = read(connection, table, tickers) if stored is None else stored
    before = before.filter(**within) if within else before
    after = _typed(frame, before)
    gone = before.join(after, on=table.key, how="anti")
    new = after.join(before, on=table.key, how="anti")
    changed = _changed(before, after, table.key)
    if 2 * (gone.height + changed.height) > before.height:
        _delete(connection, table, tickers, within or {})
        insert(connection, table, after)
    else:
        if gone.height:
            _delete(connection, table, tickers, within or {}, gone.select(table.key))
        upsert(connection, table, changed)
        insert(connection, table, new)
    return gone.height + changed.height + new.height


@contextmanager
def cursor(connection: Any) -> Iterator[Any]:
    """A cursor that is closed on the way out."""
    cur = connection.cursor()
    try:
        yield cur
    finally:
        cur.close()


def execute(cur: Any, statement: str, parameters: Sequence[str | int] = ()) -> None:
    """Run a statement with its parameters.

    They go as a frame: to make one of plain values pyarrow would load pandas.
    """
    import polars as pl

    values = {str(place): [value] for place, value in enumerate(parameters)}
    cur.execute(statement, pl.DataFrame(values).to_arrow() if values else None)


def fetch(cur: Any) -> pl.DataFrame:
    """All rows of what a cursor has executed.

    Raises:
        adbc_driver_manager.OperationalError: The server was lost while they came.
    """
    import adbc_driver_manager as adbc
    import polars as pl

    try:
        rows: pl.DataFrame = cur.fetch_polars()
    except pl.exceptions.ComputeError as error:
        # As it is worded where no rows are on their way.
        reason = f"IO: {str(error).removeprefix('got external error: ')}"
        raise adbc.OperationalError(reason, status_code=adbc.AdbcStatusCode.IO) from error
    return rows


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


def _fetch(connection: Any, query: str, parameters: tuple[str, ...]) -> pl.DataFrame:
    with cursor(connection) as cur:
        execute(cur, query, parameters)
        return fetch(cur)


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


def _delete(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    within: Mapping[str, str],
    keys: pl.DataFrame | None = None,
) -> None:
    """Delete all rows of the tickers within these values, or those with these keys."""
    statement, parameters = _deletion(table, tickers, within)
    if keys is None:
        with cursor(connection) as cur:
            execute(cur, statement, parameters)
        return
    with _staged(connection, table, keys) as (cur, staged):
        exists = f"EXISTS (SELECT FROM {staged} s WHERE {sql.same_key(table, 's', 't')})"
        execute(cur, f"{statement} AND {exists}", parameters)


def _replace_staged(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    frame: pl.DataFrame,
    within: Mapping[str, str],
) -> int:
    """As ``replace``, with the comparison left to PostgreSQL."""
    absent = [name for name in columns(connection, table) if name not in frame.columns]
    with _staged(connection, table, frame) as (cur, staged):
        statement, parameters = _deletion(table, tickers, within)
        exists = f"EXISTS (SELECT FROM {staged} s WHERE {sql.same_key(table, 's', 't')})"
        removed = _counted(cur, f"{statement} AND NOT {exists}", parameters)
        return removed + _merge(cur, table, staged, frame.columns, cleared=absent)


def _deletion(
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
    columns = repr((table.key, dict(frame.schema)))
    staged = f"staged_{hashlib.sha256(columns.encode()).hexdigest()[:16]}"
    with cursor(connection) as cur:
        cur.adbc_ingest(staged, frame.to_arrow(), mode="create_append", temporary=True)
        cur.execute(f"CREATE INDEX IF NOT EXISTS {staged}_key ON {staged} ({sql.names(table.key)})")
        # Without statistics the planner joins the staged rows by nested loops.
        cur.execute(f"ANALYZE {staged}")
        yield cur, staged
        cur.execute(f"TRUNCATE {staged}")


def _merge(
    cur: Any, table: Table, staged: str, names: Sequence[str], cleared: Sequence[str] = ()
) -> int:
    """Bring the staged rows into the table, with NULL in the ``cleared`` columns."""
    values = {name: f'"{name}"::{table.columns.get(name, FLOAT)}' for name in names}
    values |= dict.fromkeys(cleared, "NULL")
    insert = sql.insert(table, values, staged)
    return _counted(cur, insert + sql.update_if_changed(table, values))


def _counted(cur: Any, statement: str, parameters: tuple[str, ...] = ()) -> int:
    """Run a statement and count the rows it touched: ADBC's own count is -1 for some of them."""
    counted = f"WITH touched AS ({statement} RETURNING 1) SELECT count(*) FROM touched"  # noqa: S608
    execute(cur, counted, parameters)
    return int(fetch(cur).item())
