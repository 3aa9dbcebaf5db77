"""Make rows of ``serving_inputs`` and ``predictions``, and forecasts from stored rows.

A row of ``serving_inputs`` and the artifact of its digest give the run's own forecast again, to
the last bit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION, ReturnDistribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.serving.predict import forecast, usable

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.model_events import Pin
    from src.modeling.serving.inputs import ModelInputs
    from src.registry.storage.artifact import Artifact


def serving_row(
    inputs: ModelInputs, newest: Mapping[str, Any], *, data_hash: str, written_at: dt.datetime
) -> dict[str, Any]:
    """A row of ``serving_inputs``.

    ``newest`` is the newest row of ``features_daily``, with the ``return_basis`` of its bar;
    ``data_hash`` is of the pool.
    """
    artifact, values = inputs.artifact, {**newest, **inputs.values}
    known = inputs.distribution.is_known
    return {
        "ticker": artifact.ticker,
        "horizon": artifact.horizon,
        "digest": artifact.digest,
        "feature_date": newest["date"],
        "features_version": newest["features_version"],
        "last_close": float(newest["close"]),
        "inputs": {n: float(values[n]) for n in artifact.model.features if usable(values.get(n))},
        "levels": LEVELS.tolist() if known else [],
        "quantiles": inputs.distribution.quantiles.tolist() if known else [],
        "sigma": float(inputs.sigma) if usable(inputs.sigma) and inputs.sigma > 0 else None,
        "data_source": newest["source"],
        "return_basis": newest["return_basis"],
        "data_hash": data_hash,
        "written_at": written_at,
    }


def forecast_from_row(
    artifact: Artifact, row: Mapping[str, Any], calendar: Calendar, pin: Pin | None = None
) -> dict[str, object]:
    """The forecast of a row of ``serving_inputs``: an entry of ``forecasts`` in results.json.

    ``artifact`` is the set whose digest the row names; ``pin`` says that a rollback pinned it.

    Raises:
        FeatureMismatch: For a row of another ticker or features version.
    """
    features = {
        **row["inputs"],
        "ticker": row["ticker"],
        "date": row["feature_date"],
        "close": row["last_close"],
        "features_version": row["features_version"],
    }
    distribution = _distribution(row)
    return forecast(artifact, features, calendar=calendar, distribution=distribution, pin=pin)


def _distribution(row: Mapping[str, Any]) -> ReturnDistribution:
    """The distribution in a row of ``serving_inputs``; unknown where it has other levels."""
    if not np.array_equal(row["levels"], LEVELS):
        return UNKNOWN_DISTRIBUTION
    return ReturnDistribution(np.array(row["quantiles"], dtype=np.float64))


def prediction_row(
    entry: Mapping[str, Any], row: Mapping[str, Any], made_at: dt.datetime
) -> dict[str, Any]:
    """A row of ``predictions``: one forecast as it was served.

    ``entry`` is of ``forecasts`` in results.json, made from a ``row`` of ``serving_inputs``.
    """
    model, candidate = entry["model"], entry["candidate"] or {}
    return {
        "ticker": row["ticker"],
        "horizon": row["horizon"],
        "feature_date": row["feature_date"],
        "version": row["digest"],
        "data_hash": row["data_hash"],
        "kind": "served",
        "sessions": int(entry["horizon"].removesuffix("-day")),
        "target_date": dt.date.fromisoformat(entry["target_date"]),
        "target_date_estimated": entry["target_date_estimated"],
        "last_close": row["last_close"],
        "model": model["name"],
        "verdict": entry["verdict"],
        "point": entry["pred_return"],
        "baseline": entry["baseline"]["name"],
        "baseline_point": entry["baseline"]["pred_return"],
        "candidate": candidate.get("name"),
        "candidate_point": candidate.get("pred_return"),
        "levels": row["levels"],
        "quantiles": row["quantiles"],
        "prob_up": entry["prob_up"],
        "sigma": row["sigma"],
        "data_source": row["data_source"],
        "return_basis": row["return_basis"],
        "made_at": made_at,
    }
