"""What the first page shows of every stock: its last outcomes and verdicts, and recent closes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

if TYPE_CHECKING:
    import psycopg

# Each newest row is looked up by the primary key, whatever the log has grown to.
_STATES = """
SELECT m.ticker, m.pool, h.horizon, s.note, o.label_end,
    o.realised_return < f.quantiles[array_position(f.levels, 0.025::float8)]
        OR o.realised_return > f.quantiles[array_position(f.levels, 0.975::float8)] AS outside_95,
    o.realised_return BETWEEN f.quantiles[array_position(f.levels, 0.1::float8)]
        AND f.quantiles[array_position(f.levels, 0.9::float8)] AS inside_80,
    CASE WHEN v.feature_date = m.newest_session THEN v.verdict END AS verdict,
    w.verdict AS verdict_before,
    CASE WHEN c.state <> 'active' THEN concat(c.state, ' since ', c.date) END AS standing
FROM pool_members m
LEFT JOIN current_states c USING (ticker)
CROSS JOIN (VALUES ('short'), ('long')) h(horizon)
LEFT JOIN serving_inputs s ON s.ticker = m.ticker AND s.horizon = h.horizon
LEFT JOIN LATERAL (SELECT feature_date, label_end, realised_return FROM prediction_outcomes
    WHERE ticker = m.ticker AND horizon = h.horizon AND kind = 'served'
    ORDER BY feature_date DESC, matured_at DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT levels, quantiles FROM predictions
    WHERE ticker = m.ticker AND horizon = h.horizon AND feature_date = o.feature_date
        AND kind = 'served' ORDER BY made_at, version LIMIT 1) f ON true
LEFT JOIN LATERAL (SELECT feature_date, verdict FROM predictions
    WHERE ticker = m.ticker AND horizon = h.horizon AND kind = 'served'
    ORDER BY feature_date DESC, made_at DESC LIMIT 1) v ON true
LEFT JOIN LATERAL (SELECT verdict FROM predictions
    WHERE ticker = m.ticker AND horizon = h.horizon AND kind = 'served'
        AND feature_date < v.feature_date
    ORDER BY feature_date DESC, made_at DESC LIMIT 1) w ON true
ORDER BY m.ticker COLLATE "C", h.horizon DESC
"""
_CLOSES = """
SELECT m.ticker, array(SELECT close::real FROM (SELECT date, close FROM features_daily
    WHERE ticker = m.ticker ORDER BY date DESC LIMIT %s) newest ORDER BY date)
FROM pool_members m
"""
# What the trainings of each pool and horizon came to; the newest is that of the last event.
_TRAININGS = """
SELECT pool, horizon, count(*) AS trainings, count(*) FILTER (WHERE verdict = 'better') AS better,
    min(at) AS first_at, max(at) AS last_at,
    (array_agg(verdict ORDER BY event_id DESC))[1] AS verdict
FROM model_events WHERE kind = 'trained' AND pool IN (SELECT pool FROM pool_members)
GROUP BY pool, horizon ORDER BY pool, horizon DESC
"""
_LIVE = """
SELECT DISTINCT ON (pool, horizon) pool, horizon, served, at FROM model_events
WHERE made_live AND pool IN (SELECT pool FROM pool_members)
ORDER BY pool, horizon DESC, event_id DESC
"""
_SCORED = """
SELECT count(*) AS scored, max(label_end) AS last FROM prediction_outcomes WHERE kind = 'served'
"""


@dataclass(frozen=True)
class TickerState:
    """What is stored of a ticker and horizon beside its forecast.

    Attributes:
        note: Why no change is forecast whatever model is in use; None where the model may answer.
        label_end: The session of the newest outcome; None before the first.
        outside_95: Whether that lay outside its 95 % range; None where that is not known.
        inside_80: Whether it lay inside its 80 % range.
        verdict: Of the forecast from the newest session; None where none has been logged.
        verdict_before: Of the last forecast from an earlier session.
        standing: Such as ``delisted since 2026-01-05``; None for a share that is traded.
    """

    ticker: str
    pool: str
    horizon: str
    note: str | None
    label_end: dt.date | None
    outside_95: bool | None
    inside_80: bool | None
    verdict: str | None
    verdict_before: str | None
    standing: str | None = None

    @property
    def verdict_changed(self) -> bool:
        """Whether the newest forecast has another verdict than the one before."""
        return None not in (self.verdict, self.verdict_before) and (
            self.verdict != self.verdict_before
        )


@dataclass(frozen=True)
class Trainings:
    """How many trainings a pool and horizon has had, and in how many a model beat no change."""

    pool: str
    horizon: str
    trainings: int
    better: int
    first_at: dt.datetime
    last_at: dt.datetime
    verdict: str


@dataclass(frozen=True)
class LiveModel:
    """The name of the model in use of a pool and horizon, and since when."""

    pool: str
    horizon: str
    served: str
    at: dt.datetime


@dataclass(frozen=True)
class Scored:
    """How many outcomes of served forecasts are recorded, and the last session among them."""

    scored: int
    last: dt.date | None


def ticker_states(connection: psycopg.Connection[Any]) -> list[TickerState]:
    """Every ticker with features at both horizons, the short one first."""
    return _rows(connection, TickerState, _STATES)


def recent_closes(connection: psycopg.Connection[Any], sessions: int) -> dict[str, list[float]]:
    """The last closes of every ticker with features, the oldest first."""
    return dict(connection.execute(_CLOSES, (sessions,)).fetchall())


def trainings(connection: psycopg.Connection[Any]) -> list[Trainings]:
    """Of every pool and horizon that has been trained, the short one first."""
    return _rows(connection, Trainings, _TRAININGS)


def live_models(connection: psycopg.Connection[Any]) -> list[LiveModel]:
    """Of every pool and horizon that has one, the short one first."""
    return _rows(connection, LiveModel, _LIVE)


def scored(connection: psycopg.Connection[Any]) -> Scored:
    """How far outcomes are recorded."""
    row: Scored = _rows(connection, Scored, _SCORED)[0]
    return row


def _rows(connection: psycopg.Connection[Any], kind: type[Any], query: str) -> list[Any]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query).fetchall()
