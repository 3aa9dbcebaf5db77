"""Estimate quantiles of standardised outcomes, walked forward from refresh to refresh.

Signed conformal scores: past outcomes in units of the volatility that was forecast for them give
the quantiles of the next one (Papadopoulos et al. 2002; Angelopoulos-Bates 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.core.arrays import Floats, Ints
from src.modeling.intervals import quantiles
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.panel import rolling

REFRESH_EVERY = 10
TICKER_FROM = 100
# A multiple of REFRESH_EVERY: the two are mixed at every refresh of the ticker's own.
POOL_EVERY = 20
POOL_FROM = 250
# Length of the windows in outcomes that do not overlap: errors drift over the years.
TICKER_WINDOW = 1000
# Least number of outcomes that do not overlap for any quantile.
MIN_PERIODS = 4


@dataclass(frozen=True)
class Memory:
    """How past outcomes are remembered.

    Attributes:
        pool_window: Length of the pool's window, in outcomes that do not overlap.
        even_weight: Independent outcomes at which a ticker's own errors weigh as much as the
            pool's.
    """

    pool_window: int
    even_weight: int


LONG_MEMORY = Memory(500, 200)
# The errors of many tickers drift with the market, and a year of them says more of tomorrow than
# two, or than a ticker's own (chosen on forecasts made to 2021, see docs/decisions.md).
SHORT_MEMORY = Memory(250, 1000)


def score_quantiles(
    scores: Floats,
    horizon: int,
    memory: Memory = LONG_MEMORY,
    *,
    since: int = 0,
    until: int | None = None,
) -> Floats:
    """Quantiles of the standardised outcome as known at each refresh; (R, N, K).

    Refreshes happen every ``REFRESH_EVERY`` rows before ``until``, counted from row 0; the first
    one returned is the last at or before ``since``. A ticker's own errors weigh n_eff / (n_eff +
    even weight), the pool's the rest.

    ``scores`` are outcome / volatility, (T, N), NaN where unknown; row t counts from row t +
    horizon on.
    """
    first = since // REFRESH_EVERY * REFRESH_EVERY
    refreshes = range(first, len(scores) if until is None else until, REFRESH_EVERY)
    out = np.empty((len(refreshes), scores.shape[1], len(LEVELS)))
    ticker = _RealisedScores(scores, TICKER_WINDOW, horizon)
    pool = _RealisedScores(scores, memory.pool_window, horizon, pooled=True)
    pooled = pool.quantiles(first // POOL_EVERY * POOL_EVERY)
    for k, row in enumerate(refreshes):
        pooled = pool.quantiles(row) if row % POOL_EVERY == 0 else pooled
        out[k] = mix(ticker.quantiles(row), pooled, ticker.n_eff(), memory.even_weight)
    return out


class _RealisedScores:
    """Standardised outcomes inside a trailing window, sorted; of each ticker, or pooled."""

    def __init__(self, scores: Floats, window: int, horizon: int, *, pooled: bool = False) -> None:
        self.scores, self.pooled = scores, pooled
        self.window, self.horizon = window * horizon, horizon
        self.start, self.end = 0, 0
        self.ordered: Floats | None = None
        known = np.isfinite(scores)
        errors = known.sum(axis=1, keepdims=True) if pooled else known
        # Before each row: how many there were, and of the pool their squares by date.
        self.seen = _before(errors)
        self.squares = _before(errors.astype(np.int64) ** 2) if pooled else self.seen

    def quantiles(self, row: int) -> Floats:
        """Quantiles as known at ``row``, wider for fewer scores; (N, K), pooled (1, K)."""
        at_least = POOL_FROM if self.pooled else TICKER_FROM
        ordered = self._ordered(row)
        values = quantiles.of_sorted(ordered, at_least=at_least, counts=self._in_window(self.seen))
        periods = self.n_eff()
        values[periods < MIN_PERIODS] = np.nan
        return quantiles.widen(values, np.maximum(periods, MIN_PERIODS))

    def n_eff(self) -> Floats:
        """Outcomes that do not overlap: errors over the horizon; (N,), pooled (1,).

        Tickers of one date share the day's market and count once, and dates by how many errors
        they bring: (sum n)^2 / sum n^2 of them (Kish 1965).
        """
        errors = self._in_window(self.seen).astype(np.float64)
        if not self.pooled:
            return errors / self.horizon
        return errors**2 / np.maximum(self._in_window(self.squares), 1) / self.horizon

    def _in_window(self, before: Ints) -> Ints:
        return np.asarray(before[self.end] - before[self.start])

    def _ordered(self, row: int) -> Floats:
        end = max(0, row - self.horizon + 1)
        start = max(0, end - self.window)
        if self.ordered is None or start > self.start:
            self.ordered = np.sort(self._rows(start, end), axis=1)
        elif end > self.end:
            # Nothing left the window: a stable sort passes once over what is sorted already.
            grown = np.concatenate([self.ordered, self._rows(self.end, end)], axis=1)
            self.ordered = np.sort(grown, axis=1, kind="stable")
        self.start, self.end = start, end
        return self.ordered

    def _rows(self, start: int, end: int) -> Floats:
        block = self.scores[start:end]
        return block.reshape(1, -1) if self.pooled else np.ascontiguousarray(block.T)


def _before(counts: npt.NDArray[np.generic]) -> Ints:
    """The sum of the rows before each, and of all; (T + 1, N)."""
    out = np.zeros((len(counts) + 1, counts.shape[1]), dtype=np.int64)
    out[1:] = rolling.running_sums(counts, np.int64)
    return out


def mix(ticker: Floats, pool: Floats, n_eff: Floats, even_weight: int) -> Floats:
    """Tickers' own (N, K) and the pool's (1, K) quantiles by weight, or the only known ones."""
    weight = n_eff / (n_eff + even_weight) if np.isfinite(pool).all() else np.ones(len(ticker))
    weight = np.where(np.isfinite(ticker).all(axis=1), weight, 0.0)[:, None]
    weighted = np.where(weight > 0, weight * ticker, 0.0)
    return np.sort(weighted + np.where(weight < 1, (1 - weight) * pool, 0.0), axis=1)
