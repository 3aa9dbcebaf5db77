"""Forecasts in, and what came of them: each logged once, an outcome again only when it differs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS, Table

if TYPE_CHECKING:
    import psycopg

_KEY = ", ".join(PREDICTIONS.key)
_SAME = " AND ".join(f"o.{name} = %({name})s" for name in PREDICTIONS.key)


def _insert(table: Table, rest: str) -> str:
    marks = ", ".join(f"%({name})s::{kind}" for name, kind in table.columns.items())
    names = ", ".join(table.columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {marks} {rest}"


_LOG = _insert(PREDICTIONS, f"ON CONFLICT ({_KEY}) DO NOTHING")
_RECORD = _insert(
    PREDICTION_OUTCOMES,
    "WHERE NOT EXISTS (SELECT FROM (SELECT realised_return, label_end, return_basis "  # noqa: S608
    f"FROM prediction_outcomes o WHERE {_SAME} ORDER BY matured_at DESC LIMIT 1) newest "
    "WHERE realised_return = %(realised_return)s AND label_end = %(label_end)s "
    "AND return_basis = %(return_basis)s) ON CONFLICT DO NOTHING",
)


class ForecastLog:
    """The tables ``predictions`` and ``prediction_outcomes`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def log(self, forecasts: Sequence[Mapping[str, Any]]) -> int:
        """Store forecasts with the columns of ``PREDICTIONS``; how many were new.

        One that is stored already, by its key, is left as it was first made.
        """
        return self._write(_LOG, forecasts)

    def record(self, outcomes: Sequence[Mapping[str, Any]]) -> int:
        """Store outcomes with the columns of ``PREDICTION_OUTCOMES``; how many were new.

        One equal to the newest of its forecast is not stored again.
        """
        return self._write(_RECORD, outcomes)

    def followed(self, ticker: str, before: dt.date) -> list[dict[str, Any]]:
        """Keys and ``sessions`` of a ticker's forecasts from sessions before a date, oldest first.

        Each with the ``label_end`` and ``realised_return`` of its newest outcome, None without.
        """
        key = ", ".join(f"p.{name}" for name in PREDICTIONS.key)
        return self._rows(
            f"SELECT {key}, p.sessions, o.label_end, o.realised_return FROM predictions p "  # noqa: S608
            f"LEFT JOIN LATERAL ({_newest_outcome()}) o ON true "
            "WHERE p.ticker = %(ticker)s AND p.feature_date < %(before)s "
            f"ORDER BY p.feature_date, {key}",
            {"ticker": ticker, "before": before},
        )

    def scored(self, ticker: str | None = None, horizon: str | None = None) -> list[dict[str, Any]]:
        """Forecasts with their newest outcome, by feature date; of all tickers unless told."""
        return self._rows(
            "SELECT p.*, o.label_end, o.realised_return, o.matured_at, o.note "  # noqa: S608
            f"FROM predictions p CROSS JOIN LATERAL ({_newest_outcome()}) o "
            "WHERE (%(ticker)s::text IS NULL OR p.ticker = %(ticker)s) "
            "AND (%(horizon)s::text IS NULL OR p.horizon = %(horizon)s) "
            "ORDER BY p.feature_date, p.made_at",
            {"ticker": ticker, "horizon": horizon},
        )

    def count(self, ticker: str | None = None) -> int:
        """How many forecasts are logged, of all tickers or of one."""
        (row,) = self._rows(
            "SELECT count(*) AS n FROM predictions "
            "WHERE %(ticker)s::text IS NULL OR ticker = %(ticker)s",
            {"ticker": ticker},
        )
        return int(row["n"])

    def _write(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> int:
        if not rows:
            return 0
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(statement, rows)
            return cursor.rowcount

    def _rows(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        found = self._connection.execute(sql, parameters)
        names = [column.name for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _joined(left: str, right: str) -> str:
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in PREDICTIONS.key)


def _newest_outcome() -> str:
    return (
        f"SELECT * FROM prediction_outcomes o WHERE {_joined('o', 'p')} "  # noqa: S608 own names
        "ORDER BY matured_at DESC LIMIT 1"
    )
