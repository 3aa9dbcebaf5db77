"""A panel in; every candidate's forecasts, the distributions, and what would have been served out.

Pure. One engine for the backtest, for training and for the leak check: who may know what is
decided in ``candidates``, ``intervals`` and ``gate``, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from src.features.model_features import model_features
from src.features.panel import MIN_TICKERS, matrices, pool_of
from src.modeling.gate import verdict
from src.modeling.gate.criteria import GateRules
from src.modeling.gate.verdict import Replay
from src.modeling.intervals import distribution, volatility
from src.modeling.panel.panel import Panel
from src.modeling.points import walk_forward
from src.modeling.points.candidate_names import CANDIDATES
from src.modeling.points.candidates import CANDIDATES as MADE
from src.modeling.points.candidates import NO_FIT_CACHE, CandidateInputs, FitCache
from src.modeling.points.walk_forward import FeatureRows, Schedule
from src.registry.formats.models import Model

Floats = npt.NDArray[np.float64]

SERVED = "served"
# Bars of a year: what the longest features need.
SEASONED = 252


@dataclass(frozen=True)
class ExperimentConfig:
    """What a contest at one horizon is held by.

    Attributes:
        challenger: The candidate that the gate judges; the others are shown beside it.
        min_mae_improvement: The gate's effect floor, relative.
        configurations: How many were tried to find the challenger.
        schedule: Of the learners.
    """

    challenger: str
    min_mae_improvement: float
    configurations: int
    schedule: Schedule


@dataclass(frozen=True, eq=False)
class FeatureCache:
    """What the horizons of one panel share, made when it is first asked for."""

    panel: Panel

    @cached_property
    def features(self) -> FeatureRows:
        """All features that models may see, stacked."""
        return model_inputs(self.panel)

    @cached_property
    def variances(self) -> volatility.VolatilityInputs:
        """What volatilities are forecast from."""
        return volatility.build_inputs(self.panel)


@dataclass(frozen=True, eq=False)
class WalkForwardResult:
    """One horizon's forecasts over a panel; matrices are (T, N).

    Attributes:
        panel: What they were made from.
        horizon: Sessions ahead.
        actual: Realised simple returns, NaN where none.
        points: Forecasts by candidate; NaN where a candidate has none.
        models: What makes each candidate's newest forecasts, where it can be stored.
        distributions: Of the return; the same whatever point is served.
        replay: What the gate would have said of the challenger, and when.
        config: What it was run with.
    """

    panel: Panel
    horizon: int
    actual: Floats
    points: Mapping[str, Floats]
    distributions: distribution.DistributionForecasts
    replay: Replay
    config: ExperimentConfig
    models: Mapping[str, Model] = field(default_factory=dict)

    def series(self) -> dict[str, Floats]:
        """Every candidate by name, and what would have been served."""
        return {**self.points, SERVED: self.replay.served}

    @property
    def judged(self) -> Floats:
        """The outcomes that the gate counts."""
        return judged(self.actual)

    @property
    def gate_rules(self) -> GateRules:
        """What the gate holds the challenger to."""
        return _gate_rules(self.horizon, self.config)


def run_walk_forward(
    panel: Panel,
    horizon: int,
    config: ExperimentConfig,
    *,
    names: Sequence[str] = CANDIDATES,
    feature_cache: FeatureCache | None = None,
    since: int = 0,
    fit_cache: FitCache = NO_FIT_CACHE,
) -> WalkForwardResult:
    """Let the candidates forecast every session of a panel, knowing nothing later.

    Args:
        panel: All tickers that are pooled.
        horizon: Sessions ahead.
        config: Of this horizon.
        names: Candidates that take part; the challenger must be among them.
        feature_cache: Of this panel, where several horizons share it.
        since: Row from which distributions may be asked for.
        fit_cache: See ``candidates.CandidateInputs``.
    """
    shared = FeatureCache(panel) if feature_cache is None else feature_cache
    actual = panel.targets(horizon)
    distributions = distribution.walk_forward(panel, horizon, since=since, inputs=shared.variances)
    given = CandidateInputs(
        horizon, actual, distributions.sigma, shared, config.schedule, fit_cache
    )
    said = {name: MADE[name](given) for name in names}
    points = {name: one.points for name, one in said.items()}
    gate_rules = _gate_rules(horizon, config)
    replay = verdict.replay(judged(actual), points[config.challenger], rules=gate_rules)
    models = {name: one.model for name, one in said.items() if one.model is not None}
    return WalkForwardResult(panel, horizon, actual, points, distributions, replay, config, models)


def judged(actual: Floats) -> Floats:
    """The outcomes that the gate counts: of a pool, only sessions with a market.

    Years in which one ticker of a hundred was stored yet say nothing of a panel, but would count
    as many dates.
    """
    known = np.isfinite(actual).sum(axis=1, keepdims=True)
    # Of a small pool a fifth of its widest session: mates that ended long ago must not end it.
    widest = int(known.max(initial=0))
    return np.where(known >= min(MIN_TICKERS, -(-widest // 5)), actual, np.nan)


def model_inputs(panel: Panel) -> FeatureRows:
    """All features that models may see, stacked."""
    pool = pool_of(panel)
    return walk_forward.stack_features(
        pool.present, matrices(pool, model_features(seasoned(panel)))
    )


def seasoned(panel: Panel) -> int:
    """How many tickers have a year of bars: fewer than five are no market, whatever is stored."""
    return int((np.isfinite(panel.close).sum(axis=0) >= SEASONED).sum())


def _gate_rules(horizon: int, config: ExperimentConfig) -> GateRules:
    return verdict.rules_for(
        horizon, config.min_mae_improvement, config.configurations, repeated=True
    )
