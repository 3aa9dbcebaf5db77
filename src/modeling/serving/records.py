"""Make rows of ``serving_inputs`` and ``predictions``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.modeling.intervals.quantiles import LEVELS
from src.modeling.serving.predict import usable

if TYPE_CHECKING:
    from src.modeling.intervals.distribution import ReturnDistribution

Row = Mapping[str, Any]


def serving_row(  # noqa: PLR0913 the columns of a row
    *,
    member: Row,
    horizon: str,
    inputs: Mapping[str, float],
    distribution: ReturnDistribution,
    sigma: float,
    metrics: Sequence[Row],
    note: str | None,
    data_hash: str,
    written_at: dt.datetime,
) -> dict[str, Any]:
    """A row of ``serving_inputs``: what any model of the pool forecasts a ticker from.

    Args:
        member: The ticker's row of ``pool_members``, which tells its newest bar.
        horizon: ``short`` or ``long``.
        inputs: By name at that bar; those that are not finite numbers are left out.
        distribution: Of the return from that bar.
        sigma: The volatility of that return, as forecast.
        metrics: The leaderboard over this ticker alone.
        note: Why zero answers whatever model is live; None where the live model may.
        data_hash: Of what the forecast is made from.
        written_at: Aware.
    """
    return {
        "ticker": member["ticker"],
        "horizon": horizon,
        "pool": member["pool"],
        "feature_date": member["newest_session"],
        "features_version": member["features_version"],
        "last_close": float(member["last_close"]),
        # Adding 0.0 turns -0.0, which the table cannot hold, into 0.0.
        "inputs": {n: float(value) + 0.0 for n, value in inputs.items() if usable(value)},
        "levels": LEVELS.tolist() if distribution.is_known else [],
        "quantiles": list(distribution.quantiles) if distribution.is_known else [],
        "sigma": float(sigma) if usable(sigma) and sigma > 0 else None,
        "metrics": [dict(row) for row in metrics],
        "note": note,
        "data_source": member["source"],
        "return_basis": member["return_basis"],
        "data_hash": data_hash,
        "written_at": written_at,
    }


def prediction_row(entry: Row, row: Row, digest: str, made_at: dt.datetime) -> dict[str, Any]:
    """A row of ``predictions``: one forecast as it was served.

    ``entry`` is of ``forecasts`` in results.json, made from a ``row`` of ``serving_inputs`` by the
    model of a ``digest``.
    """
    model, candidate = entry["model"], entry["candidate"] or {}
    return {
        "ticker": row["ticker"],
        "horizon": row["horizon"],
        "feature_date": row["feature_date"],
        "version": digest,
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
