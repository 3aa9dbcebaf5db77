"""What live models are asked with: one row per ticker, horizon and set; in, and out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import SERVING_INPUTS

if TYPE_CHECKING:
    import psycopg

_COLUMNS = ", ".join(SERVING_INPUTS.columns)
_KEY = ", ".join(SERVING_INPUTS.key)
_SET = tuple(name for name in SERVING_INPUTS.columns if name not in SERVING_INPUTS.key)
# When a row was written says nothing of what it holds.
_COMPARED = tuple(name for name in _SET if name != "written_at")

_WRITE = (
    f"INSERT INTO serving_inputs AS kept ({_COLUMNS}) "  # noqa: S608 declared names
    f"VALUES ({', '.join(f'%({n})s::{kind}' for n, kind in SERVING_INPUTS.columns.items())}) "
    f"ON CONFLICT ({_KEY}) DO UPDATE SET {', '.join(f'{n} = EXCLUDED.{n}' for n in _SET)} "
    f"WHERE ({', '.join(f'kept.{n}' for n in _COMPARED)}) "
    f"IS DISTINCT FROM ({', '.join(f'EXCLUDED.{n}' for n in _COMPARED)})"
)
_REMOVE = """
DELETE FROM serving_inputs s
WHERE ticker = ANY(%(tickers)s) AND digest <> ALL(%(written)s)
    AND digest IS DISTINCT FROM (
        SELECT digest FROM model_events e
        WHERE e.ticker = s.ticker AND e.horizon = s.horizon AND made_live
        ORDER BY event_id DESC LIMIT 1)
    AND NOT (
        feature_date = ANY(
            SELECT w.feature_date FROM serving_inputs w
            WHERE w.ticker = s.ticker AND w.horizon = s.horizon AND w.digest = ANY(%(written)s))
        AND EXISTS (
            SELECT FROM model_events e
            WHERE e.ticker = s.ticker AND e.horizon = s.horizon AND e.digest = s.digest
                AND kind = 'versioned' AND version_tag IS NOT NULL))
"""
_CHOSEN = "ticker = %(ticker)s AND horizon = %(horizon)s"
_READ = f"SELECT {_COLUMNS} FROM serving_inputs WHERE {_CHOSEN}"  # noqa: S608 declared names


class ServingInputs:
    """The table ``serving_inputs`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def write(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Store rows with the columns of ``SERVING_INPUTS``, all or none; how many changed.

        A row equal to the stored one but for ``written_at`` is left alone. Rows of the same
        tickers whose sets are neither written here nor live are removed, but for those of
        versions at the session written here: a rollback may be about to make them live, and none
        may find what its models were asked with at a session before.
        """
        from psycopg.types.json import Jsonb

        if not rows:
            return 0
        told = {
            "tickers": sorted({row["ticker"] for row in rows}),
            "written": sorted({row["digest"] for row in rows}),
        }
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(_WRITE, [{**row, "inputs": Jsonb(row["inputs"])} for row in rows])
            changed = cursor.rowcount
            cursor.execute(_REMOVE, told)
            return changed

    def read(self, ticker: str, horizon: str, digest: str) -> dict[str, Any] | None:
        """What that set is asked with, ``inputs`` as floats by name; None without a row."""
        return self._one(
            f"{_READ} AND digest = %(digest)s",
            {"ticker": ticker, "horizon": horizon, "digest": digest},
        )

    def newest(self, ticker: str, horizon: str) -> dict[str, Any] | None:
        """The row of the latest session of any set, the last one written first; or None."""
        return self._one(
            f"{_READ} ORDER BY feature_date DESC, written_at DESC, digest LIMIT 1",
            {"ticker": ticker, "horizon": horizon},
        )

    def _one(self, sql: str, parameters: dict[str, str]) -> dict[str, Any] | None:
        found = self._connection.execute(sql, parameters).fetchone()
        if found is None:
            return None
        row = dict(zip(SERVING_INPUTS.columns, found, strict=True))
        # The database keeps 1e22 as digits, which come back as a whole number.
        return {**row, "inputs": {name: float(value) for name, value in row["inputs"].items()}}
