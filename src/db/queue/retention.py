"""Delete old traces of runs, a few rows at a time, so that nobody waits for it.

Prices, their revisions, forecasts, outcomes and events of models are never deleted. Messages of
alerts are deleted by the outbox, which the watch writes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# Rows of one transaction.
BATCH = 2000
# By table, which rows are old. What ran, with the hashes of its data and settings, stays in
# pipeline_runs.
OLD = {
    "run_requests": "status NOT IN ('waiting', 'running') AND "
    "coalesce(scheduled_at, ended_at) < %(before)s"
    " OR status = 'waiting' AND cancel_requested_at < %(before)s",
    "stage_runs": "run_id IN (SELECT run_id FROM pipeline_runs WHERE started_at < %(before)s)",
    "run_tickers": "run_id IN (SELECT run_id FROM pipeline_runs WHERE started_at < %(before)s)",
    "quality_scores": "session < %(before)s::date",
    "alert_silences": "ends_at < %(before)s",
    "workers": "seen_at < %(before)s AND worker_id < (SELECT max(worker_id) FROM workers)",
}
_DELETE = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {old} LIMIT {batch}))
"""


def delete_old(connection: psycopg.Connection[Any], before: dt.datetime) -> dict[str, int]:
    """Delete what is older than an aware time, over an autocommit connection; rows by table."""
    deleted = {}
    for table, old in OLD.items():
        statement = _DELETE.format(table=table, old=old, batch=BATCH)
        deleted[table], count = 0, BATCH
        while count == BATCH:
            count = connection.execute(statement, {"before": before}).rowcount
            deleted[table] += count
    return deleted
