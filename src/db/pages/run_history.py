"""All runs that were ever logged, a page at a time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from src.db.pages.runs import HAS_DIED, RUNS, RecentRun

if TYPE_CHECKING:
    import psycopg

# When the last run of a page began by its own clock, and its name.
Place = tuple[dt.datetime, str]

_PAGE = f"""(
    SELECT * FROM pipeline_runs r
    WHERE (%(before_at)s::timestamptz IS NULL
            OR (started_at, run_id) < (%(before_at)s, %(before_id)s))
        AND (NOT %(failed)s OR status NOT IN ('success', 'running') OR {HAS_DIED})
        AND (%(ticker)s::text IS NULL OR ticker = %(ticker)s OR EXISTS (
            SELECT FROM run_tickers t WHERE t.run_id = r.run_id AND t.ticker = %(ticker)s))
    ORDER BY started_at DESC, run_id DESC LIMIT %(limit)s
)"""  # noqa: S608 a text of ours
_HISTORY = RUNS.format(runs=_PAGE) + "ORDER BY r.started_at DESC, r.run_id DESC"
_NAMES = "SELECT run_id FROM pipeline_runs ORDER BY started_at DESC, run_id DESC LIMIT %s"


def history(
    connection: psycopg.Connection[Any],
    before: Place | None,
    *,
    failed: bool,
    ticker: str | None,
    limit: int,
) -> list[RecentRun]:
    """Runs, the newest first.

    Args:
        connection: An open one.
        before: Only runs before the one at this place; None for the newest.
        failed: Only such as ended without success, as a whole or for some tickers, or died.
        ticker: Only such as worked on it; None for all.
        limit: So many at most.
    """
    at, run_id = before or (None, None)
    parameters = {"before_at": at, "before_id": run_id, "failed": failed, "ticker": ticker}
    with connection.cursor(row_factory=class_row(RecentRun)) as cursor:
        return cursor.execute(_HISTORY, parameters | {"limit": limit}).fetchall()


def newest_run_ids(connection: psycopg.Connection[Any], limit: int) -> list[str]:
    """The names of the newest runs."""
    return [run_id for (run_id,) in connection.execute(_NAMES, (limit,))]
