"""Build the rows of ``serving_inputs``: what models may need at each ticker's last bar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from src.modeling.intervals.distribution import UNKNOWN_DISTRIBUTION
from src.modeling.points.candidates import volatility_name
from src.modeling.serving.pool_data import incomplete_note, last_bars
from src.modeling.serving.records import serving_row

if TYPE_CHECKING:
    from src.modeling.intervals.distribution import DistributionForecasts
    from src.modeling.panel.panel import Panel
    from src.modeling.points.feature_rows import FeatureRows
    from src.modeling.serving.pool_data import PoolMembers

Metrics = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, eq=False)
class HorizonForecasts:
    """What a walk-forward of one horizon gives every ticker of a panel.

    Attributes:
        horizon: ``short`` or ``long``.
        distributions: Of the return, from some row of the panel on.
        metrics: How the candidates did on each ticker alone.
    """

    horizon: str
    distributions: DistributionForecasts
    metrics: Metrics


def input_rows(
    panel: Panel,
    features: FeatureRows,
    forecasts: HorizonForecasts,
    members: PoolMembers,
    tickers: Sequence[str],
    written_at: dt.datetime,
) -> list[dict[str, Any]]:
    """Rows of ``serving_inputs`` of some tickers at one horizon; ``features`` are of the panel."""
    rows = []
    for ticker, row in last_bars(panel, tickers).items():
        column, distributions = panel.tickers.index(ticker), forecasts.distributions
        sigma = float(distributions.sigma[row, column])
        inputs = {volatility_name(distributions.horizon): sigma, **values_at(features, row, column)}
        is_scored = row >= distributions.since
        rows.append(
            serving_row(
                member=members.newest[ticker],
                horizon=forecasts.horizon,
                inputs=inputs,
                distribution=distributions.at(row, column) if is_scored else UNKNOWN_DISTRIBUTION,
                sigma=sigma,
                metrics=forecasts.metrics.get(ticker, ()),
                note=_note(panel, row, members, is_scored=is_scored),
                data_hash=members.data_hash,
                written_at=written_at,
            )
        )
    return rows


def values_at(features: FeatureRows, row: int, column: int) -> dict[str, float]:
    """The inputs of one ticker at one row of the panel, by name; NaN where not defined.

    There are none of a ticker that lacks inputs of its own, or at a session that is not complete.
    """
    first, end = np.searchsorted(features.rows, [row, row + 1])
    places = first + np.flatnonzero(features.columns[first:end] == column)
    if not places.size:
        return {}
    return dict(zip(features.names, features.take(places)[0].tolist(), strict=True))


def _note(panel: Panel, row: int, members: PoolMembers, *, is_scored: bool) -> str | None:
    """Why zero answers for a ticker whose last bar is that of ``row``, or None."""
    session: dt.date = panel.sessions[row].item()
    if row > panel.last_complete:
        return incomplete_note(members, session)
    if not is_scored:
        return f"its prices end on {session}, years before those of its pool"
    return None
