"""Read what scores of data quality are computed from, each fact of all tickers in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.quality_rows import Bar, NewestFeatures, Refusal, Span, Step
from src.db.sql import STILL_REFUSED

if TYPE_CHECKING:
    import psycopg

# Small rows of many tickers: compiling, or starting workers, would take longer than reading.
_SETTINGS = ("SET LOCAL jit = off", "SET LOCAL max_parallel_workers_per_gather = 0")
# Counted by indexes alone: few bars were repaired or wait for a decision.
_SPANS = """
WITH repaired AS (
    SELECT ticker, count(*) AS n FROM raw_daily_prices_clean
    WHERE repaired_by IS NOT NULL AND ticker = ANY(%(tickers)s) GROUP BY ticker
), pending AS (
    SELECT ticker, count(*) AS n FROM raw_daily_prices_clean
    WHERE action_pending AND ticker = ANY(%(tickers)s) GROUP BY ticker
)
SELECT t.ticker, c.first, c.newest, c.bars, coalesce(r.n, 0), coalesce(p.n, 0)
FROM unnest(%(tickers)s::text[]) t(ticker)
JOIN LATERAL (SELECT min(date) AS first, max(date) AS newest, count(*) AS bars
    FROM raw_daily_prices_clean WHERE ticker = t.ticker) c ON c.bars > 0
LEFT JOIN repaired r ON r.ticker = t.ticker
LEFT JOIN pending p ON p.ticker = t.ticker
ORDER BY t.ticker
"""
_REFUSED = f"""
SELECT ticker, rule, left(at, 10) AS day FROM quarantine
WHERE ticker = ANY(%(tickers)s) AND rule <> ALL(%(harmless)s) AND {STILL_REFUSED}
ORDER BY ticker, day
"""  # noqa: S608 a text of ours
_SINCE = "unnest(%(tickers)s::text[], %(since)s::date[]) t(ticker, since)"
# OFFSET 0 keeps the ranges of tickers apart, each read by the index.
_BARS = f"""
SELECT t.ticker, c.*, f.date IS NOT NULL AS has_features, f.close AS features_close, f.warm_up,
    (SELECT count(*) FROM unnest(f.inputs) i WHERE i IS NULL OR i = 'NaN') AS unknown_inputs
FROM {_SINCE}
JOIN LATERAL (SELECT date, open, high, low, close, volume, source, repaired_by, action_pending
    FROM raw_daily_prices_clean WHERE ticker = t.ticker AND date >= t.since OFFSET 0) c ON true
LEFT JOIN LATERAL (SELECT date, close, warm_up, inputs FROM features_daily
    WHERE ticker = t.ticker AND date = c.date OFFSET 0) f ON true
ORDER BY t.ticker, c.date
"""  # noqa: S608 names of this module
_FEATURES = """
SELECT t.ticker, f.date, CASE WHEN f.warm_up THEN 0 ELSE
    (SELECT count(*) FROM jsonb_each(to_jsonb(f) - 'inputs')
        WHERE value = 'null' AND key = ANY(%(columns)s)) END AS unknown
FROM unnest(%(tickers)s::text[]) t(ticker)
JOIN LATERAL (SELECT * FROM features_daily d WHERE d.ticker = t.ticker
    ORDER BY date DESC LIMIT 1) f ON true
"""
# Steps from one bar to the next that are longer than over a weekend; Python counts their sessions.
_STEPS = f"""
SELECT t.ticker, c.before, c.date AS after FROM {_SINCE}
JOIN LATERAL (SELECT date, lag(date) OVER (ORDER BY date) AS before
    FROM raw_daily_prices_clean WHERE ticker = t.ticker AND date >= t.since OFFSET 0) c
    ON date - before > 2 AND NOT (date - before = 3 AND extract(isodow FROM before) = 5)
ORDER BY t.ticker, c.date
"""  # noqa: S608 names of this module
_EX_DATES = """
SELECT ticker, date FROM corporate_actions
WHERE ticker = ANY(%(tickers)s) AND status <> 'rejected' AND date >= %(since)s
"""


class QualityFacts:
    """Facts about the quality of stored prices, over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def spans(self, tickers: Sequence[str]) -> list[Span]:
        """Of each of these tickers that has clean bars."""
        return self._read(Span, _SPANS, {"tickers": list(tickers)})

    def refusals(self, tickers: Sequence[str], harmless: Sequence[str]) -> list[Refusal]:
        """Every refused daily row, but for those of ``harmless`` rules."""
        parameters = {"tickers": list(tickers), "harmless": list(harmless)}
        return self._read(Refusal, _REFUSED, parameters)

    def bars(self, since: Mapping[str, dt.date]) -> list[Bar]:
        """Clean bars of each ticker from a date on, in order."""
        return self._read(Bar, _BARS, _ranges(since))

    def newest_features(
        self, tickers: Sequence[str], columns: Sequence[str]
    ) -> list[NewestFeatures]:
        """Of each of these tickers that has features; ``columns`` are the configured ones."""
        parameters = {"tickers": list(tickers), "columns": list(columns)}
        return self._read(NewestFeatures, _FEATURES, parameters)

    def steps(self, since: Mapping[str, dt.date]) -> list[Step]:
        """Where more than a weekend lies between two clean bars, from a date on by ticker."""
        return self._read(Step, _STEPS, _ranges(since))

    def ex_dates(self, tickers: Sequence[str], since: dt.date) -> set[tuple[str, dt.date]]:
        """Ticker and date of every corporate action that was not rejected."""
        parameters = {"tickers": list(tickers), "since": since}
        return set(self._connection.execute(_EX_DATES, parameters).fetchall())

    def _read(self, kind: type[Any], query: str, parameters: Mapping[str, Any]) -> list[Any]:
        with self._connection.transaction():
            for setting in _SETTINGS:
                self._connection.execute(setting)
            rows = self._connection.execute(query, parameters, prepare=False).fetchall()
        return [kind(*row) for row in rows]


def _ranges(since: Mapping[str, dt.date]) -> dict[str, Any]:
    return {"tickers": list(since), "since": list(since.values())}
