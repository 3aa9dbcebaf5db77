"""Walk every candidate forward over a panel, and replay what the gate would have served.

Training, the backtest and the leakage checks all run this one function. What may be used at which
session is decided in ``points``, ``intervals`` and ``gate``, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from src.core.arrays import Floats, Ints
from src.features.catalogue import model_features
from src.features.market import MIN_TICKERS, Pool, build_pool, matrices
from src.modeling.experiment.config import ExperimentConfig
from src.modeling.gate import verdict
from src.modeling.gate.verdict import Replay
from src.modeling.intervals import distribution, volatility
from src.modeling.panel.panel import Panel
from src.modeling.points.candidate_names import CANDIDATES
from src.modeling.points.candidates import (
    CandidateForecast,
    CandidateInputs,
    FitInputs,
    begin_forecast,
)
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.fit_cache import NO_FIT_CACHE, FitCache
from src.modeling.points.session_ranks import PREFIX, SessionRanks
from src.registry.formats.models import Model
from src.stages.engine.engine import IN_PROCESS, Engine

SERVED = "served"
# Bars of a year: what the longest features need.
BARS_A_YEAR = 252


@dataclass(frozen=True, eq=False)
class FeatureCache:
    """What the horizons of one panel share, computed at its first use.

    Attributes:
        engine: Runs the fits of the panel's candidates.
    """

    panel: Panel
    engine: Engine = IN_PROCESS

    @cached_property
    def features(self) -> FeatureRows:
        """All features that models may see."""
        return feature_rows(self.panel)

    @cached_property
    def shared_features(self) -> Any:
        """What stands for them among the arguments of the engine's tasks."""
        return self.engine.share(self.features)

    @cached_property
    def variances(self) -> volatility.VolatilityInputs:
        """What volatilities are forecast from."""
        return volatility.build_inputs(self.panel)


@dataclass(frozen=True, eq=False)
class WalkForwardResult:
    """One horizon's forecasts over a panel; matrices are (T, N).

    Attributes:
        horizon: Sessions ahead.
        actual: Realised simple returns after complete sessions, NaN elsewhere.
        points: Forecasts by candidate; NaN where a candidate has none.
        models: The model behind each candidate's newest forecasts, where it can be stored.
        fitted_through: Row at which the last label ended that each of these models rests on.
        distributions: Of the return; the same whatever point is served.
        replay: What the gate would have said of the challenger, and when.
    """

    panel: Panel
    horizon: int
    actual: Floats
    points: Mapping[str, Floats]
    distributions: distribution.DistributionForecasts
    replay: Replay
    config: ExperimentConfig
    models: Mapping[str, Model] = field(default_factory=dict)
    fitted_through: Mapping[str, int] = field(default_factory=dict)

    def series(self) -> dict[str, Floats]:
        """Every candidate by name, and what would have been served."""
        return {**self.points, SERVED: self.replay.served}

    @property
    def scored(self) -> Floats:
        """The outcomes that the gate counts; see ``scored_outcomes``."""
        return scored_outcomes(self.actual)


def run_walk_forward(
    panel: Panel,
    config: ExperimentConfig,
    *,
    names: Sequence[str] = CANDIDATES,
    feature_cache: FeatureCache | None = None,
    since: int = 0,
    fit_cache: FitCache = NO_FIT_CACHE,
) -> WalkForwardResult:
    """Let the candidates forecast every session of a panel, knowing nothing later.

    The challenger must be among the ``names`` that take part. Distributions may be asked for from
    row ``since`` on. ``feature_cache`` is of this panel, where several horizons share it.
    """
    shared = feature_cache or FeatureCache(panel)
    finish = begin_walk_forward(shared, config, names, fit_cache)
    return finish(
        distribution.walk_forward(panel, config.rules.horizon, since=since, inputs=shared.variances)
    )


