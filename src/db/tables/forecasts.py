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
# From when until when each version was live; a rollback may bring it back.
_LIVE_TIMES = """
SELECT ticker, horizon, digest, array_agg(at) AS live_from, array_agg(until) AS live_until
FROM (
    SELECT ticker, horizon, digest, at,
        lead(at) OVER (PARTITION BY ticker, horizon ORDER BY event_id) AS until
    FROM model_events
    WHERE made_live AND (%(ticker)s::text IS NULL OR ticker = %(ticker)s)) e
GROUP BY ticker, horizon, digest"""
_SCORED = (
    "SELECT p.*, o.label_end, o.realised_return, o.matured_at, o.note, "  # noqa: S608
    "v.live_from, v.live_until "
    f"FROM predictions p CROSS JOIN LATERAL ({_NEWEST_OUTCOME}) o "
    f"LEFT JOIN ({_LIVE_TIMES}) v "
    "ON v.ticker = p.ticker AND v.horizon = p.horizon AND v.digest = p.version "
    "WHERE (%(ticker)s::text IS NULL OR p.ticker = %(ticker)s) "
    "AND (%(horizon)s::text IS NULL OR p.horizon = %(horizon)s) "
    "ORDER BY p.feature_date, p.made_at"
)
_COUNT = (
    "SELECT count(*) AS n FROM predictions WHERE %(ticker)s::text IS NULL OR ticker = %(ticker)s"
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
        return self._rows(_BEFORE, {"ticker": ticker, "before": before})

    def scored(self, ticker: str | None = None, horizon: str | None = None) -> list[dict[str, Any]]:
        """Forecasts with their newest outcome, by feature date; by default of all tickers.

        ``live_from`` and ``live_until`` list the times between which the version was live, None
        where the audit does not name it; an end is None for the version that is live now.
        """
        return self._rows(_SCORED, {"ticker": ticker, "horizon": horizon})

    def count(self, ticker: str | None = None) -> int:
        """Number of forecasts, of one ticker or of all."""
        (row,) = self._rows(_COUNT, {"ticker": ticker})
        return int(row["n"])

    def _write(self, statement: str, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(statement, rows)
            return cursor.rowcount

    def _rows(self, query: str, parameters: Row) -> list[dict[str, Any]]:
        from psycopg.rows import dict_row

        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()
