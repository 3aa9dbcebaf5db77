"""Follow the skill of forecasts over time, with its range and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.panel.panel import mean_by_date
from src.modeling.report.statistics.measures import MIN_PERIODS


@dataclass(frozen=True, eq=False)
class RollingSkill:
    """Skill over the latest sessions at each session that has an outcome; all (M,).

    Attributes:
        rows: Rows of the matrices that were given.
        value: 1 - loss / loss of the reference.
        low: Lower end of its range; NaN where it is not known, as with fewer than
            ``MIN_PERIODS`` periods.
        high: Upper end.
        n_eff: Periods among the sessions of the window that do not overlap.
    """

    rows: Ints
    value: Floats
    low: Floats
    high: Floats
    n_eff: Floats


def rolling_skill(
    errors: Floats, reference: Floats, horizon: int, window: int, level: float
) -> RollingSkill:
    """Skill over the last ``window`` sessions that have a pair, at each of them.

    Each session counts once, whatever its number of tickers, as in ``measures.skill``; the first
    windows are shorter.

    Args:
        errors: Losses, (R, N), NaN where there is none.
        reference: Losses of the baseline.
        horizon: Sessions ahead.
        window: In sessions.
        level: Left out on either side of the range.
    """
    both = np.isfinite(errors) & np.isfinite(reference)
    rows = np.flatnonzero(both.any(axis=1))
    gains = mean_by_date(np.where(both, reference - errors, np.nan)[rows])
    base = hac.cumulated(mean_by_date(np.where(both, reference, np.nan)[rows]))
    sums = hac.cumulate(gains)
    out = np.full((4, rows.size), np.nan)
    for end in range(1, rows.size + 1):
        first = max(0, end - window)
        out[:, end - 1] = _of_window(sums, base, first, end, horizon, level)
    return RollingSkill(rows, *out)


def _of_window(
    sums: hac.Sums, base: Floats, first: int, end: int, horizon: int, level: float
) -> tuple[float, float, float, float]:
    """Skill, the ends of its range, and periods, of the rows from ``first`` to before ``end``."""
    n_eff, scale = (end - first) / horizon, (base[end] - base[first]) / (end - first)
    if scale <= 0:
        return np.nan, np.nan, np.nan, n_eff
    test = hac.mean_test_at(sums, first, end, horizon)
    half = float(hac.critical(test.b, level) * test.noise / np.sqrt(test.n))
    mean = float(test.mean)
    if n_eff < MIN_PERIODS:
        return mean / scale, np.nan, np.nan, n_eff
    return mean / scale, (mean - half) / scale, (mean + half) / scale, n_eff
