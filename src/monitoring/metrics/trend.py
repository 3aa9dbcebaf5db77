"""Test whether a series of numbers rises or falls: Mann and Kendall's test, Theil and Sen's slope.

Mann, H. B. (1945), Nonparametric tests against trend, Econometrica 13; Sen, P. K. (1968), Estimates
of the regression coefficient based on Kendall's tau, JASA 63. Both use the order of the values
only, so that a single outlier decides nothing. The test takes the days as independent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from src.monitoring.metrics.points import Point

# With four days even a perfect order has p = 2 / 4! = .083.
FEWEST_DAYS = 5
# Two-sided. A report has dozens of series: at .05 one of twenty without a trend would have one.
LEVEL = 0.01


@dataclass(frozen=True)
class Trend:
    """Whether daily medians rise or fall.

    Attributes:
        direction: ``rising``, ``falling`` or ``none``.
        per_day: Slope, in the unit of the metric.
        p_value: Of no trend, two-sided.
        days: With a point.
    """

    direction: str
    per_day: float
    p_value: float
    days: int


def trend_of(points: Sequence[Point]) -> Trend | None:
    """The trend of the daily medians (UTC days) of points in time order.

    None where there are fewer than ``FEWEST_DAYS``.
    """
    medians = {
        day: median(point.value for point in group)
        for day, group in groupby(points, lambda point: point.at.astimezone(dt.UTC).date())
    }
    if len(medians) < FEWEST_DAYS:
        return None
    if len(set(medians.values())) == 1:
        return Trend("none", 0.0, 1.0, len(medians))
    from scipy import stats

    days, values = [day.toordinal() for day in medians], list(medians.values())
    # The test of Kendall's tau against time is that of Mann and Kendall, ties included.
    p_value = float(stats.kendalltau(days, values).pvalue)
    slope = float(stats.theilslopes(values, days).slope)
    direction = "none" if p_value >= LEVEL or slope == 0 else "rising" if slope > 0 else "falling"
    return Trend(direction, slope, p_value, len(medians))
