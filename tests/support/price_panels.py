"""Panels of prices alone, as the interval models read them."""

from __future__ import annotations

import numpy as np

from src.features.time_series import garman_klass
from src.modeling.panel.panel import Panel, StoredInputs

NO_INPUTS = np.empty((0, 0), dtype=np.float32)
HORIZONS = (1, 5, 63)


class Prices:
    """Open, high, low, close and pending moves; (T, N), NaN without a bar."""

    def __init__(self, opened, high, low, close, pending=None):
        self.bars = (opened, high, low, close)
        self.pending = np.zeros(close.shape, dtype=bool) if pending is None else pending

    @property
    def close(self):
        return self.bars[3]

    def panel(self):
        opened, high, low, close = self.bars
        overnight = np.log(opened / before(close))
        variance = garman_klass(overnight, np.log(high / low), np.log(close / opened))
        rows, tickers = close.shape
        none = np.empty(0, dtype=np.int64)
        return Panel(
            np.datetime64("2015-01-01") + np.arange(rows),
            tuple(f"T{n:02}" for n in range(tickers)),
            close=close,
            log_returns=np.where(self.pending, np.nan, np.log(close / before(close))),
            variance=np.where(self.pending, np.nan, variance),
            # Sessions in groups of five, a weekend after each, a holiday after every fourth.
            days_ahead=1 + 2 * (np.arange(rows) % 5 == 4) + 2 * (np.arange(rows) % 20 == 19),
            labels={horizon: returns_after(close, self.pending, horizon) for horizon in HORIZONS},
            inputs=StoredInputs((), none, none, NO_INPUTS, close.shape),
        )

    def until(self, rows):
        return Prices(*(bar[:rows].copy() for bar in self.bars), self.pending[:rows].copy())

    def of(self, columns):
        return Prices(*(bar[:, columns].copy() for bar in self.bars), self.pending[:, columns])

    def ruined_after(self, row):
        """The same up to the row; after it wild prices and pending moves."""
        random = np.random.default_rng(row)
        bars = [bar.copy() for bar in self.bars]
        for bar in bars:
            bar[row + 1 :] *= np.exp(random.normal(0, 1, bar[row + 1 :].shape))
        pending = self.pending.copy()
        pending[row + 1 :] = random.random(pending[row + 1 :].shape) < 0.1
        return Prices(*bars, pending)


def before(close):
    """The last close before each row, NaN where there is none."""
    out, last = np.empty(close.shape), np.full(close.shape[1], np.nan)
    for row, now in enumerate(close):
        out[row] = last
        last = np.where(np.isfinite(now), now, last)
    return out


def returns_after(close, pending, horizon):
    out = np.full(close.shape, np.nan)
    moves = np.cumsum(pending, axis=0)
    if horizon < len(close):
        out[:-horizon] = close[horizon:] / close[:-horizon] - 1
        out[:-horizon][moves[horizon:] > moves[:-horizon]] = np.nan
    return out


def clustered(seed, rows, tickers, young=False):
    """A market whose volatility comes in clusters; the last ticker may be young."""
    random = np.random.default_rng(seed)
    log_vol = np.zeros((rows, 1 + tickers))
    for t in range(1, rows):
        log_vol[t] = 0.97 * log_vol[t - 1] + random.normal(0, 0.12, 1 + tickers)
    moves = 0.012 * np.exp(log_vol) * random.standard_normal((rows, 1 + tickers))
    returns = moves[:, :1] + moves[:, 1:]
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    opened = close * np.exp(-0.7 * returns)
    wick = np.abs(random.normal(0, 0.006, (2, rows, tickers)))
    high = np.maximum(opened, close) * np.exp(wick[0])
    low = np.minimum(opened, close) * np.exp(-wick[1])
    missing = random.random(close.shape) < 0.02
    missing[: rows // 2, -1] |= young
    return Prices(*(np.where(missing, np.nan, bar) for bar in (opened, high, low, close)))
