"""A panel in; what a stored model is asked with at a ticker's last bar out. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from src.modeling.panel.panel import MATRICES, Panel
from src.modeling.points.candidates import RANK_MEAN, volatility_name
from src.modeling.points.walk_forward import FeatureRows
from src.registry.formats.models import Model, RankTilt

Floats = npt.NDArray[np.float64]

# Sessions that the newest features can lean on: the longest window, what fades, and a margin for
# sessions without a bar.
ENOUGH = 1_200


def last_bar(panel: Panel, ticker: str) -> int:
    """Row of a ticker's last bar; it must have one."""
    there = np.isfinite(panel.close[:, panel.tickers.index(ticker)])
    return int(np.flatnonzero(there)[-1])


def recent(panel: Panel, row: int) -> Panel:
    """The sessions up to ``row`` that features of it can depend on."""
    rows = slice(max(row + 1 - ENOUGH, 0), row + 1)
    cut = {name: getattr(panel, name)[rows] for name in MATRICES}
    return replace(panel, sessions=panel.sessions[rows], **cut)


def inputs(
    model: Model, features: FeatureRows, row: int, column: int, volatility: float, horizon: int
) -> dict[str, float]:
    """The values that a model's forecast is made from, by name; those that are not known lack.

    Args:
        model: Which values it wants.
        features: Of the pool, with ``row`` and ``column`` as in it.
        row: The ticker's last bar.
        column: The ticker.
        volatility: Forecast there of the return over the horizon.
        horizon: Sessions ahead.
    """
    session = features.rows == row
    pool, own = features.inputs[session], features.columns[session] == column
    found = {volatility_name(horizon): volatility}
    if isinstance(model, RankTilt) and len(pool):
        found[RANK_MEAN] = float(model.trees.predict(pool).mean())
    for values in pool[own]:
        found |= dict(zip(features.names, values.tolist(), strict=True))
    known = [name for name in model.features if np.isfinite(found.get(name, np.nan))]
    # Adding 0.0 turns -0.0, which the store of inputs cannot hold, into 0.0.
    return {name: found[name] + 0.0 for name in known}