def begin_walk_forward(
    shared: FeatureCache,
    config: ExperimentConfig,
    names: Sequence[str],
    fit_cache: FitCache = NO_FIT_CACHE,
) -> Callable[[distribution.DistributionForecasts], WalkForwardResult]:
    """Begin the fits of the candidates of one horizon.

    Returns:
        A function of the horizon's distributions that waits for the fits, and is called once. These
        are computed meanwhile.
    """
    panel, horizon = shared.panel, config.rules.horizon
    actual = np.where(panel.complete[:, None], panel.targets(horizon), np.nan)
    fits = FitInputs(shared, actual, horizon, config.schedule, shared.engine, fit_cache)
    begun = {name: begin_forecast(name, fits) for name in names}

    def finish(distributions: distribution.DistributionForecasts) -> WalkForwardResult:
        inputs = CandidateInputs(horizon, panel.last_complete, actual, distributions.sigma)
        forecasts = {name: begun.pop(name)(inputs) for name in names}
        return _judged(panel, config, distributions, actual, forecasts)

    return finish


def _judged(
    panel: Panel,
    config: ExperimentConfig,
    distributions: distribution.DistributionForecasts,
    actual: Floats,
    forecasts: Mapping[str, CandidateForecast],
) -> WalkForwardResult:
    points = {name: forecast.points for name, forecast in forecasts.items()}
    replay = verdict.replay(
        actual,
        points[config.challenger],
        sigma=distributions.sigma,
        rules=config.rules,
        floor=needed_outcomes(actual, distributions.horizon),
    )
    return WalkForwardResult(
        panel,
        distributions.horizon,
        actual,
        points,
        distributions,
        replay,
        config,
        models={n: each.model for n, each in forecasts.items() if each.model is not None},
        fitted_through={
            name: forecast.fitted_through
            for name, forecast in forecasts.items()
            if forecast.fitted_through is not None
        },
    )


def scored_outcomes(actual: Floats) -> Floats:
    """The outcomes that the gate counts, NaN elsewhere: of a pool, only sessions with a market.

    Years in which one ticker of a hundred has prices say nothing about a panel, but would count as
    many dates; and delisted tickers must not end a small pool's record. See ``needed_outcomes``.
    """
    known = np.isfinite(actual).sum(axis=1)
    needed = needed_outcomes(actual, 0)[-1:]
    return np.where((known >= needed)[:, None], actual, np.nan)


def needed_outcomes(actual: Floats, horizon: int) -> Ints:
    """How many outcomes a session needs to count in a decision at each row; (T,).

    Five, or a fifth of the most that any session had whose outcomes were realised by then, if that
    is fewer: who is listed later must not change what was decided.
    """
    known = np.isfinite(actual).sum(axis=1)
    widest = np.maximum.accumulate(known)
    realised = np.concatenate([np.zeros(horizon, dtype=np.int64), widest])[: len(known)]
    return np.asarray(np.minimum(MIN_TICKERS, -(-realised // MIN_TICKERS)))


def pool_of(panel: Panel) -> Pool:
    """What the inputs of a panel's pool are computed from."""
    return build_pool(panel.close, panel.log_returns, panel.complete, panel.inputs)


def feature_rows(panel: Panel) -> FeatureRows:
    """The inputs of models, a row per complete session and ticker that has all of its own."""
    stored = panel.inputs
    known = panel.complete[stored.rows] & np.isfinite(stored.per_bar).all(axis=1)
    features = model_features()
    names = tuple(feature.name for feature in features)
    ranked = tuple(name for name in names if name.startswith(PREFIX))
    others = [f for f in features if f.name not in stored.names and f.name not in ranked]
    other_names = tuple(feature.name for feature in others)
    cells = stored.rows * len(panel.tickers) + stored.columns
    pooled = np.empty((len(others), cells.size), dtype=np.float32)
    for of_bars, (_, values) in zip(pooled, matrices(pool_of(panel), others), strict=True):
        np.take(values, cells, out=of_bars)
    ranks, bars = SessionRanks(ranked, stored, other_names, pooled), np.flatnonzero(known)
    complete = ranks.known()[stored.rows[bars]]
    for of_bars in pooled:
        complete &= np.isfinite(of_bars[bars])
    return FeatureRows(
        stored.rows[bars],
        stored.columns[bars],
        names=names,
        complete=complete,
        stored_names=stored.names,
        stored=stored.per_bar,
        bars=bars,
        pooled_names=other_names,
        pooled=pooled,
        ranks=ranks,
    )


def count_seasoned_tickers(panel: Panel) -> int:
    """How many tickers have a year of bars; the others do not count as part of a market."""
    return int((np.isfinite(panel.close).sum(axis=0) >= BARS_A_YEAR).sum())
