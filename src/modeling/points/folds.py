"""Fit a model to one fold of a walk-forward and forecast its rows: one task, in any process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from src.core.arrays import Bools, Floats, Ints, Singles
from src.modeling.points.feature_rows import FeatureRows, GatheredRows, InputRows

# A fit takes every second, third, … session where there are more, so that time and memory end: as
# many as 500 tickers have in 20 years. It costs skill: see docs/method.md.
MOST_ROWS = 2_500_000


class FittedModel(Protocol):
    """A model after its fit."""

    def predict(self, X: Singles) -> Floats:
        """One forecast a row."""
        ...


FitFunction = Callable[[InputRows, Floats, int], FittedModel]


@dataclass(frozen=True)
class Fitting:
    """How a model is fitted.

    Attributes:
        fit: Takes (rows, inputs), (rows,) and the horizon; of a module, so that other processes
            find it.
        name: Under which fits are cached; empty for those that cost less than looking them up.
        keeps_models: Whether models are needed after they have forecast: some are large.
    """

    fit: FitFunction
    name: str = ""
    keeps_models: bool = True


class FoldForecast(NamedTuple):
    """The model of a fold, None where it is not kept, and its forecasts of the test rows."""

    model: FittedModel | None
    points: Floats


@dataclass(frozen=True, eq=False)
class FoldRows:
    """What a model is fitted to, and the rows that it forecasts; gathered when they are needed.

    Attributes:
        targets: Of all rows, NaN where there is nothing to learn from; (n,).
        horizon: In sessions.
        end: Only rows before this position are learnt from.
        test: Positions among the rows, ascending.
    """

    features: FeatureRows
    targets: Floats
    horizon: int
    end: int
    test: Ints

    @property
    def train(self) -> Ints:
        """Positions of the training rows, ascending: those of every k-th session where many.

        Made at each use: of all folds that wait they would be as large as the inputs.
        """
        known = np.isfinite(self.targets[: self.end])
        _thin(known, self.features.rows[: self.end])
        return np.flatnonzero(known)

    @property
    def fitted_through(self) -> int:
        """Row of the panel at which the last label ends that is learnt from."""
        return int(self.features.rows[self.train[-1]]) + self.horizon

    def fit(self, fit: FitFunction) -> FittedModel:
        """A model of the training rows."""
        train = self.train
        return fit(GatheredRows(self.features, train), self.targets[train], self.horizon)

    def forecast(self, model: FittedModel) -> Floats:
        """Its forecasts of the test rows; (test,)."""
        return model.predict(self.features.take(self.test))


def fit_and_forecast(
    fitting: Fitting,
    features: FeatureRows,
    targets: Floats,
    horizon: int,
    end: int,
    test: Ints,
    by_itself: bool,
) -> FoldForecast:
    """The model and the forecasts of ``FoldRows``, ``by_itself`` without the pool's inputs."""
    rows = features.without_pool if by_itself else features
    fold = FoldRows(rows, targets, horizon, end, test)
    model = fold.fit(fitting.fit)
    return FoldForecast(model if fitting.keeps_models else None, fold.forecast(model))


def _thin(known: Bools, sessions: Ints) -> None:
    """Leave at most ``MOST_ROWS`` rows: those of every k-th session, the newest included."""
    step = -(-np.count_nonzero(known) // MOST_ROWS)
    if step > 1:
        newest = sessions[known.size - 1 - np.argmax(known[::-1])]
        chosen = (newest - np.arange(sessions[-1] + 1)) % step == 0
        known &= chosen[sessions]
