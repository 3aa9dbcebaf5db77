"""Forecast every session of a panel with each candidate model.

``CANDIDATES`` is the extension point: a new candidate is a function of ``CandidateInputs`` (and of
what its fits gave, if it has any), a line in that table and its name in ``candidate_names``. That
no forecast uses later data is ensured in ``baselines``, ``rank_tilt`` and ``walk_forward``.
Forecasts are simple returns; matrices are (T, N), sessions by tickers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from src.core.arrays import Floats
from src.features.market import ranks
from src.modeling.points import baselines, rank_tilt, rank_trees, sklearn_models, walk_forward
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.fit_cache import NO_FIT_CACHE, FitCache
from src.modeling.points.folds import FitFunction, Fitting
from src.modeling.points.ridge import Linear, ridge
from src.modeling.points.splits import Schedule
from src.modeling.points.walk_forward import Finish, WalkForward, WalkInputs
from src.registry.formats.models import LinearModel, Model, RankTilt
from src.registry.formats.trees import Trees
from src.stages.engine.engine import IN_PROCESS, Engine

# Input of a stored rank tilt besides its features: the pool's mean predicted rank.
RANK_MEAN = "rank_mean"


class HasFeatures(Protocol):
    """Features that are computed, and shared with an engine's workers, when first needed."""

    @property
    def features(self) -> FeatureRows:
        """All of them, stacked."""

    @property
    def shared_features(self) -> Any:
        """What stands for them among the arguments of a task."""


@dataclass(frozen=True, eq=False)
class FitInputs:
    """What the candidates of one horizon are fitted to.

    Attributes:
        shared: The model features, computed once for all candidates and horizons.
        actual: Simple returns over the horizon after each complete session, NaN where not realised;
            (T, N).
        horizon: Sessions ahead.
        schedule: Of the refits.
        engine: Runs the fits; ``shared`` is shared with its workers.
        fit_cache: Where fits are looked up first.
        since: The first session whose forecast is wanted, where a candidate needs none before it.
    """

    shared: HasFeatures
    actual: Floats
    horizon: int
    schedule: Schedule
    engine: Engine = IN_PROCESS
    fit_cache: FitCache = NO_FIT_CACHE
    since: int = 0

    @cached_property
    def walk(self) -> WalkInputs:
        """What their walk-forwards have in common."""
        return WalkInputs(
            self.shared.features,
            self.shared.shared_features,
            self.horizon,
            self.schedule,
            self.engine,
            self.fit_cache,
            self.since,
        )


@dataclass(frozen=True, eq=False)
class CandidateInputs:
    """What the candidates of one horizon forecast from, besides fits; matrices are (T, N).

    Attributes:
        horizon: Sessions ahead.
        last: Row of the last complete session, whose forecasts a stored model repeats.
        actual: As of ``FitInputs``.
        volatility: Of the return over the horizon, as forecast at each row.
    """

    horizon: int
    last: int
    actual: Floats
    volatility: Floats

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


@dataclass(frozen=True)
class Candidate:
    """A way to forecast: what is fitted, if anything, and how forecasts are made of it.

    Attributes:
        forecast: Takes the inputs, and what the fits gave where there are any.
        begin: Begins the fits, which other processes may do meanwhile.
    """

    forecast: Callable[..., CandidateForecast]
    begin: Callable[[FitInputs], Finish] | None = None


def begin_forecast(name: str, fits: FitInputs) -> Callable[[CandidateInputs], CandidateForecast]:
    """Begin the fits of a candidate; what is returned waits for them and gives its forecasts."""
    candidate = CANDIDATES[name]
    if candidate.begin is None:
        return candidate.forecast
    finish = candidate.begin(fits)
    return lambda inputs: candidate.forecast(inputs, finish())


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


def _ridge(inputs: CandidateInputs, walked: WalkForward) -> CandidateForecast:
    newest = walked.model
    if not isinstance(newest, Linear):
        return CandidateForecast(walked.points)
    model = LinearModel(walked.names, newest.coef, newest.intercept)
    return CandidateForecast(walked.points, model, walked.fitted_through)


def _tilt(inputs: CandidateInputs, walked: WalkForward) -> CandidateForecast:
    predicted, trees = walked.points, walked.model
    slope = rank_tilt.slopes(predicted, inputs.scores, inputs.horizon)
    points = rank_tilt.tilts(predicted, slope, inputs.volatility)
    newest = float(slope[inputs.last])
    if not isinstance(trees, Trees) or not np.isfinite(newest):
        return CandidateForecast(points)
    names = (*walked.names, volatility_name(inputs.horizon), RANK_MEAN)
    return CandidateForecast(points, RankTilt(names, trees, newest), walked.fitted_through)


def _as_forecast(inputs: CandidateInputs, walked: WalkForward) -> CandidateForecast:
    return CandidateForecast(walked.points)


def _of_returns(fitting: Fitting) -> Callable[[FitInputs], Finish]:
    return lambda fits: walk_forward.begin_all(fits.walk, fitting, fits.actual)


def _of_ranks(fitting: Fitting) -> Callable[[FitInputs], Finish]:
    return lambda fits: walk_forward.begin(fits.walk, fitting, ranks(fits.actual))


def _compared(fit: FitFunction) -> Candidate:
    """A candidate whose models are not stored."""
    return Candidate(_as_forecast, _of_returns(Fitting(fit, keeps_models=False)))


def _ranked(grow: FitFunction, name: str) -> Candidate:
    return Candidate(_tilt, _of_ranks(Fitting(grow, name)))


CANDIDATES: Mapping[str, Candidate] = {
    "zero": Candidate(_zero),
    "mean": Candidate(_mean),
    "drift": Candidate(_drift),
    "ridge": Candidate(_ridge, _of_returns(Fitting(ridge))),
    "rank_tilt": _ranked(rank_trees.grow, "rank_tilt"),
    "elastic_net": _compared(sklearn_models.elastic_net),
    "hist_gradient_boosting": _compared(sklearn_models.hist_gradient_boosting),
    "random_forest": _compared(sklearn_models.random_forest),
    "rank_tilt_lightgbm": _ranked(rank_trees.grow_lightgbm, "rank_tilt_lightgbm"),
}
