"""Winners of the gate for real tickers: a ridge, and a rank tilt that scikit-learn grew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor

from src.registry.formats.models import LinearModel, RankTilt
from src.registry.formats.trees import Trees
from src.registry.storage.artifact import Artifact
from tests.support.models import winner


def grown(inputs: int, seed: int = 11) -> GradientBoostingRegressor:
    """Sixty trees on noise, each deep enough to ask different inputs; leaves are ranks."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(600, inputs)).astype(np.float32)
    y = np.clip(X[:, :8] @ random.normal(0, 0.1, 8) + random.normal(0, 0.1, 600), -0.5, 0.5)
    model = GradientBoostingRegressor(
        n_estimators=60, max_depth=4, max_features=9, random_state=seed
    )
    return model.fit(X, y)


def as_trees(model: GradientBoostingRegressor) -> Trees:
    """The same trees as arrays behind one another."""
    trees = [one.tree_ for one in model.estimators_[:, 0]]
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    columns: dict[str, list[Any]] = {"feature": [], "threshold": [], "value": []}
    columns |= {"left": [], "right": []}
    for tree, start in zip(trees, starts, strict=True):
        nodes, leaf = np.arange(tree.node_count), tree.children_left < 0
        columns["feature"].append(np.where(leaf, 0, tree.feature))
        columns["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        columns["value"].append(model.learning_rate * tree.value[:, 0, 0])
        columns["left"].append(start + np.where(leaf, nodes, tree.children_left))
        columns["right"].append(start + np.where(leaf, nodes, tree.children_right))
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    return Trees(
        **{n: arrays[n].astype(np.int64) for n in ("feature", "left", "right")},
        **{n: arrays[n].astype(np.float64) for n in ("threshold", "value")},
        roots=starts.astype(np.int64),
        base=float(model.init_.constant_[0, 0]),
        depth=max(tree.max_depth for tree in trees),
    )


@dataclass(frozen=True)
class Winners:
    """Models of one features version, a rank tilt for the next session and a ridge for the quarter.

    Attributes:
        names: Inputs of both.
        version: Of the features.
        ranks: What the trees of every tilt are.
    """

    names: tuple[str, ...]
    version: str
    ranks: GradientBoostingRegressor

    def of(self, pool: str) -> list[Artifact]:
        """Both of a pool."""
        return [self._tilt(pool), self._ridge(pool)]

    def _tilt(self, pool: str) -> Artifact:
        names = (*self.names, "volatility_1", "rank_mean")
        model = RankTilt(names, as_trees(self.ranks), 0.5)
        changes = {
            "candidate": "rank_tilt",
            "served": "rank_tilt",
            "features_version": self.version,
        }
        return winner(pool=pool, model=model, **changes)

    def _ridge(self, pool: str) -> Artifact:
        coef = np.random.default_rng(0).normal(0, 2e-3, len(self.names))
        model = LinearModel(self.names, coef, 0.004)
        changes = {"horizon": "long", "sessions": 63, "features_version": self.version}
        return winner(pool=pool, model=model, **changes)
