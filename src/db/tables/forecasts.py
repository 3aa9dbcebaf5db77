"""Store forecasts once each, and their outcomes; what has changed is added as a new row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db import sql

if TYPE_CHECKING:
    import psycopg

Row = Mapping[str, Any]

# Rows of `prediction_outcomes` of the forecast `p`; the newest one counts.
_NEWEST_OUTCOME = (
    f"SELECT * FROM prediction_outcomes o WHERE {sql.same_key(PREDICTIONS, 'o', 'p')} "  # noqa: S608
    "ORDER BY matured_at DESC LIMIT 1"
)
# The answer of a forecast. Another hash of the data alone, such as that of a pool in which another
# ticker was brought up to date, makes no other forecast.
_ANSWER = [name for name in PREDICTIONS.columns if name not in (*PREDICTIONS.key, "made_at")]
_FORECAST = sql.placeholders(PREDICTIONS)
_SAME = [name for name in PREDICTIONS.key if name != "data_hash"]
_LOG = (
    f"{sql.insert(PREDICTIONS, _FORECAST)} WHERE NOT EXISTS ("  # noqa: S608 declared names
    f"SELECT FROM (SELECT * FROM predictions WHERE ({sql.names(_SAME)}) = "
    f"({', '.join(_FORECAST[name] for name in _SAME)}) ORDER BY made_at DESC LIMIT 1) newest "
    f"WHERE ({sql.names(_ANSWER)}) IS NOT DISTINCT FROM "
    f"({', '.join(_FORECAST[name] for name in _ANSWER)})"
    ") ON CONFLICT DO NOTHING"
)
_LOGGED = sql.names((*PREDICTIONS.key, "sessions", "made_at"), "p")
_OF_TRIALS = "p.kind = 'shadow' AND p.version = ANY(%(versions)s)"
_AWAITED = (
    f"SELECT {_LOGGED} FROM predictions p WHERE {_OF_TRIALS} "  # noqa: S608 declared names
    "AND p.ticker = ANY(%(tickers)s) AND p.feature_date < %(until)s "
    # A week, for sessions that the calendar of then did not know of.
    "AND p.target_date <= %(until)s::date + 7 AND NOT EXISTS ("
    f"SELECT FROM prediction_outcomes o WHERE {sql.same_key(PREDICTIONS, 'o', 'p')})"
)
_RECORDED = (
    f"SELECT {_LOGGED}, newest.label_end, newest.realised_return FROM predictions p "  # noqa: S608
    f"CROSS JOIN LATERAL ({_NEWEST_OUTCOME}) newest WHERE {_OF_TRIALS} "
    "AND (p.ticker, p.horizon, p.feature_date) IN ("
    "SELECT * FROM unnest(%(tickers)s::text[], %(horizons)s::text[], %(days)s::date[]))"
)
_COMPARED = ("realised_return", "label_end", "return_basis")
_OUTCOME = sql.placeholders(PREDICTION_OUTCOMES)
_RECORD = (
    f"WITH p AS (SELECT {', '.join(f'{_OUTCOME[name]} AS {name}' for name in PREDICTIONS.key)}) "  # noqa: S608
    f"{sql.insert(PREDICTION_OUTCOMES, _OUTCOME)} WHERE NOT EXISTS ("
    f"SELECT FROM p CROSS JOIN LATERAL ({_NEWEST_OUTCOME}) newest "
    f"WHERE ({sql.names(_COMPARED)}) = ({', '.join(_OUTCOME[name] for name in _COMPARED)})"
    ") ON CONFLICT DO NOTHING"
)


class ForecastLog:
    """The tables ``predictions`` and ``prediction_outcomes`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def log(self, forecasts: Sequence[Row]) -> int:
        """Store forecasts with the columns of ``PREDICTIONS``; returns how many were new.

        A forecast whose key is stored already is left as it was first made, and one that says what
        the model's newest one for that session says is not stored again.
        """
        return self._write(_LOG, forecasts)

    def record(self, outcomes: Sequence[Row]) -> int:
        """Store outcomes with the columns of ``PREDICTION_OUTCOMES``; returns how many were new.

        An outcome equal to the newest one of its forecast is not stored again.
        """
        return self._write(_RECORD, outcomes)

    def awaited_of_trials(
        self, versions: Sequence[str], tickers: Sequence[str], until: dt.date
    ) -> list[tuple[Any, ...]]:
        """Shadow forecasts of these versions that have no outcome yet, and may have by a session.

        The key, ``sessions`` and ``made_at``.
        """
        parameters = {"versions": list(versions), "tickers": list(tickers), "until": until}
        return self._connection.execute(_AWAITED, parameters, prepare=False).fetchall()

    def recorded_of_trials(
        self, versions: Sequence[str], keys: Sequence[tuple[str, str, dt.date]]
    ) -> list[tuple[Any, ...]]:
        """Shadow forecasts of these versions that have an outcome, at tickers, horizons and days.

        As ``awaited_of_trials``, then ``label_end`` and ``realised_return`` of the newest one.
        """
        tickers, horizons, days = ([*part] for part in zip(*keys, strict=True))
        parameters = {
            "versions": list(versions),
            "tickers": tickers,
            "horizons": horizons,
            "days": days,
        }
        return self._connection.execute(_RECORDED, parameters, prepare=False).fetchall()

    def _write(self, statement: str, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(statement, rows)
            return cursor.rowcount
