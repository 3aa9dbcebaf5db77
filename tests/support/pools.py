"""Prices of a few tickers that wander together, fixed by seed, as sessions by tickers."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Prices:
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray

    def map(self, change):
        """The same with ``change(name, values)`` made to a copy of each field."""
        return Prices(
            **{f.name: change(f.name, getattr(self, f.name).copy()) for f in fields(self)}
        )

    def until(self, row):
        return self.map(lambda _, values: values[:row])

    def columns(self, chosen):
        return self.map(lambda _, values: values[:, chosen])

    def without(self, missing):
        """The same without the bars that a (T, N) mask names."""
        return self.map(lambda _, values: np.where(missing, np.nan, values))


def wandering(sessions=340, tickers=7, seed=5) -> Prices:
    """Every bar there; a common factor moves all, and volatility differs from ticker to ticker."""
    random = np.random.default_rng(seed)
    shape = (sessions, tickers)
    common = random.standard_t(5, (sessions, 1)) * 0.008
    own = random.standard_t(5, shape) * np.linspace(0.006, 0.02, tickers)
    close = np.linspace(40, 3000, tickers) * np.exp(np.cumsum(common + own, axis=0))
    last = np.vstack([close[:1], close[:-1]])
    opened = last * np.exp(random.normal(0, 0.004, shape))
    return Prices(
        open=opened,
        high=np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.006, shape))),
        low=np.minimum(opened, close) / (1 + np.abs(random.normal(0, 0.006, shape))),
        close=close,
        volume=np.round(random.lognormal(12, 0.5, shape)),
    )


def with_holes(prices: Prices, seed=6) -> Prices:
    """One ticker listed late, one delisted, bars lost here and there, a session of only three."""
    random = np.random.default_rng(seed)
    missing = random.random(prices.close.shape) < 0.01
    missing[:60, 1] = True
    missing[-40:, 2] = True
    missing[200, 3:] = True
    holed = prices.without(missing)
    holed.volume[150, 4] = 0
    return holed


def next_session(prices: Prices) -> np.ndarray:
    """Simple return from each session's close to the next one's, as a target."""
    out = np.full(prices.close.shape, np.nan)
    out[:-1] = prices.close[1:] / prices.close[:-1] - 1
    return out
