"""Read what monitoring asks of the stored data: ages, holes, doubts, and trainings.

Each function is one statement over all tickers, however many there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# Days after its first features for which a share may lack inputs of a year.
YOUNG = 400

# From features_daily itself: what pool_members says of them may be of rows that are gone.
_MEMBERS = """
SELECT m.ticker, m.pool, m.source,
    (SELECT max(date) FROM features_daily f WHERE f.ticker = m.ticker) AS newest
FROM pool_members m LEFT JOIN current_states s USING (ticker)
WHERE coalesce(s.state, 'active') = 'active' ORDER BY m.ticker
"""
_INCOMPLETE = """
SELECT f.ticker, f.date,
    array(SELECT key FROM jsonb_each(to_jsonb(f) - 'inputs')
        WHERE value = 'null' AND key = ANY(%(columns)s) ORDER BY key)
    || CASE WHEN (SELECT min(date) FROM features_daily d WHERE d.ticker = f.ticker)
            <= f.date - %(young)s::integer
        THEN array(SELECT coalesce(s.names[i], i::text) FROM generate_subscripts(f.inputs, 1) i
            WHERE f.inputs[i] = 'NaN' OR f.inputs[i] IS NULL ORDER BY i)
        ELSE '{}' END AS missing
FROM pool_members m
JOIN LATERAL (SELECT * FROM features_daily d WHERE d.ticker = m.ticker
    ORDER BY date DESC LIMIT 1) f ON NOT f.warm_up
