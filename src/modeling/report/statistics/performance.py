"""Score the models of one horizon on the same sessions: errors, gains over no change, coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from src.core.arrays import Bools, Days, Floats, Singles
from src.modeling.evaluation import point_metrics
from src.modeling.report.statistics import measures
from src.modeling.report.statistics.measures import Measure
from src.modeling.report.statistics.rolling import RollingSkill, rolling_skill

# One-sided, so that ranges are of 95 %.
LEVEL = 0.025
WINDOW = 252
HELD = 0.8


@dataclass(frozen=True, eq=False)
class Evidence:
    """Forecasts and what came true; matrices are (R, N), NaN where there is none.

    They may be in single precision, as files have them; what is computed of them never is.

    Attributes:
        horizon: Sessions ahead.
        sessions: At whose close the forecasts were made, ascending; (R,).
        actual: Realised simple returns.
        points: Forecast returns by the name of the model.
        bounds: Both ends of each central interval, as returns, by its share.
        main: The model in ``points`` that is followed over time and by ticker.
        compared: Those in ``points`` whose errors are of the same pairs, which all of them
            forecast, so that they can stand beside each other.
    """

    horizon: int
    sessions: Days
    tickers: tuple[str, ...]
    actual: Floats | Singles
    points: Mapping[str, Floats | Singles]
    bounds: Mapping[float, tuple[Floats | Singles, Floats | Singles]]
    main: str
    compared: tuple[str, ...]

    def of(self, ticker: str) -> Evidence:
        """That of one ticker alone; without columns for one that is not in it."""
        chosen = np.array([name == ticker for name in self.tickers], dtype=bool)
        return replace(
            self,
            tickers=tuple(name for name in self.tickers if name == ticker),
            actual=self.actual[:, chosen],
            points={name: values[:, chosen] for name, values in self.points.items()},
            bounds={
                share: (low[:, chosen], high[:, chosen])
                for share, (low, high) in self.bounds.items()
            },
        )


@dataclass(frozen=True)
class ModelScores:
    """The errors of one model.

    Attributes:
        mae: Mean absolute error, a simple return.
        rmse: Root of the mean squared error.
        r2: None where outcomes do not vary.
        absolute: By how much its mean absolute error is smaller than that of no change, as a share.
        squared: The same of its mean squared error.
    """

    name: str
    mae: float
    rmse: float
    r2: float | None
    absolute: Measure
    squared: Measure


@dataclass(frozen=True)
class TickerScores:
    """The main model's gain over no change for one ticker, and how its 80 % intervals held."""

    ticker: str
    gain: Measure
    held: Measure


@dataclass(frozen=True, eq=False)
class Performance:
    """The scores of one horizon.

    Attributes:
        models: In the order of the evidence.
        days: Sessions of ``rolled``.
        rolled: The main model's gain over no change, over the last ``WINDOW`` sessions.
        coverage: Share of outcomes inside each interval.
        tickers: Scores by ticker, empty for evidence of one alone.
    """

    models: tuple[ModelScores, ...]
    days: Days
    rolled: RollingSkill
    coverage: Mapping[float, Measure]
    tickers: tuple[TickerScores, ...]


def performance(evidence: Evidence) -> Performance:
    """All scores of the evidence, with ranges of 95 %."""
    rolled = rolling_skill(*_errors(evidence, evidence.main), evidence.horizon, WINDOW, LEVEL)
    shared = np.logical_and.reduce([np.isfinite(evidence.points[n]) for n in evidence.compared])
    scored = [
        _model(evidence, name, shared if name in evidence.compared else np.True_)
        for name in evidence.points
    ]
    return Performance(
        models=tuple(scores for scores in scored if scores is not None),
        days=evidence.sessions[rolled.rows],
        rolled=rolled,
        coverage={
            share: measures.pool_share(_inside(evidence, share), evidence.horizon, LEVEL)
            for share in evidence.bounds
        },
        tickers=_by_ticker(evidence) if len(evidence.tickers) > 1 else (),
    )


def _errors(evidence: Evidence, name: str) -> tuple[Floats, Floats]:
    """Absolute errors of a model, and of no change, (R, N)."""
    # Worked out where they are needed: with 500 tickers each matrix takes 4 MB.
    actual = evidence.actual.astype(np.float64)
    return np.abs(actual - evidence.points[name]), np.abs(actual)


def _model(evidence: Evidence, name: str, shared: Bools | np.bool) -> ModelScores | None:
    point = evidence.points[name]
    both: Bools = np.isfinite(evidence.actual) & np.isfinite(point) & shared
    if not both.any():
        return None
    mae, rmse, r2 = _point_scores(evidence.actual[both], point[both])
    error, zero = (np.where(both, each, np.nan) for each in _errors(evidence, name))
    absolute = measures.skill(error, zero, evidence.horizon, level=LEVEL).pool
    squared = measures.skill(error**2, zero**2, evidence.horizon, level=LEVEL).pool
    return ModelScores(name, mae, rmse, r2, absolute, squared)


def _point_scores(
    actual: Floats | Singles, point: Floats | Singles
) -> tuple[float, float, float | None]:
    y, forecast = actual.astype(np.float64), point.astype(np.float64)
    return (
        point_metrics.mae(y, forecast),
        point_metrics.rmse(y, forecast),
        point_metrics.r2(y, forecast),
    )


def _by_ticker(evidence: Evidence) -> tuple[TickerScores, ...]:
    columns = range(len(evidence.tickers))
    errors, zero = _errors(evidence, evidence.main)
    gains = measures.skill(errors, zero, evidence.horizon, columns, LEVEL)
    held = measures.share(_inside(evidence, HELD), evidence.horizon, columns, LEVEL)
    return tuple(
        TickerScores(ticker, gains.of(column), held.of(column))
        for column, ticker in enumerate(evidence.tickers)
        if gains.of(column).n
    )


def _inside(evidence: Evidence, share: float) -> Floats:
    """1 where the interval holds the outcome, 0 where not; NaN where either is not known."""
    low, high = evidence.bounds[share]
    known = np.isfinite(evidence.actual) & np.isfinite(low + high)
    return np.where(known, (low <= evidence.actual) & (evidence.actual <= high), np.nan)
