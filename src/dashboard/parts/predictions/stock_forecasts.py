"""Put a stock's forecasts together with what they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from src.core.tables import HORIZONS
from src.dashboard import readers
from src.dashboard.charts.forecasts import bands
from src.dashboard.charts.forecasts.bands import Bands
from src.dashboard.forecasts import forecasts
from src.dashboard.judged import Judged, judged
from src.db.pages import predictions
from src.modeling.intervals.quantiles import REFERENCE_WINDOW


@dataclass(frozen=True)
class StockForecast:
    """A forecast and what it is compared with.

    Attributes:
        horizon: ``short`` or ``long``.
        sessions: Ahead.
        answer: Of the API.
        returns: Its point and intervals; None where the distribution is not known.
        baseline: No change with the spread of past outcomes; None with fewer than 100 of them.
        past: How many these are, at most 500.
        verdict: On the model that was tried in its pool; None where no training is known.
    """

    horizon: str
    sessions: int
    answer: dict[str, Any]
    returns: Bands | None
    baseline: Bands | None
    past: int
    verdict: Judged | None


@dataclass(frozen=True)
class StockForecasts:
    """The forecasts of a stock by horizon, why others are missing, why the API was not used."""

    made: dict[str, StockForecast]
    missing: dict[str, str]
    problem: str


def stock_forecasts(ticker: str) -> StockForecasts:
    """What is forecast of a ticker.

    Raises:
        ForecastError: The database does not answer.
    """
    found = forecasts([ticker])
    return StockForecasts(
        {
            horizon: _stock_forecast(ticker, horizon, found.answers[ticker, horizon])
            for horizon in HORIZONS
            if (ticker, horizon) in found.answers
        },
        {horizon: why for (_, horizon), why in found.missing.items()},
        found.problem,
    )


def _stock_forecast(ticker: str, horizon: str, answer: dict[str, Any]) -> StockForecast:
    past = readers.read(predictions.past_returns, ticker, horizon, REFERENCE_WINDOW)
    return StockForecast(
        horizon,
        readers.horizons()[horizon],
        answer,
        bands.of_answer(answer),
        bands.of_no_change(past),
        len(past),
        judged(answer["model"]["pool"], horizon),
    )
