"""Read how live runs go: those under way, the newest one, and the newest of each ticker.

Ages are measured by the database's own clock from the connection of the run, and the newest is the
one that began last, since FORECAST_NOW or a wrong clock may have given a run another time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.db.tables.locks import RUN_LOCKS

if TYPE_CHECKING:
    import psycopg

# A run holds the lock of its id for as long as its process lives, see src.db.tables.runs.
_RUNNING = """
SELECT r.run_id, r.ticker, r.host, r.pid,
    extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS seconds,
    extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS idle_seconds
FROM pipeline_runs r
LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.classid = %s
    AND l.objid = (hashtext(r.run_id)::bigint & 4294967295)::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE r.status = 'running' AND r.live ORDER BY r.run_id
"""
# A run for a ticker that was mistyped says nothing of those that are stored.
_NEWEST = """
SELECT run_id, ticker, status, error, started_at FROM pipeline_runs
WHERE live AND status <> 'running' AND (ticker IS NULL OR
    EXISTS (SELECT FROM raw_daily_prices p WHERE p.ticker = pipeline_runs.ticker))
ORDER BY number DESC LIMIT 1
"""
# Files belong to runs of many: one of a single ticker fails when its file cannot be used.
_OF_FILES = """
SELECT run_id, ticker, status, error, started_at FROM pipeline_runs
WHERE live AND status IN ('success', 'partial') AND ticker IS NULL
ORDER BY number DESC LIMIT 1
"""
# A ticker that no run of the last 30 days was for is left out: the log grows for ever. So is one
# that was renamed, suspended or delisted.
_OF_TICKERS = """
WITH recent AS (
    SELECT run_id, started_at, number FROM pipeline_runs WHERE live AND started_at >= (
        SELECT started_at FROM pipeline_runs WHERE live ORDER BY number DESC LIMIT 1
    ) - interval '30 d'
)
SELECT DISTINCT ON (t.ticker) t.ticker, t.session, t.status, t.stage, t.error, r.started_at
FROM recent r JOIN run_tickers t USING (run_id)
JOIN stored_tickers s USING (ticker)
WHERE NOT EXISTS (SELECT FROM current_states c WHERE c.ticker = t.ticker AND c.state <> 'active')
ORDER BY t.ticker, r.number DESC
"""


@dataclass(frozen=True)
class RunningRun:
    """A run that has not said how it ended.

    Attributes:
        ticker: None for a run of many.
        seconds: Since it connected; None where its process is gone.
        idle_seconds: Since it last sent a statement or got its answer; None as above.
    """

    run_id: str
    ticker: str | None
    host: str
    pid: int
    seconds: float | None
    idle_seconds: float | None


@dataclass(frozen=True)
class NewestRun:
    """The newest run that could write live tables and has said how it ended."""

    run_id: str
    ticker: str | None
    status: str
    error: str | None
    started_at: dt.datetime


@dataclass(frozen=True)
class TickerRun:
    """How the newest run that worked on a ticker ended for it.

    Attributes:
        session: The newest session that it left features of; None without features.
        started_at: When the run began, by the clock that it was given.
    """

    ticker: str
    session: dt.date | None
    status: str
    stage: str | None
    error: str | None
    started_at: dt.datetime


@dataclass(frozen=True)
class RunState:
    """All of these; ``newest`` is None before the first run.

    Attributes:
        of_many: The newest run of many that ended well, at least for some; None before the first.
    """

    running: list[RunningRun]
    newest: NewestRun | None
    of_many: NewestRun | None
    tickers: list[TickerRun]


def run_state(connection: psycopg.Connection[Any]) -> RunState:
    """Read them over an open autocommit connection."""
    newest, of_many = (_read(connection, NewestRun, query) for query in (_NEWEST, _OF_FILES))
    return RunState(
        _read(connection, RunningRun, _RUNNING, RUN_LOCKS),
        newest[0] if newest else None,
        of_many[0] if of_many else None,
        _read(connection, TickerRun, _OF_TICKERS),
    )


def _read(
    connection: psycopg.Connection[Any], kind: type[Any], query: str, *parameters: Any
) -> list[Any]:
    from psycopg.rows import class_row

    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()
