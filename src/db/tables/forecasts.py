"""Store forecasts once each, and their outcomes; a changed outcome is added as a new row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db import sql

if TYPE_CHECKING:
    import psycopg

Row = Mapping[str, Any]

_KEY = sql.names(PREDICTIONS.key, "p")
# Rows of `prediction_outcomes` of the forecast `p`; the newest one counts.
_NEWEST_OUTCOME = (
    f"SELECT * FROM prediction_outcomes o WHERE {sql.same_key(PREDICTIONS, 'o', 'p')} "  # noqa: S608
    "ORDER BY matured_at DESC LIMIT 1"
)
_LOG = f"{sql.insert(PREDICTIONS, sql.placeholders(PREDICTIONS))} ON CONFLICT DO NOTHING"
_COMPARED = ("realised_return", "label_end", "return_basis")
_OUTCOME = sql.placeholders(PREDICTION_OUTCOMES)
_RECORD = (
    f"WITH p AS (SELECT {', '.join(f'{_OUTCOME[name]} AS {name}' for name in PREDICTIONS.key)}) "  # noqa: S608
    f"{sql.insert(PREDICTION_OUTCOMES, _OUTCOME)} WHERE NOT EXISTS ("
    f"SELECT FROM p CROSS JOIN LATERAL ({_NEWEST_OUTCOME}) newest "
    f"WHERE ({sql.names(_COMPARED)}) = ({', '.join(_OUTCOME[name] for name in _COMPARED)})"
    ") ON CONFLICT DO NOTHING"
)
_BEFORE = (
    f"SELECT {_KEY}, p.sessions, o.label_end, o.realised_return FROM predictions p "  # noqa: S608
    f"LEFT JOIN LATERAL ({_NEWEST_OUTCOME}) o ON true "
    "WHERE p.ticker = %(ticker)s AND p.feature_date < %(before)s "
    f"ORDER BY p.feature_date, {_KEY}"
)


class ForecastLog:
    """The tables ``predictions`` and ``prediction_outcomes`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def log(self, forecasts: Sequence[Row]) -> int:
        """Store forecasts with the columns of ``PREDICTIONS``; returns how many were new.

        A forecast whose key is stored already is left as it was first made.
        """
        return self._write(_LOG, forecasts)

    def record(self, outcomes: Sequence[Row]) -> int:
        """Store outcomes with the columns of ``PREDICTION_OUTCOMES``; returns how many were new.

        An outcome equal to the newest one of its forecast is not stored again.
        """
        return self._write(_RECORD, outcomes)

    def forecasts_before(self, ticker: str, before: dt.date) -> list[dict[str, Any]]:
        """Keys and ``sessions`` of a ticker's forecasts from sessions before a date, oldest first.

        Each with the ``label_end`` and ``realised_return`` of its newest outcome, or None.
        """
        from psycopg.rows import dict_row

        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_BEFORE, {"ticker": ticker, "before": before}).fetchall()

    def _write(self, statement: str, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(statement, rows)
            return cursor.rowcount
