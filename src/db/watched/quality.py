"""Keep scores of data quality: of each ticker and of all together, as they were at each session."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_COLUMNS = "ticker, session, score, dimensions, measured_at"
_WRITE = f"""
INSERT INTO quality_scores AS stored ({_COLUMNS})
SELECT ticker, session, score, dimensions, %(at)s FROM unnest(%(tickers)s::text[],
    %(sessions)s::date[], %(scores)s::float8[], %(dimensions)s::jsonb[])
    u(ticker, session, score, dimensions)
ON CONFLICT (ticker, session) DO UPDATE SET score = excluded.score,
    dimensions = excluded.dimensions, measured_at = excluded.measured_at
WHERE (stored.score, stored.dimensions) IS DISTINCT FROM (excluded.score, excluded.dimensions)
"""  # noqa: S608 names of this module
# The newest of each by the key's index: the table grows by every ticker at every session.
_LATEST = f"""
SELECT {_COLUMNS}, pool
FROM (SELECT ticker, pool FROM pool_members UNION ALL SELECT '', NULL) m(name, pool)
JOIN LATERAL (SELECT {_COLUMNS} FROM quality_scores q WHERE q.ticker = m.name
    ORDER BY session DESC LIMIT 1) newest ON true
ORDER BY ticker
"""  # noqa: S608 names of this module
_HISTORY = (
    f"SELECT {_COLUMNS} FROM quality_scores WHERE ticker = %s "  # noqa: S608 as above
    "ORDER BY session DESC LIMIT %s"
)


class QualityScores:
    """The table ``quality_scores``, over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def write(self, rows: Sequence[Mapping[str, Any]], at: dt.datetime) -> None:
        """Keep scores; one of the same ticker and session is replaced if it differs.

        Args:
            rows: ``ticker`` (empty for all together), ``session``, ``score``, ``dimensions``.
            at: When they were measured; of one that is as before, the first time stays.
        """
        parameters = {
            "tickers": [row["ticker"] for row in rows],
            "sessions": [row["session"] for row in rows],
            "scores": [row["score"] for row in rows],
            "dimensions": [json.dumps(row["dimensions"]) for row in rows],
            "at": at,
        }
        self._connection.execute(_WRITE, parameters)

    def latest(self) -> dict[str, dict[str, Any]]:
        """The newest score of each ticker of a pool, and under the empty name that of all together.

        Rows have ``ticker, session, score, dimensions`` (as ``src.monitoring.quality.score``
        makes them), ``measured_at`` and ``pool`` (None for all together).
        """
        return {row["ticker"]: row for row in self._rows(_LATEST, ())}

    def history(self, ticker: str, sessions: int) -> list[dict[str, Any]]:
        """The latest scores of a ticker (empty: all together), so many at most, oldest first."""
        return self._rows(_HISTORY, (ticker, sessions))[::-1]

    def _rows(self, query: str, parameters: tuple[Any, ...]) -> list[dict[str, Any]]:
        from psycopg.rows import dict_row

        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()
