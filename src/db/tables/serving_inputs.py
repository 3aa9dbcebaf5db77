"""Store the inputs of live models: one row per ticker, horizon and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import SERVING_INPUTS
from src.db import sql

if TYPE_CHECKING:
    import psycopg

_VALUES = sql.placeholders(SERVING_INPUTS)
# A row that differs in the time of writing alone is left as it is.
_WRITE = sql.insert(SERVING_INPUTS, _VALUES) + sql.update_if_changed(
    SERVING_INPUTS, _VALUES, uncompared=("written_at",)
)
# Rows of other models than those written, unless the model is live, or belongs to a version and
# its row is of a session written now: a rollback may be about to make that model live, and must
# not find the inputs of an earlier session.
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
_READ = (
    f"SELECT {sql.names(_VALUES)} FROM serving_inputs "  # noqa: S608 declared names
    "WHERE ticker = %(ticker)s AND horizon = %(horizon)s"
)


class ServingInputs:
    """The table ``serving_inputs`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def write(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Store rows with the columns of ``SERVING_INPUTS``, all or none.

        Rows of the same tickers that are not needed any more are removed: those of models that
        are neither written here nor live. Rows of models of a version stay if they are of a
        session written here, for a rollback.

        Returns:
            The number of rows that are new or changed, by more than ``written_at``.
        """
        from psycopg.types.json import Jsonb

        if not rows:
            return 0
        written = {
            "tickers": sorted({row["ticker"] for row in rows}),
            "written": sorted({row["digest"] for row in rows}),
        }
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(_WRITE, [{**row, "inputs": Jsonb(row["inputs"])} for row in rows])
            changed = cursor.rowcount
            cursor.execute(_REMOVE, written)
            return changed

    def read(self, ticker: str, horizon: str, digest: str) -> dict[str, Any] | None:
        """The inputs of a model, ``inputs`` as floats by name; None without a row."""
        return self._one(
            f"{_READ} AND digest = %(digest)s",
            {"ticker": ticker, "horizon": horizon, "digest": digest},
        )

    def newest(self, ticker: str, horizon: str) -> dict[str, Any] | None:
        """The row of the latest session of any model, of several the one written last; or None."""
        return self._one(
            f"{_READ} ORDER BY feature_date DESC, written_at DESC, digest LIMIT 1",
            {"ticker": ticker, "horizon": horizon},
        )

    def _one(self, query: str, parameters: dict[str, str]) -> dict[str, Any] | None:
        from psycopg.rows import dict_row

        with self._connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(query, parameters).fetchone()
        if row is None:
            return None
        # The database keeps 1e22 as digits, which come back as a whole number.
        return {**row, "inputs": {name: float(value) for name, value in row["inputs"].items()}}
