"""Forecast with a pool's model from a ticker's row of ``serving_inputs``.

Returns are simple, never percent; prices are split-adjusted closes in the ticker's currency.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Floats
from src.core.errors import ForecastError
from src.core.model_events import pin_end, pinned_name
from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION, ReturnDistribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.serving.pool_inputs import needs_pool

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.model_events import Pin
    from src.registry.formats.models import Model
    from src.registry.storage.artifact import Artifact

Row = Mapping[str, Any]

ZERO = "zero"
_LEVELS: list[float] = LEVELS.tolist()


class FeatureMismatch(ForecastError):
    """The newest features are not those the model was trained on: run the pipeline again."""


class UnusableInputs(ForecastError):
    """A stored input is not a number, or quantiles are missing."""

    def __init__(self, row: Row, what: str = "a value that is not a number") -> None:
        super().__init__(
            f"The {row['horizon']} inputs of {row['ticker']} hold {what}: "
            f"run `python -m mlops.pipeline --ticker {row['ticker']}`."
        )


class MissingInputs(ForecastError):
    """What a model forecasts from has not been computed yet."""

    def __init__(self, artifact: Artifact, ticker: str) -> None:
        super().__init__(
            f"The inputs of the live {artifact.sessions}-session model of {artifact.pool} have not "
            f"been computed for {ticker} yet: run `python -m mlops.pipeline --ticker {ticker}`."
        )


def forecast_from_row(
    artifact: Artifact,
    row: Row,
    pool_row: Row | None,
    calendar: Calendar,
    pin: Pin | None = None,
) -> dict[str, object]:
    """Forecast from stored rows: an entry of ``forecasts`` in results.json.

    Dates are ISO text. ``model.name`` is served; the candidate's own forecast stands beside it, or
    None where there is no candidate or it cannot forecast. Where a promoted candidate cannot, zero
    is served, and ``note`` says why, as it says that a model is pinned.

    Args:
        artifact: The model.
        row: Of ``serving_inputs``. Its ``note`` says why zero answers whatever model is live.
        pool_row: Of ``pool_inputs`` of the model; used if the model needs it.
        calendar: Sessions of the ticker's exchange.
        pin: Where a rollback pinned the model: verdict and the pool's skill are then those of the
            newest training, not those that were stored with the model.

    Raises:
        FeatureMismatch: For another pool, horizon or features version, or no usable close.
        MissingInputs: The served model needs inputs of the pool, and there are none.
        UnusableInputs: An input is not a number.
    """
    _check(artifact, row, pool_row)
    target = calendar.ahead(row["feature_date"], artifact.sessions)
    close = float(row["last_close"])
    proposed, problem = _proposed(artifact, row, pool_row)
    name = artifact.served if problem is None else ZERO
    served = proposed if name != ZERO and proposed is not None else 0.0
    judged = pin or artifact
    distribution = _distribution(row)
    return {
        "ticker": row["ticker"],
        "horizon": f"{artifact.sessions}-day",
        "feature_date": row["feature_date"].isoformat(),
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
        "baseline": {"name": ZERO, "pred_return": 0.0},
        "note": _note(artifact, row, pin, problem),
        "candidate": None if proposed is None else _candidate(artifact, row, judged, proposed),
        "skill": {
            **_scores(row["metrics"], name),
            "pool": {"tickers": judged.tickers, **_scores(judged.metrics, name)},
        },
    }


def _proposed(
    artifact: Artifact, row: Row, pool_row: Row | None
) -> tuple[float | None, str | None]:
    """The candidate's forecast, None where it has none; and why a candidate has none."""
    if artifact.candidate == ZERO:
        return None, row["note"]
    if row["note"] is not None:
        return None, row["note"]
    name, model = artifact.candidate, artifact.model
    if pool_row and pool_row["session"] != row["feature_date"] and needs_pool(model):
        return None, (
            f"{name} compares the tickers of {pool_row['session']}, and the newest price of "
            f"{row['ticker']} is of {row['feature_date']}: zero is served"
        )
    values = _values(model, row, pool_row)
    is_known = np.isfinite(values)
    if is_known.all():
        return model.predict(values), None
    missing = model.features[int(np.argmin(is_known))]
    return None, f"{name} needs {missing}, which is unknown at this bar: zero is served"


