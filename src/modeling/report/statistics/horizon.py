"""Compute every statistic that a report shows of one horizon's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Days, Floats, Ints
from src.modeling.evaluation import interval_metrics
from src.modeling.evaluation.forecast_record import ForecastRecord
from src.modeling.panel.panel import mean_by_date
from src.modeling.report.statistics import calibration
from src.modeling.report.statistics.measures import Measure, Measures, pool_share, share, skill

ROLLING_SESSIONS = 250
# A line has no more points than a screen is wide.
MOST_POINTS = 500


@dataclass(frozen=True)
class Skill:
    """How much smaller one candidate's errors are than a baseline's.

    Attributes:
        candidate: By name; ``distribution`` for the quantiles.
        baseline: ``zero``, ``mean`` or ``last 500``.
    """

    candidate: str
    baseline: str
    gains: Measures


@dataclass(frozen=True, eq=False)
class HorizonStatistics:
    """The statistics of one horizon's record.

    Attributes:
        skills: Of every candidate against each baseline, the distribution last.
        days: Sessions of the lines below, evenly spaced.
        saved: Loss saved over no change up to each of ``days``, by candidate, as a return.
        coverage: Share of outcomes inside each interval.
        rolled: The same over the last 250 sessions at each of ``days``.
        terciles: Coverage by interval when prices were calm, middling and wild.
        pit_counts: Outcomes in each tenth of their forecast distribution.
    """

    skills: tuple[Skill, ...]
    days: Days
    saved: Mapping[str, Floats]
    coverage: Mapping[float, Measures]
    rolled: Mapping[float, Floats]
    terciles: Mapping[float, tuple[Measure, ...]]
    pit_counts: Ints


def horizon_statistics(record: ForecastRecord, tickers: Sequence[str]) -> HorizonStatistics:
    """All statistics of a record, over all of its tickers and of some alone."""
    columns = [column for ticker in tickers if (column := record.column(ticker)) is not None]
    horizon = record.horizon
    hits = calibration.hits(record.actual, record.quantiles)
    thirds = calibration.terciles(record.sigma, np.isfinite(hits[0.9]))
    shown = _thinned(_scored(record))
    saved = cumulative_savings(record)
    return HorizonStatistics(
        skills=(*point_skills(record, columns), distribution_skill(record, columns)),
        days=record.sessions[shown],
        saved={name: values[shown] for name, values in saved.items() if name != "zero"},
        coverage={level: share(inside, horizon, columns) for level, inside in hits.items()},
        rolled={
            level: calibration.rolling(inside, ROLLING_SESSIONS)[shown]
            for level, inside in hits.items()
        },
        terciles={
            level: tuple(
                pool_share(np.where(thirds == third, inside, np.nan), horizon)
                for third in range(len(calibration.TERCILES))
            )
            for level, inside in hits.items()
        },
        pit_counts=calibration.pit_counts(record.actual, record.quantiles),
    )


def point_skills(record: ForecastRecord, columns: Sequence[int]) -> list[Skill]:
    """Skill in mean absolute error of every candidate against no change and the expanding mean."""
    losses = {name: np.abs(record.actual - points) for name, points in record.points.items()}
    return [
        Skill(name, baseline, skill(loss, losses[baseline], record.horizon, columns))
        for name, loss in losses.items()
        for baseline in ("zero", "mean")
        if baseline in losses and baseline != name
    ]


def distribution_skill(record: ForecastRecord, columns: Sequence[int]) -> Skill:
    """CRPS skill of the distribution against the quantiles of the last 500 realised outcomes."""
    errors = interval_metrics.crps(record.actual, record.quantiles)
    gains = skill(errors, record.reference_crps, record.horizon, columns)
    return Skill("distribution", "last 500", gains)


def cumulative_savings(record: ForecastRecord) -> dict[str, Floats]:
    """Loss saved over no change, summed over sessions: by candidate the sum up to each; (R,).

    The absolute errors of zero less those of the candidate, averaged over the tickers of a date,
    divided by the horizon, so that overlapping labels do not count one outcome many times; in
    units of return.
    """
    actual = record.actual
    saved = {
        name: mean_by_date(np.abs(actual) - np.abs(actual - points)) / record.horizon
        for name, points in record.points.items()
    }
    return {name: np.nancumsum(values) for name, values in saved.items()}


def _scored(record: ForecastRecord) -> Ints:
    """Rows from the first to the last that has an outcome."""
    realised = np.flatnonzero(np.isfinite(record.actual).any(axis=1))
    return np.arange(realised[0], realised[-1] + 1) if realised.size else realised


def _thinned(rows: Ints) -> Ints:
    """At most ``MOST_POINTS`` of the rows, evenly spaced; the last is one of them."""
    step = max(1, -(-len(rows) // MOST_POINTS))
    return rows[::-step][::-1]
