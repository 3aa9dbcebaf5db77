"""A stored model and what it is asked with in; what each value adds to its forecast out. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from src.registry.formats.models import LinearModel, Model, RankTilt

POOL, CONSTANT = "the pool's mean rank", "constant"


def contributions(model: Model, values: Mapping[str, float]) -> list[tuple[str, float]]:
    """Names and simple returns that together are the forecast, the largest first.

    Nothing where a value that the model is asked with is not known.
    """
    if not model.features or any(name not in values for name in model.features):
        return []
    x = np.array([values[name] for name in model.features])
    if isinstance(model, RankTilt):
        found = _tilted(model, x)
    elif isinstance(model, LinearModel):
        parts = (model.coef * x).tolist()
        found = [*zip(model.features, parts, strict=True), (CONSTANT, model.intercept)]
    else:
        return []
    return sorted(found, key=lambda one: -abs(one[1]))


def _tilted(model: RankTilt, x: np.ndarray) -> list[tuple[str, float]]:
    volatility, pool = x[-2:]
    common, parts = model.trees.contributions(x[:-2])
    scale = model.slope * volatility
    named = zip(model.features[:-2], (parts * scale).tolist(), strict=True)
    return [*named, (POOL, float((common - pool) * scale))]
