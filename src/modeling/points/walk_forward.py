"""Fit a model at every refit of a walk-forward schedule and forecast the sessions in between.

The folds are those of ``splits``: a row trains only when its label ended before the refit and the
embargo has passed. A model is fitted on rows that have its inputs and a label, and forecasts every
row that has its inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from src.core.arrays import Bools, Floats, Ints, Singles
from src.modeling.points import splits
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.splits import Schedule

# A fit takes every second, third, … session where there are more: with all rows of 500 tickers over
# 20 years in double precision a run would not keep within 2 GiB.
MOST_ROWS = 500_000


class FittedModel(Protocol):
    """A model after its fit."""

    def predict(self, X: Singles) -> Floats:
        """One forecast a row."""
        ...


FitFunction = Callable[[Singles, Floats, int], FittedModel]


class WalkForward(NamedTuple):
    """What a walk-forward of one model gives.

    Attributes:
        points: Forecasts; (T, N), NaN where there is none.
        model: Of the last refit; None without one.
        fitted_through: Row at which the last label ended that this refit saw; None without one.
    """

    points: Floats
    model: FittedModel | None
    fitted_through: int | None


@dataclass(frozen=True, eq=False)
class FoldRows:
    """What a model is fitted to, and the rows that it forecasts; gathered when they are needed.

    Attributes:
        targets: Of all rows; (n,).
        horizon: In sessions.
        train, test: Positions among the rows, ascending.
    """

    features: FeatureRows
    targets: Floats
    horizon: int
    train: Ints
    test: Ints

    def fit(self, fit: FitFunction) -> FittedModel:
        """A model of the training rows."""
        return fit(self.features.take(self.train), self.targets[self.train], self.horizon)

    def forecast(self, model: FittedModel) -> Floats:
        """Its forecasts of the test rows; (test,)."""
        return model.predict(self.features.take(self.test))


def fit_and_forecast(fit: FitFunction, fold: FoldRows) -> tuple[FittedModel, Floats]:
    """The model of a fold and its forecasts."""
    model = fold.fit(fit)
    return model, fold.forecast(model)


def fit_predict(
    fit: FitFunction,
    features: FeatureRows,
    y: Floats,
    horizon: int,
    schedule: Schedule,
    *,
    wanted: Bools | None = None,
    forecast: Callable[[FitFunction, FoldRows], tuple[FittedModel, Floats]] = fit_and_forecast,
) -> WalkForward:
    """Forecasts of every row from the first refit on, and the model of the last refit.

    Args:
        fit: Takes (rows, inputs), (rows,) and the horizon.
        features: Rows that lack no input.
        y: Labels, simple returns, (T, N), whose ends lie ``horizon`` sessions after their rows.
        horizon: In sessions.
        schedule: Of the refits.
        wanted: Sessions that need a forecast, (T,); refits that no such session needs are left out.
        forecast: Gives each fold's model and forecasts, perhaps looked up.
    """
    rows, columns = features.rows, features.columns
    targets = y[rows, columns]
    points = np.full(y.shape, np.nan)
    model, seen = None, None
    for fold in splits.folds(rows, horizon, schedule):
        test = fold.test if wanted is None else fold.test[wanted[rows[fold.test]]]
        train = fold.train[np.isfinite(targets[fold.train])]
        if train.size >= schedule.min_train and test.size:
            train = _thinned(train, rows)
            fold_rows = FoldRows(features, targets, horizon, train, test)
            model, points[rows[test], columns[test]] = forecast(fit, fold_rows)
            seen = int(rows[train].max()) + horizon
    return WalkForward(points, model, seen)


def fit_predict_all(
    fit: FitFunction, features: FeatureRows, y: Floats, horizon: int, schedule: Schedule
) -> tuple[WalkForward, tuple[str, ...]]:
    """``fit_predict`` on all inputs, and on those of a ticker by itself where there is no such fit.

    What a session is forecast with depends on what was known there: a pool of four that is joined
    by a fifth keeps its forecasts, as does one of five that one leaves.

    Returns:
        The forecasts with the model behind the newest, and the names of its inputs.
    """
    pooled = fit_predict(fit, features.with_all_inputs(), y, horizon, schedule)
    missing: Bools = np.asarray(~np.isfinite(pooled.points).any(axis=1))
    alone = features.without_pool()
    by_itself = fit_predict(fit, alone, y, horizon, schedule, wanted=missing)
    pooled.points[missing] = by_itself.points[missing]
    if alone.rows.size and missing[alone.rows[-1]]:
        return by_itself._replace(points=pooled.points), alone.names
    return pooled, features.names


def _thinned(train: Ints, rows: Ints) -> Ints:
    """At most ``MOST_ROWS`` training rows: those of every k-th session, the newest included."""
    step = -(-train.size // MOST_ROWS)
    if step <= 1:
        return train
    back = rows[train[-1]] - rows[train]
    return np.asarray(train[back % step == 0])
