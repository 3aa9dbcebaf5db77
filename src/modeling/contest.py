"""A panel in; every candidate's forecasts, the distributions, and what would have been served out.

Pure. One engine for the backtest, for training and for the leak check: who may know what is
decided in ``walked``, ``means``, ``intervals`` and ``gate``, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.features.model_features import model_features
from src.features.pool import MIN_TICKERS, matrices, pool_of
from src.modeling import gate, intervals, learners, means, walked
from src.modeling.gate import Replay
from src.modeling.gate_evidence import Rules as GateRules
from src.modeling.panel import Panel
from src.modeling.walked import FitRows, Schedule, Stacked

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SERVED = "served"
MEANS: Mapping[str, Callable[[Floats, int], Floats]] = {
    "zero": means.zero,
    "mean": means.own_mean,
    "drift": means.pooled_drift,
}
# A new model is one line here.
LEARNERS: Mapping[str, FitRows] = {
    "ridge": learners.ridge,
    "elastic_net": learners.elastic_net,
    "hist_gradient_boosting": learners.hist_gradient_boosting,
    "random_forest": learners.random_forest,
}
CANDIDATES = (*MEANS, *LEARNERS)


@dataclass(frozen=True)
class Rules:
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
class Contest:
    """One horizon's forecasts over a panel; matrices are (T, N).

    Attributes:
        panel: What they were made from.
        horizon: Sessions ahead.
        actual: Realised simple returns, NaN where none.
        points: Forecasts by candidate; NaN where a candidate has none.
        distributions: Of the return; the same whatever point is served.
        replay: What the gate would have said of the challenger, and when.
        rules: What it was held by.
    """

    panel: Panel
    horizon: int
    actual: Floats
    points: Mapping[str, Floats]
    distributions: intervals.Forecasts
    replay: Replay
    rules: Rules

    def series(self) -> dict[str, Floats]:
        """Every candidate by name, and what would have been served."""
        return {**self.points, SERVED: self.replay.served}

    def verdict(self) -> gate.Verdict:
        """What the gate says now, of all that has been realised."""
        return gate.judge(
            judged(self.actual),
            self.points[self.rules.challenger],
            rules=_gate_rules(self.horizon, self.rules),
        )


def hold(
    panel: Panel,
    horizon: int,
    rules: Rules,
    *,
    names: Sequence[str] = CANDIDATES,
    features: Stacked | None = None,
    since: int = 0,
) -> Contest:
    """Let the candidates forecast every session of a panel, knowing nothing later.

    Args:
        panel: All tickers that are pooled.
        horizon: Sessions ahead.
        rules: See ``Rules``.
        names: Candidates that take part; the challenger must be among them.
        features: ``inputs_of(panel)``, where several horizons share it.
        since: Row from which distributions may be asked for.
    """
    actual = panel.targets(horizon)
    points = {name: MEANS[name](actual, horizon) for name in names if name in MEANS}
    taught = [name for name in names if name in LEARNERS]
    if taught:
        known = inputs_of(panel) if features is None else features
        for name in taught:
            points[name] = walked.forecasts(LEARNERS[name], known, actual, horizon, rules.schedule)
    asked = _gate_rules(horizon, rules)
    replay = gate.replay(judged(actual), points[rules.challenger], rules=asked)
    distributions = intervals.walk_forward(panel, horizon, since=since)
    return Contest(panel, horizon, actual, points, distributions, replay, rules)


def judged(actual: Floats) -> Floats:
    """The outcomes that the gate counts: of a pool, only sessions with a market.

    Years in which one ticker of a hundred was stored yet say nothing of a panel, but would count
    as many dates.
    """
    if actual.shape[1] < MIN_TICKERS:
        return actual
    enough = np.isfinite(actual).sum(axis=1, keepdims=True) >= MIN_TICKERS
    return np.where(enough, actual, np.nan)


def inputs_of(panel: Panel) -> Stacked:
    """All features that models may see, stacked."""
    pool = pool_of(panel)
    return walked.stacked(pool.present, matrices(pool, model_features(len(panel.tickers))))


def _gate_rules(horizon: int, rules: Rules) -> GateRules:
    return gate.rules_for(horizon, rules.min_mae_improvement, rules.configurations)
