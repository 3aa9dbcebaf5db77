"""The tables that a live run leaves its model inputs, forecasts and outcomes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.db.tables.forecasts import ForecastLog
from src.db.tables.serving_inputs import ServingInputs

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class Records:
    """The tables ``serving_inputs``, ``predictions`` and ``prediction_outcomes``."""

    serving: ServingInputs
    forecasts: ForecastLog


def open_records(connection: psycopg.Connection[Any]) -> Records:
    """All of them over an open autocommit connection."""
    return Records(ServingInputs(connection), ForecastLog(connection))
