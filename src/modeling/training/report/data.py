"""The record of one ticker in its pool that a run report is drawn from."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.core.arrays import Days, Floats, Ints

if TYPE_CHECKING:
    from src.modeling.experiment.run import WalkForwardResult
    from src.modeling.gate.verdict import Verdict

# Quantiles are scored on at most so many cells: more overlapping dates would add little.
MOST_CELLS = 60_000


@dataclass(frozen=True, eq=False)
class CurrentForecast:
    """The forecast of one horizon from the newest bar.

    Attributes:
        feature_date: The session at whose close it is made.
        target_date: The session that it is about.
        target_date_estimated: Whether the calendar is not certain that far ahead.
        last_close: Price at ``feature_date``.
        point: The served simple return.
        quantiles: Of the simple return, (K,), NaN where not known.
    """

    feature_date: dt.date
    target_date: dt.date
    target_date_estimated: bool
    last_close: float
    point: float
    quantiles: Floats

    @property
    def has_range(self) -> bool:
        """Whether it has a distribution, and a price to scale it by."""
        return bool(np.isfinite([self.last_close, self.point, *self.quantiles]).all())


@dataclass(frozen=True, eq=False)
class ServingStatus:
    """What is served at one horizon now, and why.

    Attributes:
        served: Name of the candidate whose point is served.
        verdict: The gate's, of the challenger.
        contributions: Name and part of the challenger's current forecast, as returns.
        pinned: Tag of the pinned version that answers instead; empty without one.
    """

    served: str
    forecast: CurrentForecast
    verdict: Verdict
    contributions: Sequence[tuple[str, float]] = ()
    pinned: str = ""


@dataclass(frozen=True, eq=False)
class HorizonRecord:
    """One horizon's record; matrices are (T, N), sessions by tickers.

    Attributes:
        horizon: Sessions ahead.
        actual: Realised simple returns that are scored, NaN where none.
        points: Forecasts by candidate, ``served`` among them.
        sigma: Forecast of the volatility over the horizon.
        rows: Evenly spaced rows at which the distribution is scored; (R,).
        quantiles: The distribution there, at the default levels; (R, N, K).
    """

    horizon: int
    actual: Floats
    points: Mapping[str, Floats]
    sigma: Floats
    rows: Ints
    quantiles: Floats
    challenger: str
    status: ServingStatus


@dataclass(frozen=True, eq=False)
class ReportData:
    """A run's record of one ticker in its pool.

    Attributes:
        tickers: All of the pool, by column.
        sessions: (T,), ascending.
        closes: The ticker's adjusted closes, (T,), NaN without a bar.
        horizons: The shortest first.
        time: When it ran, in UTC.
    """

    ticker: str
    tickers: tuple[str, ...]
    sessions: Days
    closes: Floats
    horizons: tuple[HorizonRecord, ...]
    data_hash: str
    run_id: str
    time: dt.datetime

    @property
    def column(self) -> int:
        """The ticker's column of every matrix."""
        return self.tickers.index(self.ticker)

    @property
    def pool_name(self) -> str:
        """The pool in words: ``all N tickers``, or the ticker when it is alone."""
        return f"all {len(self.tickers)} tickers" if len(self.tickers) > 1 else self.ticker


def horizon_record(result: WalkForwardResult, status: ServingStatus) -> HorizonRecord:
    """The record of a walk-forward, and what is served now at its horizon."""
    actual = result.scored
    rows = scored_rows(actual, result.distributions.since)
    return HorizonRecord(
        result.horizon,
        actual,
        result.series(),
        result.distributions.sigma,
        rows,
        result.distributions.quantiles(rows),
        result.config.challenger,
        status,
    )


def scored_rows(actual: Floats, since: int, most: int = MOST_CELLS) -> Ints:
    """Rows from ``since`` to the last that has an outcome, evenly spaced; the last is one of them.

    The spacing is the least that keeps rows x tickers within ``most``.
    """
    realised = np.flatnonzero(np.isfinite(actual).any(axis=1))
    if not realised.size or realised[-1] < since:
        return np.empty(0, dtype=np.int64)
    last = int(realised[-1])
    first = max(since, int(realised[0]))
    step = max(1, math.ceil((last - first + 1) * actual.shape[1] / most))
    return np.arange(last, first - 1, -step)[::-1].astype(np.int64)


def price_path(forecasts: Sequence[tuple[int, CurrentForecast]]) -> tuple[Days, Floats, Floats]:
    """The range of prices at every session up to the last horizon, S sessions ahead.

    Between the horizons returns are interpolated in the square root of time, as a price without
    drift spreads, and days evenly: which of them are holidays does not show.

    Args:
        forecasts: By horizon in sessions, ascending, all made at one close.

    Returns:
        Days (S + 1,), quantiles of the price (S + 1, K) and the served price (S + 1,).
    """
    first = forecasts[0][1]
    start = np.datetime64(first.feature_date, "D")
    ends = np.array([0, *(horizon for horizon, _ in forecasts)])
    sessions = np.arange(ends[-1] + 1)
    targets = [np.datetime64(forecast.target_date, "D") for _, forecast in forecasts]
    offsets = [0, *(int((day - start).astype(np.int64)) for day in targets)]
    days = start + np.rint(np.interp(sessions, ends, offsets)).astype(np.int64)

    def interpolate(values: Sequence[float]) -> Floats:
        return np.asarray(np.interp(np.sqrt(sessions), np.sqrt(ends), [0.0, *values]))

    quantiles = np.column_stack(
        [
            interpolate([float(forecast.quantiles[k]) for _, forecast in forecasts])
            for k in range(len(first.quantiles))
        ]
    )
    point = interpolate([forecast.point for _, forecast in forecasts])
    return days, first.last_close * (1 + quantiles), first.last_close * (1 + point)
