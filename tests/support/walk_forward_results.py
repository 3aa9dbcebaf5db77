"""Walk-forward results put together by hand: outcomes and forecasts alone."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np

from src.modeling.experiment.run import ExperimentConfig, WalkForwardResult
from src.modeling.gate import verdict
from src.modeling.gate.rules import rules_for
from src.modeling.intervals import distribution
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.panel.panel import Panel, StoredInputs
from src.modeling.points.splits import Schedule
from src.registry.formats.models import LinearModel

FIRST = np.datetime64("2020-01-01")


def weekdays(count: int) -> np.ndarray:
    return np.busday_offset(FIRST, np.arange(count), roll="forward")


def panel_of(close: np.ndarray, tickers: tuple[str, ...] | None = None) -> Panel:
    """A panel of closes, and of the returns and labels that follow from them."""
    shape = close.shape
    moves = np.vstack([np.full((1, shape[1]), np.nan), np.diff(np.log(close), axis=0)])
    nothing = np.zeros(0, dtype=np.int64)
    return Panel(
        weekdays(len(close)),
        tickers or tuple(f"T{n:02}.NS" for n in range(shape[1])),
        close=close,
        log_returns=moves,
        variance=np.square(moves),
        days_ahead=np.ones(shape[0], dtype=np.int64),
        labels={horizon: _returns(close, horizon) for horizon in (1, 5, 63)},
        inputs=StoredInputs((), nothing, nothing, np.zeros((0, 0), dtype=np.float32), shape),
    )


def _returns(close: np.ndarray, horizon: int) -> np.ndarray:
    out = np.full(close.shape, np.nan)
    out[:-horizon] = close[horizon:] / close[:-horizon] - 1
    return out


def walk_forward_result(
    actual: np.ndarray,
    points: Mapping[str, np.ndarray],
    challenger: str,
    *,
    horizon: int = 1,
    tickers: tuple[str, ...] | None = None,
    scores: np.ndarray | None = None,
    since: int = 0,
    unfitted: Container[str] = (),
) -> WalkForwardResult:
    """A result in which the candidates forecast ``points`` and the outcomes were ``actual``.

    Every volatility is 1; ``scores`` are the distributions' quantiles at each refresh. Candidates
    have a model, but for those ``unfitted``.
    """
    shape = actual.shape
    rules = rules_for(horizon, 0.0, tickers=shape[1], repeated=True)
    quantiles = np.full((len(actual) // 5 + 1, shape[1], len(LEVELS)), np.nan)
    return WalkForwardResult(
        panel_of(np.ones(shape), tickers),
        horizon,
        actual,
        points,
        distribution.DistributionForecasts(
            horizon, since, np.ones(shape), quantiles if scores is None else scores
        ),
        verdict.replay(actual, points[challenger], sigma=np.ones(shape), rules=rules),
        ExperimentConfig(challenger, rules, Schedule()),
        {name: LinearModel((), np.zeros(0), 0.0) for name in points if name not in unfitted},
    )
