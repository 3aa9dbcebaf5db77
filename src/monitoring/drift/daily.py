"""Arrange the outcomes of a pool's forecasts by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from src.core.arrays import Floats

Row = Mapping[str, Any]


class DailyOutcomes(NamedTuple):
    """Outcomes averaged over the tickers of each day, oldest first.

    Attributes:
        inside: Share inside the central interval that was asked for; (T,).
        gains: Absolute and squared loss of zero less that of the forecast; (T, 2), NaN where the
            rows had none.
    """

    inside: Floats
    gains: Floats


def arrange(rows: Iterable[Row], share: float) -> DailyOutcomes:
    """Average rows of ``DriftTables.outcomes`` or ``.paths`` by day.

    Args:
        rows: In the order of days.
        share: Of outcomes that the interval should contain, such as .9; days whose forecasts do
            not have its two levels are left out.
    """
    days: dict[Any, list[float]] = {}
    grids: dict[tuple[float, ...], tuple[int, int] | None] = {}
    for row in rows:
        grid = tuple(row["levels"])
        if grid not in grids:
            grids[grid] = _bounds(grid, share)
        bounds = grids[grid]
        if bounds is None:
            continue
        sums = days.setdefault(row["day"], [0.0, 0.0, 0.0, 0.0])
        low, high = bounds
        sums[0] += row["n"]
        sums[1] += row["n"] * (low <= row["bucket"] < high)
        sums[2] += row.get("absolute_gain", np.nan)
        sums[3] += row.get("squared_gain", np.nan)
    table = np.array(list(days.values())).reshape(-1, 4)
    means = table[:, 1:] / table[:, :1]
    return DailyOutcomes(means[:, 0], means[:, 1:])


def _bounds(grid: Sequence[float], share: float) -> tuple[int, int] | None:
    """Buckets from the first inside the interval up to the first beyond it."""
    places = [np.flatnonzero(np.isclose(grid, end)) for end in ((1 - share) / 2, (1 + share) / 2)]
    if any(place.size != 1 for place in places):
        return None
    return int(places[0][0]) + 1, int(places[1][0]) + 1