LEFT JOIN feature_sets s ON s.features_version = f.features_version
ORDER BY f.ticker
"""
_PENDING = """
SELECT ticker, date, max(kind) AS kind
FROM (SELECT ticker, date, kind FROM corporate_actions
        WHERE status = 'pending' AND kind IN ('split', 'bonus', 'dividend')
    UNION ALL SELECT c.ticker, c.date, coalesce(a.kind, '') FROM raw_daily_prices_clean c
        LEFT JOIN corporate_actions a ON a.ticker = c.ticker AND a.status = 'pending'
            AND a.kind IN ('rights', 'demerger', 'event')
            AND coalesce((a.evidence #>> '{jump,date}')::date, a.date) = c.date
        WHERE c.action_pending) doubts
GROUP BY ticker, date ORDER BY ticker, date
"""
_REFUSED = """
SELECT ticker, at::date AS date, source, rule, min(reason) AS reason FROM quarantine
WHERE stage = 'data_cleaning' AND kind = 'daily' AND action = 'rejected' AND at >= %s COLLATE "C"
GROUP BY ticker, at, source, rule ORDER BY ticker, at, rule
"""
_APART = """
WITH closes AS (
    SELECT m.ticker, r.date, r.source,
        r.close / nullif(lag(r.close) OVER same, 0) - 1 AS change, lag(r.date) OVER same AS before
    FROM pool_members m
    JOIN LATERAL (SELECT date, source, close FROM raw_daily_prices p
        WHERE p.ticker = m.ticker AND p.date >= %s) r ON true
    WINDOW same AS (PARTITION BY m.ticker, r.source ORDER BY r.date)
)
SELECT a.ticker, a.date, a.source, b.source AS other, a.change, b.change AS other_change
FROM closes a JOIN closes b ON (a.ticker, a.date, a.before) = (b.ticker, b.date, b.before)
    AND a.source < b.source
ORDER BY a.ticker, a.date, a.source, b.source
"""
_TRAININGS = """
SELECT DISTINCT ON (pool, horizon) pool, horizon, at, (evidence ->> 'session')::date AS session
FROM model_events WHERE kind = 'trained' AND pool IS NOT NULL
ORDER BY pool, horizon, event_id DESC
"""
_FITS = """
SELECT DISTINCT ON (pool, horizon, digest) pool, horizon, digest,
    nullif(evidence ->> 'fitted_through', '')::date AS fitted_through,
    nullif(evidence ->> 'trained_at', '')::timestamptz AS trained_at
FROM model_events WHERE kind = 'trained' AND digest = ANY(%s)
ORDER BY pool, horizon, digest, event_id
"""
_ANSWERED = """
SELECT pool, max(feature_date) FROM serving_inputs GROUP BY pool
"""


@dataclass(frozen=True)
class Member:
    """A ticker of a pool and the session of its newest features; None where there are none."""

    ticker: str
    pool: str
    source: str
    newest: dt.date | None


@dataclass(frozen=True)
class IncompleteRow:
    """The names of the features and model inputs that the newest row of a ticker lacks."""

    ticker: str
    date: dt.date
    missing: list[str]


@dataclass(frozen=True)
class PendingAction:
    """A jump that waits for a decision; ``kind`` is empty where the ledger has no entry of it.

    Rights, a demerger or an ``event`` are here only where the price moved by them.
    """

    ticker: str
    date: dt.date
    kind: str


@dataclass(frozen=True)
class RefusedBar:
    """A daily bar that cleaning refused."""

    ticker: str
    date: dt.date
    source: str
    rule: str
    reason: str


@dataclass(frozen=True)
class ReturnPair:
    """The simple returns of two sources over the same two sessions, as delivered.

    Either is None where a price is missing or zero.
    """

    ticker: str
    date: dt.date
    source: str
    other: str
    change: float | None
    other_change: float | None


@dataclass(frozen=True)
class Training:
    """The newest training of a pool and horizon, and the complete session it was judged at."""

    pool: str
    horizon: str
    at: dt.datetime
    session: dt.date | None


@dataclass(frozen=True)
class Fit:
    """When the model of a set was trained, and through which session it was fitted, if it was."""

    pool: str
    horizon: str
    digest: str
    fitted_through: dt.date | None
    trained_at: dt.datetime | None


def members(connection: psycopg.Connection[Any]) -> list[Member]:
    """Every ticker of a pool."""
    return _read(connection, Member, _MEMBERS)


def incomplete_rows(
    connection: psycopg.Connection[Any], columns: Sequence[str]
) -> list[IncompleteRow]:
    """The newest row of every ticker beyond its warm-up; ``missing`` is empty where it is whole.

    Of a share that was listed lately the features count, not the inputs that need a year.

    Args:
        connection: An open autocommit connection.
        columns: Names of the configured features.
    """
    return _read(connection, IncompleteRow, _INCOMPLETE, {"columns": list(columns), "young": YOUNG})


def pending_actions(connection: psycopg.Connection[Any]) -> list[PendingAction]:
    """Every jump that waits for a decision."""
    return _read(connection, PendingAction, _PENDING)


def refused_bars(connection: psycopg.Connection[Any], since: dt.date) -> list[RefusedBar]:
    """Daily bars from a date on that cleaning refused."""
    return _read(connection, RefusedBar, _REFUSED, (since.isoformat(),))


def return_pairs(connection: psycopg.Connection[Any], since: dt.date) -> list[ReturnPair]:
    """Returns from a date on of tickers that two sources deliver."""
    return _read(connection, ReturnPair, _APART, (since,))


def trainings(connection: psycopg.Connection[Any]) -> list[Training]:
    """The newest training of every pool and horizon."""
    return _read(connection, Training, _TRAININGS)


def answered_sessions(connection: psycopg.Connection[Any]) -> dict[str, dt.date]:
    """The newest session that forecasts of each pool were made from."""
    return dict(connection.execute(_ANSWERED).fetchall())


def fits(connection: psycopg.Connection[Any], digests: Sequence[str]) -> list[Fit]:
    """When these sets were trained and fitted."""
    return _read(connection, Fit, _FITS, (list(digests),))


def _read(
    connection: psycopg.Connection[Any], kind: type[Any], query: str, parameters: Any = None
) -> list[Any]:
    from psycopg.rows import class_row

    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()
