"""Store what live models forecast from: a row per ticker and horizon, and one per pool's model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from src.core.tables import POOL_INPUTS, SERVING_INPUTS, Table
from src.db import sql

if TYPE_CHECKING:
    import psycopg

Row = Mapping[str, Any]

# Every writer takes this row first, whatever it goes on to write: two that lock rows of the tables
# and this counter in different orders would wait for each other.
_LOCK = "SELECT n FROM data_version FOR UPDATE"
_LEFT = (
    "DELETE FROM serving_inputs s WHERE pool = ANY(%s) "
    "AND NOT EXISTS (SELECT FROM pool_members m WHERE m.ticker = s.ticker)"
)
_REPLACED = (
    "DELETE FROM pool_inputs WHERE digest <> ALL(%s) "
    "AND (pool, horizon) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
    "AND digest NOT IN (SELECT digest FROM trial_challengers WHERE digest IS NOT NULL)"
)


def _write(table: Table) -> str:
    """The statement that writes rows, given as JSON, all at once.

    Rows that differ from the stored ones in the time of writing alone are left as they are.
    """
    typed = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
    names = {name: f'"{name}"' for name in table.columns}
    rows = f"jsonb_to_recordset(%s::jsonb) AS written({typed})"
    return sql.insert(table, names, rows) + sql.update_if_changed(
        table, names, uncompared=("written_at",)
    )


def _select(table: Table, condition: str) -> str:
    return f"SELECT {sql.names(table.columns)} FROM {table.name} WHERE {condition} "  # noqa: S608


_WRITE, _WRITE_POOL = _write(SERVING_INPUTS), _write(POOL_INPUTS)
_READ = _select(
    SERVING_INPUTS,
    "ticker = ANY(%(tickers)s) AND (%(horizon)s::text IS NULL OR horizon = %(horizon)s) "
    "ORDER BY ticker, horizon DESC",
)
_OF_POOL = _select(SERVING_INPUTS, "pool = %s AND horizon = %s ORDER BY ticker")
_READ_POOL = _select(POOL_INPUTS, "pool = %s AND horizon = %s AND digest = %s")


class ServingInputs:
    """The tables ``serving_inputs`` and ``pool_inputs`` over an open autocommit connection.

    One statement writes all rows of a table, so that readers see all of them or none.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All rows of both tables that are written inside become visible at once."""
        with self._connection.transaction():
            self._connection.execute(_LOCK)
            yield

    def write(self, rows: Sequence[Row]) -> int:
        """Store rows with the columns of ``SERVING_INPUTS``, all or none.

        Each ticker and horizon may be there once. Rows of their pools are removed whose tickers
        are members no longer.

        Returns:
            The number of rows that are new or changed, by more than ``written_at``.
        """
        if not rows:
            return 0
        with self.transaction(), self._connection.cursor() as cursor:
            cursor.execute(_WRITE, (_json(rows),))
            changed = cursor.rowcount
            cursor.execute(_LEFT, (sorted({row["pool"] for row in rows}),))
            return changed

    def write_pool(self, rows: Sequence[Row]) -> int:
        """Store rows with the columns of ``POOL_INPUTS``; the number that are new or changed.

        Rows of other models of their pools and horizons are removed, a rollback makes them anew;
        those that trials forecast with stay.
        """
        if not rows:
            return 0
        pools, horizons, digests = (
            [row[name] for row in rows] for name in ("pool", "horizon", "digest")
        )
        with self.transaction(), self._connection.cursor() as cursor:
            cursor.execute(_WRITE_POOL, (_json(rows),))
            changed = cursor.rowcount
            cursor.execute(_REPLACED, (digests, pools, horizons))
            return changed

    def add_pool(self, row: Row) -> None:
        """Store a row with the columns of ``POOL_INPUTS`` beside those of other models."""
        with self.transaction():
            self._connection.execute(_WRITE_POOL, (_json([row]),))

    def read(self, tickers: Sequence[str], horizon: str | None = None) -> list[dict[str, Any]]:
        """Rows of tickers in their order by name, the short horizon first; of one, or of both."""
        return self._rows(_READ, {"tickers": list(tickers), "horizon": horizon})

    def of_pool(self, pool: str, horizon: str) -> list[dict[str, Any]]:
        """Rows of all tickers of a pool, in the order of their names."""
        return self._rows(_OF_POOL, (pool, horizon))

    def read_pool(self, pool: str, horizon: str, digest: str) -> dict[str, Any] | None:
        """The row of ``pool_inputs`` of a model; None without one."""
        rows = self._rows(_READ_POOL, (pool, horizon, digest))
        return rows[0] if rows else None

    def _rows(self, query: str, parameters: Any) -> list[dict[str, Any]]:
        from psycopg.rows import dict_row
        from psycopg.types.json import set_json_loads

        with self._connection.cursor(row_factory=dict_row) as cursor:
            set_json_loads(orjson.loads, cursor)
            rows = cursor.execute(query, parameters).fetchall()
        for row in rows:
            # The database keeps 1e22 as digits, which come back as a whole number.
            row["inputs"] = {name: float(value) for name, value in row["inputs"].items()}
        return rows


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps([dict(row) for row in rows]).decode()
