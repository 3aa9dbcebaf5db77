"""What a report is drawn from: each horizon's evidence, and the forecasts of now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Days, Floats
from src.modeling.gate.criteria import Criterion
from src.modeling.gate.verdict import Verdict
from src.modeling.intervals.quantiles import INTERVALS

if TYPE_CHECKING:
    from src.modeling.evaluation.forecast_record import ForecastRecord
    from src.registry.storage.artifact import Artifact

# Points of a price path: more would not show.
PATH_POINTS = 24


@dataclass(frozen=True, eq=False)
class CurrentForecast:
    """The forecast of one ticker and horizon from its newest bar.

    Attributes:
        feature_date: The session at whose close it is made.
        target_date: The session that it is about.
        target_date_estimated: Whether the calendar is not certain that far ahead.
        last_close: Price at ``feature_date``.
        point: The served simple return.
        prob_up: P(return > 0); None where the distribution is not known.
        intervals: Ends of the central intervals as simple returns, by share; empty where the
            distribution is not known.
        served: Name of the model whose point is served.
        pinned: Tag of the pinned version that answers; empty without one.
        note: What is to be said of it; empty for nothing.
    """

    feature_date: dt.date
    target_date: dt.date
    target_date_estimated: bool
    last_close: float
    point: float
    prob_up: float | None
    intervals: Mapping[float, tuple[float, float]]
    served: str
    pinned: str = ""
    note: str = ""

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> CurrentForecast:
        """The forecast in an entry of ``forecasts`` in results.json."""
        model = entry["model"]
        return cls(
            feature_date=dt.date.fromisoformat(entry["feature_date"]),
            target_date=dt.date.fromisoformat(entry["target_date"]),
            target_date_estimated=entry["target_date_estimated"],
            last_close=entry["last_close"],
            point=entry["pred_return"],
            prob_up=entry["prob_up"],
            intervals={
                interval["level"]: (interval["low_return"], interval["high_return"])
                for interval in entry["intervals"]
            },
            served=model["name"],
            pinned=(model["pinned"] or {}).get("version_tag") or "",
            note=entry["note"] or "",
        )


@dataclass(frozen=True, eq=False)
class HorizonData:
    """One horizon of a pool.

    Attributes:
        record: The pool's latest forecasts and their outcomes.
        challenger: Name of the candidate that the gate judged.
        verdict: The gate's, over the whole record.
        pool_size: Tickers that it was judged with.
        forecasts: Of now, by ticker.
        contributions: Name and part of the challenger's forecast of now, as returns, by ticker.
    """

    record: ForecastRecord
    challenger: str
    verdict: Verdict
    pool_size: int
    forecasts: Mapping[str, CurrentForecast]
    contributions: Mapping[str, Sequence[tuple[str, float]]]

    @property
    def horizon(self) -> int:
        """Sessions ahead."""
        return self.record.horizon

    @property
    def pool_name(self) -> str:
        """The pool in words: ``all N tickers``, or the ticker when it is alone."""
        tickers = self.record.tickers
        return tickers[0] if len(tickers) == 1 else f"all {len(tickers)} tickers"


@dataclass(frozen=True, eq=False)
class ReportData:
    """What the pages of one pool are drawn from.

    Attributes:
        horizons: The shortest first.
        closes: Days, ascending, and adjusted closes of the latest bars, by ticker.
        time: When the page is made, in UTC.
    """

    pool: str
    horizons: Sequence[HorizonData]
    closes: Mapping[str, tuple[Days, Floats]]
    data_hash: str
    run_id: str
    time: dt.datetime

    @property
    def tickers(self) -> list[str]:
        """Those that have a forecast, ascending."""
        return sorted({ticker for horizon in self.horizons for ticker in horizon.forecasts})


@dataclass(frozen=True, eq=False)
class PriceFan:
    """The latest closes of a ticker, and the range of its price up to one horizon.

    Attributes:
        days: Ascending, of ``closes``; (P,).
        ahead: From the last close to the target, at most ``PATH_POINTS`` and the horizons; (S,).
        bands: Both ends of each interval of the price at ``ahead``, (S,), by share.
        point: The served forecast of the price at ``ahead``; (S,).
    """

    days: Days
    closes: Floats
    ahead: Days
    bands: Mapping[float, tuple[Floats, Floats]]
    point: Floats


def verdict_of(artifact: Artifact) -> Verdict:
    """The gate's verdict as it is stored with a model set."""
    judged = artifact.judged
    return Verdict(
        artifact.verdict,
        f"{artifact.reason.rstrip('.')}.",
        tuple(
            Criterion(row["name"], row["value"], row["limit"], row["passed"])
            for row in artifact.evidence
        ),
        n=judged.get("n", 0),
        dates=judged.get("dates", 0),
        n_eff=judged.get("n_eff", 0.0),
        configurations=artifact.trials,
        sessions_until_decidable=judged.get("sessions_until_decidable"),
    )


def price_fan(data: ReportData, place: int, ticker: str) -> PriceFan | None:
    """The range of one ticker's price up to one horizon, by its place; None without a forecast.

    Between the horizons returns are interpolated in the square root of time, as a price without
    drift spreads, and days evenly: which of them are holidays does not show.
    """
    forecasts = [(part.horizon, part.forecasts.get(ticker)) for part in data.horizons[: place + 1]]
    last = forecasts[-1][1]
    if last is None or not last.intervals:
        return None
    path = [
        (ahead, forecast)
        for ahead, forecast in forecasts
        if forecast is not None
        and forecast.intervals
        and forecast.feature_date == last.feature_date
    ]
    made = np.datetime64(last.feature_date, "D")
    ends = np.array([0, *(ahead for ahead, _ in path)])
    evenly = np.linspace(0, np.sqrt(ends[-1]), PATH_POINTS) ** 2
    sessions = np.unique([*ends, *np.rint(evenly).astype(np.int64)])
    offsets = [0, *((forecast.target_date - forecast.feature_date).days for _, forecast in path)]

    def prices(returns: Sequence[float]) -> Floats:
        between = np.interp(np.sqrt(sessions), np.sqrt(ends), [0.0, *returns])
        return np.asarray(last.last_close * (1 + between))

    days, closes = data.closes.get(ticker, (np.empty(0, "datetime64[D]"), np.empty(0)))
    seen = np.flatnonzero(days <= made)[-(20 if ends[-1] < 20 else 120) :]
    return PriceFan(
        days[seen],
        closes[seen],
        made + np.rint(np.interp(sessions, ends, offsets)).astype(np.int64),
        {
            share: (
                prices([forecast.intervals[share][0] for _, forecast in path]),
                prices([forecast.intervals[share][1] for _, forecast in path]),
            )
            for share in INTERVALS
        },
        prices([forecast.point for _, forecast in path]),
    )
