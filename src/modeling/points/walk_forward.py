"""Fit a model at every refit of a walk-forward schedule and forecast the sessions in between.

The folds are those of ``splits``: a row trains only when its label ended before the refit and the
embargo has passed. A model is fitted on rows that have its inputs and a label, and forecasts every
row that has its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from src.core.arrays import Bools, Floats, Ints, Singles
from src.modeling.points import splits
from src.modeling.points.session_ranks import SessionRanks
from src.modeling.points.splits import Schedule

# A fit takes every second, third, … session where there are more: with all rows of 500 tickers over
# 20 years in double precision a run would not keep within 2 GiB.
MOST_ROWS = 500_000
# Rows that are copied at a time, few enough to stay in a processor's cache, and inputs.
CHUNK, TOGETHER = 4_096, 8


class FittedModel(Protocol):
    """A model after its fit."""

    def predict(self, X: Singles) -> Floats:
        """One forecast a row."""
        ...


FitFunction = Callable[[Floats, Floats, int], FittedModel]


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
class FeatureRows:
    """Model inputs of the tickers and complete sessions of a panel, by session and then by ticker.

    A row for each that has all inputs of the ticker by itself. The inputs that need a pool may be
    missing: where there are too few tickers, or too few sessions with a market.

    Attributes:
        rows: Session of each, as a row of the panel; (n,).
        columns: Ticker of each, as a column of the panel; (n,).
        names: Of the inputs, in the order of models.
        complete: Whether a row has all of them; (n,).
        stored: Inputs of tickers by themselves, a row a bar, by ``stored_names``.
        bars: Position of each row in ``stored``; (n,).
        pooled: Those of the other inputs that are no ranks, by ``pooled_names``; (pooled, bars).
        ranks: Makes the ranks; None where there are none.
    """

    rows: Ints
    columns: Ints
    names: tuple[str, ...]
    complete: Bools
    stored_names: tuple[str, ...]
    stored: Singles
    bars: Ints
    pooled_names: tuple[str, ...]
    pooled: Singles
    ranks: SessionRanks | None = None

    def take(self, positions: Ints) -> Singles:
        """The inputs of some rows; (positions, names), NaN where a row lacks one."""
        out = np.empty((positions.size, len(self.names)), dtype=np.float32)
        self._fill(out, positions)
        return out

    def take_doubles(self, positions: Ints) -> Floats:
        """``take`` in double precision, which fits work in: a copy less than converting later."""
        out = np.empty((positions.size, len(self.names)))
        self._fill(out, positions)
        return out

    def by_name(self) -> Iterator[tuple[str, Singles]]:
        """Each input by name; (n,), NaN where a row lacks it."""
        for first in range(0, len(self.names), TOGETHER):
            names = self.names[first : first + TOGETHER]
            yield from zip(names, self._columns(names), strict=True)

    def _columns(self, names: Sequence[str]) -> Singles:
        """Some inputs; (names, n). A row of ``stored`` is read once for all of them."""
        out = np.empty((len(names), self.rows.size), dtype=np.float32)
        by_ticker = [place for place, name in enumerate(names) if name in self.stored_names]
        numbers = [self.stored_names.index(names[place]) for place in by_ticker]
        out[by_ticker] = self.stored[self.bars[:, None], numbers].T
        for place, name in enumerate(names):
            if name in self.pooled_names:
                out[place] = self.pooled[self.pooled_names.index(name)][self.bars]
            elif self.ranks is not None and name in self.ranks.names:
                out[place] = self.ranks.column(name, self.bars)
        return out

    def with_all_inputs(self) -> FeatureRows:
        """The rows that lack none."""
        kept = self.complete
        return replace(
            self,
            rows=self.rows[kept],
            columns=self.columns[kept],
            complete=kept[kept],
            bars=self.bars[kept],
        )

    def without_pool(self) -> FeatureRows:
        """All rows, with the inputs of the tickers by themselves alone."""
        complete = np.ones_like(self.complete)
        return replace(self, names=self.stored_names, complete=complete, ranks=None)

    def _fill(self, out: Singles | Floats, positions: Ints) -> None:
        place = {name: column for column, name in enumerate(self.names)}
        for start in range(0, positions.size, CHUNK):
            bars = self.bars[positions[start : start + CHUNK]]
            rows, stored = slice(start, start + bars.size), self.stored[bars]
            for name, values in zip(self.stored_names, stored.T, strict=True):
                out[rows, place[name]] = values
            for name, values in zip(self.pooled_names, self.pooled, strict=True):
                if name in place:
                    out[rows, place[name]] = values[bars]
            if self.ranks is not None:
                columns = [place[name] for name in self.ranks.names]
                out[rows, columns] = self.ranks.take(bars).T


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
        return fit(self.features.take_doubles(self.train), self.targets[self.train], self.horizon)

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
