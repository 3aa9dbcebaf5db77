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
    values: Mapping[int, Mapping[str, float]],
    forecasts: HorizonForecasts,
    members: PoolMembers,
    tickers: Sequence[str],
    written_at: dt.datetime,
) -> list[dict[str, Any]]:
    """Rows of ``serving_inputs`` of some tickers at one horizon; ``values`` see newest_values."""
    rows = []
    last, place = last_bars(panel, tickers), {name: n for n, name in enumerate(panel.tickers)}
    for ticker, row in last.items():
        column, distributions = place[ticker], forecasts.distributions
        sigma = float(distributions.sigma[row, column])
        inputs = {volatility_name(distributions.horizon): sigma, **values.get(column, {})}
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


def newest_values(
    panel: Panel, features: FeatureRows, tickers: Sequence[str]
) -> dict[int, dict[str, float]]:
    """The inputs of some tickers at their last bars; see ``values_at``."""
    place = {name: column for column, name in enumerate(panel.tickers)}
    return values_at(
        features, {place[ticker]: row for ticker, row in last_bars(panel, tickers).items()}
    )


def values_at(features: FeatureRows, rows: Mapping[int, int]) -> dict[int, dict[str, float]]:
    """The inputs of tickers by name, each at one row of the panel; NaN where not defined.

    ``rows`` are by the tickers' columns, as is what is returned. There is nothing of a ticker that
    lacks inputs of its own, or at a session that is not complete.
    """
    wanted = np.full(int(features.columns.max(initial=-1)) + 1, -1)
    for column, row in rows.items():
        if column < wanted.size:
            wanted[column] = row
    # All at once: ranks are of whole sessions, and most tickers share the newest.
    positions = np.flatnonzero(features.rows == wanted[features.columns])
    taken = features.take(positions).tolist()
    return {
        column: dict(zip(features.names, inputs, strict=True))
        for column, inputs in zip(features.columns[positions].tolist(), taken, strict=True)
    }


def _note(panel: Panel, row: int, members: PoolMembers, *, is_scored: bool) -> str | None:
    """Why zero answers for a ticker whose last bar is that of ``row``, or None."""
    session: dt.date = panel.sessions[row].item()
    if row > panel.last_complete:
        return incomplete_note(members, session)
    if not is_scored:
        return f"its prices end on {session}, years before those of its pool"
    return None
