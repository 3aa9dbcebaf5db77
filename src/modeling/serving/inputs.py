"""Build what stored models need to forecast from their tickers' last bars.

However many models there are, the features and volatilities of a pool are computed once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from src.modeling.experiment.run import FeatureCache
from src.modeling.intervals.distribution import DistributionForecasts, ReturnDistribution
from src.modeling.intervals.distribution import walk_forward as forecast_distributions
from src.modeling.panel.panel import MATRICES, Panel
from src.modeling.points.candidates import RANK_MEAN, volatility_name
from src.modeling.points.walk_forward import FeatureRows
from src.registry.formats.models import Model, RankTilt
from src.registry.storage.artifact import Artifact

# Sessions that the newest features can depend on: the longest window, what decays, and a margin
# for sessions without a bar.
MOST_SESSIONS = 1_200


@dataclass(frozen=True, eq=False)
class ModelInputs:
    """What a model forecasts from at its ticker's last bar.

    Attributes:
        artifact: The model.
        values: Its inputs by name; those that are not known are missing.
        distribution: The distribution of the return from that bar.
        sigma: Forecast there of the volatility of the return over the horizon.
    """

    artifact: Artifact
    values: Mapping[str, float]
    distribution: ReturnDistribution
    sigma: float


def build_model_inputs(pool: Panel, artifacts: Sequence[Artifact]) -> list[ModelInputs]:
    """The inputs of each model, in the order given.

    ``pool`` has all prices of the pool that their tickers are in.
    """
    shared = FeatureCache(pool)
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, artifact in enumerate(artifacts):
        groups[last_bar(pool, artifact.ticker), artifact.sessions].append(number)
    recents: dict[int, FeatureCache] = {}
    inputs: dict[int, ModelInputs] = {}
    for (row, horizon), numbers in groups.items():
        forecasts = forecast_distributions(pool, horizon, since=row, inputs=shared.variances)
        recent = recents.setdefault(row, _recent_features(pool, row))
        last = len(recent.panel.sessions) - 1
        for number in numbers:
            inputs[number] = model_inputs(artifacts[number], row, forecasts, recent, last)
    return [inputs[number] for number in range(len(artifacts))]


def last_bar(panel: Panel, ticker: str) -> int:
    """Row of a ticker's last bar; it must have one."""
    there = np.isfinite(panel.close[:, panel.tickers.index(ticker)])
    return int(np.flatnonzero(there)[-1])


def input_values(
    model: Model, features: FeatureRows, row: int, column: int, volatility: float, horizon: int
) -> dict[str, float]:
    """A model's inputs by name; those that are not known are missing.

    ``row`` of the pool's features is the ticker's last bar, ``column`` the ticker. ``volatility``
    is forecast there, of the return over the ``horizon`` in sessions.
    """
    session = features.rows == row
    pool = features.inputs[session]
    values = {volatility_name(horizon): volatility}
    if isinstance(model, RankTilt) and len(pool):
        values[RANK_MEAN] = float(model.trees.predict(pool).mean())
    for ticker_row in pool[features.columns[session] == column]:
        values |= dict(zip(features.names, ticker_row.tolist(), strict=True))
    known = [name for name in model.features if np.isfinite(values.get(name, np.nan))]
    # Adding 0.0 turns -0.0, which the table of inputs cannot hold, into 0.0.
    return {name: values[name] + 0.0 for name in known}


def _recent_features(pool: Panel, row: int) -> FeatureCache:
    """Of the sessions up to the row that its features can depend on."""
    rows = slice(max(row + 1 - MOST_SESSIONS, 0), row + 1)
    cut = {name: getattr(pool, name)[rows] for name in MATRICES}
    return FeatureCache(replace(pool, sessions=pool.sessions[rows], **cut))


def model_inputs(
    artifact: Artifact,
    row: int,
    forecasts: DistributionForecasts,
    features: FeatureCache,
    feature_row: int,
) -> ModelInputs:
    """The inputs of one model at its ticker's last bar.

    That is ``row`` of the panel of the forecasts, and ``feature_row`` of that of the features.
    """
    column = features.panel.tickers.index(artifact.ticker)
    sigma, values = float(forecasts.sigma[row, column]), {}
    if artifact.model.features:
        values = input_values(
            artifact.model, features.features, feature_row, column, sigma, artifact.sessions
        )
    return ModelInputs(artifact, values, forecasts.at(row, column), sigma)
