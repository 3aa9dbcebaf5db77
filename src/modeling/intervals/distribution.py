"""A panel in; the distribution of each ticker's next h-session return out, walked forward.

One volatility model and its own past errors, signed, give every quantile (conformal scores:
Papadopoulos et al. 2002; Angelopoulos-Bates 2023). Errors enter when their label is realised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.modeling.intervals import quantiles, volatility
from src.modeling.intervals.conformal import REFRESH_EVERY, score_quantiles
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.panel.panel import Panel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Distributions of simple returns for every row from ``since`` on.

    Attributes:
        horizon: Sessions ahead.
        since: The first row that may be asked for.
        levels: (K,), ascending.
        sigma: Forecast of the next h sessions' volatility; (T, N).
        scores: Quantiles of the outcome over sigma at every refresh; (R, N, K), ascending.
    """

    horizon: int
    since: int
    levels: Floats
    sigma: Floats
    scores: Floats

    def quantiles(self, rows: Ints) -> Floats:
        """(len(rows), N, K), ascending along K; NaN where too little is known.

        Made on demand, since all of them take K times the panel's memory.

        Raises:
            IndexError: For rows before ``since``.
        """
        return self._scaled(self.scores[self._refresh(rows)], self.sigma[rows])

    def quantiles_of(self, rows: Ints, column: int) -> Floats:
        """``quantiles`` of one ticker, by its column; (len(rows), K)."""
        return self._scaled(self.scores[self._refresh(rows), column], self.sigma[rows, column])

    def _refresh(self, rows: Ints) -> Ints:
        if len(rows) and rows.min() < self.since:
            raise IndexError(f"row {rows.min()} lies before {self.since}, the first one made")
        return rows // REFRESH_EVERY - self.since // REFRESH_EVERY

    def _scaled(self, scores: Floats, sigma: Floats) -> Floats:
        scores *= sigma[..., None]
        # No share can lose more than its price.
        return np.asarray(np.maximum(scores, -1, out=scores))


def walk_forward(
    panel: Panel, horizon: int, *, since: int = 0, inputs: volatility.Inputs | None = None
) -> Forecasts:
    """What would have been forecast at each row from ``since`` on, knowing nothing later.

    Args:
        panel: All tickers that are pooled; one is enough.
        horizon: Sessions ahead.
        since: Earlier rows are learnt from but cannot be asked for; saves time and memory.
        inputs: ``volatility.inputs(panel)``, where several horizons share it.
    """
    known = volatility.inputs(panel) if inputs is None else inputs
    sigma = volatility.forecast(known, horizon)
    scores = score_quantiles(panel.targets(horizon) / sigma, horizon, since=since)
    return Forecasts(horizon, since, LEVELS, sigma, scores)


def newest(panel: Panel, horizon: int) -> Floats:
    """Quantiles for the panel's last row, which is what is served; (N, K).

    The very numbers of ``walk_forward`` at that row.
    """
    last = len(panel.sessions) - 1
    made = walk_forward(panel, horizon, since=last).quantiles(np.array([last]))
    return np.asarray(made[0])


def rise_probability(forecast: Floats, levels: Floats = LEVELS) -> Floats:
    """P(return > 0) of quantiles (..., K); between .025 and .975, more is not known; (...)."""
    nothing = np.zeros(forecast.shape[:-1])
    return np.asarray(1 - quantiles.distribution_at(forecast, nothing, levels))
