"""Read rows of tables as frames through ADBC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import BATCH_WITHDRAWALS, BUNDLE_FILES, INGEST_BATCHES, JSON, QUARANTINE, Table
from src.db import sql
from src.db.bulk import arrays, completeness
from src.db.bulk.cursors import cursor, execute, fetch, query

if TYPE_CHECKING:
    import polars as pl

Dates = tuple[dt.date | None, dt.date | None]


def read(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    dates: Dates = (None, None),
    wanted: Sequence[str] | None = None,
    within: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Rows of ``table`` for ``tickers`` in key order, of ``dates`` from the first up to the second.

    All columns, or those ``wanted``; rows with the values ``within``, or all.

    Raises:
        ValueError: The table has no such column.
    """
    names = columns(connection, table) if wanted is None else list(wanted)
    undeclared = [name for name in names if name not in table.columns]
    if wanted is not None and undeclared:
        stored = columns(connection, table)
        missing = [name for name in undeclared if name not in stored]
        if missing:
            raise ValueError(f"{table.name} has no column {missing[0]!r}")
    return arrays.unpack_columns(
        table, read_packed(connection, table, tickers, names, dates, within)
    )


def read_packed(
    connection: Any,
    table: Table,
    tickers: Sequence[str],
    names: Sequence[str],
    dates: Dates = (None, None),
    within: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """As ``read`` of these columns, which the table has; arrays are bytes (see ``arrays``)."""
    import polars as pl

    chosen = "ticker = ANY(string_to_array($1, ','))"
    parameters = [",".join(tickers)]
    for sign, day in zip((">=", "<="), dates, strict=True):
        if day is not None and "date" in table.columns:
            parameters.append(day.isoformat())
            chosen += f" AND date {sign} ${len(parameters)}::date"
    for name, value in (within or {}).items():
        parameters.append(value)
        chosen += f' AND "{name}" = ${len(parameters)}'
    read_names = [*names, *(name for name in table.key if name not in names)]
    packed = arrays.array_columns(table)
    values = [f'array_send("{n}") AS "{n}"' if n in packed else f'"{n}"' for n in read_names]
    statement = f"SELECT {', '.join(values)} FROM {table.name} WHERE {chosen}"  # noqa: S608
    # Sorting here is cheaper than in PostgreSQL, and no collation changes the order.
    frame = query(connection, statement, parameters).sort(table.key).select(names)
    plain = [name for name in names if table.columns.get(name) == JSON]
    return frame.with_columns(pl.col(name).ext.storage() for name in plain) if plain else frame


def columns(connection: Any, table: Table) -> list[str]:
    """The declared columns, then whatever else an open-ended table has, in table order."""
    if not table.open_ended:
        return list(table.columns)
    stored = query(
        connection,
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) "
        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (table.name,),
    )["attname"]
    return list(table.columns) + [name for name in stored if name not in table.columns]


def batches_of_files(connection: Any, hashes: Sequence[str]) -> pl.DataFrame:
    """See ``Store.batches_of_files``."""
    statement = (
        f"SELECT {sql.names(INGEST_BATCHES.columns)} FROM {INGEST_BATCHES.name} b "  # noqa: S608
        "WHERE file_hash = ANY(string_to_array($1, ',')) AND NOT EXISTS (SELECT FROM "
        f"{BATCH_WITHDRAWALS.name} w WHERE w.batch_id = b.batch_id) AND NOT (rows_rejected > 0 "
        f"AND EXISTS (SELECT FROM {QUARANTINE.name} q WHERE q.ticker = b.ticker "
        "AND q.batch_id = b.batch_id AND q.rule = 'future_bar')) ORDER BY batch_id"
    )
    return query(connection, statement, (",".join(hashes),))


def bundles_of_files(connection: Any, hashes: Sequence[str]) -> pl.DataFrame:
    """See ``Store.bundles_of_files``."""
    statement = (
        f"SELECT {sql.names(BUNDLE_FILES.columns)} FROM {BUNDLE_FILES.name} "  # noqa: S608
        f"WHERE bundle_hash IN (SELECT bundle_hash FROM {BUNDLE_FILES.name} "
        "WHERE file_hash = ANY(string_to_array($1, ','))) ORDER BY bundle_hash, first_line"
    )
    return query(connection, statement, (",".join(hashes),))


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
    statement = completeness.query(table, columns, recent, known)
    return query(connection, statement, parameters).sort("ticker")


def count(
    connection: Any, table: Table, tickers: Sequence[str], until: dt.date | None = None
) -> dict[str, int]:
    """See ``Store.count``."""
    known = "" if until is None else "AND date <= $2::date"
    parameters = (",".join(tickers), *([] if until is None else [until.isoformat()]))
    statement = (
        f"SELECT ticker, count(*) FROM {table.name} "  # noqa: S608
        f"WHERE ticker = ANY(string_to_array($1, ',')) {known} GROUP BY ticker"
    )
    return dict(query(connection, statement, parameters).iter_rows())


def newest(connection: Any, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
    """See ``Store.newest``."""
    at = table.key[1]
    statement = (
        f"SELECT ticker, source, max({at}) AS {at} FROM {table.name} "  # noqa: S608
        "WHERE ticker = ANY(string_to_array($1, ',')) GROUP BY ticker, source"
    )
    return query(connection, statement, (",".join(tickers),))


def reserve_batches(connection: Any, count: int) -> list[int]:
    """See ``Store.reserve_batches``."""
    statement = (
        "SELECT nextval(pg_get_serial_sequence($1, 'batch_id')) "
        "FROM generate_series(1, $2::integer)"
    )
    return query(connection, statement, (INGEST_BATCHES.name, count)).to_series().to_list()


def stored_tickers(connection: Any) -> list[str]:
    """See ``Store.tickers``."""
    with cursor(connection) as cur:
        execute(cur, "SELECT ticker FROM stored_tickers ORDER BY ticker")
        return fetch(cur).to_series().to_list()
