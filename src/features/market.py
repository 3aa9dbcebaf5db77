"""Compute model inputs of the market's state, and of a ticker relative to the others.

A market function takes the pool's market returns m, (T,), and gives (T,); its windows count the
sessions that have a market. The others take a ``Pool`` and give (T, N). The value at row t uses
rows up to and including t; NaN where a window is not full or fewer than five tickers are there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from src.core.arrays import Floats
from src.features import rolling
from src.features.bars import Bars
from src.features.panel import MIN_TICKERS, ModelFeature, Pool
from src.features.time_series import DECAY, TINY_VARIANCE, WARM_UP, log_close, volatility


def market_return(market: Floats, span: int) -> Floats:
    """Sum of the last ``span`` m over (market s_t sqrt span), s as of a ticker's volatility."""

    def scaled(m: Floats) -> Floats:
        return rolling.ratio(rolling.total(m, span), np.sqrt(_variance(m)) * np.sqrt(span))

    return _on_market_sessions(market, scaled)


def market_volatility(market: Floats) -> Floats:
    """.5 ln(mean of m^2 with weights .94^age + 1e-8)."""
    return _on_market_sessions(market, _log_volatility)


def market_volatility_change(market: Floats, window: int) -> Floats:
    """``market_volatility`` less its own mean over ``window`` sessions."""

    def change(m: Floats) -> Floats:
        logs = _log_volatility(m)
        return logs - rolling.mean(logs, window)

    return _on_market_sessions(market, change)


def beta(pool: Pool, window: int) -> Floats:
    """Slope of the ticker's returns on the market's over ``window`` pairs; (T, N).

    Both returns of a pair run between the same two sessions: those with a bar and a market.
    """
    return _with_market(pool, lambda _, r, m: _slope(r, m, window))


def residual(pool: Pool, span: int, window: int) -> Floats:
    """Return of ``span`` pairs that beta does not explain, over (s_t sqrt span); (T, N).

    (sum of r - beta_t sum of m) / (s_t sqrt span), with the ``beta`` of ``window`` pairs.
    """

    def scaled(s: Floats, r: Floats, m: Floats) -> Floats:
        unexplained = rolling.total(r, span) - _slope(r, m, window) * rolling.total(m, span)
        return rolling.ratio(unexplained, s * np.sqrt(span))

    return _with_market(pool, scaled)


def rank_of(pool: Pool, feature: ModelFeature) -> Floats:
    """The ``ranks`` of a feature; (T, N)."""
    return ranks(pool.matrix(feature))


def ranks(values: Floats) -> Floats:
    """Rank within each session from -.5 (lowest) to .5 (highest), ties sharing their mean; (T, N).

    Over the tickers with a finite value, at least ``MIN_TICKERS`` of them.
    """
    out = np.full(values.shape, np.nan)
    wide = np.isfinite(values).sum(axis=1) >= MIN_TICKERS
    out[wide] = _ranked(values[wide])
    return out


def _ranked(values: Floats) -> Floats:
    known = np.isfinite(values)
    counts = known.sum(axis=1, keepdims=True)
    ordered = np.where(known, values, np.nan)  # NaN sorts last
    order = np.argsort(ordered, axis=1)
    ordered = np.take_along_axis(ordered, order, axis=1)
    places = np.broadcast_to(np.arange(values.shape[1], dtype=np.float64), values.shape).copy()
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    places[tied] = _shared_places(ordered[tied])
    out = np.empty(values.shape)
    np.put_along_axis(out, order, places, axis=1)
    out /= np.maximum(counts - 1, 1)
    out -= 0.5
    out[~known] = np.nan
    return out


def _shared_places(ordered: Floats) -> Floats:
    """Mean place of each run of equal values in sorted rows."""
    places = np.arange(ordered.shape[1])
    breaks = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(ordered), 1), dtype=bool)
    firsts = np.where(np.hstack([edge, breaks]), places, 0)
    lasts = np.where(np.hstack([breaks, edge]), places, places[-1])
    first = np.maximum.accumulate(firsts, axis=1)
    last = np.minimum.accumulate(lasts[:, ::-1], axis=1)[:, ::-1]
    return (first + last) / 2


def _on_market_sessions(market: Floats, compute: Callable[[Floats], Floats]) -> Floats:
    """``compute`` over the sessions that have a market; NaN on the others."""
    out = np.full(market.size, np.nan)
    known = np.isfinite(market)
    out[known] = compute(market[known])
    return out


def _variance(m: Floats) -> Floats:
    return rolling.decayed_mean(np.square(m), DECAY, WARM_UP)


def _log_volatility(m: Floats) -> Floats:
    return 0.5 * rolling.log(_variance(m) + TINY_VARIANCE)


def _slope(r: Floats, m: Floats, window: int) -> Floats:
    """Covariance over variance of the last ``window`` pairs, NaN for an m that does not vary."""
    mean_r, mean_m = rolling.mean(r, window), rolling.mean(m, window)
    squares = rolling.mean(m * m, window)
    variance = squares - mean_m**2
    variance = np.where(variance > rolling.ROUNDING * squares, variance, np.nan)
    return (rolling.mean(r * m, window) - mean_r * mean_m) / variance


def _with_market(pool: Pool, compute: Callable[[Floats, Floats, Floats], Floats]) -> Floats:
    """``compute(s, returns, market returns)`` of each ticker over its sessions with a market."""
    known = np.isfinite(pool.market)
    level = np.cumsum(np.where(known, pool.market, 0.0))

    def of_ticker(bars: Bars, present: np.ndarray) -> Floats:
        common = known[present]
        r = rolling.pad_front(np.diff(log_close(bars)[common]), int(common.sum()))
        m = rolling.pad_front(np.diff(level[known & present]), r.size)
        out = np.full(common.size, np.nan)
        out[common] = compute(volatility(bars)[common], r, m)
        return out

    return pool.to_matrix(
        of_ticker(bars, present) for bars, present in zip(pool.bars, pool.present.T, strict=True)
    )
