"""What a training run found of one ticker, as pure data: all that its report is drawn from."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from src.modeling.experiment.run import scored_outcomes

if TYPE_CHECKING:
    from src.modeling.experiment.run import WalkForwardResult
    from src.modeling.gate.verdict import Verdict

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

# Quantiles are scored on at most so many cells: more dates that overlap would tell no more.
MOST_CELLS = 60_000


@dataclass(frozen=True, eq=False)
class CurrentForecast:
    """What is said now.

    Attributes:
        feature_date: The session whose close it is made at.
        target_date: The session it is about.
        target_date_estimated: Whether the calendar does not reach that far for certain.
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


@dataclass(frozen=True, eq=False)
class ServingStatus:
    """What a training run knows of one horizon beside its contest.

    Attributes:
        served: Name of the candidate whose point is served.
        forecast: What is said now; None when nothing can be said.
        verdict: The gate's, of the challenger; None when it was not asked.
        contributions: Name and part of the challenger's current forecast, in return.
        pinned: Tag of the version that a rollback pinned, which answers instead; empty without.
    """

    served: str
    forecast: CurrentForecast | None
    verdict: Verdict | None
    contributions: Sequence[tuple[str, float]] = ()
    pinned: str = ""


@dataclass(frozen=True, eq=False)
class HorizonRecord:
    """One horizon's record; matrices are (T, N), sessions by tickers.

    Attributes:
        horizon: Sessions ahead.
        actual: Realised simple returns that are judged, NaN where none.
        points: Forecasts by candidate, ``served`` among them.
        sigma: Forecast of the volatility over the horizon.
        rows: Evenly spaced rows at which the distribution is scored; (R,).
        quantiles: The distribution there, at the default levels; (R, N, K).
        challenger: The candidate that the gate judged.
        current: What is said now and why.
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
        ticker: Whose report it is.
        tickers: All that were pooled, by column.
        sessions: (T,), ascending.
        closes: The ticker's adjusted closes, (T,), NaN without a bar.
        horizons: The shortest first.
        data_hash: Of the prices.
        run_id: Of the run.
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


def report_data(
    found: Sequence[tuple[WalkForwardResult, ServingStatus]],
    ticker: str,
    *,
    data_hash: str,
    run_id: str,
    time: dt.datetime,
) -> ReportData:
    """The record of contests over one panel.

    Args:
        found: Each horizon's contest and what is said now, the shortest horizon first.
        ticker: A ticker of the panel.
        data_hash: Of the prices.
        run_id: Of the run.
        time: When it ran, in UTC.

    Raises:
        ValueError: For no contest, or a ticker that is not in its panel.
    """
    if not found:
        raise ValueError("a report needs at least one contest")
    panel = found[0][0].panel
    if ticker not in panel.tickers:
        raise ValueError(f"{ticker} is not in the panel of its contest")
    return ReportData(
        ticker,
        panel.tickers,
        panel.sessions,
        panel.close[:, panel.tickers.index(ticker)],
        tuple(_horizon(held, current) for held, current in found),
        data_hash,
        run_id,
        time,
    )


def _horizon(held: WalkForwardResult, current: ServingStatus) -> HorizonRecord:
    actual = scored_outcomes(held.actual)
    rows = scored_rows(actual, held.distributions.since)
    return HorizonRecord(
        held.horizon,
        actual,
        held.series(),
        held.distributions.sigma,
        rows,
        held.distributions.quantiles(rows),
        held.config.challenger,
        current,
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
