"""Outcomes and every candidate's forecasts in; their worth beside each baseline out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import quantiles
from src.modeling.points import baselines
from src.modeling.training.report.measures import Measure, per_date, skill

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BASELINES = ("zero", "mean")


@dataclass(frozen=True)
class Skill:
    """What one candidate gained on one baseline.

    Attributes:
        candidate: By name; ``distribution`` for the quantiles.
        baseline: ``zero``, ``mean`` or ``last 500``.
        pool: Over all tickers.
        own: Over the ticker of the report alone.
    """

    candidate: str
    baseline: str
    pool: Measure
    own: Measure


def of_points(
    actual: Floats, points: Mapping[str, Floats], horizon: int, column: int
) -> list[Skill]:
    """Skill in mean absolute error of every candidate against no change and the expanding mean.

    Args:
        actual: Realised simple returns, (T, N).
        points: Forecasts of them by candidate, (T, N) each.
        horizon: Sessions ahead.
        column: The report's ticker.
    """
    mean = points["mean"] if "mean" in points else baselines.own_mean(actual, horizon)
    losses = {"zero": np.abs(actual), "mean": np.abs(actual - mean)}
    found = []
    for name, forecast in points.items():
        errors = np.abs(actual - forecast)
        for baseline in BASELINES:
            if baseline != name:
                found.append(_skill(name, baseline, errors, losses[baseline], horizon, column))
    return found


def of_distribution(actual: Floats, given: Floats, rows: Ints, horizon: int, column: int) -> Skill:
    """CRPS skill of quantiles at ``rows`` against those of the last 500 realised outcomes.

    Args:
        actual: Realised simple returns, (T, N).
        given: (R, N, K) quantiles at the default levels.
        rows: (R,), evenly spaced, ascending.
        horizon: Sessions ahead.
        column: The report's ticker.
    """
    outcomes = actual[rows]
    past = quantiles.trailing(actual, horizon, rows)
    ours, theirs = interval_metrics.crps(outcomes, given), interval_metrics.crps(outcomes, past)
    return _skill("distribution", "last 500", ours, theirs, horizon, column, spacing(rows))


def spacing(rows: Ints) -> int:
    """Sessions from one scored row to the next; 1 for fewer than two."""
    return int(rows[1] - rows[0]) if len(rows) > 1 else 1


def cumulative(
    actual: Floats, points: Mapping[str, Floats], horizon: int, most: int = 400
) -> tuple[Ints, dict[str, Floats]]:
    """Loss saved over no change, summed over dates: rows, and by candidate the sum up to each.

    The absolute errors of zero less those of the candidate, averaged over the tickers of a date,
    divided by the horizon, so that overlapping labels do not count one outcome many times; in
    units of return. Rows begin at the first date that has a pair; at most ``most`` + 1 of them.
    """
    saved = {
        name: per_date(np.abs(actual) - np.abs(actual - forecast)) / horizon
        for name, forecast in points.items()
    }
    known = np.flatnonzero(np.logical_or.reduce([np.isfinite(one) for one in saved.values()]))
    if not known.size:
        return known, {}
    step = -(-(known[-1] - known[0] + 1) // most)
    rows = np.unique(np.append(np.arange(known[0], known[-1], step), known[-1]))
    return rows, {name: np.nancumsum(one)[rows] for name, one in saved.items()}


def _skill(
    name: str,
    baseline: str,
    errors: Floats,
    reference: Floats,
    horizon: int,
    column: int,
    step: int = 1,
) -> Skill:
    own = slice(column, column + 1)
    return Skill(
        name,
        baseline,
        skill(errors, reference, horizon, step),
        skill(errors[:, own], reference[:, own], horizon, step),
    )


def names(found: Sequence[Skill]) -> list[str]:
    """Candidates in the order in which they come."""
    return list(dict.fromkeys(one.candidate for one in found))
