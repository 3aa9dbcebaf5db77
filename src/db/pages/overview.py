"""What every page of the dashboard shows: the stored tickers, how fresh they are, and alerts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

if TYPE_CHECKING:
    import psycopg

_TICKERS = """
SELECT ticker, pool, newest_session, last_close, source
FROM pool_members ORDER BY ticker COLLATE "C"
"""
_ALERTS = "SELECT count(*) FROM alerts WHERE state = 'firing' AND NOT silenced"


@dataclass(frozen=True)
class StoredTicker:
    """A ticker with features: its pool, newest session, last close and the source of its prices."""

    ticker: str
    pool: str
    newest_session: dt.date
    last_close: float
    source: str


def stored_tickers(connection: psycopg.Connection[Any]) -> list[StoredTicker]:
    """Every ticker with features, by name."""
    with connection.cursor(row_factory=class_row(StoredTicker)) as cursor:
        return cursor.execute(_TICKERS).fetchall()


def forecasts_made_at(connection: psycopg.Connection[Any]) -> dt.datetime | None:
    """When the newest forecast was computed; None before the first."""
    row = connection.execute("SELECT max(written_at) FROM serving_inputs").fetchone()
    return row[0] if row else None


def firing_alerts(connection: psycopg.Connection[Any]) -> int:
    """How many alerts fire and are not silenced."""
    row = connection.execute(_ALERTS).fetchone()
    return int(row[0]) if row else 0
