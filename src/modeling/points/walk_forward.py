"""Fit a model at every refit of a walk-forward schedule and forecast the sessions in between.

The folds are those of ``splits``: a row trains only when its label ended before the refit and the
embargo has passed. A model is fitted on rows that have its inputs and a label, and forecasts every
row that has its inputs. Folds are tasks of an engine: all are begun before any is waited for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.points import splits
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.fit_cache import NO_FIT_CACHE, FitCache
from src.modeling.points.folds import (
    FittedModel,
    Fitting,
    FoldForecast,
    FoldRows,
    fit_and_forecast,
)
from src.modeling.points.splits import Schedule
from src.stages.engine.engine import IN_PROCESS, Engine


@dataclass(frozen=True, eq=False)
class WalkInputs:
    """What the walk-forwards of one horizon have in common.

    Attributes:
        features: Rows of model inputs.
        shared: What stands for ``features`` among the arguments of the engine's tasks.
        horizon: In sessions.
        schedule: Of the refits.
        fit_cache: Where folds are looked up; only what it lacks is fitted.
        since: The first session whose forecast is wanted; ``begin`` makes those before it too.
    """

    features: FeatureRows
    shared: Any
    horizon: int
    schedule: Schedule
    engine: Engine = IN_PROCESS
    fit_cache: FitCache = NO_FIT_CACHE
    since: int = 0


class WalkForward(NamedTuple):
    """What a walk-forward of one model gives.

    Attributes:
        points: Forecasts; (T, N), NaN where there is none.
        model: Of the last refit; None without one.
        fitted_through: Row at which the last label ended that this refit saw; None without one.
        names: Of the inputs of that model.
    """

    points: Floats
    model: FittedModel | None
    fitted_through: int | None
    names: tuple[str, ...]


# Called once: waits for the folds.
Finish = Callable[[], WalkForward]


def begin(inputs: WalkInputs, fitting: Fitting, y: Floats) -> Finish:
    """Forecasts of every row that lacks no input from the first refit on, and the last model.

    Args:
        inputs: See ``WalkInputs``.
        fitting: What is fitted.
        y: Labels, simple returns, (T, N), whose ends lie ``horizon`` sessions after their rows.
    """
    return _begin_pooled(inputs, fitting, y, since=0).finish


def begin_all(inputs: WalkInputs, fitting: Fitting, y: Floats) -> Finish:
    """``begin``, and sessions without such a fit from the inputs of a ticker by itself.

    What a session is forecast with depends on what was known there: a pool of four that is joined
    by a fifth keeps its forecasts, as does one of five that one leaves.
    """
    pooled = _begin_pooled(inputs, fitting, y, since=inputs.since)
    features, missing = inputs.features, ~pooled.sessions
    missing[: inputs.since] = False
    alone = _Walk(inputs, fitting, y, by_itself=True)
    alone.begin(np.arange(features.rows.size), missing)

    def finish() -> WalkForward:
        first, second = pooled.finish(), alone.finish()
        first.points[missing] = second.points[missing]
        if features.rows.size and missing[features.rows[-1]]:
            return second._replace(points=first.points)
        return first

    return finish


def _begin_pooled(inputs: WalkInputs, fitting: Fitting, y: Floats, *, since: int) -> _Walk:
    walk = _Walk(inputs, fitting, y, by_itself=False)
    walk.begin(np.flatnonzero(inputs.features.complete), np.arange(len(y)) >= since)
    return walk


class _Walk:
    """A walk-forward whose folds are begun, and taken in as they are done.

    Attributes:
        sessions: Which are forecast; (T,).
    """

    def __init__(self, inputs: WalkInputs, fitting: Fitting, y: Floats, *, by_itself: bool) -> None:
        self._inputs, self._fitting, self._y = inputs, fitting, y
        self._by_itself = by_itself
        self._rows = inputs.features.without_pool if by_itself else inputs.features
        self._cache = inputs.fit_cache if fitting.name else NO_FIT_CACHE
        self._waiting: deque[tuple[FoldRows, Future[FoldForecast]]] = deque()
        self._points = np.full(y.shape, np.nan)
        self._newest: tuple[FittedModel | None, int] | None = None
        self.sessions = np.zeros(len(y), dtype=bool)

    def begin(self, positions: Ints, wanted: Bools) -> None:
        """Begin the folds of some rows; refits that no ``wanted`` session needs are left out."""
        rows, horizon, schedule = self._rows.rows, self._inputs.horizon, self._inputs.schedule
        targets = np.full(rows.size, np.nan)
        targets[positions] = self._y[rows[positions], self._rows.columns[positions]]
        shared = self._inputs.engine.share(targets)
        # The newest folds are the largest: begun first, they leave no worker idle at the end.
        for fold in reversed(splits.folds(rows[positions], horizon, schedule)):
            test = positions[fold.test]
            test = test[wanted[rows[test]]]
            end = int(positions[fold.train[-1]]) + 1
            if test.size and np.isfinite(targets[:end]).sum() >= schedule.min_train:
                self._begin_fold(FoldRows(self._rows, targets, horizon, end, test), shared)

    def finish(self) -> WalkForward:
        """Wait for the folds."""
        self._take_in(lambda _: True)
        model, fitted_through = self._newest or (None, None)
        return WalkForward(self._points, model, fitted_through, self._rows.names)

    def _begin_fold(self, fold: FoldRows, shared: Any) -> None:
        self.sessions[self._rows.rows[fold.test]] = True
        found = self._cache.find(self._fitting, fold)
        if found is not None:
            self._take(fold, found)
            return
        future = self._inputs.engine.submit(
            fit_and_forecast,
            self._fitting,
            self._inputs.shared,
            shared,
            fold.horizon,
            fold.end,
            fold.test,
            self._by_itself,
        )
        self._waiting.append((fold, future))
        # In this process it is done: forecasts that wait would be in memory twice.
        self._take_in(Future.done)

    def _take_in(self, wanted: Callable[[Future[FoldForecast]], bool]) -> None:
        """Take in the first of the waiting folds, while they are wanted."""
        while self._waiting and wanted(self._waiting[0][1]):
            fold, future = self._waiting.popleft()
            forecast = future.result()
            self._cache.keep(self._fitting, fold, forecast)
            self._take(fold, forecast)

    def _take(self, fold: FoldRows, forecast: FoldForecast) -> None:
        rows, columns = self._rows.rows[fold.test], self._rows.columns[fold.test]
        self._points[rows, columns] = forecast.points
        fitted_through = fold.fitted_through
        if self._newest is None or fitted_through > self._newest[1]:
            self._newest = forecast.model, fitted_through
