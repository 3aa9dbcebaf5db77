"""A panel's outcomes, volatilities and features in; every candidate's forecasts out. Pure.

``CANDIDATES`` is where a new one is added: a function of ``Given``, a line in the list, its name in
``names``. Who may know what is decided in ``means``, ``rank_tilt`` and ``walked``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from src.features.market import ranks
from src.modeling.points import baselines, rank_tilt, rank_trees, sklearn_models, walk_forward
from src.modeling.points.ridge import Linear, ridge
from src.modeling.points.walk_forward import FitRows, Fitted, Schedule, Stacked
from src.registry.formats.models import LinearModel, Model, RankTilt
from src.registry.formats.trees import Trees

Floats = npt.NDArray[np.float64]

# Inputs of stored models besides the features: see ``inputs``.
RANK_MEAN = "rank_mean"


class Keeper(Protocol):
    """What may remember fits and what they said."""

    def keep(self, name: str, fit: FitRows) -> FitRows:
        """The same fit, perhaps looked up."""

    def predict(self, model: Fitted, X: Floats) -> Floats:
        """What the model says of (rows, features), perhaps looked up; (rows,)."""


class Forgetful:
    """Fits and predicts anew each time."""

    def keep(self, name: str, fit: FitRows) -> FitRows:
        """The fit itself."""
        return fit

    def predict(self, model: Fitted, X: Floats) -> Floats:
        """What the model says."""
        return model.predict(X)


FORGETFUL = Forgetful()


class HasFeatures(Protocol):
    """Features that are made when they are first asked for."""

    @property
    def features(self) -> Stacked:
        """All of them, stacked."""


@dataclass(frozen=True, eq=False)
class Given:
    """What candidates at one horizon are made from; matrices are (T, N), sessions by tickers.

    Attributes:
        horizon: Sessions ahead.
        actual: Simple returns over the horizon after each row, NaN where not realised.
        volatility: Of the return over the horizon, as forecast at each row.
        known: The features of the tickers, the market and the places among them.
        schedule: When models are refitted.
        keeper: May remember what was fitted before.
    """

    horizon: int
    actual: Floats
    volatility: Floats
    known: HasFeatures
    schedule: Schedule
    keeper: Keeper = FORGETFUL

    @property
    def scores(self) -> Floats:
        """Outcomes in units of the volatility that was forecast for them."""
        return self.actual / self.volatility


@dataclass(frozen=True, eq=False)
class Said:
    """What one candidate said.

    Attributes:
        points: Forecast simple returns; (T, N), NaN where it has none.
        model: What makes its newest forecasts, as it can be stored; None where it cannot be.
    """

    points: Floats
    model: Model | None = None


Candidate = Callable[[Given], Said]


def volatility_name(horizon: int) -> str:
    """Name of the volatility among a stored model's inputs."""
    return f"volatility_{horizon}"


def _zero(given: Given) -> Said:
    return Said(baselines.zero(given.actual), LinearModel((), np.zeros(0), 0.0))


def _mean(given: Given) -> Said:
    return Said(baselines.own_mean(given.actual, given.horizon))


def _drift(given: Given) -> Said:
    reward = baselines.reward(given.scores, given.horizon)
    points = reward[:, None] * given.volatility
    if not np.isfinite(reward[-1:]).all() or not reward.size:
        return Said(points)
    return Said(points, LinearModel((volatility_name(given.horizon),), reward[-1:].copy(), 0.0))


def _ridge(given: Given) -> Said:
    features = given.known.features
    found = walk_forward.walk(ridge, features, given.actual, given.horizon, given.schedule)
    if not isinstance(found.newest, Linear):
        return Said(found.points)
    model = LinearModel(features.names, found.newest.coef, found.newest.intercept)
    return Said(found.points, model)


def _tilt(given: Given, grow: FitRows, name: str) -> Said:
    features, target = given.known.features, ranks(given.actual)
    walk = walk_forward.walk(
        given.keeper.keep(name, grow),
        features,
        target,
        given.horizon,
        given.schedule,
        predict=given.keeper.predict,
    )
    slope = rank_tilt.slopes(walk.points, given.scores, given.horizon)
    points = rank_tilt.tilts(walk.points, slope, given.volatility)
    if not isinstance(walk.newest, Trees) or not np.isfinite(slope[-1:]).all():
        return Said(points)
    names = (*features.names, volatility_name(given.horizon), RANK_MEAN)
    return Said(points, RankTilt(names, walk.newest, float(slope[-1])))


def _taught(given: Given, fit: FitRows) -> Said:
    made = walk_forward.walk(fit, given.known.features, given.actual, given.horizon, given.schedule)
    return Said(made.points)


CANDIDATES: Mapping[str, Candidate] = {
    "zero": _zero,
    "mean": _mean,
    "drift": _drift,
    "ridge": _ridge,
    "rank_tilt": partial(_tilt, grow=rank_trees.grow, name="rank_tilt"),
    "elastic_net": partial(_taught, fit=sklearn_models.elastic_net),
    "hist_gradient_boosting": partial(_taught, fit=sklearn_models.hist_gradient_boosting),
    "random_forest": partial(_taught, fit=sklearn_models.random_forest),
    "rank_tilt_lightgbm": partial(_tilt, grow=rank_trees.grow_lightgbm, name="rank_tilt_lightgbm"),
}
