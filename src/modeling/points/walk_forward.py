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
from src.modeling.points.splits import Schedule


class FittedModel(Protocol):
    """A model after its fit."""

    def predict(self, X: Floats) -> Floats:
        """One forecast a row."""
        ...


FitFunction = Callable[[Floats, Floats, int], FittedModel]


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


def fit_predict(
    fit: FitFunction,
    features: FeatureRows,
    y: Floats,
    horizon: int,
    schedule: Schedule,
    *,
    predict: Callable[[FittedModel, Floats], Floats] = lambda model, X: model.predict(X),
) -> tuple[Floats, FittedModel | None]:
    """Forecasts of every row from the first refit on, and the model of the last refit.

    ``y`` are labels, simple returns, (T, N), whose ends lie ``horizon`` sessions after their rows.
    ``fit`` takes (rows, features), (rows,) and the horizon; ``predict`` a model and its inputs.

    Returns:
        (T, N), NaN where there is no forecast, and the model; None without a refit.
    """
    rows, columns, inputs = features.rows, features.columns, features.inputs
    targets = y[rows, columns]
    points, model = np.full(y.shape, np.nan), None
    for fold in splits.folds(rows, horizon, schedule):
        train = fold.train[np.isfinite(targets[fold.train])]
        if train.size >= schedule.min_train:
            model = fit(inputs[train], targets[train], horizon)
            points[rows[fold.test], columns[fold.test]] = predict(model, inputs[fold.test])
    return points, model
