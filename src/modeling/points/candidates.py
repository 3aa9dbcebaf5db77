"""Forecast every session of a panel with each candidate model.

``CANDIDATES`` is the extension point: a new candidate is a function of ``CandidateInputs``, a line
in that table and its name in ``candidate_names``. That no forecast uses later data is ensured in
``baselines``, ``rank_tilt`` and ``walk_forward``. Forecasts are simple returns; matrices are
(T, N), sessions by tickers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from src.core.arrays import Floats
from src.features.market import ranks
from src.modeling.points import baselines, rank_tilt, rank_trees, sklearn_models, walk_forward
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.fit_cache import NO_FIT_CACHE, FitCache
from src.modeling.points.ridge import Linear, ridge
from src.modeling.points.splits import Schedule
from src.modeling.points.walk_forward import FitFunction
from src.registry.formats.models import LinearModel, Model, RankTilt
from src.registry.formats.trees import Trees

# Input of a stored rank tilt besides its features: the pool's mean predicted rank.
RANK_MEAN = "rank_mean"


class HasFeatures(Protocol):
    """Features that are computed when they are first needed."""

    @property
    def features(self) -> FeatureRows:
        """All of them, stacked."""


@dataclass(frozen=True, eq=False)
class CandidateInputs:
    """What the candidates of one horizon forecast from; matrices are (T, N).

    Attributes:
        horizon: Sessions ahead.
        last: Row of the last complete session, whose forecasts a stored model repeats.
        actual: Simple returns over the horizon after each complete session, NaN where not realised.
        volatility: Of the return over the horizon, as forecast at each row.
        shared: The model features, computed once for all candidates and horizons.
    """

    horizon: int
    last: int
    actual: Floats
    volatility: Floats
    shared: HasFeatures
    schedule: Schedule
    fit_cache: FitCache = NO_FIT_CACHE

    @property
    def scores(self) -> Floats:
        """Outcomes in units of the volatility that was forecast for them."""
        return self.actual / self.volatility


@dataclass(frozen=True, eq=False)
class CandidateForecast:
    """The forecasts of one candidate.

    Attributes:
        points: Forecast simple returns; (T, N), NaN where it has none.
        model: The model behind its newest forecasts, in storable form; None where there is none.
        fitted_through: Row at which the last label ended that this model rests on.
    """

    points: Floats
    model: Model | None = None
    fitted_through: int | None = None


Candidate = Callable[[CandidateInputs], CandidateForecast]


def volatility_name(horizon: int) -> str:
    """Name of the volatility among a stored model's inputs."""
    return f"volatility_{horizon}"


def _zero(inputs: CandidateInputs) -> CandidateForecast:
    return CandidateForecast(np.zeros_like(inputs.actual), LinearModel((), np.zeros(0), 0.0))


def _mean(inputs: CandidateInputs) -> CandidateForecast:
    return CandidateForecast(baselines.own_mean(inputs.actual, inputs.horizon))


def _drift(inputs: CandidateInputs) -> CandidateForecast:
    premium = baselines.risk_premium(inputs.scores, inputs.horizon)
    points = premium[:, None] * inputs.volatility
    newest = premium[inputs.last]
    if not np.isfinite(newest):
        return CandidateForecast(points)
    names = (volatility_name(inputs.horizon),)
    return CandidateForecast(points, LinearModel(names, np.array([newest]), 0.0), inputs.last)


def _ridge(inputs: CandidateInputs) -> CandidateForecast:
    walked, names = walk_forward.fit_predict_all(
        ridge, inputs.shared.features, inputs.actual, inputs.horizon, inputs.schedule
    )
    newest = walked.model
    if not isinstance(newest, Linear):
        return CandidateForecast(walked.points)
    model = LinearModel(names, newest.coef, newest.intercept)
    return CandidateForecast(walked.points, model, walked.fitted_through)


def _tilt(inputs: CandidateInputs, grow: FitFunction, name: str) -> CandidateForecast:
    features = inputs.shared.features.with_all_inputs()
    predicted, trees, fitted_through = walk_forward.fit_predict(
        grow,
        features,
        ranks(inputs.actual),
        inputs.horizon,
        inputs.schedule,
        forecast=partial(inputs.fit_cache.forecast, name),
    )
    slope = rank_tilt.slopes(predicted, inputs.scores, inputs.horizon)
    points = rank_tilt.tilts(predicted, slope, inputs.volatility)
    newest = float(slope[inputs.last])
    if not isinstance(trees, Trees) or not np.isfinite(newest):
        return CandidateForecast(points)
    names = (*features.names, volatility_name(inputs.horizon), RANK_MEAN)
    return CandidateForecast(points, RankTilt(names, trees, newest), fitted_through)


def _sklearn(inputs: CandidateInputs, fit: FitFunction) -> CandidateForecast:
    walked, _ = walk_forward.fit_predict_all(
        fit, inputs.shared.features, inputs.actual, inputs.horizon, inputs.schedule
    )
    return CandidateForecast(walked.points)


CANDIDATES: Mapping[str, Candidate] = {
    "zero": _zero,
    "mean": _mean,
    "drift": _drift,
    "ridge": _ridge,
    "rank_tilt": partial(_tilt, grow=rank_trees.grow, name="rank_tilt"),
    "elastic_net": partial(_sklearn, fit=sklearn_models.elastic_net),
    "hist_gradient_boosting": partial(_sklearn, fit=sklearn_models.hist_gradient_boosting),
    "random_forest": partial(_sklearn, fit=sklearn_models.random_forest),
    "rank_tilt_lightgbm": partial(_tilt, grow=rank_trees.grow_lightgbm, name="rank_tilt_lightgbm"),
}
