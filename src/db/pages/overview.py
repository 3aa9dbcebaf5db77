"""What every page of the dashboard shows: stored tickers, how fresh they are, how runs went."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from src.db.pages.runs import HAS_DIED

if TYPE_CHECKING:
    import psycopg

_TICKERS = """
SELECT ticker, pool, newest_session, last_close, source
FROM pool_members ORDER BY ticker COLLATE "C"
"""
_LAST_TRY = f"""
SELECT started_at, CASE status WHEN 'running' THEN 'interrupted' ELSE status END, error
FROM pipeline_runs r WHERE live AND (status <> 'running' OR {HAS_DIED})
ORDER BY number DESC LIMIT 1
"""  # noqa: S608 a text of ours


# Runs record outcomes and measures after they have changed what answers are made of.
_VERSION = """
SELECT n + (SELECT count(*) FROM pipeline_runs WHERE live AND status <> 'running')
FROM data_version
"""


@dataclass(frozen=True)
class StoredTicker:
    """A ticker with features: its pool, newest session, last close and the source of its prices."""

    ticker: str
    pool: str
    newest_session: dt.date
    last_close: float
    source: str


def version(connection: psycopg.Connection[Any]) -> int:
    """A number that rises when models, members or inputs have changed, and when a run has ended."""
    row = connection.execute(_VERSION).fetchone()
    return int(row[0]) if row else 0


def stored_tickers(connection: psycopg.Connection[Any]) -> list[StoredTicker]:
    """Every ticker with features, by name."""
    with connection.cursor(row_factory=class_row(StoredTicker)) as cursor:
        return cursor.execute(_TICKERS).fetchall()


def forecasts_made_at(connection: psycopg.Connection[Any]) -> dt.datetime | None:
    """When the newest forecast was computed; None before the first."""
    row = connection.execute("SELECT max(written_at) FROM serving_inputs").fetchone()
    return row[0] if row else None


def last_try(connection: psycopg.Connection[Any]) -> tuple[dt.datetime, str, str | None] | None:
    """When the newest run began, how it ended and why it failed; None before the first."""
    return connection.execute(_LAST_TRY).fetchone()
