"""Take the latest part of a walk-forward as the record that is stored with its models."""

from __future__ import annotations

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import interval_metrics
from src.modeling.evaluation.forecast_record import ForecastRecord
from src.modeling.experiment.run import WalkForwardResult
from src.modeling.intervals import quantiles

# Four years.
SESSIONS = 1_000


def forecast_record(result: WalkForwardResult, sessions: int = SESSIONS) -> ForecastRecord:
    """What was forecast at the latest complete sessions that have distributions, at most so many.

    Values are rounded to single precision, as they are stored. The reference loss is of the
    quantiles of each ticker's last 500 outcomes, also those of earlier sessions.
    """
    panel, distributions = result.panel, result.distributions
    complete = np.flatnonzero(panel.complete)
    rows = complete[complete >= distributions.since][-sessions:]
    has_bar = np.isfinite(panel.close[rows])
    columns = np.flatnonzero(has_bar.any(axis=0))
    there = has_bar[:, columns]

    def part(matrix: Floats) -> Floats:
        return _rounded(matrix[np.ix_(rows, columns)], there)

    return ForecastRecord(
        horizon=result.horizon,
        sessions=panel.sessions[rows],
        tickers=tuple(panel.tickers[column] for column in columns),
        actual=part(result.actual),
        points={name: part(points) for name, points in result.series().items()},
        sigma=part(distributions.sigma),
        reference_crps=_rounded(_reference_loss(result, rows, columns), there),
        quantiles=_rounded(distributions.quantiles(rows)[:, columns], there),
    )


def _reference_loss(result: WalkForwardResult, rows: Ints, columns: Ints) -> Floats:
    """Ticker by ticker, as the quantiles of all are many times the size of the losses."""
    loss = np.empty((len(rows), len(columns)))
    for n, column in enumerate(columns):
        outcomes = result.actual[:, column, None]
        # In single precision windows are sorted in a third of the time.
        reference = quantiles.trailing(outcomes.astype(np.float32), result.horizon, rows)
        loss[:, n, None] = interval_metrics.crps(outcomes[rows], reference)
    return loss


def _rounded(values: Floats, there: Bools) -> Floats:
    """The matrix itself, in single precision and NaN where a ticker has no bar."""
    values[~there] = np.nan
    values[...] = values.astype(np.float32)
    return values
