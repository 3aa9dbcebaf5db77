"""A stored model and the newest features in; one forecast out, with what it is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.errors import ForecastError

if TYPE_CHECKING:
    from src.core.sessions import Calendar
    from src.registry.artefacts import Artefact


class FeatureMismatch(ForecastError):
    """The newest features are not those the model was trained on: run the pipeline again."""


def forecast(
    artefact: Artefact, row: Mapping[str, Any], *, calendar: Calendar
) -> dict[str, object]:
    """Forecast from one feature row: an entry of ``forecasts`` in results.json.

    Returns are simple, never percent; prices are those of ``close``, in its currency; dates are
    ISO text. What is served is ``model.name``; the candidate's own forecast stands beside it.

    Args:
        artefact: The live model of the row's ticker.
        row: The newest session's ``ticker, date, close, features_version`` and features.
        calendar: The exchange's sessions.

    Raises:
        FeatureMismatch: For another ticker or features version, or a feature that is missing or
            not finite.
    """
    _check(artefact, row)
    target = calendar.ahead(row["date"], artefact.sessions)
    close = float(row["close"])
    values = np.array([row[name] for name in artefact.model.features], dtype=np.float64)
    proposed = artefact.model.predict(values)
    promoted = artefact.served == artefact.candidate and artefact.verdict == "better"
    served = proposed if promoted else 0.0
    scores = _scores(artefact, artefact.candidate)
    return {
        "horizon": f"{artefact.sessions}-day",
        "feature_date": row["date"].isoformat(),
        "target_date": target.isoformat(),
        "target_date_estimated": calendar.is_estimated(target),
        "last_close": close,
        "pred_return": served,
        "est_future_close": close * (1 + served),
        "intervals": [],
        "model": _model(artefact),
        "verdict": artefact.verdict,
        "reason": artefact.reason,
        "baseline": {"name": "zero", "pred_return": 0.0},
        "candidate": {
            "name": artefact.candidate,
            "pred_return": proposed,
            "est_future_close": close * (1 + proposed),
            "skill_vs_zero": scores["mae_vs_zero"],
            "n": scores["n"],
            "n_eff": scores["n_eff"],
            "promoted": promoted,
        },
        "skill": _scores(artefact, artefact.served),
    }


def _model(artefact: Artefact) -> dict[str, object]:
    return {
        "name": artefact.served,
        "verdict": artefact.verdict,
        "version": artefact.digest,
        "trained_at": artefact.trained_at,
        "code_version": artefact.code_version,
        "features_version": artefact.features_version,
    }


def _scores(artefact: Artefact, name: str) -> dict[str, object]:
    """The walk-forward skill of a model by name; unknown, over nothing, when it has none."""
    row = next((row for row in artefact.metrics if row["name"] == name), {})
    return {
        "mae_vs_zero": row.get("skill_vs_zero"),
        "n": row.get("n", 0),
        "n_eff": row.get("n_eff", 0.0),
    }


def _check(artefact: Artefact, row: Mapping[str, Any]) -> None:
    model = f"the {artefact.horizon} model of {artefact.ticker}"
    if row.get("ticker") != artefact.ticker:
        raise FeatureMismatch(f"Features of {row.get('ticker')} were given to {model}.")
    if row.get("features_version") != artefact.features_version:
        raise FeatureMismatch(
            f"The newest features are version {row.get('features_version')}, {model} knows "
            f"{artefact.features_version}: run the pipeline again."
        )
    for what in ("close", *artefact.model.features):
        value = row.get(what)
        if value is None or not math.isfinite(value):
            raise FeatureMismatch(
                f"The newest features have no usable {what!r}, which {model} needs: "
                "run the pipeline again."
            )
