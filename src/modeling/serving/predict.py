"""Forecast with one model from its ticker's newest feature row.

Returns are simple, never percent; prices are split-adjusted closes in the ticker's currency.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.errors import ForecastError
from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION, ReturnDistribution

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.model_events import Pin
    from src.registry.storage.artifact import Artifact


class FeatureMismatch(ForecastError):
    """The newest features are not those the model was trained on: run the pipeline again."""


def forecast(
    artifact: Artifact,
    row: Mapping[str, Any],
    *,
    calendar: Calendar,
    distribution: ReturnDistribution = UNKNOWN_DISTRIBUTION,
    pin: Pin | None = None,
) -> dict[str, object]:
    """Forecast from one feature row: an entry of ``forecasts`` in results.json.

    Dates are ISO text. ``model.name`` is served; the candidate's own forecast stands beside it, or
    None where there is no candidate or the row lacks an input that it needs. Where a promoted
    candidate lacks one, zero is served, and ``note`` says so, as it says that a model is pinned.

    ``row`` has the newest session's ``ticker, date, close, features_version``, and the model's
    inputs by name; the ``distribution`` of the return was forecast at the same bar. Where a
    rollback pinned the model (``pin``), verdict and skill are those of the newest training, not
    those that were stored with the model.

    Raises:
        FeatureMismatch: For another ticker or features version, or no usable close.
    """
    _check(artifact, row)
    target = calendar.ahead(row["date"], artifact.sessions)
    close = float(row["close"])
    proposed = _proposed(artifact, row)
    name = artifact.served if proposed is not None else "zero"
    served = proposed if name != "zero" and proposed is not None else 0.0
    judged = pin or artifact
    return {
        "horizon": f"{artifact.sessions}-day",
        "feature_date": row["date"].isoformat(),
        "target_date": target.isoformat(),
        "target_date_estimated": calendar.is_estimated(target),
        "last_close": close,
        "pred_return": served,
        "est_future_close": close * (1 + served),
        "prob_up": distribution.prob_up,
        "intervals": distribution.intervals(close),
        "model": _model(artifact, name, pin),
        "verdict": judged.verdict,
        "reason": judged.reason,
        "baseline": {"name": "zero", "pred_return": 0.0},
        "note": _note(artifact, row, pin, is_replaced=name != artifact.served),
        "candidate": None if proposed is None else _candidate(artifact, judged, proposed, close),
        "skill": {
            **_scores(judged.metrics, name),
            "pool": {
                "tickers": judged.pool.get("tickers", 1),
                **_scores(judged.pool.get("metrics", ()), name),
            },
        },
    }


def _proposed(artifact: Artifact, row: Mapping[str, Any]) -> float | None:
    """The candidate's forecast, or None without one or without an input that it needs."""
    if artifact.candidate == "zero":
        return None
    values = np.array([row.get(name) for name in artifact.model.features], dtype=np.float64)
    return artifact.model.predict(values) if np.isfinite(values).all() else None


def _note(
    artifact: Artifact, row: Mapping[str, Any], pin: Pin | None, *, is_replaced: bool
) -> str | None:
    notes = []
    if pin is not None:
        since = f"{_utc(pin.since):%Y-%m-%d}"
        notes.append(
            f"version {pin.version_tag} is pinned since {since} and answers until the gate "
            "promotes another model or `unpin` is run"
        )
    if is_replaced:
        missing = next(name for name in artifact.model.features if not usable(row.get(name)))
        notes.append(
            f"{artifact.served} needs {missing}, which is unknown at this bar: zero is served"
        )
    return "; ".join(notes) or None


def _candidate(
    artifact: Artifact, judged: Artifact | Pin, proposed: float, close: float
) -> dict[str, object]:
    scores = _scores(judged.metrics, artifact.candidate)
    return {
        "name": artifact.candidate,
        "pred_return": proposed,
        "est_future_close": close * (1 + proposed),
        "skill_vs_zero": scores["mae_vs_zero"],
        "n": scores["n"],
        "n_eff": scores["n_eff"],
        "pool": _scores(judged.pool.get("metrics", ()), artifact.candidate),
        "promoted": artifact.served == artifact.candidate,
    }


def _model(artifact: Artifact, name: str, pin: Pin | None) -> dict[str, object]:
    pinned = pin and {"version_tag": pin.version_tag, "since": _utc(pin.since).isoformat()}
    return {
        "name": name,
        "verdict": (pin or artifact).verdict,
        "served_since": artifact.since or None,
        "pinned": pinned,
        "version": artifact.digest,
        "trained_at": artifact.trained_at,
        "code_version": artifact.code_version,
        "features_version": artifact.features_version,
    }


def _scores(metrics: Sequence[Mapping[str, Any]], name: str) -> dict[str, object]:
    """The walk-forward skill of a model by name; None over no outcomes without one."""
    row = next((row for row in metrics if row["name"] == name), {})
    return {
        "mae_vs_zero": row.get("skill_vs_zero"),
        "n": row.get("n", 0),
        "n_eff": row.get("n_eff", 0.0),
    }


def _check(artifact: Artifact, row: Mapping[str, Any]) -> None:
    model = f"the {artifact.horizon} model of {artifact.ticker}"
    if row.get("ticker") != artifact.ticker:
        raise FeatureMismatch(f"Features of {row.get('ticker')} cannot be used with {model}.")
    if row.get("features_version") != artifact.features_version:
        raise FeatureMismatch(
            f"The newest features are version {row.get('features_version')}, {model} was trained "
            f"on {artifact.features_version}: run the pipeline again."
        )
    if not usable(row.get("close")):
        raise FeatureMismatch(
            f"The newest features have no usable 'close', which {model} needs: run the pipeline "
            "again."
        )


def _utc(at: dt.datetime) -> dt.datetime:
    """The same time in UTC: databases give times in their session's zone."""
    return at.astimezone(dt.UTC)


def usable(value: Any) -> bool:
    """Whether a value is a finite number."""
    return value is not None and math.isfinite(value)
