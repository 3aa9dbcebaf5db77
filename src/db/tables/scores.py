"""Aggregate logged forecasts and their outcomes in the database, one row a model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.db.tables.score_queries import (
    EVENTS,
    OF_TICKER,
    forecasts_statement,
    sums_statement,
)

if TYPE_CHECKING:
    import psycopg

# Statements of one snapshot; the aggregation needs some 60 MB for 70,000 forecasts, and compiling
# it would take longer than running it.
_SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
)
_COUNTS = (
    f"SELECT (SELECT count(*) FROM predictions p WHERE {OF_TICKER}), "  # noqa: S608
    f"(SELECT count(*) FROM prediction_outcomes p WHERE {OF_TICKER}), "
    f"(SELECT count(*) FROM model_events p WHERE {EVENTS})"
)
_SPANS = (
    "SELECT ticker, min(feature_date), max(label_end) FROM prediction_outcomes p "  # noqa: S608
    f"WHERE {OF_TICKER} GROUP BY ticker"
)


class ScoreLog:
    """Scores of the tables of forecasts and outcomes, over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def snapshot_id(self) -> str:
        """A text that differs once anything in the database server has changed."""
        return str(self._one("SELECT pg_current_snapshot()::text", {})[0])

    def counts(self, ticker: str | None = None) -> tuple[int, int, int]:
        """Number of forecasts, outcomes and events, of one ticker or of all; they only grow."""
        forecasts, outcomes, events = self._one(_COUNTS, {"ticker": ticker})
        return forecasts, outcomes, events

    @contextmanager
    def one_snapshot(self) -> Iterator[None]:
        """Let all that is read inside be of one moment; a caller's transaction decides that."""
        from psycopg.pq import TransactionStatus

        is_own = self._connection.info.transaction_status == TransactionStatus.IDLE
        with self._connection.transaction():
            for statement in _SNAPSHOT if is_own else _SNAPSHOT[1:]:
                self._connection.execute(statement)
            yield

    def spans(self, ticker: str | None = None) -> dict[str, tuple[dt.date, dt.date]]:
        """First feature date and last date of an outcome, by ticker; of one, or of all."""
        rows = self._connection.execute(_SPANS, {"ticker": ticker}).fetchall()
        return {name: (first, last) for name, first, last in sorted(rows)}

    def sums(
        self,
        ticker: str | None,
        calendars: Mapping[str, str],
        sessions: Sequence[tuple[str, dt.date, dt.datetime]],
        intervals: Sequence[tuple[float, float]],
    ) -> list[dict[str, Any]]:
        """One row for each kind, horizon, sessions, model and ticker, and for all real tickers.

        Columns: those five (ticker ``""`` for all), tickers, versions, dates (distinct ones),
        first and last (feature dates), n, mae, mae_zero (simple returns), signed (forecasts and
        outcomes that have a sign), rises and right_signs (among these), coverage_n (with a
        distribution), and by place in ``intervals`` known_0 (with that interval) and inside_0.

        Args:
            ticker: Of which forecasts are read; None for all.
            calendars: The name of its calendar by ticker.
            sessions: Calendar, date and close of every session in the span of its tickers.
            intervals: Lower and upper level of each.
        """
        from psycopg.rows import dict_row

        parameters = _parameters(ticker, calendars, sessions, intervals)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            query = sums_statement(len(intervals))
            # Prepared, it would be planned for any parameters, and badly for these.
            return cursor.execute(query, parameters, prepare=False).fetchall()

    def forecasts(
        self,
        horizon: tuple[str, int],
        since: dt.date,
        calendars: Mapping[str, str],
        sessions: Sequence[tuple[str, dt.date, dt.datetime]],
        intervals: Sequence[tuple[float, float]],
        ticker: str | None = None,
    ) -> list[tuple[Any, ...]]:
        """Every forecast that ``sums`` counts of some tickers at a horizon, in the order of making.

        Columns: kind, model, ticker, feature_date, realised and point (simple returns), and the
        two ends of each of ``intervals``, None where it has none.

        Args:
            horizon: ``short`` or ``long``, and how many sessions ahead that is.
            since: The first feature date.
            calendars: As of ``sums``, of the tickers that are wanted.
            sessions: As of ``sums``.
            intervals: As of ``sums``.
            ticker: The only ticker, where there is one; reads less.
        """
        parameters = _parameters(ticker, calendars, sessions, intervals)
        parameters |= {"horizon": horizon[0], "ahead": horizon[1], "since": since}
        with self._connection.cursor(binary=True) as cursor:
            query = forecasts_statement(len(intervals))
            return cursor.execute(query, parameters, prepare=False).fetchall()

    def _one(self, query: str, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        row = self._connection.execute(query, parameters).fetchone()
        assert row is not None  # noqa: S101 an aggregate has one row
        return tuple(row)


def _parameters(
    ticker: str | None,
    calendars: Mapping[str, str],
    sessions: Sequence[tuple[str, dt.date, dt.datetime]],
    intervals: Sequence[tuple[float, float]],
) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "horizon": None,
        "ahead": None,
        "since": None,
        "tickers": list(calendars),
        "calendars": list(calendars.values()),
        "of_calendar": [calendar for calendar, _, _ in sessions],
        "days": [day for _, day, _ in sessions],
        "closes": [close for _, _, close in sessions],
        "lows": [low for low, _ in intervals],
        "highs": [high for _, high in intervals],
    }
