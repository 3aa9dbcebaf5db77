"""Read how runs of the pipeline went: the newest of them, their stages, and tickers left out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.rows import class_row

from src.db.tables.locks import RUN_LOCKS

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
DIED = (
    "The process ended without finishing the run: what its finished stages wrote stands. Run it "
    "again."
)
# Of a run that is called r: one that says that it runs, and does not hold the lock of its id.
HAS_DIED = f"""r.status = 'running' AND NOT EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted
    AND l.classid = {RUN_LOCKS} AND l.objid = (hashtext(r.run_id)::bigint & 4294967295)::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""  # noqa: S608
# Of the runs in ``runs``, a table or query. When each really began: the time that it was told
# (FORECAST_NOW) may be another one.
RUNS = f"""
SELECT r.run_id, r.ticker, r.live, coalesce(q.error, r.error) AS error, r.host,
    r.started_at AS told_at, b.began,
    CASE WHEN q.status = 'cancelled' THEN q.status
    WHEN {HAS_DIED} THEN 'interrupted' ELSE r.status END AS status,
    extract(epoch FROM r.finished_at - b.began)::float8 AS seconds,
    n.succeeded, n.failed,
    (SELECT s.stage FROM stage_runs s WHERE s.run_id = r.run_id AND s.status = 'failed'
        ORDER BY s.started_at DESC LIMIT 1) AS failed_stage,
    (SELECT s.rows FROM stage_runs s WHERE s.run_id = r.run_id AND s.stage = 'data_ingest'
        ) AS new_prices,
    q.request_id, q.kind, q.tickers, q.person
FROM {{runs}} r LEFT JOIN run_requests q ON q.run_id = r.run_id
CROSS JOIN LATERAL (SELECT coalesce(q.started_at, (SELECT min(s.started_at) FROM stage_runs s
    WHERE s.run_id = r.run_id), r.started_at) AS began) b
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE t.status = 'success') AS succeeded,
    count(*) FILTER (WHERE t.status <> 'success') AS failed
    FROM run_tickers t WHERE t.run_id = r.run_id) n
"""  # noqa: S608 a number of ours
_LAST = "(SELECT * FROM pipeline_runs ORDER BY started_at DESC, run_id DESC LIMIT %s)"
_NEWEST = RUNS.format(runs=_LAST) + "ORDER BY r.started_at DESC, b.began DESC, r.run_id DESC"
_ONE = RUNS.format(runs="pipeline_runs") + "WHERE r.run_id = %s"
_STAGES = """
SELECT stage, status, started_at, rows, duration_seconds AS seconds, error FROM stage_runs
WHERE run_id = %s ORDER BY started_at LIMIT 20
"""
_LEFT_OUT = """
SELECT ticker, status, stage, error FROM run_tickers
WHERE run_id = %s AND status <> 'success' ORDER BY ticker COLLATE "C" LIMIT %s
"""
# Of the tickers those that fail most often and are furthest behind are shown.
_OF_TICKERS = """
WITH recent AS (
    SELECT run_id, started_at FROM pipeline_runs r WHERE live AND status <> 'running'
        AND EXISTS (SELECT FROM run_tickers t WHERE t.run_id = r.run_id)
    ORDER BY started_at DESC LIMIT %(runs)s
), chosen AS (
    SELECT ticker FROM recent JOIN run_tickers USING (run_id) GROUP BY ticker
    ORDER BY count(*) FILTER (WHERE status <> 'success') DESC, max(session) NULLS FIRST,
        ticker COLLATE "C" LIMIT %(tickers)s
)
SELECT ticker, started_at AS told_at, session, status, stage, error
FROM chosen JOIN run_tickers USING (ticker) JOIN recent USING (run_id)
ORDER BY started_at, run_id
"""


@dataclass(frozen=True)
class RecentRun:
    """A run of the pipeline.

    Attributes:
        ticker: None for a run of many.
        live: Whether it may write live tables; otherwise it looked back.
        told_at: When it began by the clock that it was given.
        began: When it began.
        status: ``interrupted`` also where its process has died; ``cancelled`` where somebody
            ended it on a page.
        seconds: None until it ends, and where its process died.
        succeeded: Tickers.
        failed: Tickers that were left out.
        failed_stage: The last stage that failed.
        new_prices: Rows of prices that were new or different; None before that is known.
        request_id: Of who asked for it on a page, with ``kind``, ``tickers`` and ``person``.
    """

    run_id: str
    ticker: str | None
    live: bool
    error: str | None
    told_at: dt.datetime
    began: dt.datetime
    host: str
    status: str
    seconds: float | None
    succeeded: int
    failed: int
    failed_stage: str | None
    new_prices: int | None
    request_id: int | None
    kind: str | None
    tickers: list[str] | None
    person: str | None

    @property
    def sentence(self) -> str | None:
        """Why it did not succeed, or lacks prices; None else, or while it is under way."""
        return DIED if self.status == "interrupted" and self.error is None else self.error


@dataclass(frozen=True)
class StageRun:
    """A stage of a run; of a run of many the seconds of all blocks together."""

    stage: str
    status: str
    started_at: dt.datetime
    rows: int
    seconds: float
    error: str | None


@dataclass(frozen=True)
class LeftOut:
    """A ticker that a run left out: at which stage, and why."""

    ticker: str
    status: str
    stage: str | None
    error: str | None


@dataclass(frozen=True)
class TickerRun:
    """How a run ended for a ticker; ``told_at`` is when the run began by its own clock."""

    ticker: str
    told_at: dt.datetime
    session: dt.date | None
    status: str
    stage: str | None
    error: str | None


def recent_runs(connection: psycopg.Connection[Any], limit: int) -> list[RecentRun]:
    """The newest runs, the newest first."""
    return _read(connection, RecentRun, _NEWEST, limit)


def run_of(connection: psycopg.Connection[Any], run_id: str) -> RecentRun | None:
    """A run by its id; None where there is none."""
    rows = _read(connection, RecentRun, _ONE, run_id)
    return rows[0] if rows else None


def stages_of(connection: psycopg.Connection[Any], run_id: str) -> list[StageRun]:
    """The stages of a run that have ended, or that have done some of their tickers."""
    return _read(connection, StageRun, _STAGES, run_id)


def left_out(connection: psycopg.Connection[Any], run_id: str, limit: int) -> list[LeftOut]:
    """The tickers that a run left out, by name."""
    return _read(connection, LeftOut, _LEFT_OUT, run_id, limit)


def runs_of_tickers(
    connection: psycopg.Connection[Any], *, runs: int, tickers: int
) -> list[TickerRun]:
    """How the newest runs ended for the tickers that have most trouble, the oldest first."""
    with connection.cursor(row_factory=class_row(TickerRun)) as cursor:
        return cursor.execute(_OF_TICKERS, {"runs": runs, "tickers": tickers}).fetchall()


def _read(
    connection: psycopg.Connection[Any], kind: type[T], query: str, *parameters: Any
) -> list[T]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()
