"""One horizon's record in; every statistic that its report shows out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.modeling.training.report import calibration, skills
from src.modeling.training.report.data import HorizonRecord
from src.modeling.training.report.measures import Measure, share
from src.modeling.training.report.skills import Skill

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROLLING_SESSIONS = 250
# A line has no more points than a screen is wide.
MOST_POINTS = 600


@dataclass(frozen=True, eq=False)
class HorizonStatistics:
    """What one horizon's record says.

    Attributes:
        skills: Of every candidate against each baseline, the distribution last.
        saved_rows: Rows of the sessions at which ``saved`` is told.
        saved: Loss saved over no change up to each, by candidate, in return.
        coverage: Of all tickers and of the report's own, by interval.
        rolled_rows: Rows of the sessions at which ``rolled`` is told.
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
    step = skills.spacing(rows)
    outcomes, given = record.actual[rows], record.quantiles
    hits = calibration.hits(outcomes, given)
    thirds = calibration.terciles(record.sigma[rows], np.isfinite(hits[0.9]))
    own = slice(column, column + 1)
    saved_rows, saved = skills.cumulative(record.actual, record.points, horizon)
    shown = _thinned(len(rows))
    window = max(1, round(ROLLING_SESSIONS / step))
    return HorizonStatistics(
        skills=(
            *skills.of_points(record.actual, record.points, horizon, column),
            skills.of_distribution(record.actual, given, rows, horizon, column),
        ),
        saved_rows=saved_rows,
        saved={name: values for name, values in saved.items() if name != "zero"},
        coverage={
            level: (share(held, horizon, step), share(held[:, own], horizon, step))
            for level, held in hits.items()
        },
        rolled_rows=rows[shown],
        rolled={level: calibration.rolling(held, window)[shown] for level, held in hits.items()},
        terciles={level: _by_third(held, thirds, horizon, step) for level, held in hits.items()},
        pit_counts=calibration.pit_counts(outcomes, given),
        spacing=step,
    )


def _by_third(held: Floats, thirds: Ints, horizon: int, step: int) -> tuple[Measure, ...]:
    return tuple(
        share(np.where(thirds == third, held, np.nan), horizon, step)
        for third in range(len(calibration.TERCILES))
    )


def _thinned(points: int) -> Ints:
    step = max(1, -(-points // MOST_POINTS))
    return np.arange(points - 1, -1, -step)[::-1]
