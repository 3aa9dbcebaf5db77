"""Compute every statistic that a run report shows of one horizon's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats, Ints
from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import quantiles
from src.modeling.panel.panel import mean_by_date
from src.modeling.points import baselines
from src.modeling.training.report import calibration
from src.modeling.training.report.data import HorizonRecord
from src.modeling.training.report.measures import Measure, share, skill

ROLLING_SESSIONS = 250
# A line has no more points than a screen is wide.
MOST_POINTS = 600


@dataclass(frozen=True)
class Skill:
    """How much smaller one candidate's errors are than a baseline's.

    Attributes:
        candidate: By name; ``distribution`` for the quantiles.
        baseline: ``zero``, ``mean`` or ``last 500``.
        pool: Over all tickers.
        ticker: Over the ticker of the report alone.
    """

    candidate: str
    baseline: str
    pool: Measure
    ticker: Measure


@dataclass(frozen=True, eq=False)
class HorizonStatistics:
    """The statistics of one horizon's record.

    Attributes:
        skills: Of every candidate against each baseline, the distribution last.
        saved_rows: Rows of the sessions of ``saved``.
        saved: Loss saved over no change up to each, by candidate, as a return.
        coverage: Of all tickers and of the report's own, by interval.
        rolled_rows: Rows of the sessions of ``rolled``.
        rolled: Coverage over the last 250 sessions at each of them, by interval.
        terciles: Coverage by interval when prices were calm, middling and wild.
        pit_counts: Outcomes in each tenth of their forecast distribution.
        spacing: Sessions from one scored row to the next.
    """

    skills: tuple[Skill, ...]
    saved_rows: Ints
    saved: Mapping[str, Floats]
    coverage: Mapping[float, tuple[Measure, Measure]]
    rolled_rows: Ints
    rolled: Mapping[float, Floats]
    terciles: Mapping[float, tuple[Measure, ...]]
    pit_counts: Ints
    spacing: int


def horizon_statistics(record: HorizonRecord, column: int) -> HorizonStatistics:
    """All statistics of a horizon; ``column`` is the report's ticker."""
    horizon, rows = record.horizon, record.rows
    step = spacing(rows)
    actual = record.actual[rows]
    hits = calibration.hits(actual, record.quantiles)
    thirds = calibration.terciles(record.sigma[rows], np.isfinite(hits[0.9]))
    ticker = slice(column, column + 1)
    saved_rows, saved = cumulative_savings(record.actual, record.points, horizon)
    shown = _thinned(len(rows))
    window = max(1, round(ROLLING_SESSIONS / step))
    return HorizonStatistics(
        skills=(
            *point_skills(record.actual, record.points, horizon, column),
            distribution_skill(record.actual, record.quantiles, rows, horizon, column),
        ),
        saved_rows=saved_rows,
        saved={name: values for name, values in saved.items() if name != "zero"},
        coverage={
            level: (share(inside, horizon, step), share(inside[:, ticker], horizon, step))
            for level, inside in hits.items()
        },
        rolled_rows=rows[shown],
        rolled={
            level: calibration.rolling(inside, window)[shown] for level, inside in hits.items()
        },
        terciles={
            level: _tercile_shares(inside, thirds, horizon, step) for level, inside in hits.items()
        },
        pit_counts=calibration.pit_counts(actual, record.quantiles),
        spacing=step,
    )


def point_skills(
    actual: Floats, points: Mapping[str, Floats], horizon: int, column: int
) -> list[Skill]:
    """Skill in mean absolute error of every candidate against no change and the expanding mean.

    ``actual`` are realised simple returns, (T, N); ``points`` forecasts of them by candidate.
    """
    mean = points["mean"] if "mean" in points else baselines.own_mean(actual, horizon)
    losses = {"zero": np.abs(actual), "mean": np.abs(actual - mean)}
    return [
        _skill(name, baseline, np.abs(actual - forecast), losses[baseline], horizon, column)
        for name, forecast in points.items()
        for baseline in losses
        if baseline != name
    ]


def distribution_skill(
    actual: Floats, forecast: Floats, rows: Ints, horizon: int, column: int
) -> Skill:
    """CRPS skill of quantiles at ``rows`` against those of the last 500 realised outcomes.

    ``actual`` are realised simple returns, (T, N); ``forecast`` (R, N, K) quantiles at the default
    levels; ``rows`` (R,), evenly spaced, ascending.
    """
    outcomes = actual[rows]
    errors = interval_metrics.crps(outcomes, forecast)
    reference = interval_metrics.crps(outcomes, quantiles.trailing(actual, horizon, rows))
    return _skill("distribution", "last 500", errors, reference, horizon, column, spacing(rows))


def spacing(rows: Ints) -> int:
    """Sessions from one scored row to the next; 1 for fewer than two."""
    return int(rows[1] - rows[0]) if len(rows) > 1 else 1


def cumulative_savings(
    actual: Floats, points: Mapping[str, Floats], horizon: int, most: int = 400
) -> tuple[Ints, dict[str, Floats]]:
    """Loss saved over no change, summed over dates: rows, and by candidate the sum up to each.

    The absolute errors of zero less those of the candidate, averaged over the tickers of a date,
    divided by the horizon, so that overlapping labels do not count one outcome many times; in
    units of return. Rows begin at the first date that has a pair; at most ``most`` + 1 of them.
    """
    saved = {
        name: mean_by_date(np.abs(actual) - np.abs(actual - forecast)) / horizon
        for name, forecast in points.items()
    }
    known = np.flatnonzero(np.logical_or.reduce([np.isfinite(v) for v in saved.values()]))
    if not known.size:
        return known, {}
    step = -(-(known[-1] - known[0] + 1) // most)
    rows = np.unique(np.append(np.arange(known[0], known[-1], step), known[-1]))
    return rows, {name: np.nancumsum(values)[rows] for name, values in saved.items()}


def _skill(
    name: str,
    baseline: str,
    errors: Floats,
    reference: Floats,
    horizon: int,
    column: int,
    step: int = 1,
) -> Skill:
    ticker = slice(column, column + 1)
    return Skill(
        name,
        baseline,
        skill(errors, reference, horizon, step),
        skill(errors[:, ticker], reference[:, ticker], horizon, step),
    )


def _tercile_shares(inside: Floats, thirds: Ints, horizon: int, step: int) -> tuple[Measure, ...]:
    return tuple(
        share(np.where(thirds == third, inside, np.nan), horizon, step)
        for third in range(len(calibration.TERCILES))
    )


def _thinned(points: int) -> Ints:
    """Places of at most ``MOST_POINTS`` evenly spaced points; the last is one of them."""
    step = max(1, -(-points // MOST_POINTS))
    return np.arange(points - 1, -1, -step)[::-1]
