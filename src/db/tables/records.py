"""What live runs leave behind of their answers: what models are asked with, and the log of them."""

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


def records(connection: psycopg.Connection[Any]) -> Records:
    """All of them over an open autocommit connection."""
    return Records(ServingInputs(connection), ForecastLog(connection))
