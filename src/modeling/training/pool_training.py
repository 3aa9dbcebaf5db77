"""A panel in; the contest of each horizon out, or why nothing may be learnt from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from src.features import leakage_check
from src.modeling.experiment import run as experiment
from src.modeling.experiment.config import candidate_names, experiment_config
from src.modeling.experiment.run import FeatureCache, WalkForwardResult
from src.modeling.points.candidates import NO_FIT_CACHE, FitCache

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.modeling.panel.panel import Panel

Floats = npt.NDArray[np.float64]

# Sessions whose distributions are made again, to be compared with what came true: four years.
REVIEWED = 1_000
# Nothing is learnt for these.
UNTAUGHT = ("zero", "mean")


@dataclass(frozen=True, eq=False)
class PoolTraining:
    """What a pool was taught.

    Attributes:
        known: The panel and its features.
        contests: By ``short`` and ``long``.
        leak: Why nothing was taught: a feature that knows the next return.
    """

    feature_cache: FeatureCache
    results: Mapping[str, WalkForwardResult]
    leak: str | None


def train_pool(
    panel: Panel,
    settings: Settings,
    fit_cache: FitCache = NO_FIT_CACHE,
    suspicion: str | None = None,
) -> PoolTraining:
    """Hold the contest of both horizons over a pool, unless a feature knows the future.

    ``suspicion`` is what was found of features elsewhere.
    """
    feature_cache = FeatureCache(panel)
    leak = suspicion or likely_leak(feature_cache)
    since, tickers = (
        max(len(panel.sessions) - REVIEWED, 0),
        experiment.count_seasoned_tickers(panel),
    )
    contests = {}
    for horizon in ("short", "long"):
        names = UNTAUGHT if leak else candidate_names(horizon, tickers)
        contests[horizon] = experiment.run_walk_forward(
            panel,
            getattr(settings.training.horizons, horizon),
            experiment_config(settings, horizon, names, tickers),
            names=names,
            feature_cache=feature_cache,
            since=since,
            fit_cache=fit_cache,
        )
    return PoolTraining(feature_cache, contests, leak)


def likely_leak(known: FeatureCache) -> str | None:
    """The first feature that goes with the next return as nothing honest does, in a sentence."""
    features = known.features
    target = known.panel.targets(1)[features.rows, features.columns]
    there = np.isfinite(target)
    return leaking(
        features.names,
        features.inputs[there],
        target[there],
        tickers=len(np.unique(features.columns[there])),
        sessions=len(np.unique(features.rows[there])),
    )


def leaking(
    names: Sequence[str], inputs: Floats, target: Floats, *, tickers: int, sessions: int
) -> str | None:
    """The same of rows that have all features and the next session's return."""
    found = leakage_check.of_rows(names, inputs, target, tickers=tickers, sessions=sessions)
    return next((one.message for one in found if one.leaks), None)
