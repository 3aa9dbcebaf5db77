"""The tables that a live run leaves its model inputs, forecasts and outcomes in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.db.tables.forecasts import ForecastLog
from src.db.tables.locks import POOL_WAIT, pool_lock
from src.db.tables.serving_inputs import ServingInputs

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class Records:
    """The tables ``serving_inputs``, ``predictions`` and ``prediction_outcomes``."""

    serving: ServingInputs
    forecasts: ForecastLog
    connection: psycopg.Connection[Any]

    def pool_lock(self, pool: str, wait: float = POOL_WAIT) -> AbstractContextManager[None]:
        """The lock of a pool, which one run trains at a time; see ``locks.pool_lock``."""
        return pool_lock(self.connection, pool, wait)


def open_records(connection: psycopg.Connection[Any]) -> Records:
    """All of them over an open autocommit connection."""
    return Records(ServingInputs(connection), ForecastLog(connection), connection)
