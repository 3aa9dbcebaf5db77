"""Features and labels of a panel in; walk-forward forecasts of a fitted model out. Pure.

The folds are those of ``walk_forward``: a row trains only when its label ended before the refit
and the embargo has passed. A model sees rows that have all features and a label; it forecasts
every row that has all features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from src.modeling.points import splits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Fitted(Protocol):
    """A model that has seen its training rows."""

    def predict(self, X: Floats) -> Floats:
        """One forecast a row."""
        ...


FitRows = Callable[[Floats, Floats, int], Fitted]


@dataclass(frozen=True)
class Schedule:
    """When models are refitted.

    Attributes:
        first: Row of the first session that may be forecast.
        warm_up: Sessions with features that must have gone before it.
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
class Stacked:
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
class Walked:
    """What a model said along the way.

    Attributes:
        points: (T, N), NaN where there is no forecast.
        newest: The model of the last refit; None without one.
    """

    points: Floats
    newest: Fitted | None


def stacked(present: Bools, features: Iterable[tuple[str, Floats]]) -> Stacked:
    """Stack (T, N) matrices, one after another, so that no two need to be in memory at once."""
    rows, columns = np.nonzero(present)
    names, values = [], []
    for name, matrix in features:
        names.append(name)
        values.append(matrix[rows, columns].astype(np.float32))
    inputs = np.column_stack(values) if values else np.empty((rows.size, 0), dtype=np.float32)
    whole = np.isfinite(inputs).all(axis=1)
    return Stacked(rows[whole], columns[whole], inputs[whole].astype(np.float64), tuple(names))


def asked(model: Fitted, X: Floats) -> Floats:
    """What a model says."""
    return model.predict(X)


def walk(
    fit: FitRows,
    features: Stacked,
    y: Floats,
    horizon: int,
    schedule: Schedule,
    *,
    predict: Callable[[Fitted, Floats], Floats] = asked,
) -> Walked:
    """Forecasts of every row from ``schedule.first`` on, and the model that made the last ones.

    Args:
        fit: Takes (rows, features), (rows,) and the horizon; gives a fitted model.
        features: What the model sees.
        y: Labels, simple returns; (T, N).
        horizon: Sessions from a row to its label's end.
        schedule: When to refit, and on what at least.
        predict: How a model is asked.
    """
    rows, columns, inputs = features.rows, features.columns, features.inputs
    targets = y[rows, columns]
    out, model = np.full(y.shape, np.nan), None
    for fold in _folds(rows, len(y), horizon, schedule):
        known = fold.train[np.isfinite(targets[fold.train])]
        if known.size < schedule.min_train or not fold.test.size:
            continue
        model = fit(inputs[known], targets[known], horizon)
        out[rows[fold.test], columns[fold.test]] = predict(model, inputs[fold.test])
    return Walked(out, model)


def refits(features: Stacked, sessions: int, schedule: Schedule) -> list[int]:
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
