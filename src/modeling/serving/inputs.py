"""A pool and stored models of its tickers in; what each is asked with, and the outlook, out. Pure.

However many models there are, the features and volatilities of the pool are made once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from src.modeling.experiment.run import FeatureCache
from src.modeling.intervals import distribution
from src.modeling.intervals.distribution import ReturnDistribution
from src.modeling.panel.panel import Panel
from src.modeling.serving import newest
from src.registry.storage.artifact import Artifact


@dataclass(frozen=True, eq=False)
class ModelInputs:
    """A model at its ticker's last bar.

    Attributes:
        artifact: The model.
        values: What it wants, by name; those that are not known lack.
        outlook: The distribution of the return from that bar.
        sigma: Volatility of the return over the horizon, as forecast there.
    """

    artifact: Artifact
    values: Mapping[str, float]
    outlook: ReturnDistribution
    sigma: float


def build_model_inputs(whole: Panel, artifacts: Sequence[Artifact]) -> list[ModelInputs]:
    """Each model's values and outlook, in the order given; their tickers must be in the panel."""
    known = FeatureCache(whole)
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, one in enumerate(artifacts):
        groups[newest.last_bar(whole, one.ticker), one.sessions].append(place)
    recents: dict[int, _Recent] = {}
    found: dict[int, ModelInputs] = {}
    for (at, horizon), places in groups.items():
        made = distribution.walk_forward(whole, horizon, since=at, inputs=known.variances)
        recent = recents.setdefault(at, _Recent(whole, at))
        several = [artifacts[place] for place in places]
        found |= dict(zip(places, _group(recent, several, made), strict=True))
    return [found[place] for place in range(len(artifacts))]


@dataclass(frozen=True, eq=False)
class _Recent:
    """The features of the tickers whose last bar is in one row, made when first asked for."""

    whole: Panel
    at: int

    @cached_property
    def panel(self) -> Panel:
        return newest.recent(self.whole, self.at)

    @cached_property
    def known(self) -> FeatureCache:
        return FeatureCache(self.panel)


def _group(
    recent: _Recent, artifacts: Sequence[Artifact], made: distribution.DistributionForecasts
) -> Iterator[ModelInputs]:
    """Models of one horizon whose tickers have their last bar in the same row."""
    for one in artifacts:
        column = recent.whole.tickers.index(one.ticker)
        sigma = float(made.sigma[recent.at, column])
        values: dict[str, float] = {}
        if one.model.features:
            last = len(recent.panel.sessions) - 1
            features = recent.known.features
            values = newest.inputs(one.model, features, last, column, sigma, one.sessions)
        yield ModelInputs(one, values, made.at(recent.at, column), sigma)