def _values(model: Model, row: Row, pool_row: Row | None) -> Floats:
    """A model's inputs in their order, NaN where one is not stored."""
    try:
        values = row["inputs"]
        if pool_row and pool_row["inputs"]:
            values = {**values, **pool_row["inputs"]}
        return np.array([values.get(name) for name in model.features], dtype=np.float64)
    except (AttributeError, TypeError, ValueError) as error:
        raise UnusableInputs(row) from error


def _note(artifact: Artifact, row: Row, pin: Pin | None, problem: str | None) -> str | None:
    notes = []
    if pin is not None:
        since = f"{_utc(pin.since):%Y-%m-%d}"
        notes.append(
            f"{pinned_name(pin.version_tag)} is pinned since {since} and answers "
            f"{pin_end(pin.version_tag)}"
        )
    if problem is not None and (artifact.served != ZERO or row["note"] is not None):
        notes.append(problem)
    return "; ".join(notes) or None


def _candidate(
    artifact: Artifact, row: Row, judged: Artifact | Pin, proposed: float
) -> dict[str, object]:
    scores = _scores(row["metrics"], artifact.candidate)
    return {
        "name": artifact.candidate,
        "pred_return": proposed,
        "est_future_close": float(row["last_close"]) * (1 + proposed),
        "skill_vs_zero": scores["mae_vs_zero"],
        "n": scores["n"],
        "n_eff": scores["n_eff"],
        "pool": {
            "tickers": _scored_tickers(judged, artifact.candidate),
            **_scores(judged.metrics, artifact.candidate),
        },
        "promoted": artifact.served == artifact.candidate,
    }


def _model(artifact: Artifact, name: str, pin: Pin | None) -> dict[str, object]:
    pinned = pin and {"version_tag": pin.version_tag, "since": _utc(pin.since).isoformat()}
    return {
        "name": name,
        "pool": artifact.pool,
        "verdict": (pin or artifact).verdict,
        "served_since": artifact.since or None,
        "pinned": pinned,
        "version": artifact.digest,
        "trained_at": artifact.trained_at,
        "fitted_through": artifact.fitted_through or None,
        "judged_through": artifact.session or None,
        "code_version": artifact.code_version,
        "features_version": artifact.features_version,
    }


def _scores(metrics: Sequence[Row], name: str) -> dict[str, object]:
    """The walk-forward skill of a model by name; None over no outcomes without one."""
    row = next((row for row in metrics if row["name"] == name), {})
    return {
        "mae_vs_zero": row.get("skill_vs_zero"),
        "n": row.get("n", 0),
        "n_eff": row.get("n_eff", 0.0),
    }


def _scored_tickers(judged: Artifact | Pin, name: str) -> int:
    """How many tickers of the pool a model's scores are of: young ones have no forecasts."""
    row = next((row for row in judged.metrics if row["name"] == name), {})
    return int(row.get("tickers", judged.tickers))


def _distribution(row: Row) -> ReturnDistribution:
    """The distribution in a row of ``serving_inputs``; unknown where it has other levels.

    Raises:
        UnusableInputs: There is not one quantile for each level.
    """
    if row["levels"] != _LEVELS or None in row["quantiles"]:
        return UNKNOWN_DISTRIBUTION
    if (count := len(row["quantiles"])) != len(_LEVELS):
        raise UnusableInputs(row, f"{count} quantiles for {len(_LEVELS)} levels")
    return ReturnDistribution(row["quantiles"])


def _check(artifact: Artifact, row: Row, pool_row: Row | None) -> None:
    ticker, model = row["ticker"], f"the {artifact.horizon} model of {artifact.pool}"
    if (row["pool"], row["horizon"]) != (artifact.pool, artifact.horizon):
        raise FeatureMismatch(
            f"The {row['horizon']} inputs of {ticker} in {row['pool']} cannot be used with {model}."
        )
    if row["features_version"] != artifact.features_version:
        raise FeatureMismatch(
            f"The newest features of {ticker} are version {row['features_version']}, {model} was "
            f"trained on {artifact.features_version}: run the pipeline again."
        )
    if not usable(row["last_close"]):
        raise FeatureMismatch(
            f"The newest features of {ticker} have no usable close, which {model} needs: run the "
            "pipeline again."
        )
    if artifact.served != ZERO and pool_row is None and needs_pool(artifact.model):
        raise MissingInputs(artifact, ticker)


def _utc(at: dt.datetime) -> dt.datetime:
    """The same time in UTC: databases give times in their session's zone."""
    return at.astimezone(dt.UTC)


def usable(value: Any) -> bool:
    """Whether a value is a finite number."""
    return value is not None and math.isfinite(value)
