"""Rows of ``predictions`` with their outcomes, as a run and a later one would have logged them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from src.core.calendars.nse import nse
from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db.tables.forecasts import ForecastLog

LEVELS, QUANTILES = [0.05, 0.5, 0.95], [-0.02, 0.001, 0.02]


def logged_forecast(
    day: dt.date, target: dt.date, realised: float, **changes: Any
) -> dict[str, Any]:
    """What zero forecast of TCS.NS on the evening of ``day`` for ``target``, and what came true."""
    made = nse().hours(day).closes + dt.timedelta(hours=1)
    return {
        "ticker": "TCS.NS",
        "horizon": "short",
        "feature_date": day,
        "version": "a" * 64,
        "data_hash": "d" * 64,
        "kind": "served",
        "sessions": 1,
        "target_date": target,
        "target_date_estimated": False,
        "last_close": 3500.0,
        "model": "zero",
        "verdict": "undecided",
        "point": 0.0,
        "baseline": "zero",
        "baseline_point": 0.0,
        "candidate": None,
        "candidate_point": None,
        "levels": LEVELS,
        "quantiles": QUANTILES,
        "prob_up": None,
        "sigma": None,
        "data_source": "yahoo",
        "return_basis": "total",
        "made_at": made,
        "label_end": target,
        "realised_return": realised,
        "matured_at": made + dt.timedelta(days=9),
        "note": "",
    } | changes


def log_forecasts(connection: Any, *rows: dict[str, Any]) -> None:
    """Store forecasts."""
    ForecastLog(connection).log([{name: row[name] for name in PREDICTIONS.columns} for row in rows])


def record_outcomes(connection: Any, *rows: dict[str, Any]) -> None:
    """Store their outcomes."""
    ForecastLog(connection).record(
        [{name: row[name] for name in PREDICTION_OUTCOMES.columns} for row in rows]
    )
