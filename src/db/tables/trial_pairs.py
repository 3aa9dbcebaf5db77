"""Read what a challenger and its reference forecast of the same returns, and what came true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_SESSIONS = (
    "SELECT count(DISTINCT feature_date) FROM prediction_outcomes "
    "WHERE kind = 'shadow' AND version = %s"
)
# The first forecast of each ticker and session that was made before the close of the next session;
# beside it the answer that stood at that moment, and the newest outcome. The time of a run is that
# at which it began: an answer that was given while it worked is the first one after that.
_PAIRS = """
WITH sessions AS (
    SELECT * FROM unnest(%(days)s::date[], %(closes)s::timestamptz[]) s(day, next_close)
),
firsts AS MATERIALIZED (
    SELECT DISTINCT ON (p.ticker, p.feature_date) p.*, s.next_close
    FROM predictions p JOIN sessions s ON s.day = p.feature_date AND p.made_at < s.next_close
    WHERE p.kind = 'shadow' AND p.version = %(version)s
    ORDER BY p.ticker, p.feature_date, p.made_at
)
SELECT f.feature_date, f.ticker, o.realised_return, f.point, r.point, f.sigma
FROM firsts f
CROSS JOIN LATERAL (
    SELECT realised_return FROM prediction_outcomes o
    WHERE o.ticker = f.ticker AND o.horizon = f.horizon AND o.feature_date = f.feature_date
        AND o.version = f.version AND o.data_hash = f.data_hash AND o.kind = 'shadow'
    ORDER BY matured_at DESC LIMIT 1
) o
LEFT JOIN LATERAL (
    SELECT point FROM predictions r
    WHERE r.ticker = f.ticker AND r.horizon = f.horizon AND r.feature_date = f.feature_date
        AND r.kind = 'served' AND r.made_at < f.next_close
    ORDER BY r.made_at <= f.made_at DESC, abs(extract(epoch FROM r.made_at - f.made_at)) LIMIT 1
) r ON true
ORDER BY f.feature_date, f.ticker
"""


class TrialPairs:
    """Shadow forecasts with their outcomes, over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def count_sessions(self, version: str) -> int:
        """Sessions whose shadow forecasts of a ``version`` have outcomes."""
        row = self._connection.execute(_SESSIONS, (version,)).fetchone()
        return int(row[0]) if row else 0

    def read(self, version: str, closes: Mapping[dt.date, dt.datetime]) -> list[tuple[Any, ...]]:
        """Rows of session, ticker, realised, challenger, reference and sigma, in that order.

        Returns are simple; the reference is None where nothing was served then, and sigma may be.

        Args:
            version: Of the challenger's forecasts.
            closes: The close of the next session, by session: what is made later does not count.
        """
        parameters = {
            "version": version,
            "days": list(closes),
            "closes": list(closes.values()),
        }
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(_PAIRS, parameters, prepare=False).fetchall()
