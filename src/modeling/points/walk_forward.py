"""Fit a model at every refit of a walk-forward schedule and forecast the sessions in between.

The folds are those of ``splits``: a row trains only when its label ended before the refit and the
embargo has passed. A model is fitted on rows that have all features and a label, and forecasts
every row that has all features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.points import splits


class FittedModel(Protocol):
    """A model after its fit."""

    def predict(self, X: Floats) -> Floats:
        """One forecast a row."""
        ...


FitFunction = Callable[[Floats, Floats, int], FittedModel]


@dataclass(frozen=True)
class Schedule:
    """When models are refitted.

    Attributes:
        first: Row of the first session that may be forecast.
        warm_up: Sessions with features that must come before it.
        refit_every: Sessions from one refit to the next.
        embargo: Sessions between a training label's end and the refit.
        min_train: Rows that a refit needs.
    """

    first: int = 0
    warm_up: int = 0
    refit_every: int = 252
    embargo: int = 5
    min_train: int = 1000


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """The rows of a panel that have all features, by session and then by ticker.

    Attributes:
        rows: Session of each, as a row of the panel; (n,).
        columns: Ticker of each, as a column of the panel; (n,).
        inputs: (n, features).
        names: Of the features.
    """

    rows: Ints
    columns: Ints
    inputs: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FittedForecasts:
    """Walk-forward forecasts of one fitted model.

    Attributes:
        points: (T, N), NaN where there is no forecast.
        newest_model: The model of the last refit; None without one.
    """

    points: Floats
    newest_model: FittedModel | None


def stack_features(present: Bools, features: Iterable[tuple[str, Floats]]) -> FeatureRows:
    """Stack (T, N) feature matrices, one at a time, so that only one need be in memory."""
    rows, columns = np.nonzero(present)
    names, values = [], []
    for name, matrix in features:
        names.append(name)
        values.append(matrix[rows, columns].astype(np.float32))
    inputs = np.column_stack(values) if values else np.empty((rows.size, 0), dtype=np.float32)
    complete = np.isfinite(inputs).all(axis=1)
    return FeatureRows(
        rows[complete], columns[complete], inputs[complete].astype(np.float64), tuple(names)
    )


def _predict(model: FittedModel, X: Floats) -> Floats:
    return model.predict(X)


def fit_predict(
    fit: FitFunction,
    features: FeatureRows,
    y: Floats,
    horizon: int,
    schedule: Schedule,
    *,
    predict: Callable[[FittedModel, Floats], Floats] = _predict,
) -> FittedForecasts:
    """Forecasts of every row from ``schedule.first`` on, and the model of the last refit.

    Args:
        fit: Takes (rows, features), (rows,) and the horizon; returns a fitted model.
        features: The model's inputs.
        y: Labels, simple returns; (T, N).
        horizon: Sessions from a row to its label's end.
        schedule: When to refit, and the least number of rows.
        predict: Applies a fitted model to (rows, features).
    """
    rows, columns, inputs = features.rows, features.columns, features.inputs
    targets = y[rows, columns]
    points, model = np.full(y.shape, np.nan), None
    for fold in _folds(rows, len(y), horizon, schedule):
        train = fold.train[np.isfinite(targets[fold.train])]
        if train.size < schedule.min_train or not fold.test.size:
            continue
        model = fit(inputs[train], targets[train], horizon)
        points[rows[fold.test], columns[fold.test]] = predict(model, inputs[fold.test])
    return FittedForecasts(points, model)


def refits(features: FeatureRows, sessions: int, schedule: Schedule) -> list[int]:
    """Rows on which a model is fitted anew."""
    epoch = np.datetime64("1970-01-01")
    folds = _folds(features.rows, sessions, 1, schedule)
    return [int((fold.cutoff - epoch).astype(np.int64)) for fold in folds]


def _folds(rows: Ints, sessions: int, horizon: int, schedule: Schedule) -> list[splits.Fold]:
    """The panel's folds; rows are numbered from an epoch, so that row numbers are sessions."""
    distinct = np.unique(rows)
    if distinct.size <= schedule.warm_up or schedule.first >= sessions:
        return []
    epoch = np.datetime64("1970-01-01")
    first = max(schedule.first, int(distinct[schedule.warm_up]))
    share = float((distinct >= first).sum()) / distinct.size
    if not 0 < share < 1:
        return []
    return splits.folds(
        epoch + rows,
        epoch + rows + horizon,
        test_share=share,
        refit_every=schedule.refit_every,
        embargo=schedule.embargo,
        min_train=schedule.min_train,
        calendar_ids=lambda days: (days - epoch).astype(np.int64),
    )
