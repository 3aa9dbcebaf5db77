"""Train on one pool: a walk-forward of each horizon, unless a model input leaks the future."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.config import logs
from src.core.tables import HORIZONS
from src.features import leakage_check
from src.modeling.experiment.config import candidate_names, experiment_config
from src.modeling.experiment.run import (
    FeatureCache,
    WalkForwardResult,
    begin_walk_forward,
    count_seasoned_tickers,
)
from src.modeling.intervals import distribution, volatility
from src.modeling.points.fit_cache import NO_FIT_CACHE, FitCache
from src.modeling.serving.inputs import newest_values
from src.modeling.trials.challengers import Fitted, begin_challengers
from src.stages.engine.engine import IN_PROCESS, Engine

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.trials import Trial
    from src.modeling.panel.panel import Panel

log = logs.get(__name__)

# Sessions whose distributions are computed and compared with the outcomes: four years.
SCORED_SESSIONS = 1_000
# Candidates that are not fitted to features, and so cannot use a leak.
WITHOUT_FEATURES = ("zero", "mean")
# Of more rows, some sessions show as well whether an input leaks.
ROWS_WITHOUT_CHOICE = 500_000
# Of the rows of these sessions: chance alone gives them a correlation of .003.
ENOUGH_ROWS = 100_000


@dataclass(frozen=True, eq=False)
class PoolTraining:
    """What training on one pool gave both horizons.

    Attributes:
        newest: Model inputs of the tickers at their last bars, by their columns in the panel.
        leak: Why nothing was fitted: a feature that correlates with the next return; or None.
    """

    newest: Mapping[int, Mapping[str, float]]
    leak: str | None


# Called with the training, ``short`` or ``long``, and what the walk-forward of that horizon gave.
Judge = Callable[[PoolTraining, str, WalkForwardResult], None]


def train_pool(
    panel: Panel,
    settings: Settings,
    judge: Judge,
    fit_cache: FitCache = NO_FIT_CACHE,
    engine: Engine = IN_PROCESS,
    trials: Sequence[Trial] = (),
) -> dict[str, Fitted]:
    """Walk the candidates of both horizons forward over a pool; nothing is fitted with a leak.

    Distributions are computed while workers fit; without any, before features are made: what they
    are forecast from is as large as a dozen matrices of prices. Challengers of ``trials`` of the
    pool are fitted beside the candidates, and decide nothing here.

    The inputs of the panel cannot be read afterwards.

    ``judge`` is called with the long horizon first, whose candidates have no fits, while workers
    still fit those of the short one. The fits of a horizon's trials are waited for after it. What
    is not kept of a result is let go before the next: it is as large as ten matrices of prices.

    Returns:
        What became of the fits of trials, by their hashes.
    """
    distributions = _distributions(panel, settings) if engine.workers == 1 else None
    feature_cache = FeatureCache(panel, engine)
    leak = find_leak(feature_cache)
    tickers = count_seasoned_tickers(panel)
    begun, walked = {}, {}
    for horizon in HORIZONS:
        names = WITHOUT_FEATURES if leak else candidate_names(horizon, tickers)
        config = experiment_config(settings, horizon, names, tickers)
        log.info(f"Trying the candidates of the {horizon} horizon over past sessions.")
        begun[horizon] = begin_walk_forward(feature_cache, config, names, fit_cache)
        walked[horizon] = names
    fitted = () if leak else trials
    challengers = begin_challengers(feature_cache, settings, fitted, tickers, fit_cache, walked)
    newest = newest_values(panel, feature_cache.features, panel.tickers)
    # Workers have their own copy for what they still fit; in one process nothing is left to fit.
    feature_cache.features.let_go()
    panel.inputs.let_go()
    del feature_cache
    distributions = distributions or _distributions(panel, settings)
    training, fits = PoolTraining(newest, leak), {}
    for horizon in reversed(HORIZONS):
        result = begun.pop(horizon)(distributions.pop(horizon))
        judge(training, horizon, result)
        for trial in trials:
            if trial.horizon == horizon and trial.hash in challengers:
                fits[trial.hash] = challengers.pop(trial.hash)(result)
        del result
    return fits


def _distributions(
    panel: Panel, settings: Settings
) -> dict[str, distribution.DistributionForecasts]:
    """Of the latest sessions, at both horizons."""
    since = max(len(panel.sessions) - SCORED_SESSIONS, 0)
    variances, horizons = volatility.build_inputs(panel), settings.training.horizons
    return {
        name: distribution.walk_forward(
            panel, getattr(horizons, name), since=since, inputs=variances
        )
        for name in HORIZONS
    }


def find_leak(feature_cache: FeatureCache) -> str | None:
    """The first model input that correlates with the next return beyond the honest limit.

    As a sentence, or None. In a large pool some rows of every k-th session are looked at.
    """
    features, close = feature_cache.features, feature_cache.panel.close
    if features.rows.size > ROWS_WITHOUT_CHOICE:
        sessions = np.unique(features.rows).size
        features = features.of_every(max(sessions // leakage_check.ENOUGH_SESSIONS, 1))
        features = features.every(max(features.rows.size // ENOUGH_ROWS, 1))
    following = np.full(close.shape, np.nan)
    following[:-1] = close[1:] / close[:-1] - 1
    correlations = leakage_check.row_correlations(
        features.by_name(),
        following[features.rows, features.columns],
        features.rows,
        features.columns,
    )
    return next((correlation.message for correlation in correlations if correlation.leaks), None)
