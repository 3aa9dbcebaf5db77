"""Jumps that wait for a decision, rows that were held back, and the last run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from src.db.pages.runs import DIED, HAS_DIED
from src.db.sql import STILL_REFUSED

if TYPE_CHECKING:
    import psycopg

_PENDING = """
SELECT ticker, min(date), count(*) FROM (
    SELECT ticker, date FROM corporate_actions
        WHERE status = 'pending' AND kind IN ('split', 'bonus', 'dividend')
    UNION SELECT ticker, date FROM raw_daily_prices_clean WHERE action_pending) doubts
GROUP BY ticker ORDER BY ticker LIMIT %s
"""
# Dates of daily rows are text in the order of time.
_REFUSED = f"""
SELECT ticker, count(*), max(at), max(reason) FROM quarantine
WHERE {STILL_REFUSED} AND at >= %s COLLATE "C" AND rule <> ALL(%s)
GROUP BY ticker ORDER BY ticker LIMIT %s
"""  # noqa: S608 a text of ours
_NEWEST_RUN = f"""
SELECT r.run_id, r.ticker, r.started_at, r.error,
    CASE r.status WHEN 'running' THEN 'interrupted' ELSE r.status END AS status,
    s.stages, s.seconds, s.failed_stage, t.tickers, t.failed
FROM (SELECT * FROM pipeline_runs r WHERE live AND (status <> 'running' OR {HAS_DIED})
    AND (NOT %(badly)s OR status <> 'success')
    ORDER BY number DESC LIMIT 1) r
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE status = 'success') AS stages,
    coalesce(sum(duration_seconds), 0) AS seconds,
    min(stage) FILTER (WHERE status = 'failed') AS failed_stage
    FROM stage_runs WHERE run_id = r.run_id) s
CROSS JOIN LATERAL (SELECT count(*) AS tickers, count(*) FILTER (WHERE status = 'failed') AS failed
    FROM run_tickers WHERE run_id = r.run_id) t
"""  # noqa: S608 a text of ours
# Lines that a page lists.
MOST = 2_000


@dataclass(frozen=True)
class LastRun:
    """How the newest live run ended.

    Attributes:
        ticker: None for a run of many.
        status: ``interrupted`` also where its process has died.
        stages: How many succeeded.
        seconds: That its stages took.
        failed_stage: None where none failed.
        tickers: That it worked on.
        failed: How many of them failed.
    """

    run_id: str
    ticker: str | None
    status: str
    started_at: dt.datetime
    error: str | None
    stages: int
    seconds: float
    failed_stage: str | None
    tickers: int
    failed: int

    @property
    def sentence(self) -> str | None:
        """Why it did not succeed; None where it did."""
        return DIED if self.status == "interrupted" and self.error is None else self.error


def pending_jumps(connection: psycopg.Connection[Any]) -> list[tuple[str, dt.date, int]]:
    """Tickers with jumps that wait for a decision: the first one's date, and how many."""
    return connection.execute(_PENDING, (MOST,)).fetchall()


def refused_rows(
    connection: psycopg.Connection[Any], since: dt.date, harmless: Sequence[str]
) -> list[tuple[str, int, str, str]]:
    """Tickers with daily rows from a date on that were held back: how many, newest date, reason.

    Without those of ``harmless`` rules, such as bars of a session that is not over.
    """
    values = (since.isoformat(), list(harmless), MOST)
    return connection.execute(_REFUSED, values).fetchall()


def last_run(connection: psycopg.Connection[Any], *, badly: bool = False) -> LastRun | None:
    """The newest run that wrote live tables and has ended, or died; None before the first.

    With ``badly`` the newest of those that did not succeed, for some tickers at least.
    """
    with connection.cursor(row_factory=class_row(LastRun)) as cursor:
        return cursor.execute(_NEWEST_RUN, {"badly": badly}).fetchone()
