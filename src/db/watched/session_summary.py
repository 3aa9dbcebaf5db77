"""Read what one session brought a pool: moves, outcomes, decisions, and what is held back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_MOVES = """
SELECT f.ticker, exp(f.log_return) - 1 FROM features_daily f JOIN pool_members m USING (ticker)
WHERE m.pool = %(pool)s AND f.date = %(session)s AND f.log_return IS NOT NULL ORDER BY f.ticker
"""
# The first forecast of each ticker that was served, and its newest outcome.
_OUTCOMES = """
SELECT DISTINCT ON (p.ticker, p.horizon, p.feature_date)
    p.ticker, p.horizon, o.realised_return, p.levels, p.quantiles
FROM predictions p
JOIN prediction_outcomes o USING (ticker, horizon, feature_date, version, data_hash, kind)
JOIN pool_members m USING (ticker)
WHERE p.kind = 'served' AND m.pool = %(pool)s AND p.target_date = %(session)s
    AND o.label_end = %(session)s
ORDER BY p.ticker, p.horizon, p.feature_date, p.made_at, o.matured_at DESC
"""
_HELD_BACK = """
SELECT DISTINCT ticker FROM serving_inputs
WHERE pool = %(pool)s AND feature_date = %(session)s AND note IS NOT NULL ORDER BY ticker
"""
_DECISIONS = """
SELECT DISTINCT ON (horizon) horizon, kind, served, verdict, reason FROM model_events
WHERE pool = %(pool)s AND made_live ORDER BY horizon, event_id DESC
"""


@dataclass(frozen=True)
class SettledForecast:
    """A forecast whose outcome ended at the session, with quantiles of the simple return."""

    ticker: str
    horizon: str
    realised: float
    levels: Sequence[float]
    quantiles: Sequence[float]


@dataclass(frozen=True)
class Decision:
    """What made the live model of a horizon live, and the gate's verdict on its candidate."""

    horizon: str
    kind: str
    served: str
    verdict: str
    reason: str


@dataclass(frozen=True)
class SessionSummary:
    """What is stored of one session of a pool.

    Attributes:
        moves: Simple return of the session by ticker.
        settled: Forecasts whose outcome ended at it.
        held_back: Tickers for which zero answers whatever model is live.
        decisions: By horizon.
    """

    moves: dict[str, float]
    settled: list[SettledForecast]
    held_back: list[str]
    decisions: list[Decision]


def session_summary(
    connection: psycopg.Connection[Any], pool: str, session: dt.date
) -> SessionSummary:
    """Read it over an open autocommit connection."""

    def rows(query: str) -> list[Any]:
        return connection.execute(query, {"pool": pool, "session": session}).fetchall()

    return SessionSummary(
        dict(rows(_MOVES)),
        [SettledForecast(*row) for row in rows(_OUTCOMES)],
        [ticker for (ticker,) in rows(_HELD_BACK)],
        [Decision(*row) for row in rows(_DECISIONS)],
    )
