"""Walk-forward results put together by hand: outcomes and forecasts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from src.modeling.experiment.run import ExperimentConfig, WalkForwardResult
from src.modeling.gate import verdict
from src.modeling.intervals import distribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.panel.panel import Panel
from src.modeling.points.splits import Schedule
from tests.support.pools import Prices

FIRST = np.datetime64("2020-01-01")


def weekdays(count: int) -> np.ndarray:
    return np.busday_offset(FIRST, np.arange(count), roll="forward")


def panel_of(close: np.ndarray, tickers: tuple[str, ...] | None = None) -> Panel:
    """A panel of closes alone; the other prices are the same."""
    names = tickers or tuple(f"T{n:02}.NS" for n in range(close.shape[1]))
    return Panel(
        weekdays(len(close)),
        names,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones(close.shape),
        pending=np.zeros(close.shape, dtype=bool),
    )


def walk_forward_result(
    actual: np.ndarray,
    points: Mapping[str, np.ndarray],
    challenger: str,
    *,
    horizon: int = 1,
    tickers: tuple[str, ...] | None = None,
    scores: np.ndarray | None = None,
    since: int = 0,
) -> WalkForwardResult:
    """A result in which the candidates forecast ``points`` and the outcomes were ``actual``.

    Every volatility is 1; ``scores`` are the distributions' quantiles at each refresh.
    """
    shape = actual.shape
    rules = verdict.rules_for(horizon, 0.0, repeated=True)
    quantiles = np.full((len(actual) // 5 + 1, shape[1], len(LEVELS)), np.nan)
    return WalkForwardResult(
        panel_of(np.ones(shape), tickers),
        horizon,
        actual,
        points,
        distribution.DistributionForecasts(
            horizon, since, np.ones(shape), quantiles if scores is None else scores
        ),
        verdict.replay(actual, points[challenger], rules=verdict.rules_for(horizon, 0.0)),
        ExperimentConfig(challenger, rules, Schedule()),
    )


def panel_of_prices(prices: Prices) -> Panel:
    """A panel of whole bars, as ``pools`` makes them."""
    bars = {name: getattr(prices, name) for name in ("open", "high", "low", "close", "volume")}
    return replace(panel_of(prices.close), **bars)
