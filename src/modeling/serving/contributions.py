"""Split a linear or rank-tilt model's forecast into what each input contributes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from src.registry.formats.models import LinearModel, Model, RankTilt

POOL, CONSTANT = "the pool's mean rank", "constant"


def contributions(model: Model, values: Mapping[str, float]) -> list[tuple[str, float]]:
    """Names and simple returns that together are the forecast, the largest first.

    Empty where an input is not known, and for a model that has none.
    """
    if not model.features or any(name not in values for name in model.features):
        return []
    x = np.array([values[name] for name in model.features])
    if isinstance(model, RankTilt):
        parts = _of_rank_tilt(model, x)
    elif isinstance(model, LinearModel):
        products = (model.coef * x).tolist()
        parts = [*zip(model.features, products, strict=True), (CONSTANT, model.intercept)]
    else:
        return []
    return sorted(parts, key=lambda part: -abs(part[1]))


def _of_rank_tilt(model: RankTilt, x: np.ndarray) -> list[tuple[str, float]]:
    volatility, pool = x[-2:]
    common, parts = model.trees.contributions(x[:-2])
    scale = model.slope * volatility
    named = zip(model.features[:-2], (parts * scale).tolist(), strict=True)
    return [*named, (POOL, float((common - pool) * scale))]
