"""Forecasts at a few horizons in; the range of prices at every session up to the last out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from src.modeling.training.report.data import CurrentForecast

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


def known(forecast: CurrentForecast | None) -> bool:
    """Whether a forecast has a distribution and a price to scale it by."""
    if forecast is None:
        return False
    numbers = [forecast.last_close, forecast.point, *forecast.quantiles]
    return bool(np.isfinite(numbers).all())


def path(found: Sequence[tuple[int, CurrentForecast]]) -> tuple[Days, Floats, Floats]:
    """Days (S + 1,), quantiles of the price (S + 1, K) and the served price (S + 1,), S sessions.

    Between the horizons returns are interpolated in the square root of time, as far as a price
    without direction strays, and days evenly: which of them are holidays does not show.

    Args:
        found: Horizons in sessions, ascending, and what is said at each, all made at one close.
    """
    last = found[0][1].last_close
    start = np.datetime64(found[0][1].feature_date, "D")
    ends = np.array([0, *(horizon for horizon, _ in found)])
    sessions = np.arange(ends[-1] + 1)
    targets = [np.datetime64(one.target_date, "D") for _, one in found]
    offsets = [0, *(int((day - start).astype(np.int64)) for day in targets)]
    days = start + np.rint(np.interp(sessions, ends, offsets)).astype(np.int64)

    def between(values: Sequence[float]) -> Floats:
        return np.asarray(np.interp(np.sqrt(sessions), np.sqrt(ends), [0.0, *values]))

    levels = range(len(found[0][1].quantiles))
    spread = [between([float(one.quantiles[k]) for _, one in found]) for k in levels]
    point = between([one.point for _, one in found])
    return days, last * (1 + np.column_stack(spread)), last * (1 + point)
