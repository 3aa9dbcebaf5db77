"""Forecast the distribution of each ticker's next h-session return, walked forward.

One volatility model and its own past errors, signed, give every quantile (conformal scores:
Papadopoulos et al. 2002; Angelopoulos-Bates 2023). An error counts once its label is realised.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats, Ints
from src.modeling.intervals import quantiles, volatility
from src.modeling.intervals.conformal import (
    LONG_MEMORY,
    REFRESH_EVERY,
    SHORT_MEMORY,
    score_quantiles,
)
from src.modeling.intervals.quantiles import INTERVALS, LEVELS
from src.modeling.panel.panel import Panel

# Searched for once: an answer that is not cached would search for each interval anew.
_BOUNDS = {share: quantiles.interval_bounds(share) for share in INTERVALS}
_LEVELS: list[float] = LEVELS.tolist()


@dataclass(frozen=True, eq=False)
class ReturnDistribution:
    """Quantiles of one ticker's simple return from its newest bar; K of them, NaN for unknown."""

    quantiles: Sequence[float]

    @property
    def prob_up(self) -> float | None:
        """P(return > 0), or None."""
        return rise_probability(self.quantiles) if self.is_known else None

    @property
    def is_known(self) -> bool:
        """Whether every quantile is known."""
        return all(map(math.isfinite, self.quantiles))

    def intervals(self, close: float) -> list[dict[str, float]]:
        """The central intervals, as returns and as prices; none where nothing is known."""
        return [self._interval(share, close) for share in INTERVALS] if self.is_known else []

    def _interval(self, share: float, close: float) -> dict[str, float]:
        below, above = _BOUNDS[share]
        low, high = self.quantiles[below], self.quantiles[above]
        return {
            "level": share,
            "low_return": low,
            "high_return": high,
            "low_close": close * (1 + low),
            "high_close": close * (1 + high),
        }


UNKNOWN_DISTRIBUTION = ReturnDistribution((math.nan,) * len(LEVELS))


@dataclass(frozen=True, eq=False)
class DistributionForecasts:
    """Distributions of simple returns for every row from ``since`` on.

    Attributes:
        horizon: Sessions ahead.
        since: The first row that has a distribution.
        sigma: Forecast of the next h sessions' volatility; (T, N).
        scores: Quantiles of the outcome over sigma at every refresh, at ``LEVELS``; (R, N, K).
        logs_from: The first row whose scores are of log returns, not of simple ones; None for none.
    """

    horizon: int
    since: int
    sigma: Floats
    scores: Floats
    logs_from: int | None = None

    def quantiles(self, rows: Ints) -> Floats:
        """(len(rows), N, K), ascending along K; NaN where too little is known.

        Computed on demand, since all of them take K times the panel's memory.

        Raises:
            IndexError: For rows before ``since``.
        """
        return self._scaled(rows, self.scores[self._refresh(rows)], self.sigma[rows])

    def quantiles_of(self, rows: Ints, column: int) -> Floats:
        """``quantiles`` of one ticker, by its column; (len(rows), K)."""
        scores = self.scores[self._refresh(rows), column]
        return self._scaled(rows, scores, self.sigma[rows, column])

    def at(self, row: int, column: int) -> ReturnDistribution:
        """The distribution of one ticker, by its column, from one row of the panel."""
        return ReturnDistribution(self.quantiles_of(np.array([row]), column)[0].tolist())

    def _refresh(self, rows: Ints) -> Ints:
        if len(rows) and rows.min() < self.since:
            raise IndexError(
                f"row {rows.min()} has no distribution: the first one is of row {self.since}"
            )
        return rows // REFRESH_EVERY - self.since // REFRESH_EVERY

    def _scaled(self, rows: Ints, scores: Floats, sigma: Floats) -> Floats:
        scores *= sigma[..., None]
        if self.logs_from is not None:
            logs = rows >= self.logs_from
            scores[logs] = np.expm1(scores[logs])
        # No share can lose more than its price.
        return np.asarray(np.maximum(scores, -1, out=scores))


def walk_forward(
    panel: Panel,
    horizon: int,
    *,
    since: int = 0,
    inputs: volatility.VolatilityInputs | None = None,
) -> DistributionForecasts:
    """The distributions that could have been forecast at each row from ``since`` on.

    Earlier rows are learnt from but have no distribution, which saves time and memory. One ticker
    is enough. ``inputs`` are ``volatility.build_inputs(panel)``, where several horizons share them.
    Rows with a market remember other scores than rows without: log returns beyond one session,
    and those of complete sessions.
    """
    shared = volatility.build_inputs(panel) if inputs is None else inputs
    sigma, actual = volatility.forecast(shared, horizon), panel.targets(horizon)
    rows, pooled_from = len(sigma), shared.pooled_from
    parts = []
    if since < pooled_from or pooled_from == rows:
        parts.append(score_quantiles(actual / sigma, horizon, since=since, until=pooled_from))
    if pooled_from < rows:
        outcomes = actual if horizon == 1 else np.log1p(actual)
        scores = np.where(panel.complete[:, None], outcomes, np.nan) / sigma
        memory = SHORT_MEMORY if horizon == 1 else LONG_MEMORY
        parts.append(score_quantiles(scores, horizon, memory, since=max(since, pooled_from)))
    logs_from = None if horizon == 1 else pooled_from
    return DistributionForecasts(horizon, since, sigma, np.concatenate(parts), logs_from)


def rise_probability(forecast: Sequence[float]) -> float:
    """P(return > 0) of ascending quantiles, between the outermost levels .025 and .975.

    The same as 1 - ``quantiles.cdf`` at 0. An answer has one row, for which arrays cost twenty
    times as much as plain numbers.
    """
    low = _level_of_zero(forecast, bisect_left(forecast, 0.0))
    high = _level_of_zero(forecast, bisect_right(forecast, 0.0))
    return 1 - (low + high) / 2


def _level_of_zero(forecast: Sequence[float], passed: int) -> float:
    """The level at 0, which exceeds so many of the quantiles."""
    low, high = max(passed - 1, 0), min(passed, len(_LEVELS) - 1)
    step = forecast[high] - forecast[low]
    share = (0.0 - forecast[low]) / step if step > 0 else 0.0
    return _LEVELS[low] + share * (_LEVELS[high] - _LEVELS[low])
